"""One label's rows in order of their scores: sorted once, read by every identity.

Everything here is in *tie groups*: rows of one score share a group, 0 is the lowest. A row's *placement* in a
sample is the share of the sample that scores below it, ties counting half; *doubled* placements,
2 x rows below + rows tied, are whole numbers and exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.placements import Ranking

Places = NDArray[np.int32]
Floats = NDArray[np.float64]
Ints = NDArray[np.int64]


class Order(NamedTuple):
    """The rows of one label whose truth is known; T tie groups.

    Attributes:
        place: (n,) tie group of each row.
        side: (n,) 1 has the label, 0 has not, -1 takes no part (not annotated).
        below: (2, T + 1) rows of each side in the tie groups before; the last column holds the totals.
        wins: twice the pairs whose row with the label scores higher, ties counting half: exact.
        centre: (2,) mean doubled placement of each side's rows among the other side's.
        first: (2, T + 1) running sums over a side's rows of doubled placement - centre.
        second: (2, T + 1) the same of its square.
    """

    place: Places
    side: NDArray[np.int8]
    below: Ints
    wins: int
    centre: Floats
    first: Floats
    second: Floats

    @property
    def total(self) -> Ints:
        """(2,) rows without and with the label."""
        return self.below[:, -1]


def tie_groups(ranking: Ranking) -> Places:
    """(n,) tie group of each row, from the sort of `audit.placements.rank`."""
    place = np.empty(ranking.order.size, dtype=np.int32)
    sizes = np.diff(ranking.starts)
    place[ranking.order] = np.repeat(np.arange(sizes.size, dtype=np.int32), sizes)
    return place


def order_of(place: Places, side: NDArray[np.int8]) -> Order:
    """Count and sum along the sort; see `Order` for the arguments."""
    groups = int(place.max(initial=-1)) + 1
    counts = np.stack([np.bincount(place[side == s], minlength=groups) for s in (0, 1)])
    below = np.concatenate([np.zeros((2, 1), dtype=np.int64), counts.cumsum(axis=1)], axis=1)
    doubled = below[:, :-1] + below[:, 1:]
    centre, first, second = np.zeros(2), np.zeros((2, groups + 1)), np.zeros((2, groups + 1))
    for s in (0, 1):
        total = int((counts[s] * doubled[1 - s]).sum())
        centre[s] = total / max(int(below[s, -1]), 1)
        away = doubled[1 - s] - centre[s]
        np.cumsum(counts[s] * away, out=first[s, 1:])
        np.cumsum(counts[s] * away**2, out=second[s, 1:])
    wins = int((counts[1] * doubled[0]).sum())
    return Order(place, side, below, wins, centre, first, second)


def doubled_among(order: Order, side: int, at: Places) -> Ints:
    """Doubled placements of tie groups `at` among all rows of a side."""
    return np.asarray(order.below[side][at] + order.below[side][at + 1])


def doubled_in(sample: Places, at: Places) -> Ints:
    """Doubled placements of tie groups `at` in a sample given by its sorted tie groups."""
    below = np.searchsorted(sample, at, "left")
    return np.asarray(below + np.searchsorted(sample, at, "right"))
