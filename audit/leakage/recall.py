"""How many copies a search would find: copies of the user's own pictures are made and looked for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from audit.leakage.confirm import CONFIRMED, SIDE, best_correlation
from audit.leakage.decode import BROKEN, MAX_PIXELS
from audit.leakage.hashes import PHASH_SIDE, phash, turned
from audit.leakage.planted import KINDS
from audit.leakage.resample import reduce_grey

SAMPLE = 100
LARGEST = 1024
"""Longer sides are reduced first: a copy of a 12-megapixel photograph is no easier to find."""


@dataclass(frozen=True, kw_only=True)
class Planted:
    """Copies that were made and looked for. Arrays are (kinds, pictures)."""

    kinds: tuple[str, ...]
    distance: NDArray[np.uint8]
    """Bits between the hashes of picture and copy; the smallest of eight ways where these are searched."""
    confirmed: NDArray[np.bool_]
    """The second check confirms the copy."""

    @property
    def pictures(self) -> int:
        """Pictures of which copies were made."""
        return int(self.distance.shape[1])

    def found(self, threshold: int) -> NDArray[np.int64]:
        """Copies of each kind within a distance that the second check confirms: (kinds,)."""
        return np.asarray(((self.distance <= threshold) & self.confirmed).sum(axis=1))

    def within(self, threshold: int) -> NDArray[np.int64]:
        """Copies of each kind within a distance, confirmed or not: (kinds,)."""
        return np.asarray((self.distance <= threshold).sum(axis=1))


def plant(paths: Sequence[str], *, seed: int, sample: int = SAMPLE, orientations: bool = False) -> Planted:
    """Make copies of every kind of a seeded sample of pictures, and measure how far away they land.

    Args:
        paths: of pictures that can be read.
        seed: of sample and copies.
        sample: pictures.
        orientations: whether eight ways are searched.
    """
    rng = np.random.default_rng((seed, 6))
    chosen = sorted(rng.choice(len(paths), min(sample, len(paths)), replace=False).tolist())
    distances, confirmed = [], []
    for row in chosen:
        picture = _open(paths[row])
        if picture is None:
            continue
        copies = [alter(picture, rng) for alter in KINDS.values()]
        bits, same = _compare(picture, copies, orientations)
        distances.append(bits)
        confirmed.append(same)
    shape = (len(KINDS), 0)
    return Planted(
        kinds=tuple(KINDS),
        distance=np.stack(distances, axis=1) if distances else np.zeros(shape, dtype=np.uint8),
        confirmed=np.stack(confirmed, axis=1) if confirmed else np.zeros(shape, dtype=np.bool_),
    )


def _open(path: str) -> Image.Image | None:
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            with Image.open(path) as image:
                if image.width * image.height > MAX_PIXELS:
                    return None
                picture = ImageOps.exif_transpose(image).convert("RGB")
    except BROKEN:
        return None
    picture.thumbnail((LARGEST, LARGEST), Image.Resampling.LANCZOS)
    return picture


def _compare(
    picture: Image.Image, copies: Sequence[Image.Image], orientations: bool
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Distance and second check of each copy: (kinds,) each."""
    greys = [image.convert("L") for image in (picture, *copies)]
    small = np.stack([reduce_grey(grey, [(PHASH_SIDE, PHASH_SIDE)])[0] for grey in greys])
    square = np.stack([np.asarray(grey.resize((SIDE, SIDE), Image.Resampling.BOX)) for grey in greys])
    ways = turned(small[:1])[0] if orientations else small[:1]
    bits = np.bitwise_count(phash(ways)[:, None] ^ phash(small[1:])[None, :])
    way = bits.argmin(axis=0)
    laid = turned(square[:1])[0][way] if orientations else np.repeat(square[:1], len(copies), axis=0)
    return bits.min(axis=0), np.asarray(best_correlation(laid, square[1:]) >= CONFIRMED)
