"""The small grey pictures of one picture: for pHash with its parts, for dHash, and for the second check."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from audit.leakage.borders import inner_box
from audit.leakage.hashes import DHASH_SHAPE, PHASH_SIDE
from audit.leakage.resample import reduce_grey, reduce_part, reduce_with_part

SQUARE, OBLONG = (PHASH_SIDE, PHASH_SIDE), (DHASH_SHAPE[1], DHASH_SHAPE[0])
"""Width and height of the pictures that pHash and dHash need."""
CUT = 0.15
"""Of the height: rows at top and at bottom without which a picture is hashed again, for captions upon it."""


def hash_pictures(pixels: NDArray[np.uint8], captions: bool) -> tuple[NDArray[np.uint8], NDArray[np.uint8]]:
    """Reduce a picture, its middle rows, and what lies within its border, for pHash.

    Args:
        pixels: (height, width) grey levels.
        captions: whether the parts are asked for.

    Returns:
        (32, 32) grey levels of the whole; (2, 32, 32) of the parts, zeros where there is none.
    """
    parts = np.zeros((2, *SQUARE), dtype=np.uint8)
    if not captions:
        return reduce_grey(pixels, [SQUARE])[0], parts
    high = pixels.shape[0]
    cut = round(high * CUT)
    square, parts[0] = reduce_with_part(pixels, SQUARE, (cut, high - cut))
    box = inner_box(pixels)
    if box is not None:
        left, top, right, bottom = box
        parts[1] = reduce_part(np.ascontiguousarray(pixels[top:bottom, left:right]), SQUARE)
    return square, parts


def oblong_picture(pixels: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Reduce a picture for dHash: (8, 9) of (height, width) grey levels."""
    return reduce_grey(pixels, [OBLONG])[0]


def small_square(grey: Image.Image, side: int, inner: bool = False) -> NDArray[np.uint8]:
    """(side, side) area means of an image of mode L; of what lies within its border where asked and there."""
    box = inner_box(np.asarray(grey)) if inner else None
    return np.asarray(grey.resize((side, side), Image.Resampling.BOX, box=box))
