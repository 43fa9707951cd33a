"""All changes of one pair over all slices: each metric's change, its gap of gaps, and what marks it."""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from audit.core import Reason, TaskKind
from audit.counts import everyone_else
from audit.group_error.columns import cluster_shares
from audit.group_error.compare import comparable, reference_keys
from audit.intervals import Interval, mover_difference
from audit.metrics import Metric
from audit.metrics import metric as metric_of
from audit.slices import SliceSet
from audit.versions import calibration_change, precision_change, ranking
from audit.versions.join import Pair
from audit.versions.measures import JointMeasures, measure_pair
from audit.versions.paired import Array, Change, PairedForm, Settings
from audit.versions.wilcoxon import signed_rank_p

Names = NDArray[np.object_]
RANKED = {
    "auc": (ranking.METHOD, Reason.ONE_CLASS),
    "average_precision": (precision_change.METHOD, Reason.NO_POSITIVES),
}
"""Metric of the order of scores -> its method, and why it may be empty."""
SMALL = 60
"""Rows of the smaller class below which an AUC's normal law is marked; of positives for average precision."""


@dataclass(frozen=True, kw_only=True)
class ChangeColumn:
    """One metric of one output over S slices, before and after."""

    output: str
    metric: Metric
    slices: SliceSet
    change: Change
    gap: Interval
    """Gap of gaps, (S,): change of the slice - change of its reference; NaN where there is none."""
    reference: Names
    """(S,) key of the gap's reference."""
    method: str
    test: str
    discrete: bool = False
    """The test is exact on discordant counts."""
    empty: Reason = Reason.NO_ROWS
    empties: Names | None = None
    """(S,) why there is no value, where the reason is not the same for all slices."""
    beside: str = ""
    """Attribute that sets these slices beside the others: gated only where a policy names it."""
    wilcoxon: Array | None = None
    """(S,) p shown beside the one that decides."""
    mark: Names | None = None
    """(S,) "small", "n_effective=..."."""
    share: Array | None = None
    """(S,) effective n / n; None: 1."""

    @property
    def sign(self) -> float:
        """+1 where a larger value is worse, -1 where a smaller one is; NaN: no harmful direction."""
        # a metric that is best at zero changes by |new| - |old|: larger is worse
        return {"lower": 1.0, "zero": 1.0, "higher": -1.0, "neither": np.nan}[self.metric.better]

    @property
    def harm(self) -> Interval:
        """Change in the harmful direction with its limits, (S,)."""
        value, low, high = self.change.value, self.change.low, self.change.high
        if np.isnan(self.sign):
            nothing = np.full(len(value), np.nan)
            return Interval(nothing, nothing, nothing)
        return Interval(value, low, high) if self.sign > 0 else Interval(-value, -high, -low)


def change_columns(
    pair: Pair, slices: SliceSet, clusters: NDArray[np.int32] | None, settings: Settings
) -> list[ChangeColumn]:
    """Compare the two answers to one question.

    Args:
        pair: n rows.
        slices: S slices of the same rows.
        clusters: (n,) codes of rows that belong together, or None.
        settings: level, replicates, seed.
    """
    measures = measure_pair(pair, slices)
    found = [
        _column(pair, name, form, measures, slices, clusters, settings)
        for name, form in measures.forms.items()
    ]
    scored = pair.old.scores is not None and pair.new.scores is not None
    if pair.old.task.kind is TaskKind.BINARY and pair.old.truth is not None and scored:
        given = (pair, slices, clusters, settings.level)
        found.append(_ranked("auc", pair, slices, ranking.auc_change(*given)))
        found.append(_ranked("average_precision", pair, slices, precision_change.precision_change(*given)))
    return found + _calibration(pair, slices, clusters, settings)


def _column(
    pair: Pair,
    name: str,
    form: PairedForm,
    measures: JointMeasures,
    slices: SliceSet,
    clusters: NDArray[np.int32] | None,
    settings: Settings,
) -> ChangeColumn:
    values, counted = measures.rows[name]
    shares = cluster_shares(values, counted, slices, clusters, settings.level)
    change = form.change(measures.joint, shares.own, settings)
    outside = form.change(
        everyone_else(slices, measures.joint), shares.outside, replace(settings, tested=False)
    )
    marks = np.full(len(slices), "", dtype=object)
    for i in np.flatnonzero(shares.own < 1):
        marks[i] = f"n_effective={change.n[i] * shares.own[i]:.0f}"
    return ChangeColumn(
        output=pair.name,
        metric=metric_of(name),
        slices=slices,
        change=change,
        gap=gap_of_gaps(change, outside, slices),
        reference=reference_keys(slices),
        method=form.method,
        test=form.test,
        discrete=form.discrete,
        empty=form.empty,
        wilcoxon=signed_rank_p(slices, values) if name == "mae" else None,
        mark=marks,
        share=shares.own,
    )


def _ranked(metric: str, pair: Pair, slices: SliceSet, changes: tuple[Change, Change]) -> ChangeColumn:
    """A metric of the order of scores: its change in every slice and outside it."""
    change, outside = changes
    small = (change.n < SMALL) & ~np.isnan(change.value)
    method, empty = RANKED[metric]
    return ChangeColumn(
        output=pair.name,
        metric=metric_of(metric),
        slices=slices,
        change=change,
        gap=gap_of_gaps(change, outside, slices),
        reference=reference_keys(slices),
        method=method,
        test=method,
        empty=empty,
        mark=np.where(small, "small", "").astype(object),
    )


def _calibration(
    pair: Pair, slices: SliceSet, clusters: NDArray[np.int32] | None, settings: Settings
) -> list[ChangeColumn]:
    if pair.old.truth is None or not pair.old.n:
        return []
    found = calibration_change.calibration_change(pair, slices, clusters, settings)
    if found is None:
        return []
    change, outside = found
    crossed = np.where(slices.depth > 1, Reason.SINGLE_ATTRIBUTES_ONLY.value, Reason.TOO_FEW.value)
    column = ChangeColumn(
        output=pair.name,
        metric=metric_of("calibration_error"),
        slices=slices,
        change=change,
        gap=gap_of_gaps(change, outside, slices),
        reference=reference_keys(slices),
        method=calibration_change.METHOD,
        test=calibration_change.TEST,
        empties=crossed.astype(object),
    )
    return [column]


def gap_of_gaps(change: Change, outside: Change, slices: SliceSet) -> Interval:
    """(slice new - old) - (reference new - old), the squared distances to the limits added up.

    Args:
        change: of every slice.
        outside: of the known rows outside every slice.
        slices: a slice with a declared reference is set against that instead.
    """
    declared = slices.reference >= 0
    columns = zip(change[2:5], outside[2:5], strict=True)
    other = Interval(*(np.where(declared, own[slices.reference], out) for own, out in columns))
    found = mover_difference(Interval(change.value, change.low, change.high), other)
    apart = comparable(slices)
    return Interval(*(np.where(apart, part, np.nan) for part in found))
