"""Copies made on purpose, so that it is known which pairs a search should have found."""

from __future__ import annotations

import io
from collections.abc import Callable, Mapping

import numpy as np
from PIL import Image, ImageDraw, ImageEnhance, ImageOps

Alter = Callable[[Image.Image, np.random.Generator], Image.Image]


def reencoded(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Save as JPEG of quality 50 to 80 and read back."""
    buffer = io.BytesIO()
    image.save(buffer, "JPEG", quality=int(rng.integers(50, 81)))
    return Image.open(io.BytesIO(buffer.getvalue())).convert("RGB")


def resized(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Scale by .5 to .8, or by 1.25 to 2."""
    scale = rng.uniform(0.5, 0.8) if rng.random() < 0.5 else rng.uniform(1.25, 2.0)
    size = (max(1, round(image.width * scale)), max(1, round(image.height * scale)))
    return image.resize(size, Image.Resampling.BICUBIC)


def cropped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Cut 2 % of width and height away, at random sides."""
    across, down = max(1, round(image.width * 0.02)), max(1, round(image.height * 0.02))
    left, top = int(rng.integers(0, across + 1)), int(rng.integers(0, down + 1))
    return image.crop((left, top, left + image.width - across, top + image.height - down))


def brightened(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Make 15 to 30 % brighter; what is white stays white."""
    return ImageEnhance.Brightness(image).enhance(float(rng.uniform(1.15, 1.3)))


def flipped(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Mirror left and right."""
    return ImageOps.mirror(image)


def captioned(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Write a line of white text on a dark bar over the lowest tenth."""
    made = image.copy()
    bar = _bar(image)
    _write(made, (0, image.height - bar, image.width, image.height), (20, 20, 20), (255, 255, 255), rng)
    return made


def caption_added(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Add a line of text on a bar of a tenth of the height: black on white above, or white on dark below."""
    bar = _bar(image)
    above = rng.random() < 0.5
    made = Image.new("RGB", (image.width, image.height + bar))
    made.paste(image, (0, bar if above else 0))
    top = 0 if above else image.height
    colours = ((255, 255, 255), (0, 0, 0)) if above else ((20, 20, 20), (255, 255, 255))
    _write(made, (0, top, image.width, top + bar), *colours, rng)
    return made


def letterboxed(image: Image.Image, rng: np.random.Generator) -> Image.Image:
    """Add black bars of 8 to 15 % of the height above and below."""
    bar = max(2, round(image.height * rng.uniform(0.08, 0.15)))
    made = Image.new("RGB", (image.width, image.height + 2 * bar))
    made.paste(image, (0, bar))
    return made


def _bar(image: Image.Image) -> int:
    return max(8, image.height // 10)


Colour = tuple[int, int, int]


def _write(
    image: Image.Image,
    box: tuple[int, int, int, int],
    ground: Colour,
    letters: Colour,
    rng: np.random.Generator,
) -> None:
    """Write a line of random letters on a bar."""
    draw = ImageDraw.Draw(image)
    draw.rectangle(box, fill=ground)
    words = "".join(rng.choice(list("abcdefghij klmnop"), 24))
    draw.text((4, box[1]), words, fill=letters, font_size=max(6, box[3] - box[1] - 2))


KINDS: Mapping[str, Alter] = {
    "re-encoded": reencoded,
    "resized": resized,
    "cropped 2 %": cropped,
    "brightened": brightened,
    "flipped": flipped,
    "captioned": captioned,
    "caption added": caption_added,
    "letterboxed": letterboxed,
}


def textured(rng: np.random.Generator, width: int = 160, height: int = 120) -> Image.Image:
    """Draw coloured patches over a gradient, so that copies can be planted without anyone's data.

    Args:
        rng: two draws give two pictures that are no copies.
        width: pixels.
        height: pixels.
    """
    coarse = rng.integers(0, 256, (6, 8, 3), dtype=np.uint8)
    base = Image.fromarray(coarse).resize((width, height), Image.Resampling.BICUBIC)
    draw = ImageDraw.Draw(base)
    for _ in range(12):
        x, y = rng.integers(0, width), rng.integers(0, height)
        w, h = rng.integers(width // 16, width // 3), rng.integers(height // 16, height // 3)
        colour = tuple(int(c) for c in rng.integers(0, 256, 3))
        shape = draw.ellipse if rng.random() < 0.5 else draw.rectangle
        shape((int(x - w), int(y - h), int(x + w), int(y + h)), fill=colour)
    grain = rng.normal(0, 6, (height, width, 1))
    return Image.fromarray(np.clip(np.asarray(base) + grain, 0, 255).astype(np.uint8))
