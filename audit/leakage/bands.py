"""How 64 bits are cut into bands for the pair search, and what each cut would cost."""

from __future__ import annotations

from dataclasses import dataclass
from itertools import combinations
from math import comb

import numpy as np
from numpy.typing import NDArray

BITS = 64
SAMPLE = 8192
WIDEST = 22
"""Bits of the widest band that is looked up by table (4 M entries)."""
ROW_NS, PAIR_NS, KEY_NS, SORT_NS = 4.5, 0.05, 1.2, 12.0
"""Measured on an AVX-512 core: visiting a bucket with one hash, comparing with one member, passing over one
key of the table, and sorting one hash into a band. Only their ratios matter; a wrong ratio costs time, never
a pair."""


@dataclass(frozen=True, kw_only=True)
class Band:
    """One band of the hash and how far its keys are searched."""

    shift: int
    width: int
    radius: int
    """Bits by which two keys may differ; -1: the band need not be searched."""

    def keys(self, hashes: NDArray[np.uint64]) -> NDArray[np.int64]:
        """Cut the band out of (n,) hashes: (n,) keys from 0 to 2 ** width - 1."""
        cut = (hashes >> np.uint64(self.shift)) & np.uint64((1 << self.width) - 1)
        return cut.astype(np.int64)

    def masks(self) -> NDArray[np.int64]:
        """Differences between two keys that lie within the radius, no difference first."""
        made = [0]
        for ones in range(1, self.radius + 1):
            made += [sum(1 << bit for bit in chosen) for chosen in combinations(range(self.width), ones)]
        return np.array(made if self.radius >= 0 else [], dtype=np.int64)


def cut_bands(m: int, d: int) -> tuple[Band, ...]:
    """Cut 64 bits into m bands of nearly equal width, wide ones first, with the radius that d asks of each.

    Args:
        m: bands.
        d: bits by which two hashes may differ.
    """
    wide = BITS % m
    q, a = divmod(d, m)
    bands, shift = [], 0
    for index in range(m):
        width = BITS // m + (index < wide)
        bands.append(Band(shift=shift, width=width, radius=q if index <= a else q - 1))
        shift += width
    return tuple(bands)


def choose_bands(unique: NDArray[np.uint64], d: int) -> tuple[Band, ...]:
    """Choose the cheapest cut for these hashes; one band of 64 bits stands for brute force.

    How full buckets are is counted on a sample, so that hashes of one kind of picture, which share bits, are
    searched with the cut that suits them and not with the one that suits random bits.

    Args:
        unique: (u,) distinct hashes, sorted.
        d: bits, from 1.
    """
    sample = unique
    if unique.size > SAMPLE:
        sample = unique[np.random.default_rng(0).choice(unique.size, SAMPLE, replace=False)]
    brute: tuple[Band, ...] = (Band(shift=0, width=BITS, radius=0),)
    best, least = brute, unique.size * (ROW_NS + PAIR_NS * unique.size / 2)
    for m in range(3, 17):
        bands = cut_bands(m, d)
        if bands[0].width > WIDEST or sum(_masks(band) for band in bands) > 200_000:
            continue
        cost = sum(_cost(band, sample, unique.size) for band in bands)
        if cost < least:
            best, least = bands, cost
    return best


def _masks(band: Band) -> int:
    return sum(comb(band.width, ones) for ones in range(band.radius + 1))


def _cost(band: Band, sample: NDArray[np.uint64], n: int) -> float:
    """Nanoseconds that one band takes; members of a bucket are counted where two sampled hashes meet."""
    masks = _masks(band)
    if masks == 0:
        return 0.0
    keys = np.sort(band.keys(sample))
    begin = np.flatnonzero(np.append(True, keys[1:] != keys[:-1]))
    sizes = np.diff(np.append(begin, keys.size)).astype(np.float64)
    meet = float((sizes * (sizes - 1)).sum()) / max(1.0, keys.size * (keys.size - 1.0))
    members = n * max(meet, 2.0**-band.width)
    visits = n * min(1.0, members) * masks / 2
    return (
        n * SORT_NS + (1 << band.width) * KEY_NS * masks + visits * ROW_NS + n * masks / 2 * members * PAIR_NS
    )
