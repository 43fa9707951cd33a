"""One band of the pair search, compiled."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.leakage.bands import BITS, Band
from audit.leakage.compiled import compiled, popcount

Found = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]


def scan(hashes: NDArray[np.uint64], bands: tuple[Band, ...], which: int, d: int, cap: int) -> Found:
    """Find the pairs that one band is the first to catch.

    Args:
        hashes: (u,) distinct hashes.
        bands: the cut; one band of 64 bits is brute force.
        which: index of the band to search.
        d: bits.
        cap: stop one past this many pairs.

    Returns:
        (left, right, distance), each (p,); p > cap says that it was stopped.
    """
    band = bands[which]
    if band.width == BITS:
        starts, ids, ranked = np.array([0, hashes.size]), np.arange(hashes.size, dtype=np.int32), hashes
    else:
        starts, ids, ranked = _sort(hashes, np.uint64(band.shift), np.uint64((1 << band.width) - 1))
    earlier = [b for b in bands[:which] if b.radius >= 0]
    shifts = np.array([b.shift for b in earlier], dtype=np.uint64)
    fields = np.array([(1 << b.width) - 1 for b in earlier], dtype=np.uint64)
    radii = np.array([b.radius for b in earlier], dtype=np.uint64)
    masks = band.masks() if band.width < BITS else np.zeros(1, dtype=np.int64)
    count, left, right, distance = _scan(ranked, ids, starts, masks, shifts, fields, radii, np.uint64(d), cap)
    return left[:count], right[:count], distance[:count]


@compiled
def _sort(
    hashes: NDArray[np.uint64], shift: np.uint64, field: np.uint64
) -> tuple[NDArray[np.int64], NDArray[np.int32], NDArray[np.uint64]]:
    """Counting sort by key: where each key begins, the positions, and the hashes beside one another."""
    starts = np.zeros(np.int64(field) + 2, dtype=np.int64)
    for x in range(hashes.size):
        starts[np.int64((hashes[x] >> shift) & field) + 1] += 1
    for k in range(starts.size - 1):
        starts[k + 1] += starts[k]
    fill = starts[:-1].copy()
    ids = np.empty(hashes.size, dtype=np.int32)
    ranked = np.empty(hashes.size, dtype=np.uint64)
    for x in range(hashes.size):
        key = np.int64((hashes[x] >> shift) & field)
        ids[fill[key]] = x
        ranked[fill[key]] = hashes[x]
        fill[key] += 1
    return starts, ids, ranked


@compiled
def _nearest(word: np.uint64, ranked: NDArray[np.uint64], begin: int, end: int) -> np.uint64:
    """Smallest distance to a bucket. Without a branch inside it is vectorised."""
    least = np.uint64(64)
    for y in range(np.uint64(begin), np.uint64(end)):  # unsigned: no wraparound test, so it vectorises
        least = min(least, popcount(word ^ ranked[y]))
    return least


@compiled
def _caught_before(
    differ: np.uint64, shifts: NDArray[np.uint64], fields: NDArray[np.uint64], radii: NDArray[np.uint64]
) -> bool:
    caught = False
    for band in range(shifts.size):
        caught |= popcount((differ >> shifts[band]) & fields[band]) <= radii[band]
    return caught


@compiled
def _scan(
    ranked: NDArray[np.uint64],
    ids: NDArray[np.int32],
    starts: NDArray[np.int64],
    masks: NDArray[np.int64],
    shifts: NDArray[np.uint64],
    fields: NDArray[np.uint64],
    radii: NDArray[np.uint64],
    d: np.uint64,
    cap: int,
) -> tuple[int, NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]:
    left = np.empty(1024, dtype=np.int32)
    right = np.empty(1024, dtype=np.int32)
    distance = np.empty(1024, dtype=np.uint8)
    count = 0
    for m in range(masks.size):
        mask = masks[m]
        for key in range(starts.size - 1):
            partner = key ^ mask
            if partner < key or starts[key] == starts[key + 1] or starts[partner] == starts[partner + 1]:
                continue
            end = starts[partner + 1]
            for x in range(starts[key], starts[key + 1]):
                begin = x + 1 if mask == 0 else starts[partner]
                if _nearest(ranked[x], ranked, begin, end) > d:
                    continue
                for y in range(begin, end):
                    differ = ranked[x] ^ ranked[y]
                    bits = popcount(differ)
                    if bits > d or _caught_before(differ, shifts, fields, radii):
                        continue
                    if count == left.size:
                        left = np.concatenate((left, np.empty_like(left)))
                        right = np.concatenate((right, np.empty_like(right)))
                        distance = np.concatenate((distance, np.empty_like(distance)))
                    left[count] = ids[x]
                    right[count] = ids[y]
                    distance[count] = bits
                    count += 1
                    if count > cap:
                        return count, left, right, distance
    return count, left, right, distance
