"""Regressions as findings, on the scale that every probe's findings share."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from audit import wording
from audit.core import Estimate, Finding, Level, Severity, Slice, Test
from audit.versions.codes import Role, Verdict

LEVELS = ((2.0, Level.HIGH), (1.0, Level.MEDIUM), (0.0, Level.LOW))


def findings(table: pa.Table, old: str) -> Iterator[Finding]:
    """One finding for each gated slice that regressed, worst first.

    Args:
        table: the verdict table.
        old: label of the old version: the reference.
    """
    regressed = table.filter(pc.equal(table["verdict"], Verdict.REGRESSED.value))
    gated = regressed.filter(pc.not_equal(regressed["role"], Role.WATCHED.value))
    found = [_finding(row, old) for row in gated.to_pylist()]
    yield from sorted(found, key=lambda f: -f.severity.score)


def _finding(row: Mapping[str, Any], old: str) -> Finding:
    pairs = tuple(zip(row["attributes"], row["values"], strict=True))
    score = row["harm_low"] / row["margin"]
    return Finding(
        probe="versions",
        output=row["output"],
        slice=Slice(of=pairs, n=row["rows"]),
        metric=row["metric"],
        value=_estimate(row, "new", ""),
        reference=old,
        reference_value=_estimate(row, "old", ""),
        gap=_estimate({**row, "change_low": row["low"], "change_high": row["high"]}, "change", row["method"]),
        test=Test(
            method=row["test"],
            p=row["p"],
            p_adjusted=row["p_adjusted"],
            family=row["family"],
            adjustment=row["adjustment"],
            tests=row["tests"],
        ),
        severity=Severity(
            level=next(level for floor, level in LEVELS if score >= floor),
            score=score,
            margin=row["margin"],
            why=wording.why_ranked(row["harm_low"], row["margin"], score, row["unit"]),
        ),
        smallest_gap=None,
        affected=row["n"],
    )


def _estimate(row: Mapping[str, Any], name: str, method: str) -> Estimate:
    return Estimate(
        value=row[name],
        low=row[f"{name}_low"],
        high=row[f"{name}_high"],
        n=row["n"],
        method=method,
        unit=row["unit"],
        better=row["better"],
    )
