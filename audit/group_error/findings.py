"""Ranked comparisons into findings: what is harmful, how sure, how large, and whose rows show it."""

from __future__ import annotations

from collections.abc import Iterable, Iterator, Sequence

import numpy as np
from numpy.typing import NDArray

from audit import wording
from audit.core import Estimate, Examples, Finding, Level, Reason, Severity, TaskKind, Test
from audit.group_error.ages import is_age
from audit.group_error.families import SLICES
from audit.group_error.forms import Summary
from audit.group_error.ranked import RankedColumn
from audit.group_error.targets import Target
from audit.metrics import Metric
from audit.slices import SliceSet

EVIDENCE = 12
"""Ids of rows kept with a finding."""
NOMINAL = 0.05
CLAUSES = ("NIST AI RMF: MEASURE 2.11", "EU AI Act Annex IV: 2(g), 3")


def findings(ranked: Sequence[RankedColumn], examples: Examples, probe: str) -> tuple[Finding, ...]:
    """List harmful differences: the established, and those that only multiplicity keeps from being so.

    Args:
        ranked: every column, tested and ranked.
        examples: for the ids of evidence.
        probe: name of the probe.

    Returns:
        In order of the columns. Harmful differences with an unadjusted p above .05 are
        not listed; they stand in the table `slices`.
    """
    return tuple(f for r in ranked for f in _of_column(r, examples, probe))


def worst_first(found: Iterable[Finding]) -> tuple[Finding, ...]:
    """Order findings by severity, then adjusted p, then rows affected; names break ties."""
    order = list(Level)
    return tuple(
        sorted(
            found,
            key=lambda f: (
                order.index(f.severity.level),
                -f.severity.score,
                f.test.p_adjusted if f.test.p_adjusted is not None else 1.0,
                -f.affected,
                f.output,
                f.metric,
                f.slice.key,
            ),
        )
    )


def _of_column(r: RankedColumn, examples: Examples, probe: str) -> Iterator[Finding]:
    with np.errstate(invalid="ignore"):
        listed = r.ranks.harmful & (r.p <= NOMINAL)
    unit = unit_of(r.column.metric, r.measured.target)
    for i in np.flatnonzero(listed).tolist():
        s = r.measured.slices.slices[i]
        gap = r.tested.gap
        yield Finding(
            probe=probe,
            output=r.measured.target.name,
            slice=s,
            metric=r.column.metric.name,
            value=estimate(r.column.own, i, r.column.metric, unit, str(r.column.method[i]), r.column.mark[i]),
            reference=str(r.tested.reference[i]),
            reference_value=estimate(r.tested.other, i, r.column.metric, unit, str(r.column.method[i])),
            gap=Estimate(
                value=float(gap.value[i]),
                low=_none(gap.low[i]),
                high=_none(gap.high[i]),
                n=int(r.column.own.n[i]),
                method=gap_method(r.column.metric),
                unit=unit,
                better="zero",
            ),
            test=Test(
                method=str(gap.test[i]),
                p=float(r.p[i]),
                p_adjusted=float(r.p_adjusted[i]),
                family=SLICES,
                adjustment="Benjamini-Hochberg",
                tests=r.tests,
            ),
            severity=_severity(r, i),
            smallest_gap=_none(r.smallest[i]),
            affected=int(r.column.own.n[i]),
            evidence=evidence(r.measured.target, r.measured.slices, i, r.column.metric.name, examples),
            clauses=CLAUSES,
        )


def _severity(r: RankedColumn, i: int) -> Severity:
    score, level = float(r.ranks.score[i]), Level(r.ranks.level[i])
    gap, unit = r.tested.gap, unit_of(r.column.metric, r.measured.target)
    if level is Level.NOT_ESTABLISHED:
        why = wording.why_not_established(r.p_adjusted[i], gap.low[i], gap.high[i], unit)
        return Severity(level=level, score=0.0, margin=r.margin, why=why)
    near = gap.low[i] if gap.value[i] > 0 else gap.high[i]
    why = wording.why_ranked(near, r.margin, score, unit)
    return Severity(level=level, score=score, margin=r.margin, why=why)


def estimate(summary: Summary, i: int, metric: Metric, unit: str, method: str, mark: str = "") -> Estimate:
    """One entry of a summary as an Estimate."""
    value = _none(summary.value[i])
    events = summary.events[i]
    return Estimate(
        value=value,
        low=_none(summary.low[i]),
        high=_none(summary.high[i]),
        n=0 if np.isnan(summary.n[i]) else int(round(summary.n[i])),
        method=method,
        unit=unit,
        better=metric.better,
        events=None if np.isnan(events) else int(round(events)),
        marks=tuple(filter(None, mark.split("; "))),
        reason=Reason.NO_ROWS if value is None else None,
    )


def unit_of(metric: Metric, target: Target) -> str:
    """The metric's unit; errors of a number carry the output's."""
    if metric.unit != "unit":
        return metric.unit
    return target.task.unit or ("years" if is_age(target) else "units of the output")


def gap_method(metric: Metric) -> str:
    """Name of the interval of a difference."""
    if metric.unit == "rate":
        return "Newcombe"
    return {"AUC": "MOVER on logit limits", "unit": "Welch t"}.get(metric.unit, "MOVER")


def evidence(target: Target, slices: SliceSet, i: int, metric: str, examples: Examples) -> tuple[str, ...]:
    """Ids of up to `EVIDENCE` rows of the slice that count against it, worst first for numbers."""
    part = slices.partitions[slices.partition[i]]
    inside = part.codes == i - part.first
    wrong = _against(target, metric)
    rows = np.flatnonzero(inside & (wrong > 0))
    rows = rows[np.argsort(-wrong[rows], kind="stable")][:EVIDENCE]
    return tuple(examples.ids[int(target.rows[r])].as_py() for r in rows)


def _against(target: Target, metric: str) -> NDArray[np.float64]:
    """(n,) how much each row counts against a metric; 0: not at all."""
    wrong = target.wrong
    if wrong is None or target.truth is None:
        return np.zeros(target.n)
    if target.task.kind is TaskKind.BINARY and metric in ("fpr", "ppv"):
        return np.asarray(wrong * (target.truth == 0))
    if target.task.kind is TaskKind.BINARY and metric == "fnr":
        return np.asarray(wrong * (target.truth == 1))
    kind, _, label = metric.partition("/")
    if label in target.task.classes and kind in ("recall", "precision"):
        code = target.task.classes.index(label)
        return np.asarray(wrong * ((target.truth if kind == "recall" else target.decision) == code))
    return wrong


def _none(x: float) -> float | None:
    return None if np.isnan(x) else float(x)
