"""Copies with a caption or bars: found by the hash of a part of the picture, confirmed on that part.

A caption moves a third of the bits of a picture's hash, and covers detail that the second check compares. So
the middle rows are hashed as well, which a caption upon the top or the bottom leaves as they are; and the
picture within its border, where bands of one colour were added around it. What is found so went through the
same second check as all pairs, on that part.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

import numpy as np
from numpy.typing import NDArray

from audit.leakage.confirm import CONFIRMED
from audit.leakage.hamming import HashPairs, TooManyPairsError, search
from audit.leakage.pair_list import BORDERED, CAPTIONED, PairList, joined, pair_list

BITS = 8
"""Largest distance between the hashes of parts. Copies were seen up to 4 bits; few others lie below 8."""
MOST = 20_000
"""Pairs that are checked at most; where there are more the distance is reduced, and said."""
Rows = NDArray[np.integer]


class Check(Protocol):
    """The second check on parts of distinct pictures: (p,) correlations."""

    def middles(self, i: Rows, j: Rows) -> NDArray[np.float32]:
        """Of the middle rows."""

    def within(
        self, i: Rows, i_inner: NDArray[np.bool_], j: Rows, j_inner: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """Of pictures, of those marked what lies within the border."""


@dataclass(frozen=True, kw_only=True)
class Parts:
    """Hashes of k distinct pictures."""

    whole: NDArray[np.uint64]
    """(k,)."""
    middle: NDArray[np.uint64]
    """(k,) 0: none."""
    inner: NDArray[np.uint64]
    """(k,) 0: no border."""


def part_pairs(parts: Parts, check: Check) -> tuple[PairList, int]:
    """Find pairs that agree in a part and pass the second check there.

    Args:
        parts: hashes of k distinct pictures.
        check: the second check.

    Returns:
        Confirmed pairs of positions among the k, each once, with the bits between the hashes of the whole
        pictures as distance; and the distance of the parts' hashes up to which was searched.
    """
    middles, searched = _by_middle(parts, check)
    inners, also = _by_border(parts, check)
    found = joined([middles, inners])
    _, first = np.unique(found.a * parts.whole.size + found.b, return_index=True)
    return found.take(np.sort(first)), min(searched, also)


def _by_middle(parts: Parts, check: Check) -> tuple[PairList, int]:
    at = np.flatnonzero(parts.middle)
    found, distance = _search(parts.middle[at])
    left, right, _ = found.pairs(distance)
    i, j = at[left], at[right]
    return _confirmed(parts, i, j, CAPTIONED, check.middles(i, j)), distance


def _by_border(parts: Parts, check: Check) -> tuple[PairList, int]:
    """Within the border of one against the whole of another, and against what is within its border."""
    bordered = np.flatnonzero(parts.inner)
    n = parts.whole.size
    if bordered.size == 0:
        return _nothing(), BITS
    owner = np.concatenate([np.arange(n), bordered])
    found, distance = _search(np.concatenate([parts.whole, parts.inner[bordered]]))
    i, j, _ = found.pairs(distance)
    own = ((i >= n) | (j >= n)) & (owner[i] != owner[j])
    i, j = i[own], j[own]
    scores = check.within(owner[i], i >= n, owner[j], j >= n)
    return _confirmed(parts, owner[i], owner[j], BORDERED, scores), distance


def _search(hashes: NDArray[np.uint64]) -> tuple[HashPairs, int]:
    """All pairs up to the largest even distance that leaves few enough to check."""
    for distance in range(BITS, -1, -2):
        try:
            found = search(hashes, distance)
        except TooManyPairsError:
            continue
        if found.counts().sum() <= MOST:
            return found, distance
    return search(hashes[:0], 0), -1


def _confirmed(parts: Parts, i: Rows, j: Rows, kind: str, scores: NDArray[np.float32]) -> PairList:
    good = np.flatnonzero(scores >= CONFIRMED)
    i, j = i[good], j[good]
    bits = np.bitwise_count(parts.whole[i] ^ parts.whole[j])
    return pair_list(i, j, kind, bits, scores[good], True)


def _nothing() -> PairList:
    none = np.zeros(0, dtype=np.int64)
    return pair_list(none, none, BORDERED)
