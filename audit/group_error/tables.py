"""The probe's evidence as Arrow tables. Column names are documented in docs/run-format.md."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from audit.core import Level
from audit.group_error.compare import Comparison
from audit.group_error.families import SLICES, Omnibus
from audit.group_error.findings import unit_of
from audit.group_error.ranked import RankedColumn


def slices_table(ranked: Sequence[RankedColumn]) -> pa.Table:
    """One row an output x metric x slice: value, gap, excess, test, power, severity."""
    return pa.concat_tables([_column_table(r) for r in ranked]) if ranked else _empty()


def _column_table(r: RankedColumn) -> pa.Table:
    slices, column = r.measured.slices, r.column
    of = [s.of for s in slices.slices]
    established = r.ranks.level != Level.NOT_ESTABLISHED.value
    columns = {
        "output": pa.array([r.measured.target.name] * len(slices)),
        "metric": pa.array([column.metric.name] * len(slices)),
        "slice": pa.array([s.key for s in slices.slices]),
        "attributes": pa.array([[a for a, _ in pairs] for pairs in of], pa.list_(pa.string())),
        "values": pa.array([[v for _, v in pairs] for pairs in of], pa.list_(pa.string())),
        "depth": pa.array(slices.depth),
        "known": pa.array(slices.known),
        "rows": pa.array([s.n for s in slices.slices], pa.int64()),
        "n": _whole(column.own.n),
        "events": _whole(column.own.events),
        "value": _number(column.own.value),
        "low": _number(column.own.low),
        "high": _number(column.own.high),
        "unit": pa.array([unit_of(column.metric, r.measured.target)] * len(slices)),
        "better": pa.array([column.metric.better] * len(slices)),
        "method": pa.array(column.method, pa.string()),
        "mark": pa.array(column.mark, pa.string()),
        "empty": pa.array(column.empty, pa.string()),
        **_comparison("reference", "gap", column.versus),
        **_comparison("parent", "excess", column.excess),
        "p": _number(r.p),
        "p_adjusted": _number(r.p_adjusted),
        "test": pa.array(np.where(np.isnan(r.p), "", r.tested.gap.test), pa.string()),
        "family": pa.array(np.where(np.isnan(r.p), "", SLICES).astype(object), pa.string()),
        "tests": pa.array(np.full(len(slices), r.tests)),
        "untested": pa.array(_untested(r), pa.string()),
        "smallest_gap": _number(r.smallest),
        "harmful": pa.array(r.ranks.harmful),
        "margin": pa.array(np.full(len(slices), r.margin)),
        "severity": pa.array(r.ranks.score),
        "level": pa.array(np.where(established, r.ranks.level, "").astype(object), pa.string()),
    }
    return pa.table(columns)


def _untested(r: RankedColumn) -> np.ndarray:
    shown_only = (r.column.untested == "") & (not r.column.metric.finding)
    return np.where(shown_only, "shown_only", r.column.untested).astype(object)


def _comparison(reference: str, gap: str, c: Comparison) -> dict[str, pa.Array]:
    return {
        reference: pa.array(c.reference, pa.string()),
        f"{reference}_value": _number(c.other.value),
        f"{reference}_low": _number(c.other.low),
        f"{reference}_high": _number(c.other.high),
        f"{reference}_n": _whole(c.other.n),
        gap: _number(c.gap.value),
        f"{gap}_low": _number(c.gap.low),
        f"{gap}_high": _number(c.gap.high),
    }


def _number(x: np.ndarray) -> pa.Array:
    """Floats with null for NaN, so that a missing number reads as missing everywhere."""
    return pa.array(np.asarray(x, dtype=np.float64), from_pandas=True)


def _whole(x: np.ndarray) -> pa.Array:
    return pa.array(np.rint(x), from_pandas=True).cast(pa.int64())


def _empty() -> pa.Table:
    return pa.table({"output": pa.array([], pa.string()), "slice": pa.array([], pa.string())})


FAMILIES = pa.schema(
    [(name, pa.string()) for name in ("family", "output", "attribute", "metric")]
    + [("groups", pa.int64()), ("test", pa.string()), ("statistic", pa.float64()), ("draws", pa.int64())]
    + [("p", pa.float64()), ("p_adjusted", pa.float64()), ("adjustment", pa.string()), ("tests", pa.int64())]
)


def families_table(primary: Sequence[Omnibus], family: str) -> pa.Table:
    """One row an omnibus test of the primary family."""
    tests = sum(not np.isnan(t.p) for t in primary)
    rows = [
        {
            "family": family,
            "output": t.output,
            "attribute": t.attribute,
            "metric": t.metric,
            "groups": t.groups,
            "test": t.test,
            "statistic": _none(t.statistic),
            "draws": t.draws,
            "p": _none(t.p),
            "p_adjusted": _none(t.p_adjusted),
            "adjustment": "Holm",
            "tests": tests,
        }
        for t in primary
    ]
    return pa.Table.from_pylist(rows, schema=FAMILIES)


def _none(x: float) -> float | None:
    return None if np.isnan(x) else float(x)
