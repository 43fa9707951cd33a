"""Means by group or identity, tested as one family, into tables and findings."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
import pyarrow as pa

from audit import wording
from audit.attribution.group_means import GroupMeans
from audit.attribution.mentions import TermMeans
from audit.core import Estimate, Finding, Level, Reason, Severity, Slice, Test
from audit.group_error.findings import CLAUSES, NOMINAL, worst_first
from audit.group_error.severity import rank, smallest_gap_from_error
from audit.metrics import Metric
from audit.multiplicity import benjamini_hochberg
from audit.slices import EVERYONE_ELSE

PROBE = "attribution"
ADJUSTMENT = "Benjamini-Hochberg"
OUTSIDE = Metric(
    name="attribution_outside_centre",
    title="Share of the attribution outside the centre",
    unit="rate",
    better="lower",
    margin="rate",
    finding=True,
)
IDENTITY = Metric(
    name="identity_attribution",
    title="What naming the identity adds to the score",
    unit="rate",
    better="lower",
    margin="rate",
    finding=True,
)
NOTHING = "the same text without the words"

Three = tuple[float, float, float]


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """One mean beside its reference."""

    output: str
    method: str
    name: tuple[str, str]
    """Attribute and value, or ``identity`` and its name."""
    n: int
    mean: Three
    beside: Three
    """Groups: the difference to everyone else. Identities: to other words of the same texts."""
    gap: Three
    """What is tested against 0: the difference of a group, the mean of an identity."""
    reference: str
    reference_value: float
    reference_n: int
    metric: Metric
    p: float
    reason: Reason | None = None
    """Why it was not tested."""
    p_adjusted: float = float("nan")
    tests: int = 0
    evidence: tuple[str, ...] = ()


def of_groups(means: Iterable[GroupMeans], output: str, method: str, minimum_n: int) -> list[Comparison]:
    """Groups of attributes against everyone else."""
    made = []
    for one in means:
        total = int(one.n.sum())
        for g, value in enumerate(one.values):
            mean, difference = _three(one.mean, g), _three(one.difference, g)
            rest = total - int(one.n[g])
            made.append(
                Comparison(
                    output=output,
                    method=method,
                    name=(one.attribute, value),
                    n=int(one.n[g]),
                    mean=mean,
                    beside=difference,
                    gap=difference,
                    reference=EVERYONE_ELSE,
                    reference_value=mean[0] - difference[0],
                    reference_n=rest,
                    metric=OUTSIDE,
                    p=float(one.p[g]),
                    reason=_reason(float(one.p[g]), min(int(one.n[g]), rest), minimum_n),
                )
            )
    return made


def of_terms(
    means: TermMeans, columns: Sequence[str], method: str, minimum_n: int, kind: str = "identity"
) -> list[Comparison]:
    """Identities, or terms, against nothing."""
    return [
        Comparison(
            output=column,
            method=method,
            name=(kind, name),
            n=int(means.n[i]),
            mean=_three(means.mean, i, k),
            beside=_three(means.beside, i, k),
            gap=_three(means.mean, i, k),
            reference=NOTHING,
            reference_value=0.0,
            reference_n=int(means.n[i]),
            metric=IDENTITY,
            p=float(means.p[i, k]),
            reason=_reason(float(means.p[i, k]), int(means.n[i]), minimum_n),
        )
        for k, column in enumerate(columns)
        for i, name in enumerate(means.names)
    ]


def adjusted(family: Sequence[Comparison]) -> list[Comparison]:
    """The same comparisons with p adjusted over all of them that were tested."""
    p = np.array([one.p if one.reason is None else np.nan for one in family], dtype=np.float64)
    if np.isnan(p).all():
        return list(family)
    q, tests = benjamini_hochberg(p), int((~np.isnan(p)).sum())
    return [replace(one, p_adjusted=float(value), tests=tests) for one, value in zip(family, q, strict=True)]


def table(comparisons: Sequence[Comparison], expected: float | None = None) -> pa.Table:
    """One row a comparison.

    Args:
        comparisons: groups, or identities.
        expected: of an even map, for groups.
    """
    made: dict[str, Any] = {
        "output": [one.output for one in comparisons],
        "method": [one.method for one in comparisons],
        "attribute": [one.name[0] for one in comparisons],
        "value": [one.name[1] for one in comparisons],
        "n": [one.n for one in comparisons],
    }
    for name in ("mean", "beside"):
        for end, suffix in enumerate(("", "_low", "_high")):
            made[name + suffix] = _nullable([getattr(one, name)[end] for one in comparisons])
    made["p"] = _nullable([one.p if one.reason is None else np.nan for one in comparisons])
    made["p_adjusted"] = _nullable([one.p_adjusted for one in comparisons])
    made["untested"] = [None if one.reason is None else one.reason.value for one in comparisons]
    if expected is not None:
        made["expected"] = [expected] * len(comparisons)
    return pa.table(made)


def findings(comparisons: Sequence[Comparison], margin: float, family: str) -> tuple[Finding, ...]:
    """Harmful differences with an unadjusted p of at most .05, worst first."""
    return worst_first(
        _finding(one, margin, family)
        for one in comparisons
        if one.reason is None and one.p <= NOMINAL and one.gap[0] > 0
    )


def _finding(one: Comparison, margin: float, family: str) -> Finding:
    value, low, high = one.gap
    ranks = rank(
        one.metric,
        np.array([one.reference_value + value]),
        np.array([one.reference_value]),
        np.array([low]),
        np.array([high]),
        np.array([one.p_adjusted]),
        margin,
    )
    level, score = Level(ranks.level[0]), float(ranks.score[0])
    established = level is not Level.NOT_ESTABLISHED
    error = (high - low) / 4  # the interval is about four standard errors wide
    return Finding(
        probe=PROBE,
        output=one.output,
        slice=Slice(of=(one.name,), n=one.n),
        metric=one.metric.name,
        value=_estimate(one.mean, one.n, one.metric),
        reference=one.reference,
        reference_value=_estimate(
            (one.reference_value, np.nan, np.nan), one.reference_n, one.metric, "by definition"
        ),
        gap=_estimate(one.gap, one.n, one.metric, "t", "zero"),
        test=Test(
            method=f"t, {one.method}",
            p=one.p,
            p_adjusted=one.p_adjusted,
            family=family,
            adjustment=ADJUSTMENT,
            tests=one.tests,
        ),
        severity=Severity(
            level=level,
            score=score,
            margin=margin,
            why=wording.why_ranked(low, margin, score, one.metric.unit)
            if established
            else wording.why_not_established(one.p_adjusted, low, high, one.metric.unit),
        ),
        smallest_gap=_none(float(smallest_gap_from_error(np.array([error]), one.tests)[0])),
        affected=one.n,
        evidence=one.evidence,
        clauses=CLAUSES,
    )


def _estimate(three: Three, n: int, metric: Metric, method: str = "t", better: str = "") -> Estimate:
    value, low, high = (_none(end) for end in three)
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=n,
        method=method,
        unit=metric.unit,
        better=better or metric.better,  # type: ignore[arg-type]
        reason=None if value is not None else Reason.TOO_FEW,
    )


def _reason(p: float, n: int, minimum_n: int) -> Reason | None:
    if n == 0:
        return Reason.NO_ROWS
    return Reason.TOO_FEW if n < minimum_n or np.isnan(p) else None


def _three(ends: Sequence[Any], *at: int) -> Three:
    value, low, high = (float(end[at]) for end in ends)
    return value, low, high


def _nullable(values: Sequence[float]) -> pa.Array:
    return pa.array([_none(value) for value in values], pa.float64())


def _none(value: float) -> float | None:
    return None if np.isnan(value) else float(value)
