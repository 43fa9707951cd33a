"""Calibration by group: error of every single-attribute slice, and the points of its reliability diagram."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.calibration import (
    CalibrationCells,
    bin_edges,
    calibration_cells,
    calibration_error,
    outside_cells,
    reliability,
    top_label,
)
from audit.clusters import design_effect
from audit.core import Reason, TaskKind
from audit.group_error.compare import Column, Comparison, comparable, masked, no_comparison, reference_keys
from audit.group_error.forms import Summary, untested
from audit.group_error.targets import Target
from audit.intervals import Interval, mover_difference
from audit.metrics import METRICS, Metric
from audit.slices import Partition, SliceSet
from audit.spec import Spec

METHOD = "bootstrap of bins within group"


class Scored(NamedTuple):
    """What calibration looks at: a probability and whether the event happened."""

    score: NDArray[np.float64]
    happened: NDArray[np.int8]


def scored(target: Target) -> Scored | None:
    """Yes/no: score and truth. Many classes: top label's confidence and whether it was right."""
    if target.truth is None or target.scores is None or target.n == 0:
        return None
    if target.task.kind is TaskKind.BINARY:
        return Scored(target.scores, target.truth.astype(np.int8))
    if target.task.kind is TaskKind.MULTICLASS:
        confidence, right = top_label(target.scores, target.truth)
        return Scored(confidence, right.astype(np.int8))
    return None


def calibration_columns(
    target: Target, slices: SliceSet, clusters: NDArray[np.int32] | None, spec: Spec
) -> list[Column]:
    """Calibration error of everyone and of single attributes: L2 debiased with an interval, L1 plain.

    The bins are those of the pooled output, shared by all groups. A debiased error of 0 is usual: it says
    that what is seen is no more than the noise of that many rows.
    """
    rows = scored(target)
    if rows is None:
        return []
    edges = bin_edges(rows.score)
    parts = [p for p in slices.partitions if len(p.attributes) <= 1]
    found = [_part(rows, p, edges, clusters, spec) for p in parts]
    columns = []
    for metric, which in (("calibration_error", 0), ("calibration_error_l1", 1)):
        own = _spread_out(slices, parts, [f[0][which] for f in found])
        other = _spread_out(slices, parts, [f[1][which] for f in found])
        columns.append(_column(METRICS[metric], own, other, slices))
    return columns


def _part(
    rows: Scored,
    part: Partition,
    edges: NDArray[np.float64],
    clusters: NDArray[np.int32] | None,
    spec: Spec,
) -> tuple[list[Summary], list[Summary]]:
    """Summaries (L2, L1) of the partition's slices, and of everyone else."""
    cells = calibration_cells(rows.score, rows.happened, part.codes, part.size, edges)
    unknown = np.flatnonzero(~part.known)
    effects: tuple[NDArray[np.float64], NDArray[np.float64]] = (np.ones(part.size), np.ones(part.size))
    if clusters is not None:
        effect = design_effect(rows.score - rows.happened, clusters, part.codes, part.size)
        effects = (np.nan_to_num(effect.deff, nan=1.0), np.nan_to_num(effect.deff_outside, nan=1.0))
    outside = outside_cells(cells, int(unknown[0]) if len(unknown) else -1)
    return (
        _summaries(cells, effects[0], spec),
        _summaries(outside, effects[1], spec),
    )


def _summaries(cells: CalibrationCells, effects: NDArray[np.float64], spec: Spec) -> list[Summary]:
    found = calibration_error(
        cells, design_effects=effects, level=spec.level, draws=spec.replicates, seed=spec.seed
    )
    nothing = np.full(len(found.value), np.nan)
    n = np.asarray(found.n, dtype=np.float64)
    return [
        Summary(found.value, found.low, found.high, n, nothing, nothing),
        Summary(found.plain_l1, nothing, nothing, n, nothing, nothing),
    ]


def _spread_out(slices: SliceSet, parts: list[Partition], found: list[Summary]) -> Summary:
    """Put the partitions' results in their places among all slices; NaN at crossings."""
    columns = [np.full(len(slices), np.nan) for _ in Summary._fields]
    for part, summary in zip(parts, found, strict=True):
        for column, values in zip(columns, summary, strict=True):
            column[part.columns] = values
    return Summary(*columns)


def _column(metric: Metric, own: Summary, other: Summary, slices: SliceSet) -> Column:
    crossing = slices.depth > 1
    reason = np.where(crossing, Reason.SINGLE_ATTRIBUTES_ONLY.value, Reason.NO_ROWS.value)
    gap = mover_difference(Interval(*own[:3]), Interval(*other[:3]))
    versus = Comparison(
        reference=np.where(slices.reference >= 0, "everyone else", reference_keys(slices)),
        other=other,
        gap=untested(gap),
        scale=np.ones(len(slices)),
    )
    return Column(
        metric=metric,
        own=own._replace(n=np.nan_to_num(own.n)),
        method=np.where(np.isnan(own.low), "", METHOD).astype(object),
        mark=np.full(len(slices), "", dtype=object),
        empty=np.where(np.isnan(own.value), reason, "").astype(object),
        versus=masked(versus, ~comparable(slices) | crossing),
        excess=no_comparison(slices),
        untested=np.full(len(slices), Reason.NO_HARMFUL_DIRECTION.value, dtype=object),
    )


def calibration_table(target: Target, slices: SliceSet, level: float) -> pa.Table | None:
    """Points of the reliability diagram of everyone and of each single-attribute slice.

    Returns:
        Columns output, slice, attribute, value, bin, score_from, score_to, n, mean_score, rate, low, high;
        bins without rows are left out. None where the target has no scores.
    """
    rows = scored(target)
    if rows is None:
        return None
    edges = bin_edges(rows.score)
    bounds = np.concatenate([[0.0], edges, [1.0]])
    tables = []
    for part in slices.partitions:
        if len(part.attributes) > 1:
            continue
        points = reliability(
            calibration_cells(rows.score, rows.happened, part.codes, part.size, edges), level=level
        )
        at, bins = np.nonzero(points.n > 0)
        names = [slices.slices[part.first + i] for i in at]
        tables.append(
            pa.table(
                {
                    "output": [target.name] * len(at),
                    "slice": [s.key for s in names],
                    "attribute": [s.of[0][0] if s.of else "" for s in names],
                    "value": [s.of[0][1] if s.of else "" for s in names],
                    "bin": bins,
                    "score_from": bounds[bins],
                    "score_to": bounds[bins + 1],
                    "n": points.n[at, bins].astype(np.int64),
                    "mean_score": points.mean_score[at, bins],
                    "rate": points.rate[at, bins],
                    "low": points.low[at, bins],
                    "high": points.high[at, bins],
                }
            )
        )
    return pa.concat_tables(tables)
