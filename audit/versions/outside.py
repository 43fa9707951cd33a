"""Paired change of AUC outside every slice of a partition, in two walks instead of two for each slice.

The doubled placement of a row among everyone outside slice k is its doubled placement among all known rows
less that among the rows of k. One walk up the old scores writes down, for every row, its count in each slice;
a second, up the new scores, has the new counts at hand and adds up the differences and their squares.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from audit.placements import Ranking
from audit.slices import Partition

Array = NDArray[np.float64]
_Ints = NDArray[np.int64]
_Counts = NDArray[np.int32]
AT_ONCE = 64
"""Slices of a walk: every row holds so many counts of four bytes."""


class OutsideChange(NamedTuple):
    """Change of AUC of the known rows outside each slice.

    Attributes:
        value: new - old, (K,); NaN for slices with an unknown value and where a side is empty.
        variance: of the change, (K,); NaN with fewer than two rows on a side.
    """

    value: Array
    variance: Array


def outside_change(old: Ranking, new: Ranking, side: NDArray[np.int8], part: Partition) -> OutsideChange:
    """Paired DeLong of everyone outside each slice, rows taken as independent.

    Args:
        old: of the old scores.
        new: of the new scores of the same rows.
        side: (n,) truth, 1 or 0.
        part: the partition; a row in none of its slices, or in one that is unknown, is in no outside.
    """
    member = np.concatenate([part.known, [False]])[part.codes]
    side = np.ascontiguousarray(side, dtype=np.int8)
    pool = np.where(member, 0, -1).astype(np.int32)
    before, after = (_placed(*ranking, side, pool, 1)[:, 0] for ranking in (old, new))
    shift = after.astype(np.int64) - before
    sums = np.zeros((2, 2, part.size))
    for first in range(0, part.size, AT_ONCE):
        width = min(AT_ONCE, part.size - first)
        here = member & (part.codes >= first) & (part.codes < first + width)
        column = np.where(here, part.codes - first, -1).astype(np.int32)
        counts = _placed(*old, side, column, width)
        sums[:, :, first : first + width] = _moved(*new, side, column, member, shift, counts)
    rows = np.zeros((2, part.size))
    for s in (0, 1):
        own = np.bincount(part.codes[member & (side == s)], minlength=part.size)
        rows[s] = own.sum() - own
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = 2.0 * rows[::-1]
        value = sums[0, 1] / rows[1] / scale[1]
        spread = (sums[1] - sums[0] ** 2 / rows) / (rows - 1) / scale**2 / rows
        enough = (rows >= 2).all(axis=0) & part.known
        variance = np.where(enough, np.maximum(spread, 0.0).sum(axis=0), np.nan)
    return OutsideChange(np.where(part.known, value, np.nan), variance)


@njit(cache=True, nogil=True)
def _count(rows: _Ints, side: NDArray[np.int8], column: _Counts, tied: _Counts, by: int) -> None:
    """Add `by` for every row of a tie group to its side and slice."""
    for row in rows:
        if column[row] >= 0:
            tied[side[row], column[row]] += by


@njit(cache=True, nogil=True)
def _placed(order: _Ints, starts: _Ints, side: NDArray[np.int8], column: _Counts, width: int) -> _Counts:
    """Doubled count of the other side's rows below each row, by slice, ties once: (n, width)."""
    found = np.zeros((order.size, width), np.int32)
    seen = np.zeros((2, width), np.int32)
    for group in range(starts.size - 1):
        rows = order[starts[group] : starts[group + 1]]
        _count(rows, side, column, seen, 1)
        for row in rows:
            found[row] = seen[1 - side[row]]
        _count(rows, side, column, seen, 1)
    return found


@njit(cache=True, nogil=True)
def _moved(
    order: _Ints,
    starts: _Ints,
    side: NDArray[np.int8],
    column: _Counts,
    member: NDArray[np.bool_],
    shift: _Ints,
    before: _Counts,
) -> Array:
    """Sums (2, side, width) of the change of the doubled placement outside each slice, and of its square."""
    width = before.shape[1]
    sums = np.zeros((2, 2, width))
    seen = np.zeros((2, width), np.int32)
    for group in range(starts.size - 1):
        rows = order[starts[group] : starts[group + 1]]
        _count(rows, side, column, seen, 1)
        for row in rows:
            if not member[row]:
                continue
            s = side[row]
            whole = float(shift[row])
            for k in range(width):
                change = whole - (seen[1 - s, k] - before[row, k])
                sums[0, s, k] += change
                sums[1, s, k] += change * change
            k = column[row]
            if k >= 0:  # not outside its own slice
                change = whole - (seen[1 - s, k] - before[row, k])
                sums[0, s, k] -= change
                sums[1, s, k] -= change * change
        _count(rows, side, column, seen, 1)
    return sums
