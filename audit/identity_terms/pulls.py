"""How far every row pulls a weighted sum of identities' AUCs: the delta method with all covariances.

A row's pull at an AUC is how far its placement is from the mean, over the rows of its sample. Identities
share their backgrounds and overlap, so a row's pulls at all of them are added first and squared then; with
clusters the sum runs over the cluster. Members cut the background of their identity into steps along the
scores: these are added as differences, so that K identities cost O(rows + memberships), not O(rows x K).
"""

from __future__ import annotations

import numpy as np

from audit.identity_terms.moments import BACK_NEG, BPSN, OWN_NEG, OWN_POS, SUBGROUP
from audit.identity_terms.order import Floats, Ints, doubled_among, doubled_in
from audit.identity_terms.shares import Shares


def row_pulls(shares: Shares, pair: int, identities: Ints, weights: Floats) -> Floats:
    """(n,) pull of each row at the weighted sum of one pair's shares.

    Args:
        shares: of one label.
        pair: SUBGROUP, BPSN or BNSP.
        identities: (k,) whose shares are summed; each has at least two units in both samples.
        weights: (k,).
    """
    rows = np.zeros(shares.everyone.side.size)
    steps = np.zeros((len(shares.orders), shares.everyone.below.shape[1]))
    for k, weight in zip(identities.tolist(), weights.tolist(), strict=True):
        if pair == SUBGROUP:
            _inside(shares, k, weight, rows)
        else:
            _across(shares, pair, k, weight, rows, steps[shares.label.mask[k]])
    if pair != SUBGROUP:
        side = 1 if pair == BPSN else 0
        for order, differences in zip(shares.orders, steps, strict=True):
            mine = order.side == side
            rows[mine] += differences.cumsum()[order.place[mine]]
    return rows


def overall_pulls(shares: Shares) -> Floats:
    """(n,) pull of each row at the AUC of all rows."""
    order = shares.everyone
    rows = np.zeros(order.side.size)
    if not order.total.all():
        return np.full(order.side.size, np.nan)
    for side, sign in ((1, 1.0), (0, -1.0)):
        mine = np.flatnonzero(order.side == side)
        share = doubled_among(order, 1 - side, order.place[mine]) / (2.0 * order.total[1 - side])
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


def _direct(shares: Shares, k: int, sample: int, doubled: Ints, among: int, sign: float) -> Floats:
    """Pulls of a sample of members: their placements among `among` rows, centred."""
    share = doubled / (2.0 * among)
    factor = sign * _factor(int(shares.units[k, sample])) / doubled.size
    return np.asarray(factor * (share - share.mean()))


def _inside(shares: Shares, k: int, weight: float, rows: Floats) -> None:
    """Subgroup AUC: members against members."""
    order, (negatives, positives) = shares.everyone, shares.placed[k]
    below, above = order.place[negatives], order.place[positives]
    n_neg, n_pos = (int(shares.sizes[k, s]) for s in (OWN_NEG, OWN_POS))
    rows[positives] += _direct(shares, k, OWN_POS, doubled_in(below, above), n_neg, weight)
    rows[negatives] += _direct(shares, k, OWN_NEG, doubled_in(above, below), n_pos, -weight)


def _across(shares: Shares, pair: int, k: int, weight: float, rows: Floats, steps: Floats) -> None:
    """BPSN (side 1: b+ against g-) and BNSP (side 0: b- against g+): members against the background."""
    order = shares.orders[shares.label.mask[k]]
    side = 1 if pair == BPSN else 0
    cutting, same = shares.placed[k] if pair == BPSN else shares.placed[k][::-1]
    at, own = order.place[cutting], order.place[same]
    background, members = (BACK_NEG + 1, OWN_NEG) if pair == BPSN else (BACK_NEG, OWN_POS)
    n_back, n_members = int(shares.sizes[k, background]), int(shares.sizes[k, members])
    among_back = doubled_among(order, side, at) - doubled_in(own, at)
    sign = -1.0 if pair == BPSN else 1.0
    rows[cutting] += _direct(shares, k, members, among_back, n_back, sign * weight)
    scale = -sign * weight * _factor(int(shares.units[k, background])) / n_back
    mean = 1 - among_back.mean() / (2.0 * n_back)  # of a background row's placement among the members
    steps[0] -= scale * mean
    np.add.at(steps, at, scale / (2.0 * n_members))
    np.add.at(steps, at + 1, scale / (2.0 * n_members))
    rows[same] -= scale * (doubled_in(at, own) / (2.0 * n_members) - mean)
