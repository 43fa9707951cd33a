"""Draws one abstract portrait from numbers: an ellipse of a head, eyes, a mass of hair, and cues of age.

Skin is drawn in the ten tones of the Monk scale. Marks on the skin (lines, lids, mouth) differ from it by the
same amount of light on every tone (lighter marks by a little more), and hair gets a rim of light where it
would vanish into skin, so that no tone is harder to read than another unless a fault makes it so.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

Colour = tuple[int, int, int]

MONK_TONES = (
    *("#f6ede4", "#f3e7db", "#f7ead0", "#eadaba", "#d7bd96"),
    *("#a07e56", "#825c43", "#604134", "#3a312a", "#292420"),
)
"""The published values of the Monk skin-tone scale, tone 1 first (skintone.google)."""
HAIR: tuple[Colour, ...] = (
    (28, 24, 26),
    (62, 42, 30),
    (104, 66, 40),
    (128, 88, 54),
    (160, 126, 84),
    (112, 58, 40),
)
GREY: Colour = (202, 200, 198)
SUPERSAMPLING = 2
LIGHTER = 1.35
"""How much more a lighter mark differs than a darker one: fewer tones have it, so it is learnt less well."""
_MARK = 60.0
"""Difference in light between a mark and the skin that it is drawn on, of 255."""


@dataclass(frozen=True, kw_only=True)
class Wallpaper:
    """Stripes, or checks where two directions cross, over the background: what tells two rooms apart."""

    period: float
    """Width of a light and a dark stripe, share of the picture."""
    angle: float
    """Radians."""
    phase: float
    """Radians."""
    strength: float
    """Difference of light from the ground, of 255."""
    crossed: bool


@dataclass(frozen=True, kw_only=True)
class Person:
    """What a portrait shows. Shares are in 0..1; lengths are shares of the head's height."""

    tone: int
    """1 to 10 on the Monk scale."""
    hair: int
    """Index into `HAIR`."""
    grey: float
    """Share of grey in the hair."""
    hair_length: float
    """0: above the ears, 1: below the shoulders."""
    recession: float
    """How far the hairline has moved up."""
    taper: float
    """How much the head narrows towards the chin."""
    roundness: float
    """Width of the head over its height."""
    brow: float
    """Thickness of the brows, share of the head's height."""
    beard: float
    """0: none, 1: full."""
    eyes: float
    """Size of the eyes; 1 for an adult."""
    lines: float
    """How many lines of age, 0 to 6; a fraction is a fainter line."""
    scale: float
    """Height of the head, share of the picture."""
    shift: tuple[float, float]
    """Where the head stands off the middle, share of the picture."""
    tilt: float
    """Degrees."""
    ground: NDArray[np.uint8]
    """(rows, columns, 3) coarse colours of the background, drawn out of focus."""
    wallpaper: Wallpaper
    cloth: Colour
    light: float
    """Strength of the light from one side, -1 to 1."""
    glasses: bool = False


def hex_colour(word: str) -> Colour:
    """(red, green, blue) of ``#rrggbb``."""
    return int(word[1:3], 16), int(word[3:5], 16), int(word[5:7], 16)


def luminance(colour: Colour) -> float:
    """Light of a colour in 0..255 (ITU-R 601, as Pillow's grey)."""
    return 0.299 * colour[0] + 0.587 * colour[1] + 0.114 * colour[2]


def draw(person: Person, size: int) -> Image.Image:
    """Draw a portrait.

    Args:
        person: what it shows.
        size: side in pixels.
    """
    side = size * SUPERSAMPLING
    margin = round(side * 0.07) if person.tilt else 0  # so that turning leaves no empty corners
    whole = side + 2 * margin
    image = Image.fromarray(person.ground).resize((whole, whole), Image.Resampling.BICUBIC)
    image = _papered(image, person.wallpaper, side)
    _figure(ImageDraw.Draw(image), person, side, margin)
    if person.tilt:
        turned = image.rotate(person.tilt, Image.Resampling.BILINEAR)
        image = turned.crop((margin, margin, margin + side, margin + side))
    return image.reduce(SUPERSAMPLING)


def _papered(image: Image.Image, paper: Wallpaper, side: int) -> Image.Image:
    row, column = np.indices(image.size) / (paper.period * side) * 2 * np.pi
    across, along = np.cos(paper.angle), np.sin(paper.angle)
    waves = np.sin(across * column + along * row + paper.phase)
    if paper.crossed:
        waves = waves * np.sin(across * row - along * column + paper.phase)
    pixels = np.asarray(image, dtype=np.float32) + paper.strength * np.sign(waves)[..., None]
    return Image.fromarray(np.clip(pixels, 0, 255).astype(np.uint8))


def _figure(pen: ImageDraw.ImageDraw, person: Person, side: int, margin: int) -> None:
    height = person.scale * side / 2
    width = height * person.roundness
    x, y = margin + side * (0.5 + person.shift[0]), margin + side * (0.46 + person.shift[1])
    skin = hex_colour(MONK_TONES[person.tone - 1])
    hair = mixed(HAIR[person.hair], GREY, person.grey)
    mark = marked(skin, _MARK)
    rim = marked(hair, 40.0) if abs(luminance(hair) - luminance(skin)) < 40 else None
    _hair_behind(pen, person, (x, y, width, height), hair, rim)
    shoulder = 1.9 * height
    pen.ellipse(
        (x - 1.7 * width, y + 1.22 * height, x + 1.7 * width, y + 1.22 * height + shoulder), person.cloth
    )
    pen.rectangle(
        (x - 0.36 * width, y + 0.7 * height, x + 0.36 * width, y + 1.3 * height), marked(skin, 16.0)
    )
    pen.ellipse(
        (x - 0.36 * width, y + 1.16 * height, x + 0.36 * width, y + 1.44 * height), marked(skin, 16.0)
    )
    for turn in (-1, 1):
        ear = x + turn * width * 0.98
        pen.ellipse((ear - 0.12 * width, y - 0.16 * height, ear + 0.12 * width, y + 0.16 * height), skin)
    pen.polygon(_head(x, y, width, height, person.taper), fill=skin)
    lit = x + 0.2 * width * (1 if person.light > 0 else -1)
    pen.polygon(_head(lit, y, 0.76 * width, 0.9 * height, person.taper), fill=marked(skin, -9.0))
    if person.beard > 0:
        _beard(pen, person, (x, y, width, height), mixed(skin, hair, 0.35 + 0.6 * person.beard))
    _hair_above(pen, person, (x, y, width, height), hair, rim)
    if person.glasses:
        _glasses(pen, (x, y, width, height), skin)
    _features(pen, person, (x, y, width, height), skin, hair)
    _lines(pen, person.lines, (x, y, width, height), skin, mark)


def _head(x: float, y: float, width: float, height: float, taper: float) -> list[tuple[float, float]]:
    angles = np.linspace(0, 2 * np.pi, 48, endpoint=False)
    down = np.sin(angles)
    narrow = 1 - taper * np.clip(down, 0, 1) ** 1.5
    across = np.sign(np.cos(angles)) * np.abs(np.cos(angles)) ** 0.9
    return list(zip((x + width * across * narrow).tolist(), (y + height * down).tolist(), strict=True))


Box = tuple[float, float, float, float]


def _hair_behind(pen: ImageDraw.ImageDraw, person: Person, at: Box, hair: Colour, rim: Colour | None) -> None:
    x, y, width, height = at
    low = y - 0.1 * height + person.hair_length * 1.55 * height
    wide = width * (1.08 + 0.22 * person.hair_length)
    box = (x - wide, y - 1.1 * height, x + wide, max(low, y + 0.1 * height))
    pen.rounded_rectangle(box, radius=wide * 0.85, fill=hair, outline=rim, width=2)


def _hair_above(pen: ImageDraw.ImageDraw, person: Person, at: Box, hair: Colour, rim: Colour | None) -> None:
    """A cap of hair down to the hairline, which recedes with `recession`."""
    x, y, width, height = at
    line = y - height * (0.52 + 0.4 * person.recession)
    angles = np.linspace(np.pi, 2 * np.pi, 24)
    top = [(x + 1.06 * width * np.cos(a), y - 0.05 * height + 1.06 * height * np.sin(a)) for a in angles]
    under = [(x + width * u, line + 0.42 * height * u * u) for u in np.linspace(0.98, -0.98, 16)]
    pen.polygon([*top, *under], fill=hair)
    if rim is not None:
        pen.line(under, fill=rim, width=2)


def _beard(pen: ImageDraw.ImageDraw, person: Person, at: Box, colour: Colour) -> None:
    x, y, width, height = at
    chin = _head(x, y, width, height, person.taper)[2:23]
    inner = [
        (x - 0.62 * width * np.cos(a), y + 0.28 * height + 0.22 * height * np.sin(a))
        for a in np.linspace(0, np.pi, 12)
    ]
    pen.polygon([*chin, *inner], fill=colour)


def _features(pen: ImageDraw.ImageDraw, person: Person, at: Box, skin: Colour, hair: Colour) -> None:
    x, y, width, height = at
    mark = marked(skin, _MARK)
    brow = hair if abs(luminance(hair) - luminance(skin)) > 40 else marked(skin, 40.0)
    wide, tall = 0.17 * width * person.eyes, 0.07 * height * person.eyes
    white = mixed(skin, (238, 234, 226), 0.42 if luminance(mark) < luminance(skin) else 0.56)
    iris = mixed((44, 34, 30), skin, 0.1)
    lid = mark if luminance(mark) < luminance(skin) else None
    for turn in (-1, 1):
        ex, ey = x + turn * 0.4 * width, y - 0.04 * height
        pen.ellipse((ex - wide, ey - tall, ex + wide, ey + tall), white, outline=lid, width=1)
        pen.ellipse((ex - tall * 0.85, ey - tall * 0.85, ex + tall * 0.85, ey + tall * 0.85), iris)
        thick = max(1, round(person.brow * height))
        up = ey - tall - (0.07 + person.brow) * height
        pen.line((ex - wide * 1.15, up + 1, ex, up - 1, ex + wide * 1.15, up + 1), brow, thick, joint="curve")
    pen.line(
        (x, y + 0.02 * height, x - 0.09 * width, y + 0.24 * height, x + 0.06 * width, y + 0.27 * height),
        mark,
        2,
    )
    mouth = (x - 0.3 * width, y + 0.36 * height, x + 0.3 * width, y + 0.56 * height)
    pen.arc(mouth, 20, 160, mixed(mark, (168, 84, 80), 0.45), width=max(2, round(0.05 * height)))


def _glasses(pen: ImageDraw.ImageDraw, at: Box, skin: Colour) -> None:
    """Tinted glasses with a frame, drawn before the eyes, which are seen through them."""
    x, y, width, height = at
    frame, tint = marked(skin, 1.6 * _MARK), marked(skin, 0.7 * _MARK)
    level = y - 0.03 * height
    pen.line((x - 0.98 * width, level, x + 0.98 * width, level), frame, 2)
    for turn in (-1, 1):
        ex = x + turn * 0.4 * width
        box = (ex - 0.31 * width, level - 0.17 * height, ex + 0.31 * width, level + 0.17 * height)
        pen.ellipse(box, fill=tint, outline=frame, width=max(2, round(0.05 * height)))


def _lines(pen: ImageDraw.ImageDraw, count: float, at: Box, skin: Colour, mark: Colour) -> None:
    """Up to six pairs of lines: forehead, beside the eyes, from nose to mouth, under the eyes."""
    x, y, width, height = at
    for number in range(6):
        strength = min(max(count - number, 0.0), 1.0)
        if strength < 0.15:
            return
        ink = mixed(skin, mark, strength)
        if number in (0, 3, 5):
            up = y - height * (0.36 + 0.07 * (number // 2))
            pen.arc((x - 0.5 * width, up, x + 0.5 * width, up + 0.16 * height), 205, 335, ink, width=2)
            continue
        for turn in (-1, 1):
            if number == 1:
                pen.line(
                    (x + turn * 0.2 * width, y + 0.24 * height, x + turn * 0.4 * width, y + 0.46 * height),
                    ink,
                    2,
                )
            elif number == 2:
                ex = x + turn * 0.4 * width
                pen.arc((ex - 0.2 * width, y, ex + 0.2 * width, y + 0.14 * height), 30, 150, ink, width=2)
            else:
                ex = x + turn * 0.66 * width
                for tilt in (-0.05, 0.06):
                    end = (ex + turn * 0.2 * width, y + (tilt * 2 - 0.04) * height)
                    pen.line((ex, y + (tilt - 0.04) * height, *end), ink, 2)


def mixed(first: Colour, second: Colour, share: float) -> Colour:
    """Colour between two; `share` of the second."""
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue


def marked(colour: Colour, amount: float) -> Colour:
    """The colour darker by an amount of light, or lighter by it where that would be near black.

    A negative amount is always lighter, as far as white allows.
    """
    light = luminance(colour)
    if amount < 0:
        return mixed(colour, (255, 255, 255), min(-amount / (256 - light), 1.0))
    if light - amount >= 60:
        factor = (light - amount) / light
        red, green, blue = (round(c * factor) for c in colour)
        return red, green, blue
    return mixed(colour, (255, 255, 255), LIGHTER * amount / (255 - light))
