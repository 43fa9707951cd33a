"""One picture file as the numbers that every model of images is given: upright, RGB, 8 bits."""

from __future__ import annotations

import warnings
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps, UnidentifiedImageError

from audit.errors import InputError

MAX_PIXELS = 50_000_000
"""A larger picture is refused before it is decoded (7,000 x 7,000): a small file can hold a large one."""

Picture = NDArray[np.uint8]


def decode(path: Path | str) -> Picture:
    """Read a picture as RGB, upright.

    Args:
        path: file in any format that Pillow reads.

    Returns:
        (H, W, 3) uint8.

    Raises:
        InputError: not a picture, damaged, or larger than `MAX_PIXELS`.
    """
    try:
        with warnings.catch_warnings():
            # Pillow warns about many pixels and about odd EXIF; the limit below decides, the rest is
            # harmless.
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                width, height = image.size
                if width * height > MAX_PIXELS:
                    raise InputError(
                        str(path), f"a picture of {width} x {height} pixels; at most {MAX_PIXELS:,} are read."
                    )
                return np.array(ImageOps.exif_transpose(image).convert("RGB"))
    except FileNotFoundError as error:
        raise InputError(str(path), "there is no such file.") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, Image.DecompressionBombError) as error:
        raise InputError(str(path), f"can't be read as a picture ({error}).") from error
