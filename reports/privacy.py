"""Small cells in shared reports: numbers about fewer than ten rows are left out of pages and attachments.

This hides the cell, not its existence. It is no anonymisation: where a total and all other cells are shown,
the one that is left out can be worked out from them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from audit.core import AuditRun, Estimate, Finding

K = 10
"""Fewest rows that a shared number may be about."""
HIDDEN = f"hidden: fewer than {K} rows"
COUNTS = (
    "rows",
    "n",
    "n_found",
    "minors",
    "positives",
    "negatives",
    "reference_n",
    "parent_n",
    "n_pos",
    "n_neg",
)
"""Columns that say how many rows a table's other numbers are about."""
KEPT = ("depth", "tests", "margin", "threshold", "in_force", "bin", "adult", "challenge", "known", "groups")
"""Columns of numbers that say nothing of the rows."""


IDS = ("id", "row_id", "a", "b")
"""Columns of text that name single rows: a report is passed on, and ids of rows stay in the run."""


def names_rows(table: pa.Table) -> bool:
    """Whether a table names single rows, so that it must not be shared."""
    text = [f.name for f in table.schema if pa.types.is_string(f.type) or pa.types.is_large_string(f.type)]
    return any(name in IDS for name in text)


def is_small(n: int | None) -> bool:
    """Whether a number of rows is too small to share; None is no number of rows."""
    return n is not None and n < K


def small_slices(slices: pa.Table | None) -> frozenset[str]:
    """Keys of the slices with fewer than `K` rows.

    Args:
        slices: a table with the columns slice and rows; None: there is none.
    """
    if slices is None or not {"slice", "rows"} <= set(slices.column_names):
        return frozenset()
    small = slices.filter(pc.less(slices["rows"], K))
    return frozenset(pc.unique(small["slice"]).to_pylist())


def small_cells(slices: pa.Table | None) -> frozenset[tuple[str, str, str]]:
    """(output, metric, slice key) of the single-attribute numbers about fewer than `K` rows."""
    if slices is None or "n" not in slices.column_names:
        return frozenset()
    small = pc.or_kleene(pc.less(slices["rows"], K), pc.fill_null(pc.less(slices["n"], K), False))
    found = slices.filter(pc.and_(small, pc.equal(slices["depth"], 1)))
    return frozenset(zip(*(found[c].to_pylist() for c in ("output", "metric", "slice")), strict=True))


def shared_table(
    table: pa.Table, slices: frozenset[str], cells: frozenset[tuple[str, str, str]] = frozenset()
) -> pa.Table:
    """A table whose small rows keep their names and lose their numbers.

    Args:
        table: any table of a run.
        slices: keys from `small_slices`.
        cells: from `small_cells`; they hide a max - min whose largest or smallest group is one of them.

    Returns:
        The table without columns of lists (the slice's key says the same), with a column `hidden`.
    """
    lists = [f.name for f in table.schema if pa.types.is_list(f.type)]
    table = table.drop_columns(lists) if lists else table
    hidden = _hidden(table, slices, cells)
    columns = {
        field.name: _blank(table[field.name].combine_chunks(), hidden)
        if field.name not in KEPT and _is_number(field)
        else table[field.name]
        for field in table.schema
    }
    return pa.table({**columns, "hidden": pa.array(np.where(hidden, HIDDEN, "").astype(object), pa.string())})


def _hidden(
    table: pa.Table, slices: frozenset[str], cells: frozenset[tuple[str, str, str]]
) -> np.ndarray[Any, np.dtype[np.bool_]]:
    hidden = np.zeros(table.num_rows, dtype=np.bool_)
    for name in COUNTS:
        if name in table.column_names and pa.types.is_integer(table.schema.field(name).type):
            small = pc.fill_null(pc.less(table[name], K), False)
            hidden |= np.asarray(small.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if {"n", "leaked"} <= set(table.column_names):
        hidden |= _few_leaked(table)
    if "slice" in table.column_names and slices:
        small = pc.is_in(table["slice"], value_set=pa.array(sorted(slices), pa.string()))
        hidden |= np.asarray(small.combine_chunks().to_numpy(zero_copy_only=False), dtype=np.bool_)
    if {"largest", "smallest", "attribute"} <= set(table.column_names) and cells:
        hidden |= np.array([spread_is_hidden(row, cells) for row in table.to_pylist()], dtype=np.bool_)
    return hidden


def _few_leaked(table: pa.Table) -> np.ndarray[Any, np.dtype[np.bool_]]:
    """Rows that tell a number with all rows from one without a few: the few, or those left, are small."""
    n, leaked = (np.asarray(table[name].fill_null(0)) for name in ("n", "leaked"))
    return np.asarray(((leaked > 0) & (leaked < K)) | (n - leaked < K), dtype=np.bool_)


def spread_is_hidden(row: Mapping[str, Any], cells: frozenset[tuple[str, str, str]]) -> bool:
    """Whether a max - min rests on a group too small to share."""
    metrics = ("tpr", "fpr") if row["metric"] == "equalised_odds" else (row["metric"],)
    ends = (f"{row['attribute']}={row[end]}" for end in ("largest", "smallest"))
    return any((row["output"], metric, end) in cells for end in ends for metric in metrics)


def _is_number(field: pa.Field) -> bool:
    kind = field.type
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind) or pa.types.is_boolean(kind))


def _blank(values: pa.Array, hidden: np.ndarray[Any, np.dtype[np.bool_]]) -> pa.Array:
    return pc.if_else(pa.array(hidden), pa.scalar(None, values.type), values)


def finding_is_small(finding: Finding) -> bool:
    """Whether a finding's own numbers, or those of its reference, are about too few rows to share."""
    counts = (finding.slice.n, finding.value.n, finding.reference_value.n, finding.affected)
    return any(is_small(n) for n in counts)


def shared_finding(finding: Finding) -> Finding:
    """A finding without ids of rows, and without numbers where they are about too few rows."""
    if not finding_is_small(finding):
        return replace(finding, evidence=())
    return replace(
        finding,
        evidence=(),
        slice=replace(finding.slice, n=0),
        value=_nothing(finding.value),
        reference_value=_nothing(finding.reference_value),
        gap=_nothing(finding.gap),
        test=replace(finding.test, p=None, p_adjusted=None),
        severity=replace(finding.severity, score=0.0, why=HIDDEN),
        smallest_gap=None,
        affected=0,
    )


def _nothing(e: Estimate) -> Estimate:
    return replace(e, value=None, low=None, high=None, n=0, events=None, marks=(HIDDEN,), reason=None)


def shared_data(run: AuditRun) -> dict[str, Any]:
    """What a run says of its data, counts of small groups as null."""
    data = dict(run.data)
    data["attributes"] = {
        name: {value: None if is_small(n) else n for value, n in counts.items()}
        for name, counts in data.get("attributes", {}).items()
    }
    data["identities"] = {
        name: {key: None if is_small(n) else n for key, n in counts.items()}
        for name, counts in data.get("identities", {}).items()
    }
    return data
