"""Metrics that need the order of the scores: ROC AUC and average precision, one sort a target."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.auc import METHODS, AucTable, auc_by_slice, auc_difference
from audit.core import Reason
from audit.group_error.compare import (
    Column,
    Comparison,
    Shares,
    comparable,
    fixed_parents,
    inside_parent,
    masked,
    no_comparison,
    reference_keys,
    worst,
)
from audit.group_error.forms import Difference, Summary
from audit.group_error.targets import Target
from audit.metrics import METRICS
from audit.placements import Ranking, rank
from audit.precision_recall import METHODS as AP_METHODS
from audit.precision_recall import average_precision_by_slice
from audit.slices import Partition, SliceSet


class Ranked(NamedTuple):
    """A target's rows in order, with what every ranking metric needs."""

    ranking: Ranking
    side: NDArray[np.int8]
    clusters: Ranking | None


def ranked(target: Target, clusters: NDArray[np.int32] | None) -> Ranked:
    """Sort a yes/no target's scores once; `clusters` are codes of its rows, or None."""
    assert target.truth is not None
    assert target.scores is not None
    return Ranked(
        rank(target.scores),
        target.truth.astype(np.int8),
        None if clusters is None else rank(clusters),
    )


def auc_column(rows: Ranked, slices: SliceSet, level: float, fixing: Sequence[str]) -> Column:
    """ROC AUC of every slice, of everyone else, and of the rest of each crossing's worst parent."""
    metric = METRICS["auc"]
    found = [_partition_auc(rows, part, level) for part in slices.partitions]
    own, outside = (_joined([pair[i] for pair in found]) for i in (0, 1))
    declared = slices.reference >= 0
    pairs = zip(map(np.asarray, own), map(np.asarray, outside), strict=True)
    reference = AucTable(*(np.where(declared, a[slices.reference], b) for a, b in pairs))
    versus = Comparison(
        reference=reference_keys(slices),
        other=_summary(reference),
        gap=_difference(own, reference, level),
        scale=np.ones(len(slices)),
    )
    return Column(
        metric=metric,
        own=_summary(own),
        method=np.array([METHODS[m] for m in own.method], dtype=object),
        mark=np.where(own.small, "small", "").astype(object),
        empty=_why_no_auc(own),
        versus=masked(versus, ~comparable(slices)),
        excess=_auc_excess(rows, own, slices, level, fixing),
        untested=np.full(len(slices), "", dtype=object),
    )


def _partition_auc(rows: Ranked, part: Partition, level: float) -> tuple[AucTable, AucTable]:
    """AUC of the partition's slices, and of the known rows outside each."""
    inside, outside = auc_by_slice(
        rows.ranking, rows.side, part.codes, part.size, clusters=rows.clusters, level=level
    )
    if not part.known.all():
        known = np.append(part.known, False)[part.codes]  # code -1 reads the appended False
        codes = np.where(known, part.codes, -1).astype(np.int32)
        _, outside = auc_by_slice(
            rows.ranking, rows.side, codes, part.size, clusters=rows.clusters, level=level
        )
    return inside, outside


def _auc_excess(
    rows: Ranked, own: AucTable, slices: SliceSet, level: float, fixing: Sequence[str]
) -> Comparison:
    """Crossings against the rest of each parent.

    An AUC of slice and rest does not add up to the parent's: the gap shown is slice - rest, `scale` is 1.
    """
    if slices.depth.max() < 2:
        return no_comparison(slices)
    depth = slices.parents.shape[1]
    rest = [[np.full(len(slices), np.nan) for _ in own] for _ in range(depth)]
    for part in slices.partitions:
        if len(part.attributes) < 2:
            continue
        above = slices.parents[part.columns]
        known = np.append(part.known, False)[part.codes]
        for j in range(len(part.attributes)):
            for parent in np.unique(above[:, j]):
                members = above[:, j] == parent
                inside = np.append(members, False)[part.codes] & known
                place = np.append(np.cumsum(members) - 1, -1)
                codes = np.where(inside, place[part.codes], -1).astype(np.int32)
                _, outside = auc_by_slice(
                    rows.ranking,
                    rows.side,
                    codes,
                    int(members.sum()),
                    clusters=rows.clusters,
                    level=level,
                )
                for column, values in zip(rest[j], outside, strict=True):
                    column[np.flatnonzero(members) + part.first] = values
    tables = [_typed(columns) for columns in rest]
    parents: NDArray[np.float64] = np.stack([t.value for t in tables], axis=1)
    pick = worst(METRICS["auc"], parents, fixed_parents(slices, fixing))
    index = np.arange(len(slices))
    chosen = AucTable(*(np.stack(columns, axis=1)[index, pick] for columns in zip(*tables, strict=True)))
    return inside_parent(
        slices,
        slices.parents[index, pick],
        _summary(chosen),
        _difference(own, chosen, level),
        np.ones(len(slices)),
    )


def _typed(columns: list[NDArray[np.float64]]) -> AucTable:
    table = AucTable(*columns)  # type: ignore[arg-type]
    return table._replace(
        method=np.nan_to_num(table.method).astype(np.int8), small=np.nan_to_num(table.small).astype(bool)
    )


def _joined(tables: list[AucTable]) -> AucTable:
    return AucTable(*(np.concatenate(columns) for columns in zip(*tables, strict=True)))


def _summary(table: AucTable) -> Summary:
    n = np.minimum(table.n_upper, table.n_lower).astype(np.float64)
    nothing = np.full(len(n), np.nan)
    return Summary(table.value, table.low, table.high, n, nothing, nothing)


def _difference(first: AucTable, second: AucTable, level: float) -> Difference:
    gap = auc_difference(first, second, level)
    test = np.where(np.isnan(gap.p), "", "DeLong z, logit scale").astype(object)
    return Difference(gap.value, gap.low, gap.high, gap.p, test)


def _why_no_auc(table: AucTable) -> NDArray[np.object_]:
    why = np.full(len(table.value), "", dtype=object)
    why[table.n_lower == 0] = Reason.NO_NEGATIVES.value
    why[table.n_upper == 0] = Reason.NO_POSITIVES.value
    return why


def average_precision_column(rows: Ranked, slices: SliceSet, shares: Shares, level: float) -> Column:
    """Average precision of every slice: shown, not tested, since it moves with the base rate.

    Args:
        rows: the target's rows in order.
        slices: S slices.
        shares: effective share of the positives.
        level: of the intervals.
    """
    columns: list[list[NDArray[Any]]] = []
    for part in slices.partitions:
        table, _ = average_precision_by_slice(
            rows.ranking,
            rows.side,
            part.codes,
            part.size,
            design_effects=(1 / shares.own[part.columns], 1.0),
            level=level,
        )
        columns.append([table.value, table.low, table.high, table.n_positive, table.method])
    value, low, high, n, method = (np.concatenate(c) for c in zip(*columns, strict=True))
    nothing = np.full(len(slices), np.nan)
    return Column(
        metric=METRICS["average_precision"],
        own=Summary(value, low, high, n.astype(np.float64), nothing, nothing),
        method=np.array([AP_METHODS[int(m)] for m in method], dtype=object),
        mark=np.full(len(slices), "", dtype=object),
        empty=np.where(np.isnan(value), Reason.NO_POSITIVES.value, "").astype(object),
        versus=no_comparison(slices),
        excess=no_comparison(slices),
        untested=np.full(len(slices), Reason.NO_HARMFUL_DIRECTION.value, dtype=object),
    )
