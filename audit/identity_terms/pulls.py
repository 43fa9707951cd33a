"""How far every row pulls a weighted sum of identities' AUCs: the delta method with all covariances.

A row's pull at an AUC is how far its placement is from the mean, over the rows of its sample. Identities
share their backgrounds and overlap, so a row's pulls at all of them are added first and squared then; with
clusters the sum runs over the cluster. Members cut the background of their identity into steps along the
scores: these are added as differences, so that K identities cost O(rows + memberships), not O(rows x K).
"""

from __future__ import annotations

import numpy as np
from numba import njit

from audit.identity_terms.moments import BPSN, LOWER, OWN_NEG, OWN_POS, SUBGROUP, UPPER
from audit.identity_terms.order import Floats, Ints, Places, Sides
from audit.identity_terms.shares import Shares


def row_pulls(shares: Shares, pair: int, identities: Ints, weights: Floats) -> Floats:
    """(n, w) pull of each row at w weighted sums of one pair's shares.

    Args:
        shares: of one label.
        pair: SUBGROUP, BPSN or BNSP.
        identities: (k,) whose shares are summed; each has at least two units in both samples.
        weights: (k, w).
    """
    rows = np.zeros((shares.everyone.side.size, weights.shape[1]))
    steps = np.zeros((len(shares.orders), shares.everyone.running.shape[0], weights.shape[1]))
    for k, weight in zip(identities.tolist(), weights, strict=True):
        if pair == SUBGROUP:
            _inside(shares, k, weight, rows)
        else:
            _across(shares, pair, k, weight, rows, steps[shares.label.mask[k]])
    if pair != SUBGROUP:
        for order, differences in zip(shares.orders, steps, strict=True):
            np.cumsum(differences, axis=0, out=differences)
            _add_steps(rows, order.place, order.side, 1 if pair == BPSN else 0, differences)
    return rows


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
        rows[mine] = sign * _factor(units) * (share - share.mean()) / mine.size
    return rows


def variance_of(shares: Shares, pulls: Floats) -> float:
    """Variance of a sum from its rows' pulls, added up by cluster where there are any."""
    clusters = shares.label.clusters
    units = pulls if clusters is None else np.bincount(clusters, pulls, shares.label.n_clusters)
    return float((units**2).sum())


def _factor(units: int) -> float:
    return float(np.sqrt(units / (units - 1))) if units > 1 else np.nan


def _direct(shares: Shares, k: int, sample: int, doubled: Places, among: int) -> Floats:
    """Pulls of a sample of members: their placements among `among` rows, centred."""
    share = doubled / (2.0 * among)
    return np.asarray(_factor(int(shares.units[k, sample])) / doubled.size * (share - share.mean()))


def _sides(shares: Shares, k: int) -> tuple[tuple[Ints, Places], tuple[Ints, Places]]:
    """Rows and placements of g- and of g+, in order of their scores."""
    rows, among = shares.placed[k]
    positive = shares.everyone.side[rows] == 1
    return (rows[~positive], among[~positive]), (rows[positive], among[positive])


def _inside(shares: Shares, k: int, weight: Floats, rows: Floats) -> None:
    """Subgroup AUC: members against members."""
    (negatives, of_negatives), (positives, of_positives) = _sides(shares, k)
    n_neg, n_pos = (int(shares.sizes[k, s]) for s in (OWN_NEG, OWN_POS))
    _add_rows(rows, positives, _direct(shares, k, OWN_POS, of_positives[:, 0], n_neg), weight)
    _add_rows(rows, negatives, _direct(shares, k, OWN_NEG, of_negatives[:, 0], n_pos), -weight)


def _across(shares: Shares, pair: int, k: int, weight: Floats, rows: Floats, steps: Floats) -> None:
    """BPSN (b+ against g-) and BNSP (b- against g+): members against the background that they cut."""
    negatives, positives = _sides(shares, k)
    cutting, same = (negatives, positives) if pair == BPSN else (positives, negatives)
    sign = -1.0 if pair == BPSN else 1.0
    sample, background = (LOWER[pair], UPPER[pair]) if pair == BPSN else (UPPER[pair], LOWER[pair])
    n_members, n_back = (int(shares.sizes[k, s]) for s in (sample, background))
    _add_rows(rows, cutting[0], _direct(shares, k, sample, cutting[1][:, 1], n_back), sign * weight)
    scale = -sign * _factor(int(shares.units[k, background])) / n_back * weight
    mean = 1 - cutting[1][:, 1].mean() / (2.0 * n_back)  # of a background row's placement among the members
    steps[0] -= scale * mean
    _add_jumps(steps, shares.everyone.place[cutting[0]], scale / (2.0 * n_members))
    own = same[1][:, 0] / (2.0 * n_members) - mean  # members of the background's side are not in it
    _add_rows(rows, same[0], own, -scale)


@njit(cache=True, nogil=True)
def _add_rows(rows: Floats, at: Ints, pulls: Floats, weights: Floats) -> None:
    for i in range(at.size):
        for w in range(weights.size):
            rows[at[i], w] += pulls[i] * weights[w]


@njit(cache=True, nogil=True)
def _add_jumps(steps: Floats, at: Places, jump: Floats) -> None:
    """Half of a member's jump at its own score, where it ties, and half after it."""
    for t in at:
        for w in range(jump.size):
            steps[t, w] += jump[w]
            steps[t + 1, w] += jump[w]


@njit(cache=True, nogil=True)
def _add_steps(rows: Floats, place: Places, side: Sides, of_side: int, steps: Floats) -> None:
    for i in range(place.size):
        if side[i] == of_side:
            for w in range(steps.shape[1]):
                rows[i, w] += steps[place[i], w]
