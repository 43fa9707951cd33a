"""Six Mann-Whitney shares of an identity and its background, with DeLong's variances, from the members alone.

For an identity and a label there are four samples: g+ and g- (rows that speak of the identity, with and
without the label), b+ and b- (the background: all other annotated rows). Between two scores that members of g
have, the placement of a background row among them stands still, so the background's sums are read off running
sums of the whole label (`audit.identity_terms.order`): O(rows of g), not O(all rows).

Source:
    DeLong, DeLong & Clarke-Pearson (1988), Biometrics 44, 837-845, for variances and covariances; Borkan et
    al. (2019), arXiv 1903.04561, for the shares.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numba import njit

from audit.identity_terms.order import COUNT, FIRST, SECOND, Floats, Ints, Order, Places, Sides

SAMPLES = ("b-", "b+", "g-", "g+")
BACK_NEG, BACK_POS, OWN_NEG, OWN_POS = range(4)
PAIRS = ("subgroup", "bpsn", "bnsp", "background", "plus", "minus")
"""P(upper > lower): g+ over g-, b+ over g-, g+ over b-, b+ over b-, g+ over b+, g- over b-."""
SUBGROUP, BPSN, BNSP, BACKGROUND, PLUS, MINUS = range(6)
LOWER = (OWN_NEG, OWN_NEG, BACK_NEG, BACK_NEG, BACK_POS, BACK_NEG)
UPPER = (OWN_POS, BACK_POS, OWN_POS, BACK_POS, OWN_POS, OWN_NEG)
ROUNDING = 1e-12
"""Share of a coin's variance below which a variance is rounding; the smallest true one is far above."""


class Moments(NamedTuple):
    """What one identity's rows say.

    Attributes:
        sizes: (4,) rows by sample, in the order of SAMPLES.
        units: (4,) independent units by sample: rows, or clusters with a row in it.
        value: (6,) shares, in the order of PAIRS; NaN where a sample is empty.
        variance: (6,) of the shares; NaN with fewer than two units in a sample.
        shared: (3,) covariance of subgroup, BPSN and BNSP with the background's AUC: the last two have a
            sample in common with it.
    """

    sizes: Ints
    units: Ints
    value: Floats
    variance: Floats
    shared: Floats


def moments(order: Order, place: Places, side: Sides) -> tuple[Moments, Places]:
    """Measure one identity.

    Args:
        order: the label's rows.
        place: (m,) tie groups of the members, sorted.
        side: (m,) 1 where the member has the label, else 0.

    Returns:
        The moments, and (m, 2) the members' doubled placements among the members and among the background of
        the other side.
    """
    own = np.bincount(side, minlength=2)
    sizes = np.concatenate([order.total - own, own])
    tied, lines, own_totals, among = _gather(order.running, place, side)
    totals = _all_totals(order, own_totals, sizes)
    with np.errstate(invalid="ignore", divide="ignore"):
        means = totals / sizes[:, None]
    if (2 * sizes[:2] < order.total).any():  # of a sliver, little is left of a difference of running sums
        squares, products = _sliver(order, place, side, np.nan_to_num(means))
    else:
        squares, products = _squares(tied, lines, order.centre, np.nan_to_num(means))
    return _moments(sizes, totals, squares, products), among


def _all_totals(order: Order, own: Ints, sizes: Ints) -> Ints:
    """(4, 4) doubled placements of the rows of a sample (first index) among another (second), summed."""
    pairs = 2 * sizes[:, None] * sizes[None, :]
    totals = np.zeros((4, 4), dtype=np.int64)
    totals[2:] = own
    totals[:2, 2:] = (pairs[2:, :2] - own[:, :2]).T
    totals[BACK_POS, BACK_NEG] = (
        order.wins - totals[OWN_POS, BACK_NEG] - totals[BACK_POS, OWN_NEG] - totals[OWN_POS, OWN_NEG]
    )
    totals[BACK_NEG, BACK_POS] = pairs[BACK_NEG, BACK_POS] - totals[BACK_POS, BACK_NEG]
    return totals


def _moments(sizes: Ints, totals: Ints, squares: Floats, products: Floats) -> Moments:
    lower, upper = list(LOWER), list(UPPER)
    n, few = sizes.astype(np.float64), sizes < 2
    with np.errstate(invalid="ignore", divide="ignore"):
        value = totals[upper, lower] / (2 * n[upper] * n[lower])
        spread = squares / (n * (n - 1))[:, None] / (2 * n[None, :]) ** 2
        product = products / (n * (n - 1))[:2] / (2 * n[[BACK_POS, BACK_NEG]]) / (2 * n[[OWN_POS, OWN_NEG]])
    spread[few] = np.nan
    shared = np.where((sizes == 0)[[OWN_POS, OWN_NEG]] | few[:2], np.nan, product)
    variance = without_rounding(spread[upper, lower] + spread[lower, upper], value, sizes)
    return Moments(sizes, sizes, value, variance, np.array([0.0, shared[1], shared[0]]))


def without_rounding(variance: Floats, value: Floats, sizes: Ints) -> Floats:
    """Variances with 0 for what is rounding alone, so that constant placements are told from the rest."""
    n = sizes[list(LOWER)] + sizes[list(UPPER)]
    with np.errstate(invalid="ignore", divide="ignore"):
        constant = (value == 0) | (value == 1) | (variance <= ROUNDING * value * (1 - value) / n)
    return np.where(constant, np.where(np.isnan(variance), np.nan, 0.0), variance)


@njit(cache=True, nogil=True)
def _gather(running: Floats, place: Places, side: Sides) -> tuple[Ints, Floats, Ints, Places]:
    """Visit the members' tie groups once; what lies far apart in memory is read here only.

    Returns:
        (e, 2) members by side in each of e tie groups; (e + 1, 2, 6) lines of `running` before and after each
        and at the end of all; (2, 4) sums of the doubled placements of g- and g+ among each sample; (m, 2)
        those of each member among the other side's members and background.
    """
    tied, lines = _lines(running, place, side)
    totals, seen, i = np.zeros((2, 4), np.int64), np.zeros(2, np.int64), 0
    among, doubled = np.empty((place.size, 2), np.int32), np.zeros(4, np.int64)
    for e in range(tied.shape[0]):
        for j in range(2):
            doubled[2 + j] = 2 * seen[j] + tied[e, j]
            doubled[j] = int(lines[e, 0, COUNT + j] + lines[e, 1, COUNT + j]) - doubled[2 + j]
            for s in range(2):
                totals[s, j] += tied[e, s] * doubled[j]
                totals[s, 2 + j] += tied[e, s] * doubled[2 + j]
        for _ in range(tied[e, 0] + tied[e, 1]):
            among[i, 0], among[i, 1] = doubled[3 - side[i]], doubled[1 - side[i]]
            i += 1
        seen += tied[e]
    return tied, lines, totals, among


@njit(cache=True, nogil=True)
def _lines(running: Floats, place: Places, side: Sides) -> tuple[Ints, Floats]:
    """The first two results of `_gather`."""
    tied, lines = np.zeros((place.size, 2), np.int64), np.empty((place.size + 1, 2, 6))
    e, last = -1, -1
    for i in range(place.size):
        if place[i] != last:
            e, last = e + 1, place[i]
            for c in range(6):
                lines[e, 0, c], lines[e, 1, c] = running[last, c], running[last + 1, c]
        tied[e, side[i]] += 1
    lines[e + 1] = running[-1]
    return tied[: e + 1], lines[: e + 2]


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
def _squares(tied: Ints, lines: Floats, centre: Floats, means: Floats) -> tuple[Floats, Floats]:
    """(4, 4) sums of squared deviations of doubled placements, (2,) products of the background's."""
    squares, products, before = np.zeros((4, 4)), np.zeros(2), np.zeros(6)
    seen, own, doubled = np.zeros(2, np.int64), np.zeros(2), np.zeros(4)
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
    return squares, products


def _sliver(order: Order, place: Places, side: Sides, means: Floats) -> tuple[Floats, Floats]:
    """What `_squares` gives, from counts by tie group: O(all rows), and nothing cancels."""
    groups = order.running.shape[0] - 1
    own = [np.bincount(place[side == s], minlength=groups) for s in (0, 1)]
    every = np.diff(order.running[:, COUNT : COUNT + 2], axis=0).astype(np.int64)
    rows = np.stack([every[:, 0] - own[0], every[:, 1] - own[1], *own])
    away = (2 * rows.cumsum(axis=1) - rows)[None, :, :] - means[:, :, None]
    squares = (rows[:, None, :] * away**2).sum(axis=2)
    products = [(rows[s] * away[s, 1 - s] * away[s, 3 - s]).sum() for s in (0, 1)]
    return squares, np.array(products)
