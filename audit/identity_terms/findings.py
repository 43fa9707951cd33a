"""Harmful cells into findings, with the rows that show them."""

from __future__ import annotations

from collections.abc import Iterator, Sequence

import numpy as np

from audit import wording
from audit.core import Estimate, Examples, Finding, Level, Reason, Severity, Slice, Test
from audit.group_error.findings import CLAUSES, EVIDENCE, NOMINAL, worst_first
from audit.identity_terms.cells import Cells
from audit.identity_terms.memberships import Memberships
from audit.identity_terms.ranked import ADJUSTMENT, FAMILY, RankedCells
from audit.intervals import Interval

PROBE = "identity_terms"
REFERENCE = "background"
"""Annotated rows that do not speak of the identity."""


def findings(
    ranked: Sequence[RankedCells], memberships: Memberships, examples: Examples
) -> tuple[Finding, ...]:
    """List harmful cells, worst first: the established, and those that only their number keeps from being so.

    Args:
        ranked: every cell.
        memberships: names of the identities.
        examples: for the ids of evidence.
    """
    return worst_first(f for r in ranked for f in _of_cells(r, memberships, examples))


def _of_cells(r: RankedCells, memberships: Memberships, examples: Examples) -> Iterator[Finding]:
    c = r.cells
    with np.errstate(invalid="ignore"):
        listed = np.flatnonzero(r.harmful & (r.p <= NOMINAL))
    for k in listed.tolist():
        yield Finding(
            probe=PROBE,
            output=c.label.target.name,
            slice=Slice(of=(("identity", memberships.names[k]),), n=len(c.label.members[k])),
            metric=c.metric.name,
            value=_estimate(c, k),
            reference=REFERENCE,
            reference_value=_background(c, k),
            gap=Estimate(
                value=float(c.difference.value[k]),
                low=_none(c.difference.low[k]),
                high=_none(c.difference.high[k]),
                n=int(c.n[k]),
                method="Newcombe" if c.metric.unit == "rate" else "MOVER on logit limits",
                unit=c.metric.unit,
                better="zero",
            ),
            test=Test(
                method=str(c.test[k]),
                p=float(r.p[k]),
                p_adjusted=float(r.p_adjusted[k]),
                family=FAMILY,
                adjustment=ADJUSTMENT,
                tests=r.tests,
            ),
            severity=_severity(r, k),
            smallest_gap=_none(r.smallest[k]),
            affected=int(c.n[k]),
            evidence=evidence(c, k, examples),
            clauses=CLAUSES,
        )


def _estimate(c: Cells, k: int) -> Estimate:
    events = c.events[k]
    return Estimate(
        value=_none(c.own.value[k]),
        low=_none(c.own.low[k]),
        high=_none(c.own.high[k]),
        n=int(c.n[k]),
        method=str(c.own.method[k]),
        unit=c.metric.unit,
        better=c.metric.better,
        events=None if np.isnan(events) else int(events),
        marks=tuple(filter(None, (str(c.own.mark[k]),))),
        reason=Reason(c.own.empty[k]) if np.isnan(c.own.value[k]) else None,
    )


def _background(c: Cells, k: int) -> Estimate:
    value, low, high = (_none(end[k]) for end in Interval(*c.background))
    return Estimate(
        value=value,
        low=low,
        high=high,
        n=int(c.background_n[k]),
        method=str(c.own.method[k]),
        unit=c.metric.unit,
        better=c.metric.better,
        reason=None if value is not None else Reason.NO_REFERENCE,
    )


def _severity(r: RankedCells, k: int) -> Severity:
    level, score = Level(r.ranks.level[k]), float(r.ranks.score[k])
    value, low, high = (float(end[k]) for end in r.cells.difference)
    if level is Level.NOT_ESTABLISHED:
        why = wording.why_not_established(r.p_adjusted[k], low, high, r.cells.metric.unit)
        return Severity(level=level, score=0.0, margin=r.margin, why=why)
    near = abs(low if value > 0 else high)
    why = wording.why_ranked(near, r.margin, score, r.cells.metric.unit)
    return Severity(level=level, score=score, margin=r.margin, why=why)


def evidence(c: Cells, k: int, examples: Examples) -> tuple[str, ...]:
    """Ids of up to `EVIDENCE` members that show a cell: harmless ones high up, abusive ones low down.

    For a rate, members that the decision gets wrong, worst score first.
    """
    target, rows = c.label.target, c.label.members[k]
    assert target.truth is not None
    scores = target.scores if target.scores is not None else target.decision.astype(np.float64)
    high = {"fpr": True, "bpsn_auc": True, "fnr": False, "bnsp_auc": False}.get(c.metric.name)
    shown = []
    for truth, upward in ((0, True), (1, False)):
        if high is not None and high is not upward:
            continue
        mine = rows[target.truth[rows] == truth]
        if c.metric.unit == "rate":
            mine = mine[target.decision[mine] != truth]
        shown.append(mine[np.argsort(-scores[mine] if upward else scores[mine], kind="stable")])
    each = EVIDENCE // len(shown)
    picked = [r for part in shown for r in part[:each].tolist()]
    return tuple(examples.ids[int(target.rows[r])].as_py() for r in picked)


def _none(x: float) -> float | None:
    return None if np.isnan(x) else float(x)
