"""Subgroup, BPSN and BNSP AUC and the AEGs of every identity for one label, with intervals and gaps."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

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
from audit.identity_terms.order import Ints, Order, Places, order_of, tie_groups
from audit.placements import PlacementVariance, rank

COMPARED = (SUBGROUP, BPSN, BNSP)
"""Shares that are compared with the background's AUC, which they equal where there is no bias."""


class Placed(NamedTuple):
    """The members of one identity, in order of their scores.

    Attributes:
        rows: (m,) rows of the label.
        among: (m, 2) doubled placements among the members and among the background of the other side.
    """

    rows: Ints
    among: Places


@dataclass(frozen=True, kw_only=True)
class Shares:
    """What one label's scores say of K identities."""

    label: Label
    everyone: Order
    """All rows of the label, annotated or not."""
    orders: tuple[Order, ...]
    """By set of annotated rows."""
    placed: tuple[Placed, ...]
    """(K,)"""
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
    ranking, truth = rank(target.scores), target.truth.astype(np.int8)
    place = tie_groups(ranking)
    everyone = order_of(ranking, place, truth)
    orders = tuple(
        everyone if asked.all() else order_of(ranking, place, np.where(asked, truth, -1).astype(np.int8))
        for asked in label.annotated
    )
    ordered = [rows[np.argsort(place[rows])] for rows in label.members]
    measured = [
        moments(orders[m], place[rows], truth[rows]) for m, rows in zip(label.mask, ordered, strict=True)
    ]
    plain = [found for found, _ in measured]
    robust = plain if label.clusters is None else _clustered(label, orders, plain)
    tables = _tables(plain, robust, level)
    return Shares(
        label=label,
        everyone=everyone,
        orders=orders,
        placed=tuple(Placed(rows, among) for rows, (_, among) in zip(ordered, measured, strict=True)),
        sizes=np.array([m.sizes for m in plain], dtype=np.int64).reshape(-1, 4),
        units=np.array([m.units for m in robust], dtype=np.int64).reshape(-1, 4),
        tables=tables,
        gaps=tuple(_gap(robust, tables, pair, level) for pair in COMPARED),
    )


def _clustered(label: Label, orders: tuple[Order, ...], plain: list[Moments]) -> list[Moments]:
    assert label.clusters is not None
    found = []
    for k, rows in enumerate(label.members):
        member = np.zeros(label.target.n, dtype=np.bool_)
        member[rows] = True
        order = orders[label.mask[k]]
        found.append(clustered_moments(order, plain[k], member, label.clusters, label.n_clusters))
    return found


def _tables(plain: list[Moments], robust: list[Moments], level: float) -> tuple[AucTable, ...]:
    """Intervals of all shares by pair; with clusters, sizes are divided by the design effect."""
    value, variance, rows_alone = (
        np.array([getattr(m, name) for m in part], dtype=np.float64).reshape(-1, len(PAIRS)).T.ravel()
        for part, name in ((plain, "value"), (robust, "variance"), (plain, "variance"))
    )
    n, clusters = (
        np.stack(
            [
                np.array([m[list(sides)] for m in part]).reshape(-1, len(PAIRS)).T.ravel()
                for sides in (LOWER, UPPER)
            ]
        )
        for part in ([m.sizes for m in plain], [m.units for m in robust])
    )
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = np.maximum(variance / rows_alone, 1.0)
        units = np.where(variance > 0, n / effect, clusters)
    every = auc_table(PlacementVariance(value, variance, clusters), n, units, level)
    columns = (column.reshape(len(PAIRS), -1) for column in every)
    return tuple(AucTable(*fields) for fields in zip(*columns, strict=True))


def _gap(robust: list[Moments], tables: tuple[AucTable, ...], pair: int, level: float) -> AucGap:
    """A share less the background's AUC; they have a sample in common, and with clusters more."""
    share, background = tables[pair], tables[BACKGROUND]
    covariance = np.array([m.shared[COMPARED.index(pair)] for m in robust], dtype=np.float64)
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.sqrt(share.variance * background.variance)
    known = np.isfinite(correlation)
    correlation = np.where(known, np.clip(np.where(known, correlation, 0.0), -1.0, 1.0), 0.0)
    return auc_difference(share, background, level, correlation)
