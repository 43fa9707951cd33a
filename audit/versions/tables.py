"""The comparison's figures as Arrow tables. Columns are documented in docs/versions.md."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from audit.versions.changes import ChangeColumn
from audit.versions.codes import Role, Verdict
from audit.versions.join import Misfits
from audit.versions.verdicts import Answer

_GATED = (Role.DEMANDED, Role.TESTED)
ORDER = (
    [(Verdict.REGRESSED, _GATED)]
    + [(Verdict.CANNOT_TELL, (Role.DEMANDED,)), (Verdict.NOT_JUDGED, (Role.DEMANDED,))]
    + [(Verdict.CANNOT_TELL, (Role.TESTED,))]
    + [(verdict, _GATED) for verdict in (Verdict.NOT_WORSE, Verdict.IMPROVED)]
    + [(Verdict.NOT_JUDGED, (Role.TESTED,))]
    + [(verdict, (Role.WATCHED,)) for verdict in Verdict]
)
"""Worst first; what is only watched comes last."""


@dataclass(frozen=True, kw_only=True)
class Judged:
    """A column with the policy's part: margin, roles, and the n that would settle each slice."""

    column: ChangeColumn
    margin: float
    role: NDArray[np.object_]
    why: NDArray[np.object_]
    needed: NDArray[np.float64]


def verdict_table(
    judged: Sequence[Judged], answer: Answer, family: NDArray[np.object_], twin: NDArray[np.int64]
) -> pa.Table:
    """One row an output x metric x slice, worst first.

    Args:
        judged: columns, whose slices in order make the M rows.
        answer: (M,) verdicts.
        family: (M,) family of each test.
        twin: (M,) row whose test this one shares, or -1.
    """
    parts = [_column(one) for one in judged]
    if not parts:
        return pa.table({"output": pa.array([], pa.string()), "slice": pa.array([], pa.string())})
    table = pa.concat_tables(parts)
    keys = np.array(table["slice"].to_pylist(), dtype=object)
    same = np.where(twin >= 0, keys[np.maximum(twin, 0)], "").astype(object)
    needed = np.where(answer.verdict == Verdict.CANNOT_TELL.value, _floats(table, "needed_n"), np.nan)
    table = table.drop_columns(["needed_n"])
    for name, column in (
        ("p_adjusted", _number(answer.p_adjusted)),
        ("adjustment", pa.array(answer.adjustment, pa.string())),
        ("family", pa.array(family, pa.string())),
        ("tests", pa.array(answer.tests)),
        ("same_rows_as", pa.array(same, pa.string())),
        ("verdict", pa.array(answer.verdict, pa.string())),
        ("needed_n", _whole(needed)),
    ):
        table = table.append_column(name, column)
    return table.take(pa.array(worst_first(table)))


def worst_first(table: pa.Table) -> NDArray[np.int64]:
    """Order of the rows: by verdict and role, then by harm over its margin."""
    rank = {(v.value, r.value): i for i, (v, roles) in enumerate(ORDER) for r in roles}
    pairs = zip(table["verdict"].to_pylist(), table["role"].to_pylist(), strict=True)
    place = np.array([rank[pair] for pair in pairs], dtype=np.int64)
    harm = _floats(table, "harm_low") / _floats(table, "margin")
    harm = np.where(np.isnan(harm), -np.inf, harm)
    return np.lexsort((-harm, place))


def _floats(table: pa.Table, name: str) -> NDArray[np.float64]:
    return np.asarray(table[name].cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def _column(one: Judged) -> pa.Table:
    column, change, slices = one.column, one.column.change, one.column.slices
    size, of, harm = len(slices), [s.of for s in slices.slices], one.column.harm
    nothing = np.full(size, np.nan)
    unknown = np.isnan(change.value)
    why = column.empty.value if column.empties is None else column.empties
    return pa.table(
        {
            "output": pa.array([column.output] * size),
            "metric": pa.array([column.metric.name] * size),
            "unit": pa.array([column.metric.unit] * size),
            "better": pa.array([column.metric.better] * size),
            "slice": pa.array([s.key for s in slices.slices]),
            "attributes": pa.array([[a for a, _ in pairs] for pairs in of], pa.list_(pa.string())),
            "values": pa.array([[v for _, v in pairs] for pairs in of], pa.list_(pa.string())),
            "depth": pa.array(slices.depth),
            "known": pa.array(slices.known),
            "rows": pa.array([s.n for s in slices.slices], pa.int64()),
            "n": _whole(change.n),
            "old": _number(change.old),
            "old_low": _number(change.old_low),
            "old_high": _number(change.old_high),
            "new": _number(change.new),
            "new_low": _number(change.new_low),
            "new_high": _number(change.new_high),
            "change": _number(change.value),
            "low": _number(change.low),
            "high": _number(change.high),
            "harm": _number(harm.value),
            "harm_low": _number(harm.low),
            "harm_high": _number(harm.high),
            "margin": pa.array(np.full(size, one.margin)),
            "only_old": _whole(change.only_old),
            "only_new": _whole(change.only_new),
            "method": pa.array(np.where(np.isnan(change.low), "", column.method).astype(object), pa.string()),
            "test": pa.array(np.where(np.isnan(change.p), "", column.test).astype(object), pa.string()),
            "p": _number(change.p),
            "wilcoxon_p": _number(nothing if column.wilcoxon is None else column.wilcoxon),
            "reference": pa.array(column.reference, pa.string()),
            "gap_change": _number(column.gap.value),
            "gap_low": _number(column.gap.low),
            "gap_high": _number(column.gap.high),
            "identical": pa.array(change.identical),
            "mark": pa.array(_marks(column), pa.string()),
            "empty": pa.array(np.where(unknown, why, "").astype(object), pa.string()),
            "role": pa.array(one.role, pa.string()),
            "role_why": pa.array(one.why, pa.string()),
            "needed_n": _number(one.needed),
        }
    )


def _marks(column: ChangeColumn) -> NDArray[np.object_]:
    size = len(column.slices)
    return np.full(size, "", dtype=object) if column.mark is None else column.mark


def misfit_table(misfits: Misfits) -> pa.Table:
    """One row a kind of misfit: how many rows, and the first ids."""
    kinds = [("only_old", misfits.only_old), ("only_new", misfits.only_new)]
    kinds += [(f"true.{name}", count) for name, count in misfits.changed_truths.items()]
    kinds += [(f"group.{name}", count) for name, count in misfits.changed_groups.items()]
    return pa.table(
        {
            "kind": pa.array([kind for kind, _ in kinds], pa.string()),
            "rows": pa.array([count for _, count in kinds], pa.int64()),
            "ids": pa.array([list(misfits.ids.get(k, ())) for k, _ in kinds], pa.list_(pa.string())),
        }
    )


def gated(table: pa.Table) -> pa.Table:
    """The rows of a verdict table that can change the exit code."""
    return table.filter(pc.not_equal(table["role"], Role.WATCHED.value))


def _number(x: NDArray[np.float64]) -> pa.Array:
    return pa.array(np.asarray(x, dtype=np.float64), from_pandas=True)


def _whole(x: NDArray[np.float64]) -> pa.Array:
    return pa.array(np.rint(np.asarray(x, dtype=np.float64)), from_pandas=True).cast(pa.int64())
