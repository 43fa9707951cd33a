"""Perceptual hashes of reduced grey images, many at once, equal to the imagehash library's bit for bit.

A hash is a uint64 whose bits, most significant first, are imagehash's array read row by row: `int(str(hash),
16)`.

Source: imagehash 4.3 (`phash`, `dhash` with their defaults), whose definitions these are.
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray

PHASH_SIDE = 32
DHASH_SHAPE = (8, 9)
LOW = 8
TIE = 1e-6
"""A coefficient this close to the median is decided by rounding errors: it is decided as imagehash decides
it. True coefficients are below 1.1e6, so two ways of summing 1,024 products differ by less than 1e-8."""
ORIENTATIONS: tuple[str, ...] = (
    "as is", "rotated 90", "rotated 180", "rotated 270",
    "mirrored", "mirrored, rotated 90", "mirrored, rotated 180", "mirrored, rotated 270",
)  # fmt: skip
"""Names of the eight ways to lay a picture, rotations anticlockwise, in the order of `turned`."""


def phash(grey: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash by the signs of low cosine frequencies against their median.

    Args:
        grey: (n, 32, 32) reduced grey images.

    Returns:
        (n,) hashes.
    """
    if grey.shape[0] == 0:
        return np.zeros(0, dtype=np.uint64)
    low = _COSINES @ grey.astype(np.float64) @ _COSINES.T
    flat = low.reshape(-1, LOW * LOW)
    ranked = np.partition(flat, (31, 32), axis=1)
    median = (ranked[:, 31] + ranked[:, 32]) / 2
    bits = flat > median[:, None]
    for row in np.flatnonzero((np.abs(flat - median[:, None]) < TIE).any(axis=1)):
        bits[row] = _phash_as_imagehash(grey[row])
    return _packed(bits)


def dhash(grey: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash by whether each pixel is brighter than the one to its left.

    Args:
        grey: (n, 8, 9) reduced grey images.

    Returns:
        (n,) hashes.
    """
    return _packed((grey[:, :, 1:] > grey[:, :, :-1]).reshape(-1, LOW * LOW))


def turned(grey: NDArray[np.uint8]) -> NDArray[np.uint8]:
    """Lay reduced pictures in eight ways.

    Args:
        grey: (n, s, s) square grey images.

    Returns:
        (n, 8, s, s), in the order of `ORIENTATIONS`.
    """
    mirrored = grey[:, :, ::-1]
    ways = [np.rot90(picture, quarter, axes=(1, 2)) for picture in (grey, mirrored) for quarter in range(4)]
    return np.stack(ways, axis=1)


def as_text(hashes: NDArray[np.uint64]) -> list[str]:
    """Write (n,) hashes as imagehash writes them: 16 hexadecimal digits."""
    return [f"{int(one):016x}" for one in hashes]


def _cosines() -> NDArray[np.float64]:
    """The first 8 rows of the unnormalised DCT-II of 32 points, as scipy.fftpack defines it."""
    k, x = np.arange(LOW)[:, None], np.arange(PHASH_SIDE)[None, :]
    return np.asarray(2.0 * np.cos(np.pi * k * (2 * x + 1) / (2 * PHASH_SIDE)))


_COSINES = _cosines()


def _phash_as_imagehash(pixels: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """The same arithmetic as the library, for flat and symmetric pictures whose coefficients tie."""
    from scipy.fftpack import dct

    cosines: Callable[..., NDArray[np.float64]] = dct
    low = cosines(cosines(pixels, axis=0), axis=1)[:LOW, :LOW]
    return np.asarray(low > np.median(low)).reshape(-1)


def _packed(bits: NDArray[np.bool_]) -> NDArray[np.uint64]:
    return np.packbits(bits, axis=1).view(">u8").reshape(-1).astype(np.uint64)
