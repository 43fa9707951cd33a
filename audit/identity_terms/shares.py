"""Subgroup, BPSN and BNSP AUC and the AEGs of every identity for one label, with intervals and gaps."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np

from audit.auc import AucGap, AucTable, auc_difference
from audit.auc_table import auc_table
from audit.identity_terms.clustered import clustered_moments
from audit.identity_terms.label import Label
from audit.identity_terms.moments import Moments, moments
from audit.identity_terms.order import Order, order_of, tie_groups
from audit.identity_terms.placed import Placed, place_members
from audit.identity_terms.samples import (
    BACKGROUND,
    BNSP,
    BPSN,
    LOWER,
    PAIRS,
    SUBGROUP,
    UPPER,
)
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
    placed: Placed
    """The members."""
    moments: Moments
    """What they say; with clusters, cluster-robust."""
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
    placed = place_members(ranking, place, truth, label.members)
    plain = moments(orders, label.mask, placed)
    robust = plain if label.clusters is None else clustered_moments(orders, plain, label, label.clusters)
    tables = _tables(plain, robust, level)
    return Shares(
        label=label,
        everyone=everyone,
        orders=orders,
        placed=placed,
        moments=robust,
        tables=tables,
        gaps=tuple(_gap(robust, tables, pair, level) for pair in COMPARED),
    )


def _tables(plain: Moments, robust: Moments, level: float) -> tuple[AucTable, ...]:
    """Intervals of all shares by pair; with clusters, sizes are divided by the design effect."""
    value, variance, rows_alone = (part.T.ravel() for part in (plain.value, robust.variance, plain.variance))
    sides = (list(LOWER), list(UPPER))
    n, clusters = (np.stack([m[:, s].T.ravel() for s in sides]) for m in (plain.sizes, robust.units))
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = np.maximum(variance / rows_alone, 1.0)
        units = np.where(variance > 0, n / effect, clusters)
    every = auc_table(PlacementVariance(value, variance, clusters), n, units, level)
    columns = (column.reshape(len(PAIRS), -1) for column in every)
    return tuple(AucTable(*fields) for fields in zip(*columns, strict=True))


def _gap(robust: Moments, tables: tuple[AucTable, ...], pair: int, level: float) -> AucGap:
    """A share less the background's AUC; they have a sample in common, and with clusters more."""
    share, background = tables[pair], tables[BACKGROUND]
    covariance = robust.shared[:, COMPARED.index(pair)]
    with np.errstate(invalid="ignore", divide="ignore"):
        correlation = covariance / np.sqrt(share.variance * background.variance)
    known = np.isfinite(correlation)
    correlation = np.where(known, np.clip(np.where(known, correlation, 0.0), -1.0, 1.0), 0.0)
    return auc_difference(share, background, level, correlation)
