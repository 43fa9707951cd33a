"""All metrics of one target over all slices: values, comparisons, and why a comparison was not tested."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace

import numpy as np
from numpy.typing import NDArray

from audit.clusters import design_effect, effective_n
from audit.core import Reason, TaskKind
from audit.group_error.calibrated import calibration_columns
from audit.group_error.compare import Column, Shares, compare, why_untested
from audit.group_error.forms import Form, Mean, Summary
from audit.group_error.measures import Measures, measure
from audit.group_error.ranking import auc_column, average_precision_column, ranked
from audit.group_error.targets import Target
from audit.means import skewness_from_moments
from audit.metrics import Metric
from audit.metrics import metric as metric_of
from audit.slices import SliceSet
from audit.spec import Spec

SKEW_N = 50
"""Below it a t interval of skewed errors is marked: at n = 20 it covers .83 for log-normal errors."""


def columns(
    target: Target, slices: SliceSet, clusters: NDArray[np.int32] | None, spec: Spec, fixing: Sequence[str]
) -> tuple[Measures, list[Column]]:
    """Measure a target.

    Args:
        target: n rows of one question.
        slices: S slices of the same rows.
        clusters: (n,) codes of rows that belong together, or None.
        spec: level, minimum n, replicates.
        fixing: attributes that fix the truth.

    Returns:
        The additive moments, and one column a metric.
    """
    measures = measure(target, slices)
    found = []
    for name, form in measures.forms.items():
        shares = cluster_shares(*indicator(target, measures, name), slices, clusters, spec.level)
        metric = metric_of(name)
        if name == harmless(target.name, spec):
            metric = replace(metric, finding=False)
        found.append(_form_column(metric, form, measures, shares, slices, spec, fixing))
    if target.task.kind is TaskKind.BINARY and target.truth is not None and target.scores is not None:
        rows = ranked(target, clusters)
        share = cluster_shares(*indicator(target, measures, "fnr"), slices, clusters, spec.level)
        auc = auc_column(rows, slices, spec.level, fixing)
        one = unclustered(slices)
        tested = auc.tested(slices)
        why = why_untested(auc.metric, auc.own, tested, one, slices, spec.minimum_n, fixing)
        found += [replace(auc, untested=why), average_precision_column(rows, slices, share, spec.level)]
    found += calibration_columns(target, slices, clusters, spec)
    return measures, found


def harmless(output: str, spec: Spec) -> str:
    """The error rate that the spec says harms nobody for a yes/no output: shown, not tested; or "".

    A label of a joined output may have a setting of its own, else the output's holds.
    """
    name, _, label = output.partition("/")
    declared = spec.outputs.get(label) or spec.outputs.get(name)
    return {"fpr": "fnr", "fnr": "fpr"}.get(declared.harmful, "") if declared else ""


def indicator(target: Target, measures: Measures, name: str) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """The per-row number behind a metric and the rows that count in it."""
    if name in measures.indicators:
        return measures.indicators[name]
    wrong = target.wrong
    every = np.ones(target.n, dtype=bool)
    return (np.zeros(target.n) if wrong is None else wrong), every


def unclustered(slices: SliceSet) -> Shares:
    """Independent rows: every row counts in full."""
    return Shares(np.ones(len(slices)), np.ones(len(slices)))


def cluster_shares(
    values: NDArray[np.float64],
    counted: NDArray[np.bool_],
    slices: SliceSet,
    clusters: NDArray[np.int32] | None,
    level: float,
) -> Shares:
    """Effective n ÷ n of each slice and of everyone else, by the design effect of a metric's rows."""
    shares = unclustered(slices)
    if clusters is None:
        return shares
    for part in slices.partitions:
        used = counted & (part.codes >= 0)
        effect = design_effect(values[used], clusters[used], part.codes[used], part.size)
        for target, rows, deff, df in (
            (shares.own, effect.rows, effect.deff, effect.df),
            (shares.outside, effect.rows_outside, effect.deff_outside, effect.df_outside),
        ):
            with np.errstate(invalid="ignore", divide="ignore"):
                share = effective_n(rows, deff, df, level) / rows
            target[part.columns] = np.where(np.isfinite(share), share, 1.0)
    return shares


def _form_column(
    metric: Metric,
    form: Form,
    measures: Measures,
    shares: Shares,
    slices: SliceSet,
    spec: Spec,
    fixing: Sequence[str],
) -> Column:
    own, versus, excess = compare(form, metric, measures.moments, shares, slices, spec.level, fixing)
    column = Column(
        metric=metric,
        own=own,
        method=np.where(np.isnan(own.low), "", form.method).astype(object),
        mark=_marks(form, measures, own, shares),
        empty=np.where(np.isnan(own.value), form.empty.value, "").astype(object),
        versus=versus,
        excess=excess,
        untested=np.full(len(slices), Reason.NO_HARMFUL_DIRECTION.value, dtype=object),
    )
    tested = column.tested(slices)
    why = why_untested(metric, own, tested, shares, slices, spec.minimum_n, fixing)
    return replace(column, untested=why)


def _marks(form: Form, measures: Measures, own: Summary, shares: Shares) -> NDArray[np.object_]:
    mark = np.full(len(own.n), "", dtype=object)
    if isinstance(form, Mean) and form.total_cu >= 0:
        moments = measures.moments
        with np.errstate(invalid="ignore", divide="ignore"):
            skew = skewness_from_moments(
                own.n, moments[:, form.total], moments[:, form.total_sq], moments[:, form.total_cu]
            )
        mark[(own.n < SKEW_N) & (np.abs(skew) > 1)] = "approximate"
    with np.errstate(invalid="ignore"):
        clustered = (shares.own < 1) & (own.n > 0)
        effective = np.where(clustered, own.n * shares.own, 0)
    for i in np.flatnonzero(clustered):
        mark[i] = "; ".join(filter(None, (mark[i], f"n_effective={effective[i]:.0f}")))
    return mark
