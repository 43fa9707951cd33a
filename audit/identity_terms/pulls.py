"""How far every row pulls weighted sums of identities' AUCs: the delta method with all covariances.

A row's pull at an AUC is how far its placement is from the mean, over the rows of its sample. Identities
share their backgrounds and overlap, so a row's pulls at all of them are added first and squared then; with
clusters the sum runs over the cluster. Members cut the background of their identity into steps along the
scores: these are added as differences, so that K identities cost O(rows + memberships), not O(rows x K).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from audit.identity_terms.order import Floats, Ints, Places, Sides
from audit.identity_terms.samples import BACK_NEG, BACK_POS, OWN_NEG, OWN_POS
from audit.identity_terms.shares import COMPARED, Shares

_SUBGROUP, _BPSN, _BNSP = range(len(COMPARED))
_OWN, _BACK = 0, 1  # columns of `Moments.among`


def row_pulls(shares: Shares, weights: Floats) -> Floats:
    """(3, w, n) pull of each row at w weighted sums of subgroup, BPSN and BNSP AUCs.

    Args:
        shares: of one label.
        weights: (K, 3, w); 0 for a share that does not count, and for every share that can't be computed.
    """
    placed, everyone, moments = shares.placed, shares.everyone, shares.moments
    rows = np.zeros((everyone.side.size, 3, weights.shape[2]))
    steps = np.zeros((len(shares.orders), everyone.running.shape[0], 2, weights.shape[2]))
    lines, column, jumps, starts = _lines(shares)
    mask = np.array(shares.label.mask, dtype=np.int64)
    _add_members(rows, steps, mask, *placed, moments.among, lines, column, jumps, weights)
    for m, order in enumerate(shares.orders):
        mine = np.flatnonzero(mask == m)
        beginning = np.nan_to_num(starts[mine])  # what can't be computed has no weight
        steps[m, 0] += np.einsum("ks,ksw->sw", beginning, weights[mine][:, [_BNSP, _BPSN]])
        _add_steps(rows, order.place, order.side, steps[m])
    return np.moveaxis(rows, 0, 2)


def overall_pulls(shares: Shares) -> Floats:
    """(n,) pull of each row at the AUC of all rows."""
    order = shares.everyone
    rows = np.zeros(order.side.size)
    if not order.total.all():
        return np.full(order.side.size, np.nan)
    for side, sign in ((1, 1.0), (0, -1.0)):
        mine = np.flatnonzero(order.side == side)
        below = order.running[:, 1 - side]
        share = (below[:-1] + below[1:])[order.place[mine]] / (2.0 * order.total[1 - side])
        units = mine.size if shares.label.clusters is None else np.unique(shares.label.clusters[mine]).size
        factor = np.sqrt(units / (units - 1)) if units > 1 else np.nan
        rows[mine] = sign * factor * (share - share.mean()) / mine.size
    return rows


def variance_of(shares: Shares, pulls: Floats) -> float:
    """Variance of a sum from its rows' pulls, added up by cluster where there are any."""
    clusters = shares.label.clusters
    units = pulls if clusters is None else np.bincount(clusters, pulls, shares.label.n_clusters)
    return float((units**2).sum())


def _lines(shares: Shares) -> tuple[Floats, Ints, Floats, Floats]:
    """Pulls as straight lines in a member's doubled placement, and the steps of the background.

    A member's pull at its subgroup AUC is a line in its placement among the other members, at BPSN (of g-)
    and BNSP (of g+) in that among the background. The steps count every row of a side as background, members
    too: a member takes its own back, a line in its placement among the other members.

    Returns:
        (K, 2, 3, 2) slope and intercept by side and share; (2, 3) the column of `among` that each is in;
        (K, 2) jump that a member of g+ (g-) gives to the steps of the side without (with) the label;
        (K, 2) where these steps start.
    """
    n, units, totals = (
        x.astype(np.float64) for x in (shares.moments.sizes, shares.moments.units, shares.moments.totals)
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        each = np.sqrt(units / (units - 1)) / n  # (K, 4) weight of a row in its sample
        mean = totals / (2 * n[:, :, None] * n[:, None, :])  # placements, not doubled
    lines, column = np.zeros((len(n), 2, 3, 2)), np.zeros((2, 3), dtype=np.int64)
    jumps, starts = np.zeros((len(n), 2)), np.zeros((len(n), 2))

    def line(side: int, share: int, sign: float, weighed: int, sample: int, among: int) -> None:
        slope = sign * each[:, weighed]
        with np.errstate(invalid="ignore", divide="ignore"):
            lines[:, side, share, 0] = slope / (2 * n[:, among])
            lines[:, side, share, 1] = -slope * mean[:, sample, among]

    line(1, _SUBGROUP, 1.0, OWN_POS, OWN_POS, OWN_NEG)
    line(0, _SUBGROUP, -1.0, OWN_NEG, OWN_NEG, OWN_POS)
    line(0, _BPSN, -1.0, OWN_NEG, OWN_NEG, BACK_POS)
    line(1, _BNSP, 1.0, OWN_POS, OWN_POS, BACK_NEG)
    line(1, _BPSN, -1.0, BACK_POS, BACK_POS, OWN_NEG)  # what the steps give, taken back
    line(0, _BNSP, 1.0, BACK_NEG, BACK_NEG, OWN_POS)
    column[0, _BPSN] = column[1, _BNSP] = _BACK
    for side, share in ((0, _BNSP), (1, _BPSN)):
        jumps[:, side], starts[:, side] = -lines[:, side, share, 0], -lines[:, side, share, 1]
    return lines, column, jumps, starts


@njit(cache=True, nogil=True)
def _add_members(
    rows: Floats,
    steps: Floats,
    mask: Ints,
    first: Ints,
    members: Places,
    place: Places,
    side: Sides,
    among: Places,
    lines: Floats,
    column: Ints,
    jumps: Floats,
    weights: Floats,
) -> None:
    """Add the members' own pulls to `rows`, and the jumps that they give to the steps of the other side."""
    for k in range(mask.size):
        for i in range(first[k], first[k + 1]):
            s, t, row = side[i], place[i], members[i]
            for share in range(3):
                pull = lines[k, s, share, 0] * among[i, column[s, share]] + lines[k, s, share, 1]
                for w in range(weights.shape[2]):
                    if weights[k, share, w] != 0:
                        rows[row, share, w] += pull * weights[k, share, w]
            other = 1 - s  # g- cut the side with the label (BPSN), g+ the one without (BNSP)
            for w in range(weights.shape[2]):
                weight = weights[k, 1 + s, w]
                if weight != 0:
                    steps[mask[k], t, other, w] += jumps[k, other] * weight
                    steps[mask[k], t + 1, other, w] += jumps[k, other] * weight


@njit(cache=True, nogil=True)
def _add_steps(rows: Floats, place: Places, side: Sides, steps: Floats) -> None:
    """Turn differences into steps, and add to each row the steps of its side."""
    for t in range(1, steps.shape[0]):
        for s in range(2):
            for w in range(steps.shape[2]):
                steps[t, s, w] += steps[t - 1, s, w]
    for i in range(place.size):
        s = side[i]
        if s >= 0:
            for w in range(steps.shape[2]):
                rows[i, 2 - s, w] += steps[place[i], s, w]
