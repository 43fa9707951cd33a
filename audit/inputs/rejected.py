"""Records and cells that were refused: which, where in the file, and why."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.csv_export import write_csv
from audit.inputs.cells import Cells
from audit.inputs.door import Door

SCHEMA = pa.schema(
    [
        ("file", pa.string()),
        ("record", pa.int64()),
        ("line", pa.int64()),
        ("id", pa.string()),
        ("column", pa.string()),
        ("reason", pa.string()),
    ]
)
KEPT = "; the rest of the record is kept"
NO_OUTPUT = "the field is empty, and no output of the record can be used"

Line = tuple[int, str | None, str, str]
"""(record, id, column, reason)"""
LineOf = Callable[[NDArray[np.int64]], NDArray[np.int64]]
"""(k,) record numbers -> (k,) lines of the file."""


def refusals(
    door: Door,
    ids: pa.Array,
    bad_ids: Mapping[int, str],
    columns: Sequence[Cells],
    keep: NDArray[np.bool_],
) -> list[Line]:
    """Every refused record and cell, in the order of the records.

    Args:
        door: the file.
        ids: (n,) ids.
        bad_ids: row -> reason.
        columns: columns whose cells were checked; those of outputs first.
        keep: (n,) records that become examples.
    """
    records = door.raw.records
    lines: list[Line] = [(record, None, "", reason) for record, reason in door.raw.refused]
    lines += [(int(records[row]), ids[row].as_py(), "id", reason) for row, reason in bad_ids.items()]
    told = np.zeros(door.raw.n, dtype=bool)
    told[list(bad_ids)] = True
    for cells in columns:
        for row in np.flatnonzero(cells.bad).tolist():
            reason = cells.reason(row) + (KEPT if keep[row] else "")
            lines.append((int(records[row]), ids[row].as_py(), cells.column, reason))
        told |= cells.bad
    silent = ~keep & ~told
    for cells in columns:
        mine = silent & cells.empty
        for row in np.flatnonzero(mine).tolist():
            lines.append((int(records[row]), ids[row].as_py(), cells.column, NO_OUTPUT))
        silent &= ~mine
    lines.sort(key=lambda line: line[0])
    return lines


def as_table(file: str, lines: Sequence[Line], line_of: LineOf | None) -> pa.Table:
    """The refusals as a table.

    Args:
        file: what messages call the file.
        lines: the refusals, in the order of the records.
        line_of: gives the line in the file on which records start; None: the format has no lines.
    """
    records = np.array([line[0] for line in lines], dtype=np.int64)
    starts = pa.nulls(len(lines), pa.int64())
    if line_of is not None and len(lines):
        starts = pa.array(line_of(records), pa.int64())
    columns = [
        pa.array([file] * len(lines), pa.string()),
        pa.array(records, pa.int64()),
        starts,
        *(pa.array([line[at] for line in lines], pa.string()) for at in (1, 2, 3)),
    ]
    return pa.table(columns, schema=SCHEMA)


def write_rejected(table: pa.Table, path: Path) -> None:
    """Write rejected.csv: UTF-8, cells that a spreadsheet would run as formulas neutralised.

    Args:
        table: what `load` gave.
        path: file to write.
    """
    write_csv(table, path)
