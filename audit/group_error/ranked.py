"""From columns to ranked comparisons: adjusted p, severity and power of every slice."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit import multiplicity
from audit.core import TaskKind
from audit.group_error.ages import is_age
from audit.group_error.columns import cluster_shares, indicator
from audit.group_error.compare import Column, Comparison
from audit.group_error.families import Measured
from audit.group_error.severity import (
    Ranks,
    harm_sign,
    rank,
    smallest_gap_from_error,
    smallest_rate_gap,
)
from audit.intervals import normal_quantile
from audit.metrics import Metric
from audit.spec import Spec

UNIT_SHARE = 0.1
"""Margin of a number that is not an age: a tenth of the truth's standard deviation."""


@dataclass(frozen=True, kw_only=True)
class RankedColumn:
    """One metric of one target, tested and ranked over all its slices."""

    measured: Measured
    column: Column
    tested: Comparison
    p: NDArray[np.float64]
    """(S,) NaN where not tested."""
    p_adjusted: NDArray[np.float64]
    tests: int
    """Size of the family."""
    ranks: Ranks
    margin: float
    smallest: NDArray[np.float64]


def rank_columns(found: Sequence[tuple[Measured, Column]], spec: Spec) -> list[RankedColumn]:
    """Adjust all tested comparisons of findable metrics together (Benjamini-Hochberg) and rank them.

    Args:
        found: every column with its target.
        spec: level, margins.
    """
    tested = [column.tested(m.slices) for m, column in found]
    ps = [
        np.where((column.untested == "") & column.metric.finding, comparison.gap.p, np.nan)
        for (_, column), comparison in zip(found, tested, strict=True)
    ]
    flat = np.concatenate(ps) if ps else np.empty(0)
    tests = int(np.count_nonzero(~np.isnan(flat)))
    adjusted = multiplicity.benjamini_hochberg(flat)
    cuts = np.cumsum([len(p) for p in ps])[:-1]
    return [
        _ranked(m, column, comparison, p, q, tests, spec)
        for (m, column), comparison, p, q in zip(found, tested, ps, np.split(adjusted, cuts), strict=True)
    ]


def _ranked(
    m: Measured,
    column: Column,
    tested: Comparison,
    p: NDArray[np.float64],
    adjusted: NDArray[np.float64],
    tests: int,
    spec: Spec,
) -> RankedColumn:
    margin = margin_of(column.metric, m, spec)
    gap = tested.gap
    ranks = rank(column.metric, column.own.value, tested.other.value, gap.low, gap.high, adjusted, margin)
    return RankedColumn(
        measured=m,
        column=column,
        tested=tested,
        p=p,
        p_adjusted=adjusted,
        tests=tests,
        ranks=ranks,
        margin=margin,
        smallest=smallest_gap(m, column, tested, tests, spec),
    )


def margin_of(metric: Metric, m: Measured, spec: Spec) -> float:
    """The spec's margin; for a number that is no age, a tenth of the truth's standard deviation."""
    if metric.margin == "mae" and m.target.task.kind is TaskKind.REGRESSION and not is_age(m.target):
        own = spec.margins.get(f"mae.{m.target.name}")
        truth = m.target.truth
        spread = 1.0 if truth is None or len(truth) == 0 else float(truth.std())
        return own if own is not None else max(UNIT_SHARE * spread, 1e-12)
    return float(spec.margins.get(metric.name, spec.margins.get(metric.margin, 0.05)))


def smallest_gap(
    m: Measured, column: Column, tested: Comparison, tests: int, spec: Spec
) -> NDArray[np.float64]:
    """(S,) the smallest harmful gap that the comparison would have found with 80 % probability."""
    if not column.metric.finding:
        return np.full(len(m.slices), np.nan)
    if column.metric.unit == "rate":
        shares = cluster_shares(
            *indicator(m.target, m.measures, column.metric.name), m.slices, m.clusters, spec.level
        )
        n_reference = np.where(m.slices.depth > 1, tested.other.n - column.own.n, tested.other.n)
        found = smallest_rate_gap(
            tested.other.value,
            column.own.n * shares.own,
            n_reference * shares.outside,
            harm_sign(column.metric, column.own.value),
            tests,
        )
        return np.asarray(found * tested.scale)
    z = normal_quantile(spec.level)
    return smallest_gap_from_error((tested.gap.high - tested.gap.low) / (2 * z), tests)
