"""One band of the pair search in numpy alone: equal results, for machines where numba does not load."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.leakage.bands import BITS, Band

Found = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]
CHUNK = 1 << 21
"""Candidate pairs compared at once: 16 MB an array."""


def scan(hashes: NDArray[np.uint64], bands: tuple[Band, ...], which: int, d: int, cap: int) -> Found:
    """Find the pairs that one band is the first to catch: arguments and result as in `scan_compiled.scan`."""
    band = bands[which]
    keys = np.zeros(hashes.size, dtype=np.int64) if band.width == BITS else band.keys(hashes)
    ids = np.argsort(keys, kind="stable")
    ranked, keys = hashes[ids], keys[ids]
    earlier = [b for b in bands[:which] if b.radius >= 0]
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]] = []
    total = 0
    for mask in [0] if band.width == BITS else band.masks().tolist():
        partner = keys ^ mask
        rows = np.flatnonzero(partner >= keys)
        begin = np.searchsorted(keys, partner[rows], "left") if mask else rows + 1
        end = np.searchsorted(keys, partner[rows], "right")
        for part in _chunks(end - begin):
            x, y = _candidates(rows[part], begin[part], end[part])
            differ = ranked[x] ^ ranked[y]
            bits = np.bitwise_count(differ)
            near = np.flatnonzero(bits <= d)
            near = near[~_caught_before(differ[near], earlier)]
            found.append((ids[x[near]], ids[y[near]], bits[near]))
            total += near.size
            if total > cap:
                return _join(found)
    return _join(found)


def _chunks(lengths: NDArray[np.int64]) -> list[slice]:
    """Cut rows so that each part has about CHUNK candidates."""
    total = np.cumsum(lengths)
    if total.size == 0:
        return []
    edges = np.searchsorted(total, np.arange(CHUNK, int(total[-1]) + CHUNK, CHUNK)) + 1
    bounds = [0, *np.unique(np.minimum(edges, lengths.size)).tolist()]
    return [slice(a, b) for a, b in zip(bounds[:-1], bounds[1:], strict=True)]


def _candidates(
    rows: NDArray[np.int64], begin: NDArray[np.int64], end: NDArray[np.int64]
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    count = end - begin
    offset = np.cumsum(count) - count
    return np.repeat(rows, count), np.arange(int(count.sum())) + np.repeat(begin - offset, count)


def _caught_before(differ: NDArray[np.uint64], earlier: list[Band]) -> NDArray[np.bool_]:
    caught = np.zeros(differ.size, dtype=np.bool_)
    for band in earlier:
        field = np.uint64((1 << band.width) - 1)
        caught |= np.bitwise_count((differ >> np.uint64(band.shift)) & field) <= band.radius
    return caught


def _join(found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint8]]]) -> Found:
    if not found:
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8)
    left, right, bits = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return left.astype(np.int32), right.astype(np.int32), bits.astype(np.uint8)
