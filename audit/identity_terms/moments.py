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

from collections.abc import Sequence
from typing import NamedTuple

import numpy as np

from audit.identity_terms.order import Floats, Ints, Order, Places
from audit.identity_terms.placed import Placed
from audit.identity_terms.samples import BACK_NEG, BACK_POS, LOWER, OWN_NEG, OWN_POS, UPPER
from audit.identity_terms.visit import sliver, visit

ROUNDING = 1e-12
"""Share of a coin's variance below which a variance is rounding; the smallest true one is far above."""


class Moments(NamedTuple):
    """What the rows of K identities say.

    Attributes:
        sizes: (K, 4) rows by sample, in the order of SAMPLES.
        units: (K, 4) independent units by sample: rows, or clusters with a row in it.
        value: (K, 6) shares, in the order of PAIRS; NaN where a sample is empty.
        variance: (K, 6) of the shares; NaN with fewer than two units in a sample.
        shared: (K, 3) covariance of subgroup, BPSN and BNSP with the background's AUC: the last two have a
            sample in common with it.
        totals: (K, 4, 4) doubled placements of the rows of a sample (first) among another (second), summed.
        among: (M, 2) doubled placements of each member among the members and among the background of the
            other side, in the order of `Placed`.
    """

    sizes: Ints
    units: Ints
    value: Floats
    variance: Floats
    shared: Floats
    totals: Ints
    among: Places


def moments(orders: Sequence[Order], mask: Sequence[int], placed: Placed) -> Moments:
    """Measure all identities.

    Args:
        orders: the label's rows, by set of annotated rows.
        mask: (K,) entry of each identity in `orders`.
        placed: the members.
    """
    k = len(mask)
    sizes, totals = np.zeros((k, 4), np.int64), np.zeros((k, 4, 4), np.int64)
    squares, products = np.zeros((k, 4, 4)), np.zeros((k, 2))
    among = np.empty((placed.rows.size, 2), np.int32)
    for m, order in enumerate(orders):
        mine = np.flatnonzero(np.asarray(mask) == m)
        _visit(order, mine, placed, sizes, totals, squares, products, among)
    return _moments(sizes, totals, squares, products, among)


def _visit(
    order: Order,
    identities: Ints,
    placed: Placed,
    sizes: Ints,
    totals: Ints,
    squares: Floats,
    products: Floats,
    among: Places,
) -> None:
    """Fill the sums of the identities of one set of annotated rows."""
    slivers = visit(
        order.running,
        order.centre,
        order.total,
        order.wins,
        identities,
        placed.starts,
        placed.place,
        placed.side,
        sizes,
        totals,
        squares,
        products,
        among,
    )
    for k in identities[slivers].tolist():
        mine = slice(placed.starts[k], placed.starts[k + 1])
        means = totals[k] / np.maximum(sizes[k], 1)[:, None]
        squares[k], products[k] = sliver(order, placed.place[mine], placed.side[mine], means)


def _moments(sizes: Ints, totals: Ints, squares: Floats, products: Floats, among: Places) -> Moments:
    lower, upper = list(LOWER), list(UPPER)
    n, few = sizes.astype(np.float64), sizes < 2
    with np.errstate(invalid="ignore", divide="ignore"):
        value = totals[:, upper, lower] / (2 * n[:, upper] * n[:, lower])
        spread = squares / (n * (n - 1))[:, :, None] / (2 * n[:, None, :]) ** 2
        scale = 4 * n[:, [BACK_POS, BACK_NEG]] * n[:, [OWN_POS, OWN_NEG]]
        product = products / (n * (n - 1))[:, :2] / scale
    spread[few] = np.nan
    shared = np.where((sizes == 0)[:, [OWN_POS, OWN_NEG]] | few[:, :2], np.nan, product)
    variance = without_rounding(spread[:, upper, lower] + spread[:, lower, upper], value, sizes)
    return Moments(
        sizes,
        sizes,
        value,
        variance,
        np.stack([np.zeros(len(sizes)), shared[:, 1], shared[:, 0]], axis=1),
        totals,
        among,
    )


def without_rounding(variance: Floats, value: Floats, sizes: Ints) -> Floats:
    """Variances with 0 for what is rounding alone, so that constant placements are told from the rest."""
    n = sizes[..., list(LOWER)] + sizes[..., list(UPPER)]
    with np.errstate(invalid="ignore", divide="ignore"):
        constant = (value == 0) | (value == 1) | (variance <= ROUNDING * value * (1 - value) / n)
    return np.where(constant, np.where(np.isnan(variance), np.nan, 0.0), variance)
