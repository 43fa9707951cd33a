"""The same six shares where rows belong together: what each cluster pulls at each share, summed and squared.

A row's *pull* is how far its placement is from the mean, over the rows of its sample: they add up to 0, and
the sum of their squares is DeLong's variance. Rows of one cluster move together, so the pulls of a cluster
are added before they are squared (Obuchowski 1997, Biometrics 53, 567-578). Every row has a pull, so this is
O(rows) for each identity, where independent rows need its members alone.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audit.identity_terms.label import Label
from audit.identity_terms.moments import Moments, without_rounding
from audit.identity_terms.order import Floats, Ints, Order, Sides
from audit.identity_terms.samples import (
    BACK_NEG,
    BACK_POS,
    BACKGROUND,
    BNSP,
    BPSN,
    LOWER,
    OWN_NEG,
    OWN_POS,
    SUBGROUP,
    UPPER,
)


def clustered_moments(
    orders: Sequence[Order], plain: Moments, label: Label, clusters: NDArray[np.int32]
) -> Moments:
    """Put cluster-robust variances and covariances in the place of those of independent rows.

    Args:
        orders: the label's rows, by set of annotated rows.
        plain: what `moments` found: sizes and values stay.
        label: whose members they are.
        clusters: (n,) codes of the label.

    Returns:
        Moments whose units are clusters. The factor of few units is that of each sample, which with every
        row in a cluster of its own gives DeLong's variance.
    """
    units, variance, shared = plain.units.copy(), plain.variance.copy(), plain.shared.copy()
    for k, rows in enumerate(label.members):
        order = orders[label.mask[k]]
        sample = order.side.copy()
        sample[rows] += 2
        units[k], products = _products(order, sample, clusters, label.n_clusters)
        variance[k] = without_rounding(np.diag(products), plain.value[k], plain.sizes[k])
        shared[k] = products[[SUBGROUP, BPSN, BNSP], BACKGROUND]
    return plain._replace(units=units, variance=variance, shared=shared)


def _products(
    order: Order, sample: Sides, clusters: NDArray[np.int32], n_clusters: int
) -> tuple[Ints, Floats]:
    """(4,) clusters by sample, (6, 6) variances and covariances of one identity's shares."""
    rows = [np.flatnonzero(sample == s) for s in range(4)]
    doubled = _doubled_mids(order, rows)
    units = np.array([np.unique(clusters[r]).size for r in rows])
    with np.errstate(invalid="ignore", divide="ignore"):
        factor = np.sqrt(np.where(units > 1, units / (units - 1.0), np.nan))
    pulls = np.zeros((6, n_clusters))
    for pair, (lower, upper) in enumerate(zip(LOWER, UPPER, strict=True)):
        for s, other, sign in ((upper, lower, 1.0), (lower, upper, -1.0)):
            if rows[s].size == 0 or rows[other].size == 0:
                pulls[pair] = np.nan
                continue
            share = doubled[other][order.place[rows[s]]] / (2.0 * rows[other].size)
            pull = sign * factor[s] * (share - share.mean()) / rows[s].size
            pulls[pair] += np.bincount(clusters[rows[s]], pull, n_clusters)
    return units, pulls @ pulls.T


def _doubled_mids(order: Order, rows: list[Ints]) -> dict[int, Floats]:
    """By sample: doubled placement of each tie group among its rows, (T,)."""
    found = {}
    for s in (BACK_NEG, BACK_POS, OWN_NEG, OWN_POS):
        counts = np.bincount(order.place[rows[s]], minlength=order.running.shape[0] - 1)
        found[s] = (2 * counts.cumsum() - counts).astype(np.float64)
    return found
