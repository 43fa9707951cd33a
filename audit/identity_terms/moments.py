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

from audit.identity_terms.order import Floats, Ints, Order, Places, doubled_among, doubled_in

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


class _Steps(NamedTuple):
    """Background rows of one side, cut where members of g stand.

    Attributes:
        level: (S,) doubled placement of a row of each segment among the members.
        rows: (S,) background rows of the side in the segment.
        edges: (S + 1,) tie groups where segments begin.
        own: (m,) segment of each member of the side, which is no background row.
    """

    level: Ints
    rows: Ints
    edges: Ints
    own: Ints


def moments(order: Order, positives: Places, negatives: Places) -> Moments:
    """Measure one identity.

    Args:
        order: the label's rows.
        positives: sorted tie groups of g+.
        negatives: sorted tie groups of g-.
    """
    own = np.array([negatives.size, positives.size])
    sizes = np.concatenate([order.total - own, own])
    p_in_n, n_in_p = doubled_in(negatives, positives), doubled_in(positives, negatives)
    among = {
        (s, at): doubled_among(order, s, x) for s in (0, 1) for at, x in (("+", positives), ("-", negatives))
    }
    p_in_b = {0: among[0, "+"] - p_in_n, 1: among[1, "+"] - doubled_in(positives, positives)}
    n_in_b = {0: among[0, "-"] - doubled_in(negatives, negatives), 1: among[1, "-"] - n_in_p}
    value = shares(order, sizes, p_in_n, p_in_b, n_in_b)
    by_negatives = {s: _steps(order, s, negatives, (negatives, positives)[s]) for s in (0, 1)}
    by_positives = {s: _steps(order, s, positives, (negatives, positives)[s]) for s in (0, 1)}
    if (2 * sizes[:2] < order.total).any():  # of a sliver, little is left of a difference of running sums
        (b_neg, c_neg), (b_pos, c_pos) = _sliver(order, negatives, positives)
    else:
        b_pos, c_pos = _background(order, 1, by_negatives[1], among[0, "+"], sizes, value)
        b_neg, c_neg = _background(order, 0, by_positives[0], among[1, "-"], sizes, value)
    parts = (
        (_own(n_in_p, sizes[OWN_POS]), _own(p_in_n, sizes[OWN_NEG])),
        (_own(n_in_b[1], sizes[BACK_POS]), _stepped(by_negatives[1], sizes[OWN_NEG])),
        (_stepped(by_positives[0], sizes[OWN_POS]), _own(p_in_b[0], sizes[BACK_NEG])),
        (b_neg, b_pos),
        (_stepped(by_positives[1], sizes[OWN_POS]), _own(p_in_b[1], sizes[BACK_POS])),
        (_stepped(by_negatives[0], sizes[OWN_NEG]), _own(n_in_b[0], sizes[BACK_NEG])),
    )
    variance = np.array([lower + upper for lower, upper in parts])
    return Moments(
        sizes, sizes, value, without_rounding(variance, value, sizes), np.array([0.0, c_pos, c_neg])
    )


def shares(
    order: Order, sizes: Ints, p_in_n: Ints, p_in_b: dict[int, Ints], n_in_b: dict[int, Ints]
) -> Floats:
    """(6,) shares from sums of whole numbers: exact up to one division."""
    b_over_n = 2 * int(sizes[BACK_POS]) * int(sizes[OWN_NEG]) - int(n_in_b[1].sum())
    doubled = (
        int(p_in_n.sum()),
        b_over_n,
        int(p_in_b[0].sum()),
        order.wins - int(p_in_n.sum()) - int(p_in_b[0].sum()) - b_over_n,
        int(p_in_b[1].sum()),
        int(n_in_b[0].sum()),
    )
    pairs = [int(sizes[a]) * int(sizes[b]) for a, b in zip(LOWER, UPPER, strict=True)]
    return np.array([u / (2 * n) if n else np.nan for u, n in zip(doubled, pairs, strict=True)])


def without_rounding(variance: Floats, value: Floats, sizes: Ints) -> Floats:
    """Variances with 0 for what is rounding alone, so that constant placements are told from the rest."""
    n = sizes[list(LOWER)] + sizes[list(UPPER)]
    with np.errstate(invalid="ignore", divide="ignore"):
        constant = (value == 0) | (value == 1) | (variance <= ROUNDING * value * (1 - value) / n)
    return np.where(constant, np.where(np.isnan(variance), np.nan, 0.0), variance)


def _steps(order: Order, side: int, members: Places, of_side: Places) -> _Steps:
    """Cut a side's rows at the tie groups of `members`; `of_side` are the members that are of that side."""
    last = np.flatnonzero(np.append(members[1:] != members[:-1], True)) + 1 if members.size else members
    values = members[last - 1] if members.size else members
    level, edges = (
        np.zeros(2 * values.size + 1, dtype=np.int64),
        np.zeros(2 * values.size + 2, dtype=np.int64),
    )
    level[2::2] = 2 * last
    level[1::2] = level[:-1:2] // 2 + last
    edges[1:-1:2], edges[2:-1:2], edges[-1] = values, values + 1, order.below.shape[1] - 1
    own = doubled_in(values, of_side)
    rows = np.diff(order.below[side][edges]) - np.bincount(own, minlength=level.size)
    return _Steps(level, rows, edges, own)


def _own(doubled: Ints, among: int) -> float:
    """Variance of the mean placement of a sample's rows among `among` others; NaN with fewer than two."""
    if doubled.size < 2 or among == 0:
        return np.nan
    return float(doubled.var(ddof=1)) / doubled.size / (2 * among) ** 2


def _stepped(steps: _Steps, among: int) -> float:
    """The same of the background rows of a side among the members that cut them."""
    n = int(steps.rows.sum())
    if n < 2 or among == 0:
        return np.nan
    away = steps.level - _mean_level(steps, n)
    return float((steps.rows * away**2).sum()) / (n - 1) / n / (2 * among) ** 2


def _mean_level(steps: _Steps, n: int) -> float:
    # a product of vectors would be shared out among BLAS threads, which costs more than these few numbers
    return int((steps.rows * steps.level).sum()) / n


def _background(
    order: Order, side: int, steps: _Steps, own_doubled: Ints, sizes: Ints, value: Floats
) -> tuple[float, float]:
    """Variance of a background side's mean placement in the other one, and covariance with that among g.

    Args:
        order: the label's rows.
        side: 1: b+ among b-, with g-; 0: b- among b+, with g+.
        steps: the side's rows cut at the members of the other side.
        own_doubled: doubled placements of the side's own members among all rows of the other side.
        sizes: (4,).
        value: (6,).
    """
    n, other, members = (int(sizes[i]) for i in (side, 1 - side, 3 - side))
    if n < 2 or other == 0:
        return np.nan, np.nan
    mean = 2 * other * (value[BACKGROUND] if side else 1 - value[BACKGROUND])
    away = own_doubled - order.centre[side]
    first = _in_segments(order.first[side], steps, away)
    second = _in_segments(order.second[side], steps, away**2)
    offset = order.centre[side] - steps.level - mean
    squares = float(np.sum(second + 2 * offset * first + offset**2 * steps.rows))
    variance = max(squares, 0.0) / (n - 1) / n / (2 * other) ** 2
    if members == 0:
        return variance, np.nan
    level = steps.level - _mean_level(steps, n)
    product = float((level * (first + offset * steps.rows)).sum())
    return variance, product / (n - 1) / n / (2 * other) / (2 * members)


def _sliver(order: Order, *members: Places) -> list[tuple[float, float]]:
    """What `_background` gives for b- and b+, from counts by tie group: O(all rows)."""
    groups = order.below.shape[1] - 1
    own = [np.bincount(part, minlength=groups) for part in members]
    rows = [np.diff(order.below[s]) - own[s] for s in (0, 1)]
    found = []
    for side in (0, 1):
        n, other, among = int(rows[side].sum()), int(rows[1 - side].sum()), members[1 - side].size
        if n < 2 or other == 0:
            found.append((np.nan, np.nan))
            continue
        away = []
        for counts in (rows[1 - side], own[1 - side]):
            doubled = 2 * counts.cumsum() - counts
            away.append(doubled - int((rows[side] * doubled).sum()) / n)
        squares, product = (float((rows[side] * away[0] * part).sum()) for part in away)
        scale = (n - 1) * n * (2 * other)
        found.append((squares / scale / (2 * other), product / scale / (2 * among) if among else np.nan))
    return found


def _in_segments(running: Floats, steps: _Steps, own: Floats) -> Floats:
    """A running sum over all rows of a side, by segment, less what its members put in."""
    return np.asarray(np.diff(running[steps.edges]) - np.bincount(steps.own, own, steps.level.size))
