"""The compiled visit to the members of identities: one pass along their scores for everything that is summed.

Between two scores that members of an identity have, the placement of a background row among them stands
still, so the background's sums are read off the running sums of the whole label, see
`audit.identity_terms.order`. Arrays that are filled have the shapes of `audit.identity_terms.moments`.
"""

from __future__ import annotations

import numpy as np
from numba import njit
from numpy.typing import NDArray

from audit.identity_terms.order import COUNT, FIRST, SECOND, Floats, Ints, Order, Places, Sides
from audit.identity_terms.samples import BACK_NEG, BACK_POS, OWN_NEG, OWN_POS


@njit(cache=True, nogil=True)
def visit(
    running: Floats,
    centre: Floats,
    total: Ints,
    wins: int,
    identities: Ints,
    starts: Ints,
    place: Places,
    side: Sides,
    sizes: Ints,
    totals: Ints,
    squares: Floats,
    products: Floats,
    among: Places,
) -> NDArray[np.bool_]:
    """Fill sizes, totals, squares, products and `among`; tell whose background is a sliver of a side.

    Of a sliver, little is left of a difference of running sums: its squares are left to `sliver`.
    """
    thin = np.zeros(identities.size, np.bool_)
    most = 0
    for k in identities:
        most = max(most, starts[k + 1] - starts[k])
    room_tied, room = np.empty((most, 2), np.int64), np.empty((most + 1, 2, 6))  # fresh memory is slow
    for i in range(identities.size):
        k = identities[i]
        first, last = starts[k], starts[k + 1]
        events = _lines(running, place[first:last], side[first:last], room_tied, room)
        tied, lines = room_tied[:events], room[: events + 1]
        for e in range(tied.shape[0]):
            for s in range(2):
                sizes[k, 2 + s] += tied[e, s]
        for s in range(2):
            sizes[k, s] = total[s] - sizes[k, 2 + s]
            thin[i] |= 2 * sizes[k, s] < total[s]
        _own_totals(tied, lines, side[first:last], totals[k], among[first:last])
        _background_totals(wins, sizes[k], totals[k])
        if not thin[i]:
            means = totals[k] / np.maximum(sizes[k], 1).reshape(4, 1)
            _squares(tied, lines, centre, means, squares[k], products[k])
    return thin


@njit(cache=True, nogil=True)
def _lines(running: Floats, place: Places, side: Sides, tied: Ints, lines: Floats) -> int:
    """Visit the members' tie groups once; what lies far apart in memory is read here only.

    Args:
        running: (T + 1, 6).
        place: (m,) tie groups of the members, sorted.
        side: (m,) their sides.
        tied: filled with the members by side in each of their e tie groups, (e, 2).
        lines: filled with the lines of `running` before and after each, and at the end of all, (e + 1, 2, 6).

    Returns:
        e.
    """
    e, last = -1, -1
    for i in range(place.size):
        if place[i] != last:
            e, last = e + 1, place[i]
            tied[e, 0] = tied[e, 1] = 0
            for c in range(6):
                lines[e, 0, c], lines[e, 1, c] = running[last, c], running[last + 1, c]
        tied[e, side[i]] += 1
    lines[e + 1] = running[-1]
    return e + 1


@njit(cache=True, nogil=True)
def _own_totals(tied: Ints, lines: Floats, side: Sides, totals: Ints, among: Places) -> None:
    """Fill the members' rows of `totals`, and their own placements."""
    seen, doubled, i = np.zeros(2, np.int64), np.zeros(4, np.int64), 0
    for e in range(tied.shape[0]):
        for j in range(2):
            doubled[2 + j] = 2 * seen[j] + tied[e, j]
            doubled[j] = int(lines[e, 0, COUNT + j] + lines[e, 1, COUNT + j]) - doubled[2 + j]
            for s in range(2):
                totals[2 + s, j] += tied[e, s] * doubled[j]
                totals[2 + s, 2 + j] += tied[e, s] * doubled[2 + j]
        for _ in range(tied[e, 0] + tied[e, 1]):
            among[i, 0], among[i, 1] = doubled[3 - side[i]], doubled[1 - side[i]]
            i += 1
        seen += tied[e]


@njit(cache=True, nogil=True)
def _background_totals(wins: int, sizes: Ints, totals: Ints) -> None:
    """Fill the background's rows of `totals` from those of the members: doubled pairs add up."""
    for s in range(2):
        for j in range(2):
            totals[s, 2 + j] = 2 * sizes[s] * sizes[2 + j] - totals[2 + j, s]
    others = totals[OWN_POS, BACK_NEG] + totals[BACK_POS, OWN_NEG] + totals[OWN_POS, OWN_NEG]
    totals[BACK_POS, BACK_NEG] = wins - others
    totals[BACK_NEG, BACK_POS] = 2 * sizes[BACK_NEG] * sizes[BACK_POS] - totals[BACK_POS, BACK_NEG]


@njit(cache=True, nogil=True)
def _add_rows(s: int, rows: float, doubled: Floats, means: Floats, squares: Floats) -> None:
    """Add rows of sample s that all have the same doubled placements in the four samples."""
    for j in range(4):
        squares[s, j] += rows * (doubled[j] - means[s, j]) ** 2


@njit(cache=True, nogil=True)
def _add_background(
    s: int,
    rows: float,
    first: float,
    second: float,
    offset: float,
    own: Floats,
    means: Floats,
    squares: Floats,
    products: Floats,
) -> None:
    """Add background rows of side s between two members' scores, or at one.

    Args:
        s: the side.
        rows: their number.
        first: sum of their doubled placements among all rows of the other side, less the centre.
        second: sum of the squares of these.
        offset: what a placement less the centre lacks to one in the other background less its mean.
        own: (2,) their doubled placements among g- and g+, the same for all.
        means: (4, 4).
        squares: (4, 4), added to.
        products: (2,) added to: placement in the other background x in the other side's members.
    """
    for j in range(2):
        squares[s, 2 + j] += rows * (own[j] - means[s, 2 + j]) ** 2
    shifted = first + offset * rows
    squares[s, 1 - s] += second + 2 * offset * first + offset * offset * rows
    products[s] += (own[1 - s] - means[s, 3 - s]) * shifted


@njit(cache=True, nogil=True)
def _squares(
    tied: Ints, lines: Floats, centre: Floats, means: Floats, squares: Floats, products: Floats
) -> None:
    """Add up (4, 4) squared deviations of doubled placements, (2,) products of the background's."""
    seen, own, doubled, before = np.zeros(2, np.int64), np.zeros(2), np.zeros(4), np.zeros(6)
    for e in range(lines.shape[0]):
        for s in range(2):  # no member between the tie groups of two events
            own[s] = 2 * seen[s]
        for s in range(2):
            rows, x, xx = (
                lines[e, 0, COUNT + s] - before[COUNT + s],
                lines[e, 0, FIRST + s] - before[FIRST + s],
                lines[e, 0, SECOND + s] - before[SECOND + s],
            )
            offset = centre[s] - own[1 - s] - means[s, 1 - s]
            _add_background(s, rows, x, xx, offset, own, means, squares, products)
        if e == tied.shape[0]:
            break
        before[:] = lines[e, 1]
        for j in range(2):
            own[j] = doubled[2 + j] = 2 * seen[j] + tied[e, j]
            doubled[j] = lines[e, 0, COUNT + j] + lines[e, 1, COUNT + j] - own[j]
        for s in range(2):
            _add_rows(2 + s, tied[e, s], doubled, means, squares)
            rows = lines[e, 1, COUNT + s] - lines[e, 0, COUNT + s] - tied[e, s]
            away = doubled[1 - s] - means[s, 1 - s]
            _add_background(s, rows, rows * away, rows * away * away, 0.0, own, means, squares, products)
        seen += tied[e]


def sliver(order: Order, place: Places, side: Sides, means: Floats) -> tuple[Floats, Floats]:
    """What `visit` adds up, from counts by tie group: O(all rows), and nothing cancels."""
    groups = order.running.shape[0] - 1
    own = [np.bincount(place[side == s], minlength=groups) for s in (0, 1)]
    every = np.diff(order.running[:, COUNT : COUNT + 2], axis=0).astype(np.int64)
    rows = np.stack([every[:, 0] - own[0], every[:, 1] - own[1], *own])
    away = (2 * rows.cumsum(axis=1) - rows)[None, :, :] - means[:, :, None]
    squares = (rows[:, None, :] * away**2).sum(axis=2)
    products = [(rows[s] * away[s, 1 - s] * away[s, 3 - s]).sum() for s in (0, 1)]
    return squares, np.array(products)
