"""One label's rows in order of their scores: sorted once, read by every identity.

Everything here is in *tie groups*: rows of one score share a group, 0 is the lowest. A row's *placement* in a
sample is the share of the sample that scores below it, ties counting half; *doubled* placements,
2 x rows below + rows tied, are whole numbers and exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from audit.placements import Ranking

Places = NDArray[np.int32]
Sides = NDArray[np.int8]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]
COUNT, FIRST, SECOND = 0, 2, 4
"""Columns of `Order.running` of the side without the label; those with it follow."""


class Order(NamedTuple):
    """The rows of one label whose truth is known; T tie groups.

    Attributes:
        place: (n,) tie group of each row.
        side: (n,) 1 has the label, 0 has not, -1 takes no part (not annotated).
        total: (2,) rows without and with the label.
        wins: twice the pairs whose row with the label scores higher, ties counting half: exact.
        centre: (2,) mean doubled placement of each side's rows among the other side's.
        running: (T + 1, 6) sums over all rows of lower tie groups, in columns by side: rows, their doubled
            placements among the other side less the centre, squares of these. One line of memory a group.
    """

    place: Places
    side: Sides
    total: Ints
    wins: int
    centre: Floats
    running: Floats


def tie_groups(ranking: Ranking) -> Places:
    """(n,) tie group of each row, from the sort of `audit.placements.rank`."""
    place = np.empty(ranking.order.size, dtype=np.int32)
    sizes = np.diff(ranking.starts)
    place[ranking.order] = np.repeat(np.arange(sizes.size, dtype=np.int32), sizes)
    return place


def order_of(ranking: Ranking, place: Places, side: Sides) -> Order:
    """Count and sum along the sort.

    Args:
        ranking: the sort.
        place: (n,) `tie_groups` of it.
        side: (n,) 1 has the label, 0 has not, -1 takes no part.
    """
    running = np.zeros((ranking.starts.size, 6))
    wins = _count(ranking.order, ranking.starts, side, running)
    total = running[-1, :2].astype(np.int64)
    pairs = 2 * int(total[0]) * int(total[1])
    centre = np.array([pairs - wins, wins]) / np.maximum(total, 1)
    _sum(running, centre)
    return Order(place, side, total, int(wins), centre, running)


@njit(cache=True, nogil=True)
def _count(order: Ints, starts: Ints, side: Sides, running: Floats) -> int:
    """Fill the columns of counts, and count wins."""
    seen, tied, wins = np.zeros(2, np.int64), np.zeros(2, np.int64), 0
    for t in range(starts.size - 1):
        tied[:] = 0
        for i in range(starts[t], starts[t + 1]):
            if side[order[i]] >= 0:
                tied[side[order[i]]] += 1
        wins += tied[1] * (2 * seen[0] + tied[0])
        seen += tied
        running[t + 1, 0], running[t + 1, 1] = seen[0], seen[1]
    return wins


@njit(cache=True, nogil=True)
def _sum(running: Floats, centre: Floats) -> None:
    """Fill the columns of sums from those of counts."""
    for t in range(running.shape[0] - 1):
        for s in range(2):
            rows = running[t + 1, s] - running[t, s]
            away = running[t, 1 - s] + running[t + 1, 1 - s] - centre[s]
            running[t + 1, FIRST + s] = running[t, FIRST + s] + rows * away
            running[t + 1, SECOND + s] = running[t, SECOND + s] + rows * away * away
