"""Subgroup, BPSN and BNSP AUC and the AEGs of every identity for one label, with intervals and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.auc import AucGap, AucTable, auc_difference
from audit.auc_table import auc_table
from audit.identity_terms.clustered import clustered_moments
from audit.identity_terms.label import Label
from audit.identity_terms.moments import (
    BACKGROUND,
    BNSP,
    BPSN,
    LOWER,
    PAIRS,
    SUBGROUP,
    UPPER,
    Moments,
    moments,
)
from audit.identity_terms.order import Ints, Order, order_of, tie_groups
from audit.placements import PlacementVariance, rank

COMPARED = (SUBGROUP, BPSN, BNSP)
"""Shares that are compared with the background's AUC, which they equal where there is no bias."""


@dataclass(frozen=True, kw_only=True)
class Shares:
    """What one label's scores say of K identities."""

    label: Label
    everyone: Order
    """All rows of the label, annotated or not."""
    orders: tuple[Order, ...]
    """By set of annotated rows."""
    placed: tuple[tuple[Ints, Ints], ...]
    """(K,) rows of g- and of g+, in order of their scores."""
    sizes: Ints
    """(K, 4) rows by sample: b-, b+, g-, g+."""
    units: Ints
    """(K, 4) independent units by sample."""
    tables: tuple[AucTable, ...]
    """By pair, in the order of `moments.PAIRS`; every field is (K,)."""
    gaps: tuple[AucGap, ...]
    """By pair of COMPARED: share - background's AUC; every field is (K,)."""


def measure_shares(label: Label, level: float) -> Shares:
    """Measure all identities over one sort.

    Args:
        label: with scores and truth.
        level: of the intervals.
    """
    target = label.target
    assert target.scores is not None
    assert target.truth is not None
    place, truth = tie_groups(rank(target.scores)), target.truth.astype(np.int8)
    everyone = order_of(place, truth)
    orders = tuple(
        everyone if asked.all() else order_of(place, np.where(asked, truth, -1).astype(np.int8))
        for asked in label.annotated
    )
    placed = tuple(_placed(everyone, rows) for rows in label.members)
    plain = [_rows_alone(orders[m], *rows) for m, rows in zip(label.mask, placed, strict=True)]
    robust = plain if label.clusters is None else _clustered(label, orders, plain)
    tables = tuple(_table(plain, robust, pair, level) for pair in range(len(PAIRS)))
    return Shares(
        label=label,
        everyone=everyone,
        orders=orders,
        placed=placed,
        sizes=np.array([m.sizes for m in plain], dtype=np.int64).reshape(-1, 4),
        units=np.array([m.units for m in robust], dtype=np.int64).reshape(-1, 4),
        tables=tables,
        gaps=tuple(_gap(robust, tables, pair, level) for pair in COMPARED),
    )


def _placed(order: Order, rows: Ints) -> tuple[Ints, Ints]:
    ordered = rows[np.argsort(order.place[rows], kind="stable")]
    positive = order.side[ordered] == 1
    return ordered[~positive], ordered[positive]


def _rows_alone(order: Order, negatives: Ints, positives: Ints) -> Moments:
    return moments(order, order.place[positives], order.place[negatives])


def _clustered(label: Label, orders: tuple[Order, ...], plain: list[Moments]) -> list[Moments]:
    assert label.clusters is not None
    found = []
    for k, rows in enumerate(label.members):
        member = np.zeros(label.target.n, dtype=np.bool_)
        member[rows] = True
        order = orders[label.mask[k]]
        found.append(clustered_moments(order, plain[k], member, label.clusters, label.n_clusters))
    return found


def _table(plain: list[Moments], robust: list[Moments], pair: int, level: float) -> AucTable:
    """Intervals of one pair's shares; with clusters, sizes are divided by the design effect."""
    sides = [LOWER[pair], UPPER[pair]]
    value, variance, rows_alone = (
        np.array([m[pair] for m in part], dtype=np.float64)
        for part in ([m.value for m in plain], [m.variance for m in robust], [m.variance for m in plain])
    )
    n, clusters = (
        np.array([m[sides] for m in part], dtype=np.int64).reshape(-1, 2).T
        for part in ([m.sizes for m in plain], [m.units for m in robust])
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = np.maximum(variance / rows_alone, 1.0)
        units = np.where(variance > 0, n / effect, clusters)
    return auc_table(PlacementVariance(value, variance, clusters), n, units, level)


def _gap(robust: list[Moments], tables: tuple[AucTable, ...], pair: int, level: float) -> AucGap:
    """A share less the background's AUC; they have a sample in common, and with clusters more."""
    share, background = tables[pair], tables[BACKGROUND]
    covariance = np.array([m.shared[COMPARED.index(pair)] for m in robust], dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.sqrt(share.variance * background.variance)
    known = np.isfinite(correlation)
    correlation = np.where(known, np.clip(np.where(known, correlation, 0.0), -1.0, 1.0), 0.0)
    return auc_difference(share, background, level, correlation)
