"""The inner loops of the text search, compiled: exact set similarity join and longest common subsequence."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.leakage.compiled import compiled

Joined = tuple[int, NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]
ROUNDING = 1e-9
"""Taken off before rounding a needed overlap up: a product like .7 x 10 must not become 8 elements."""


@compiled
def join(
    begin: NDArray[np.int64],
    ranked: NDArray[np.int32],
    order: NDArray[np.int64],
    elements: int,
    threshold: float,
    cap: int,
) -> Joined:
    """Join sets with themselves.

    Args:
        begin: (n + 1,) where each set's elements begin.
        ranked: elements, rarest first, increasing within a set.
        order: (k,) sets that are not empty, by size, increasing.
        elements: number of distinct elements.
        threshold: smallest Jaccard similarity.
        cap: stop one past this many pairs.

    Returns:
        How many, then left, right and shared elements; entries past the number mean nothing.
    """
    posting, owner, place, fill = _index(begin, ranked, order, elements, threshold)
    start = posting[:-1].copy()
    seen = np.full(begin.size, -1, dtype=np.int64)
    left = np.empty(1024, dtype=np.int64)
    right = np.empty(1024, dtype=np.int64)
    shared = np.empty(1024, dtype=np.int64)
    count = 0
    for x in order:
        size = begin[x + 1] - begin[x]
        shortest = int(np.ceil(threshold * size - ROUNDING))
        for p in range(size - shortest + 1):
            element = ranked[begin[x] + p]
            while start[element] < fill[element] and _size(begin, owner[start[element]]) < shortest:
                start[element] += 1
            for entry in range(start[element], fill[element]):
                y = owner[entry]
                if seen[y] == x:
                    continue
                seen[y] = x
                other = begin[y + 1] - begin[y]
                need = int(np.ceil(threshold / (1 + threshold) * (size + other) - ROUNDING))
                if min(size - p, other - place[entry]) < need:
                    continue
                # the elements before are not shared: the first shared one of both prefixes is met here
                common = _overlap(
                    ranked, begin[x] + p, begin[x + 1], begin[y] + place[entry], begin[y + 1], need
                )
                if common < need:
                    continue
                if count == left.size:
                    left = np.concatenate((left, np.empty_like(left)))
                    right = np.concatenate((right, np.empty_like(right)))
                    shared = np.concatenate((shared, np.empty_like(shared)))
                left[count] = y
                right[count] = x
                shared[count] = common
                count += 1
                if count > cap:
                    return count, left, right, shared
        _insert(begin, ranked, x, threshold, owner, place, fill)
    return count, left, right, shared


@compiled
def _size(begin: NDArray[np.int64], x: int) -> int:
    return int(begin[x + 1] - begin[x])


@compiled
def _kept(size: int, threshold: float) -> int:
    """Elements of a set that are indexed: a set met later is at least as large, so it must share more."""
    return size - int(np.ceil(2 * threshold / (1 + threshold) * size - ROUNDING)) + 1


@compiled
def _index(
    begin: NDArray[np.int64],
    ranked: NDArray[np.int32],
    order: NDArray[np.int64],
    elements: int,
    threshold: float,
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    """Room for the sets under each element, none entered yet."""
    posting = np.zeros(elements + 1, dtype=np.int64)
    for x in order:
        for p in range(_kept(begin[x + 1] - begin[x], threshold)):
            posting[ranked[begin[x] + p] + 1] += 1
    for element in range(elements):
        posting[element + 1] += posting[element]
    owner = np.empty(posting[elements], dtype=np.int64)
    return posting, owner, np.empty_like(owner), posting[:-1].copy()


@compiled
def _insert(
    begin: NDArray[np.int64],
    ranked: NDArray[np.int32],
    x: int,
    threshold: float,
    owner: NDArray[np.int64],
    place: NDArray[np.int64],
    fill: NDArray[np.int64],
) -> None:
    for p in range(_kept(begin[x + 1] - begin[x], threshold)):
        element = ranked[begin[x] + p]
        owner[fill[element]] = x
        place[fill[element]] = p
        fill[element] += 1


@compiled
def _overlap(ranked: NDArray[np.int32], a: int, a_end: int, b: int, b_end: int, need: int) -> int:
    """Shared elements of two increasing runs; fewer than `need` as soon as it can't be reached."""
    common = 0
    while a < a_end and b < b_end:
        if common + min(a_end - a, b_end - b) < need:
            return -1
        if ranked[a] == ranked[b]:
            common += 1
            a += 1
            b += 1
        elif ranked[a] < ranked[b]:
            a += 1
        else:
            b += 1
    return common


@compiled
def common_order(
    begin: NDArray[np.int64], spoken: NDArray[np.int32], left: NDArray[np.int64], right: NDArray[np.int64]
) -> NDArray[np.float64]:
    """Longest common subsequence of words ÷ words of the longer text, for each pair."""
    share = np.zeros(left.size, dtype=np.float64)
    for k in range(left.size):
        a, b = spoken[begin[left[k]] : begin[left[k] + 1]], spoken[begin[right[k]] : begin[right[k] + 1]]
        row = np.zeros(b.size + 1, dtype=np.int32)
        for x in range(a.size):
            corner = 0
            for y in range(b.size):
                above = row[y + 1]
                if a[x] == b[y]:
                    row[y + 1] = corner + 1
                elif row[y] > above:
                    row[y + 1] = row[y]
                corner = above
        share[k] = row[b.size] / max(a.size, b.size)
    return share
