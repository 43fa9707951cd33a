"""How many copies a search would find: copies of the user's own pictures are made and looked for."""

from __future__ import annotations

import warnings
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image, ImageOps

from audit.leakage.captions import BITS
from audit.leakage.confirm import CONFIRMED, MIDDLE, SIDE, best_correlation
from audit.leakage.decode import BROKEN, MAX_PIXELS
from audit.leakage.fingerprints import hash_parts
from audit.leakage.hashes import phash, turned
from audit.leakage.planted import KINDS
from audit.leakage.reduced import hash_pictures, small_square

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
    by_part: NDArray[np.bool_]
    """Found by the middle rows or within the border, and confirmed there, at whatever distance."""

    @property
    def pictures(self) -> int:
        """Pictures of which copies were made."""
        return int(self.distance.shape[1])

    def found(self, threshold: int) -> NDArray[np.int64]:
        """Copies of each kind within a distance that the second check confirms: (kinds,)."""
        return np.asarray(((self.distance <= threshold) & self.confirmed).sum(axis=1))

    def found_with_parts(self, threshold: int) -> NDArray[np.int64]:
        """As `found`, and those found by a part, at whatever distance the whole pictures lie: (kinds,)."""
        return np.asarray((((self.distance <= threshold) & self.confirmed) | self.by_part).sum(axis=1))

    def within(self, threshold: int) -> NDArray[np.int64]:
        """Copies of each kind within a distance, confirmed or not: (kinds,)."""
        return np.asarray((self.distance <= threshold).sum(axis=1))


def plant(
    paths: Sequence[str],
    *,
    seed: int,
    sample: int = SAMPLE,
    orientations: bool = False,
    captions: bool = True,
) -> Planted:
    """Make copies of every kind of a seeded sample of pictures, and measure how far away they land.

    Args:
        paths: of pictures that can be read.
        seed: of sample and copies.
        sample: pictures.
        orientations: whether eight ways are searched.
        captions: whether parts of pictures are searched.
    """
    rng = np.random.default_rng((seed, 6))
    chosen = sorted(rng.choice(len(paths), min(sample, len(paths)), replace=False).tolist())
    distances, confirmed, by_part = [], [], []
    for row in chosen:
        picture = _open(paths[row])
        if picture is None:
            continue
        copies = [alter(picture, rng) for alter in KINDS.values()]
        greys = [image.convert("L") for image in (picture, *copies)]
        bits, same = _compare(greys, orientations)
        distances.append(bits)
        confirmed.append(same)
        by_part.append(_compare_parts(greys) if captions else np.zeros(len(copies), dtype=np.bool_))
    shape = (len(KINDS), 0)
    return Planted(
        kinds=tuple(KINDS),
        distance=np.stack(distances, axis=1) if distances else np.zeros(shape, dtype=np.uint8),
        confirmed=np.stack(confirmed, axis=1) if confirmed else np.zeros(shape, dtype=np.bool_),
        by_part=np.stack(by_part, axis=1) if by_part else np.zeros(shape, dtype=np.bool_),
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


def _compare(greys: Sequence[Image.Image], orientations: bool) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Distance and second check of each copy of the first picture: (kinds,) each."""
    small = np.stack([hash_pictures(np.asarray(grey), captions=False)[0] for grey in greys])
    square = np.stack([small_square(grey, SIDE) for grey in greys])
    ways = turned(small[:1])[0] if orientations else small[:1]
    bits = np.bitwise_count(phash(ways)[:, None] ^ phash(small[1:])[None, :])
    way = bits.argmin(axis=0)
    copies = square.shape[0] - 1
    laid = turned(square[:1])[0][way] if orientations else np.repeat(square[:1], copies, axis=0)
    return bits.min(axis=0), np.asarray(best_correlation(laid, square[1:]) >= CONFIRMED)


def _compare_parts(greys: Sequence[Image.Image]) -> NDArray[np.bool_]:
    """Whether each copy of the first picture is found by a part, as `captions` finds it: (kinds,)."""
    pictures = [hash_pictures(np.asarray(grey), captions=True) for grey in greys]
    whole = phash(np.stack([square for square, _ in pictures]))
    middle, inner = hash_parts(np.stack([parts for _, parts in pictures])).T
    small, within = (np.stack([small_square(grey, SIDE, cut) for grey in greys]) for cut in (False, True))
    found = _close(middle, middle) & _same(small[:, MIDDLE], small[:, MIDDLE])
    for hashes, others, first, second in (
        (inner, whole, within, small),
        (whole, inner, small, within),
        (inner, inner, within, within),
    ):
        found |= _close(hashes, others) & _same(first, second)
    return found


def _close(hashes: NDArray[np.uint64], others: NDArray[np.uint64]) -> NDArray[np.bool_]:
    """Whether the first hash and each later one of the others are close; 0 is no hash."""
    bits = np.bitwise_count(hashes[0] ^ others[1:])
    return np.asarray((hashes[0] != 0) & (others[1:] != 0) & (bits <= BITS))


def _same(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.bool_]:
    """Whether the second check confirms the first picture and each later one of the second."""
    laid = np.repeat(first[:1], second.shape[0] - 1, axis=0)
    return np.asarray(best_correlation(laid, second[1:]) >= CONFIRMED)
