"""CSV that is safe to open in a spreadsheet: a cell that would run as a formula is kept as text."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import TextIO

import pyarrow as pa

RISKY = ("=", "+", "-", "@", "\t", "\r")
"""First characters that a spreadsheet may take for a formula (OWASP: CSV injection)."""


def neutralise(cell: str) -> str:
    """Put an apostrophe before text that a spreadsheet would run, and leave all other text as it is.

    Args:
        cell: text, not a number that Plumbline computed: those are written as numbers.
    """
    return "'" + cell if cell.startswith(RISKY) else cell


def write_csv(table: pa.Table, path: Path) -> None:
    """Write a table as UTF-8 CSV, text neutralised, beside its place first and then renamed.

    Args:
        table: columns of text, numbers and booleans; null becomes an empty field.
        path: file to write; an older one is replaced.
    """
    beside = path.with_name(path.name + ".part")
    with beside.open("w", encoding="utf-8", newline="") as file:
        _write(table, file)
    beside.replace(path)


def csv_text(table: pa.Table) -> str:
    """A small table as the text of a CSV file, as `write_csv` writes it."""
    memory = io.StringIO()
    _write(table, memory)
    return memory.getvalue()


def _write(table: pa.Table, file: TextIO) -> None:
    writer = csv.writer(file, lineterminator="\n")
    writer.writerow([neutralise(name) for name in table.column_names])
    for batch in table.to_batches(max_chunksize=65536):
        columns = [_cells(column) for column in batch.columns]
        writer.writerows(zip(*columns, strict=True))


def _cells(column: pa.Array) -> list[object]:
    return [neutralise(value) if isinstance(value, str) else value for value in column.to_pylist()]
