"""The members of all identities in order of their scores, from one walk along a label's sort."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from audit.identity_terms.order import Ints, Places, Sides
from audit.placements import Ranking


class Placed(NamedTuple):
    """M memberships of K identities, those of one identity together.

    Attributes:
        starts: (K + 1,) where the members of each identity begin.
        rows: (M,) rows of the label; within an identity from the lowest to the highest score.
        place: (M,) their tie groups.
        side: (M,) 1 where the row has the label, else 0.
    """

    starts: Ints
    rows: Places
    place: Places
    side: Sides


def place_members(ranking: Ranking, place: Places, truth: Sides, members: tuple[Ints, ...]) -> Placed:
    """Order all members in O(rows + memberships).

    Args:
        ranking: of the label's n scores.
        place: (n,) tie groups.
        truth: (n,) 1 has the label, 0 has not.
        members: (K,) rows of each identity.
    """
    starts = np.concatenate([[0], np.cumsum([rows.size for rows in members])]).astype(np.int64)
    together = np.concatenate([np.empty(0, np.int64), *members]).astype(np.int32)
    first, who = _by_row(starts, together, place.size)
    rows = _by_score(ranking.order, first, who, starts)
    return Placed(starts, rows, place[rows], truth[rows])


@njit(cache=True, nogil=True)
def _by_row(starts: Ints, rows: Places, n: int) -> tuple[Places, NDArray[np.int32]]:
    """(n + 1,) where each row's identities begin, (M,) the identities."""
    first, who = np.zeros(n + 1, np.int32), np.empty(rows.size, np.int32)
    for row in rows:
        first[row + 1] += 1
    for i in range(n):
        first[i + 1] += first[i]
    for k in range(starts.size - 1):
        for j in range(starts[k], starts[k + 1]):
            who[first[rows[j]]] = k
            first[rows[j]] += 1
    for i in range(n, 0, -1):  # filling has moved every beginning to the next one
        first[i] = first[i - 1]
    first[0] = 0
    return first, who


@njit(cache=True, nogil=True)
def _by_score(order: Ints, first: Places, who: NDArray[np.int32], starts: Ints) -> Places:
    rows, filled = np.empty(who.size, np.int32), starts[:-1].copy()
    for row in order:
        for j in range(first[row], first[row + 1]):
            rows[filled[who[j]]] = row
            filled[who[j]] += 1
    return rows
