"""Slices found by search over the declared attributes, re-tested on rows that the search has not seen."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from audit import wording
from audit.core import Attribute, Estimate, Finding, Level, Severity, Slice, TaskKind, Test
from audit.group_error.families import Measured
from audit.group_error.findings import CLAUSES, unit_of
from audit.group_error.ranked import margin_of
from audit.intervals import newcombe, wilson
from audit.metrics import METRICS
from audit.protocols import Context
from audit.search import FoundSlice, SearchResult, search_slices
from audit.spec import Spec

FAMILY = "search: slices picked on one half of the rows, tested on the other"
LEAST_ROWS = 200
SCHEMA = pa.schema(
    [("output", pa.string()), ("metric", pa.string()), ("slice", pa.string())]
    + [("attributes", pa.list_(pa.string())), ("values", pa.list_(pa.string())), ("depth", pa.int64())]
    + [("n_found", pa.int64()), ("found", pa.float64()), ("excess", pa.float64())]
    + [("n", pa.int64()), ("value", pa.float64()), ("reference_n", pa.int64())]
    + [("reference_value", pa.float64()), ("p", pa.float64()), ("p_adjusted", pa.float64())]
    + [("confirmed", pa.bool_()), ("searched", pa.int64()), ("tests", pa.int64())]
)


def search(
    context: Context, measured: Sequence[Measured]
) -> tuple[tuple[Finding, ...], dict[str, pa.Table], dict[str, Any]]:
    """Search every target with truth.

    Attributes that fix a target's truth are left out for it: they would only find the truth again.

    Returns:
        Findings for confirmed slices deeper than the crossings that were tested anyway; the table `search`
        with every slice picked, confirmed or not; how much was searched, for the summary.
    """
    rows: list[dict[str, Any]] = []
    findings: list[Finding] = []
    searched: dict[str, Any] = {}
    for m in measured:
        attributes = [a for n, a in context.examples.attributes.items() if n not in m.fixing]
        wrong = m.target.wrong
        if wrong is None or not attributes or m.target.n < LEAST_ROWS:
            continue
        codes = np.stack([_codes(a)[m.target.rows] for a in attributes], axis=1)
        result = search_slices(
            codes,
            wrong,
            clusters=m.clusters,
            max_depth=context.spec.search_depth,
            min_support=context.spec.minimum_n,
            seed=context.spec.seed,
        )
        searched[m.target.name] = _searched(result)
        metric = "mae" if m.target.task.kind is TaskKind.REGRESSION else "error_rate"
        for found in result.found:
            named = Slice(of=_named(found, attributes), n=found.discovery.n + found.inside.n)
            rows.append(_row(m, metric, named, found, result))
            if found.confirmed and len(named.of) > context.spec.depth and metric == "error_rate":
                findings.append(_finding(m, metric, named, found, result, context.spec))
    return tuple(findings), {"search": pa.Table.from_pylist(rows, schema=SCHEMA)}, {"search": searched}


def _codes(attribute: Attribute) -> np.ndarray:
    """Codes with -1 for `unknown`, which defines no slice."""
    return np.where(attribute.codes == attribute.unknown_code, -1, attribute.codes)


def _named(found: FoundSlice, attributes: Sequence[Attribute]) -> tuple[tuple[str, str], ...]:
    pairs = zip(found.columns, found.values, strict=True)
    return tuple((attributes[c].name, attributes[c].values[v]) for c, v in pairs)


def _searched(result: SearchResult) -> dict[str, int]:
    return {
        "combinations": result.n_slices,
        "searched": result.n_searched,
        "picked": len(result.found),
        "tested": result.n_tested,
        "confirmed": sum(f.confirmed for f in result.found),
        "discovery_rows": result.discovery_rows,
        "confirmation_rows": result.confirmation_rows,
    }


def _row(m: Measured, metric: str, named: Slice, found: FoundSlice, result: SearchResult) -> dict[str, Any]:
    return {
        "output": m.target.name,
        "metric": metric,
        "slice": named.key,
        "attributes": list(named.attributes),
        "values": [v for _, v in named.of],
        "depth": len(named.of),
        "n_found": found.discovery.n,
        "found": _none(found.discovery.mean),
        "excess": _none(found.excess),
        "n": found.inside.n,
        "value": _none(found.inside.mean),
        "reference_n": found.outside.n,
        "reference_value": _none(found.outside.mean),
        "p": _none(found.p),
        "p_adjusted": _none(found.p_adjusted),
        "confirmed": bool(found.confirmed),
        "searched": result.n_searched,
        "tests": result.n_tested,
    }


def _finding(
    m: Measured, metric: str, named: Slice, found: FoundSlice, result: SearchResult, spec: Spec
) -> Finding:
    """A confirmed slice as a finding; every number is of the confirmation half alone."""
    inside, outside = found.inside, found.outside
    events = (round(inside.mean * inside.n), round(outside.mean * outside.n))
    gap = newcombe(events[0], inside.n, events[1], outside.n, spec.level)
    margin = margin_of(METRICS[metric], m, spec)
    score = max(float(gap.low), 0.0) / margin
    level = Level.NOT_ESTABLISHED if score <= 0 else Level.HIGH if score >= 2 else Level.MEDIUM
    level = Level.LOW if 0 < score < 1 else level
    unit = unit_of(METRICS[metric], m.target)

    def share(k: int, n: int) -> Estimate:
        value, low, high = (float(x) for x in wilson(k, n, spec.level))
        return Estimate(
            value=value,
            low=low,
            high=high,
            n=n,
            method="Wilson score",
            unit=unit,
            better="lower",
            events=k,
            marks=("confirmation half",),
        )

    return Finding(
        probe="group_error",
        output=m.target.name,
        slice=named,
        metric=metric,
        value=share(events[0], inside.n),
        reference="everyone else",
        reference_value=share(events[1], outside.n),
        gap=Estimate(
            value=float(gap.value),
            low=float(gap.low),
            high=float(gap.high),
            n=inside.n,
            method="Newcombe",
            unit=unit,
            better="zero",
        ),
        test=Test(
            method="score test, or mid-p Fisher where an expected cell is < 5",
            p=float(found.p),
            p_adjusted=float(found.p_adjusted),
            family=FAMILY,
            adjustment="Holm",
            tests=result.n_tested,
        ),
        severity=Severity(
            level=level,
            score=score,
            margin=margin,
            why=f"found by search, confirmed on {inside.n + outside.n} unseen rows; "
            + wording.why_ranked(float(gap.low), margin, score, unit),
        ),
        smallest_gap=None,
        affected=inside.n,
        clauses=CLAUSES,
    )


def _none(x: float) -> float | None:
    return None if np.isnan(x) else float(x)
