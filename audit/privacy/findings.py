"""Findings of the privacy probe: rows of training that can be told, and groups for whom it is easier."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from audit import wording
from audit.core import Estimate, Finding, Level, Severity, Slice, Test
from audit.group_error.severity import rank
from audit.metrics import PRIVACY_METRICS
from audit.privacy.measure import Measured, Share
from audit.slices import EVERYONE_ELSE

PROBE = "privacy"
CHANCE = "chance: members can't be told"
FAMILY_WHOLE, FAMILY_GROUPS = "privacy: membership by output and signal", "privacy: membership by group"
CLAUSES = ("NIST AI RMF: MEASURE 2.10", "EU AI Act: Article 15(5)")


def findings(found: Sequence[Measured], margin: float) -> tuple[Finding, ...]:
    """Harmful differences whose unadjusted p is at most .05, worst first.

    Args:
        found: with adjusted p.
        margin: a difference of AUC that matters.
    """
    tests = {family: _tests(found, family) for family in (FAMILY_WHOLE, FAMILY_GROUPS)}
    made = [
        _finding(one, margin, tests[_family(one)])
        for one in found
        if one.auc is not None and one.gap is not None and one.gap.value > 0 and one.p <= 0.05
    ]
    levels = list(Level)
    return tuple(
        sorted(
            made,
            key=lambda f: (
                levels.index(f.severity.level),
                -f.severity.score,
                f.output,
                f.metric,
                f.slice.key,
            ),
        )
    )


def metric_name(signal: str) -> str:
    """Name of the metric of a signal."""
    return f"membership_auc_{signal}"


def table(found: Sequence[Measured]) -> pa.Table:
    """All that was measured, one row an output, signal and slice; missing numbers are null, with a reason."""

    def column(part: str, name: str) -> pa.Array:
        shares = [getattr(one, part) for one in found]
        return pa.array([None if s is None else _number(getattr(s, name)) for s in shares], pa.float64())

    return pa.table(
        {
            "output": pa.array([one.output for one in found], pa.string()),
            "signal": pa.array([one.signal for one in found], pa.string()),
            "slice": pa.array([one.slice.key for one in found], pa.string()),
            "n_training": pa.array([one.members for one in found], pa.int64()),
            "n_held_out": pa.array([one.others for one in found], pa.int64()),
            **{name: column("auc", of) for name, of in (("auc", "value"), ("low", "low"), ("high", "high"))},
            "method": pa.array([one.auc.method if one.auc else None for one in found], pa.string()),
            **{name: column("gap", of) for name, of in _GAP},
            "p": pa.array([_number(one.p) for one in found], pa.float64()),
            "p_adjusted": pa.array([_number(one.p_adjusted) for one in found], pa.float64()),
            **{name: column("tpr", of) for name, of in _TPR},
            "reason": pa.array(
                [None if one.reason is None else one.reason.value for one in found], pa.string()
            ),
        }
    )


_GAP = (("gap", "value"), ("gap_low", "low"), ("gap_high", "high"))
_TPR = (("tpr_at_1_percent_fpr", "value"), ("tpr_low", "low"), ("tpr_high", "high"), ("fpr_reached", "fpr"))


def _family(one: Measured) -> str:
    return FAMILY_GROUPS if one.slice.of else FAMILY_WHOLE


def _tests(found: Sequence[Measured], family: str) -> int:
    return sum(_family(one) == family and not np.isnan(one.p) for one in found)


def _number(value: float) -> float | None:
    return None if np.isnan(value) else float(value)


def _finding(one: Measured, margin: float, tests: int) -> Finding:
    assert one.auc is not None
    assert one.gap is not None
    metric = PRIVACY_METRICS[metric_name(one.signal)]
    group = bool(one.slice.of)
    reference = one.reference if group else Share(value=0.5, low=0.5, high=0.5, method="by definition")
    assert reference is not None
    numbers = (one.auc.value, reference.value, one.gap.low, one.gap.high, one.p_adjusted)
    value, other, low, high, p = (np.array([number]) for number in numbers)
    ranks = rank(metric, value, other, low, high, p, margin)
    severity = Level(ranks.level[0])
    score = float(ranks.score[0])
    why = (
        wording.why_not_established(one.p_adjusted, one.gap.low, one.gap.high, metric.unit)
        if severity is Level.NOT_ESTABLISHED
        else wording.why_ranked(one.gap.low, margin, score, metric.unit)
    )
    n = one.members + one.others
    return Finding(
        probe=PROBE,
        output=one.output,
        slice=Slice(of=one.slice.of, n=n),
        metric=metric.name,
        value=_estimate(one.auc, n, metric.unit),
        reference=EVERYONE_ELSE if group else CHANCE,
        reference_value=_estimate(reference, n, metric.unit)
        if group
        else Estimate(
            value=0.5, low=None, high=None, n=n, method="by definition", unit=metric.unit, better="lower"
        ),
        gap=Estimate(
            value=one.gap.value,
            low=one.gap.low,
            high=one.gap.high,
            n=n,
            method=one.gap.method,
            unit=metric.unit,
            better="zero",
        ),
        test=Test(
            method="z on the logit scale",
            p=one.p,
            p_adjusted=one.p_adjusted,
            family=_family(one),
            adjustment="Benjamini-Hochberg" if group else "Holm",
            tests=tests,
        ),
        severity=Severity(level=severity, score=score, margin=margin, why=why),
        smallest_gap=None,
        affected=one.members,
        clauses=CLAUSES,
    )


def _estimate(share: Share, n: int, unit: str) -> Estimate:
    return Estimate(
        value=share.value, low=share.low, high=share.high, n=n, method=share.method, unit=unit, better="lower"
    )
