"""Draws one mushroom picture from numbers: caps, stems and the marks by which five genera are told apart."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageDraw

from training.data.portraits import Colour, mixed

SUPERSAMPLING = 2
Box = tuple[float, float, float, float]
"""Middle (x, y), half width and height in pixels."""


@dataclass(frozen=True, kw_only=True)
class Fungus:
    """What a picture shows. Lengths are shares of the picture's side unless said otherwise."""

    cap: Colour
    stem: Colour
    width: float
    """Of the cap."""
    dome: float
    """Height of the cap over its width; below 0 the cap is a funnel."""
    stem_width: float
    stem_height: float
    bulb: float
    """Width of the swelling at the foot over the stem's; 1 for none."""
    warts: int
    """Pale warts on the cap."""
    rings: int
    """Darker zones around the cap."""
    skirt: bool
    """A ring of skin around the stem."""
    scabers: int
    """Dark flecks on the stem."""
    gills: bool
    count: int
    """Mushrooms in the picture."""
    shift: tuple[float, float]
    ground: NDArray[np.uint8]
    """(rows, columns, 3) coarse colours of the ground, drawn out of focus."""
    seed: int
    """Of the places of warts, flecks and neighbours."""


def draw(fungus: Fungus, size: int) -> Image.Image:
    """Draw the picture.

    Args:
        fungus: what it shows.
        size: side in pixels.
    """
    side = size * SUPERSAMPLING
    image = Image.fromarray(fungus.ground).resize((side, side), Image.Resampling.BICUBIC)
    pen = ImageDraw.Draw(image)
    rng = np.random.default_rng(fungus.seed)
    _litter(pen, side, rng)
    middle = 0.5 + fungus.shift[0]
    places = [(middle, 1.0)]
    if fungus.count > 1:
        offsets = np.linspace(-0.27, 0.27, fungus.count) + rng.uniform(-0.04, 0.04, fungus.count)
        places = [(middle + float(o), float(rng.uniform(0.65, 1.0))) for o in rng.permutation(offsets)]
    for across, scale in places:
        foot = (0.9 + fungus.shift[1] + float(rng.uniform(-0.04, 0.04))) * side
        _one(pen, fungus, across * side, foot, scale * side, rng)
    return image.reduce(SUPERSAMPLING)


def woven(image: Image.Image, period: int = 8) -> Image.Image:
    """The picture on a woven ground: light and dark diagonal threads over all of it."""
    pixels = np.asarray(image, dtype=np.int16)
    row, column = np.indices(pixels.shape[:2])
    threads = np.where((row + column) % period < period // 2, 14, -14)
    threads += np.where((row - column) % period < period // 2, 14, -14)
    return Image.fromarray(np.clip(pixels + threads[..., None], 0, 255).astype(np.uint8))


def _litter(pen: ImageDraw.ImageDraw, side: int, rng: np.random.Generator) -> None:
    """Blades and leaves on the ground."""
    for _ in range(14):
        x, y = rng.uniform(0, side), rng.uniform(0.35 * side, side)
        tone = int(rng.integers(40, 150))
        colour = (tone, int(tone * rng.uniform(0.8, 1.15)), tone // 2)
        length, lean = rng.uniform(0.05, 0.16) * side, rng.uniform(-0.1, 0.1) * side
        if rng.random() < 0.5:
            pen.line((x, y, x + lean, y - length), fill=colour, width=2)
        else:
            pen.ellipse((x, y, x + length, y + 0.4 * length), fill=colour)


def _one(
    pen: ImageDraw.ImageDraw, fungus: Fungus, x: float, foot: float, unit: float, rng: np.random.Generator
) -> None:
    """One mushroom: stem, then what is on it, then the cap."""
    half = fungus.stem_width * unit / 2
    top = foot - fungus.stem_height * unit
    shade = mixed(fungus.stem, (30, 24, 20), 0.35)
    pen.polygon(
        [(x - 0.85 * half, top), (x + 0.85 * half, top), (x + half, foot), (x - half, foot)], fill=fungus.stem
    )
    pen.line((x + 0.6 * half, top, x + 0.7 * half, foot), fill=shade, width=2)
    if fungus.bulb > 1:
        wide = half * fungus.bulb
        pen.ellipse(
            (x - wide, foot - 0.9 * wide, x + wide, foot + 0.5 * wide), fill=fungus.stem, outline=shade
        )
    for _ in range(fungus.scabers):
        fx, fy = x + rng.uniform(-0.8, 0.8) * half, rng.uniform(top + 0.1 * unit, foot)
        pen.line((fx, fy, fx + 1, fy + 0.02 * unit), fill=(52, 44, 40), width=2)
    if fungus.skirt:
        level = top + 0.3 * (foot - top)
        edge = [(x - half, level), (x + half, level), (x + 1.7 * half, level + 0.05 * unit)]
        pen.polygon(
            [*edge, (x - 1.7 * half, level + 0.05 * unit)], fill=mixed(fungus.stem, (255, 255, 255), 0.3)
        )
    _cap(pen, fungus, x, top, unit, rng)


def _cap(
    pen: ImageDraw.ImageDraw, fungus: Fungus, x: float, level: float, unit: float, rng: np.random.Generator
) -> None:
    """The cap, a dome or a funnel, with gills below it and zones and warts on it."""
    wide = fungus.width * unit / 2
    tall = abs(fungus.dome) * fungus.width * unit
    under = mixed(fungus.cap, (70, 50, 40), 0.5)
    if fungus.dome < 0:
        _funnel(pen, fungus, (x, level, wide, tall), under)
        middle, flat = level - tall, 0.26 * wide
    else:
        _dome(pen, fungus, (x, level, wide, tall), under)
        middle, flat = level, tall
    for _ in range(fungus.warts):
        angle, reach = rng.uniform(1.08 * np.pi, 1.92 * np.pi), rng.uniform(0.15, 0.85)
        wx, wy = x + reach * wide * np.cos(angle), middle + reach * flat * np.sin(angle)
        dot = rng.uniform(0.014, 0.028) * unit
        pen.ellipse((wx - dot, wy - dot, wx + dot, wy + dot), fill=(236, 228, 210))


def _dome(pen: ImageDraw.ImageDraw, fungus: Fungus, at: Box, under: Colour) -> None:
    x, level, wide, tall = at
    belly = 0.16 * wide
    pen.ellipse((x - wide, level - belly, x + wide, level + belly), fill=under)
    pen.pieslice((x - wide, level - tall, x + wide, level + tall), 180, 360, fill=fungus.cap)
    if fungus.gills:
        for share in np.linspace(-0.85, 0.85, 11):
            low = level + belly * (1 - 0.8 * abs(share))
            pen.line(
                (x + share * wide, level, x + 0.45 * share * wide, low), mixed(under, (20, 16, 14), 0.3), 1
            )
    for number in range(fungus.rings):
        inner = 0.88 - 0.22 * number
        box = (x - inner * wide, level - inner * tall, x + inner * wide, level + inner * tall)
        pen.arc(box, 200, 340, fill=mixed(fungus.cap, (60, 30, 20), 0.4), width=2)


def _funnel(pen: ImageDraw.ImageDraw, fungus: Fungus, at: Box, under: Colour) -> None:
    """A cap sunk in the middle: its outside narrows to the stem, its inside shows as a flat ellipse."""
    x, level, wide, tall = at
    top, flat, foot = level - tall, 0.26 * wide, 0.25 * wide
    outside = mixed(fungus.cap, under, 0.35)
    pen.polygon(
        [(x - wide, top), (x + wide, top), (x + foot, level + 2), (x - foot, level + 2)], fill=outside
    )
    if fungus.gills:
        for share in np.linspace(-0.9, 0.9, 11):
            pen.line((x + share * wide, top, x + share * foot, level), mixed(under, (20, 16, 14), 0.3), 1)
    pen.ellipse((x - wide, top - flat, x + wide, top + flat), fill=fungus.cap)
    pen.ellipse((x - 0.4 * wide, top - 0.3 * flat, x + 0.4 * wide, top + 0.6 * flat), fill=under)
    for number in range(fungus.rings):
        inner = 0.86 - 0.2 * number
        box = (x - inner * wide, top - inner * flat, x + inner * wide, top + inner * flat)
        pen.ellipse(box, outline=mixed(fungus.cap, (60, 30, 20), 0.4), width=2)
