"""Findings of the leakage probe: flattered numbers, and groups whose test rows leak more often."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit import wording
from audit.core import Estimate, Examples, Finding, Level, Reason, Severity, Slice, Test
from audit.group_error.severity import rank
from audit.intervals import wilson
from audit.leakage.inflation import BOOTSTRAP, Inflation
from audit.leakage.leaks import GroupShares, Leaks
from audit.metrics import LEAKED_SHARE, METRICS, Metric
from audit.slices import EVERYONE_ELSE
from audit.wording import WITHOUT_LEAKED

PROBE = "leakage"
EVIDENCE = 12
FAMILY_INFLATION = "leakage: metrics with and without leaked rows"
FAMILY_GROUPS = "leakage: leaked share by group"
ADJUSTMENT = "Benjamini-Hochberg"
WITH_LEAKED = "the same rows with the leaked ones"
CLAUSES = ("NIST AI RMF: MEASURE 2.1", "EU AI Act: Article 10(2)")


def leaked_finding(
    leaks: Leaks, examples: Examples, audited: NDArray[np.bool_], margin: float, level: float
) -> Finding:
    """The share of audited rows with a copy in training, against none.

    Args:
        leaks: with at least one leaked row.
        examples: for the ids of evidence.
        audited: (n,) rows that metrics use.
        margin: share that matters.
        level: of the interval.
    """
    n, events = int(audited.sum()), int(leaks.leaked.sum())
    interval = wilson([events], [n], level)
    value, low, high = (float(part[0]) for part in interval)
    share = Estimate(
        value=value,
        low=low,
        high=high,
        n=n,
        method="Wilson score",
        unit="rate",
        better="lower",
        events=events,
    )
    zeros = np.zeros(1)
    ranks = rank(LEAKED_SHARE, np.array([value]), zeros, np.array([low]), np.array([high]), zeros, margin)
    return Finding(
        probe=PROBE,
        output="",
        slice=Slice(n=n),
        metric=LEAKED_SHARE.name,
        value=share,
        reference="a split without copies",
        reference_value=Estimate(
            value=0.0, low=None, high=None, n=n, method="by definition", unit="rate", better="lower"
        ),
        gap=Estimate(value=value, low=low, high=high, n=n, method="Wilson score", unit="rate", better="zero"),
        test=Test(
            method="none: each copy is listed", p=None, p_adjusted=None, family="", adjustment="", tests=0
        ),
        severity=_severity(float(ranks.score[0]), Level(ranks.level[0]), low, margin, "rate", ""),
        smallest_gap=None,
        affected=events,
        evidence=_ids(examples, leaks.leaked),
        clauses=CLAUSES,
    )


def inflation_findings(
    found: Sequence[Inflation],
    adjusted: Mapping[tuple[str, str, str], float],
    margins: Mapping[str, float],
    leaks: Leaks,
    examples: Examples,
) -> list[Finding]:
    """Metrics that are worse without the leaked rows.

    The gap of a finding is metric without leaked rows - metric with all, so that harm points as everywhere:
    a larger error is worse. It is the inflation with its sign turned.

    Args:
        found: every metric.
        adjusted: adjusted p by (output, slice, metric).
        margins: of the spec.
        leaks: for evidence.
        examples: for ids.
    """
    made = []
    tests = len(adjusted)
    for one in found:
        key = (one.output, one.slice.key, one.metric)
        if one.reason is not None or key not in adjusted or one.p > 0.05:
            continue
        metric, p = METRICS[one.metric], adjusted[key]
        margin = margins[metric.margin]
        low, high = -one.high, -one.low
        clean, whole, *ends = (np.array([x]) for x in (one.clean, one.all, low, high, p))
        ranks = rank(metric, clean, whole, ends[0], ends[1], ends[2], margin)
        if not ranks.harmful[0]:
            continue
        near = low if metric.better == "lower" else -high
        why = wording.why_not_established(p, low, high, metric.unit)
        made.append(
            Finding(
                probe=PROBE,
                output=one.output,
                slice=one.slice,
                metric=one.metric,
                value=_plain(one.clean, one.n - one.leaked, metric, WITHOUT_LEAKED),
                reference=WITH_LEAKED,
                reference_value=_plain(one.all, one.n, metric, "all rows"),
                gap=Estimate(
                    value=-one.value,
                    low=low,
                    high=high,
                    n=one.n,
                    method=one.method,
                    unit=metric.unit,
                    better="zero",
                ),
                test=Test(
                    method="bootstrap" if one.method == BOOTSTRAP else "two-sample",
                    p=one.p,
                    p_adjusted=p,
                    family=FAMILY_INFLATION,
                    adjustment=ADJUSTMENT,
                    tests=tests,
                ),
                severity=_severity(
                    float(ranks.score[0]), Level(ranks.level[0]), near, margin, metric.unit, why
                ),
                smallest_gap=None,
                affected=one.leaked,
                evidence=_ids(examples, leaks.leaked & _inside(one.slice, examples)),
                clauses=CLAUSES,
            )
        )
    return made


def group_findings(
    found: Sequence[tuple[GroupShares, NDArray[np.float64]]], margin: float, leaks: Leaks, examples: Examples
) -> list[Finding]:
    """Groups whose test rows have a copy in training more often than everyone else's.

    Args:
        found: leaked shares with adjusted p (K,).
        margin: difference of shares that matters.
        leaks: for evidence.
        examples: for ids.
    """
    made = []
    tests = sum(int((~np.isnan(adjusted)).sum()) for _, adjusted in found)
    for group, adjusted in found:
        gap = group.gap
        ranks = rank(LEAKED_SHARE, group.share.value, group.others, gap.low, gap.high, adjusted, margin)
        for k in np.flatnonzero(ranks.harmful & (np.nan_to_num(group.p, nan=1.0) <= 0.05)).tolist():
            slice_ = Slice(of=((group.attribute, group.values[k]),), n=int(group.n[k]))
            low, high = float(gap.low[k]), float(gap.high[k])
            why = wording.why_not_established(adjusted[k], low, high, LEAKED_SHARE.unit)
            made.append(
                Finding(
                    probe=PROBE,
                    output="",
                    slice=slice_,
                    metric=LEAKED_SHARE.name,
                    value=Estimate(
                        value=float(group.share.value[k]),
                        low=float(group.share.low[k]),
                        high=float(group.share.high[k]),
                        n=int(group.n[k]),
                        method="Wilson score",
                        unit="rate",
                        better="lower",
                        events=int(group.events[k]),
                    ),
                    reference=EVERYONE_ELSE,
                    reference_value=_plain(
                        float(group.others[k]), int(group.n.sum() - group.n[k]), LEAKED_SHARE, ""
                    ),
                    gap=Estimate(
                        value=float(gap.value[k]),
                        low=low,
                        high=high,
                        n=int(group.n[k]),
                        method="Newcombe",
                        unit="rate",
                        better="zero",
                    ),
                    test=Test(
                        method=str(group.method[k]),
                        p=float(group.p[k]),
                        p_adjusted=float(adjusted[k]),
                        family=FAMILY_GROUPS,
                        adjustment=ADJUSTMENT,
                        tests=tests,
                    ),
                    severity=_severity(
                        float(ranks.score[k]), Level(ranks.level[k]), low, margin, "rate", why
                    ),
                    smallest_gap=None,
                    affected=int(group.events[k]),
                    evidence=_ids(examples, leaks.leaked & _inside(slice_, examples)),
                    clauses=CLAUSES,
                )
            )
    return made


def ordered(found: Sequence[Finding]) -> tuple[Finding, ...]:
    """Worst first: level, score, rows affected, then names."""
    levels = list(Level)
    return tuple(
        sorted(
            found,
            key=lambda f: (
                levels.index(f.severity.level),
                -f.severity.score,
                -f.affected,
                f.output,
                f.metric,
                f.slice.key,
            ),
        )
    )


def _plain(value: float, n: int, metric: Metric, method: str) -> Estimate:
    missing = np.isnan(value)
    return Estimate(
        value=None if missing else value,
        low=None,
        high=None,
        n=n,
        method=method,
        unit=metric.unit,
        better=metric.better,
        reason=Reason.NO_ROWS if missing else None,
    )


def _severity(score: float, level: Level, near: float, margin: float, unit: str, otherwise: str) -> Severity:
    if level is Level.NOT_ESTABLISHED:
        return Severity(level=level, score=0.0, margin=margin, why=otherwise)
    why = wording.why_ranked(near, margin, score, unit)
    return Severity(level=level, score=score, margin=margin, why=why)


def _inside(slice_: Slice, examples: Examples) -> NDArray[np.bool_]:
    inside = np.ones(examples.n, dtype=np.bool_)
    for name, value in slice_.of:
        attribute = examples.attributes[name]
        inside &= attribute.codes == attribute.values.index(value)
    return inside


def _ids(examples: Examples, rows: NDArray[np.bool_]) -> tuple[str, ...]:
    return tuple(examples.ids.take(pa.array(np.flatnonzero(rows)[:EVIDENCE])).to_pylist())
