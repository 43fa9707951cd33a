"""Files that are whole or absent: written beside their place, forced to disk, renamed."""

from __future__ import annotations

import json
import os
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

TEMPORARY = ".tmp-"
"""Start of the name of a file that is being written; one that is left behind is garbage."""
ROWS = 65_536
"""Rows of a row group: small enough to filter by, large enough to compress."""


@contextmanager
def replacing(path: Path) -> Iterator[Path]:
    """Give a path to write to, which takes the place of `path` when the block ends without an error.

    Args:
        path: the file to make or replace; its folder is made where missing.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f"{TEMPORARY}{os.getpid()}-{path.name}")
    try:
        yield beside
        _to_disk(beside)
        beside.replace(path)
        _to_disk(path.parent)
    finally:
        beside.unlink(missing_ok=True)


def write_text(path: Path, text: str) -> None:
    """Write UTF-8 text with line feeds."""
    with replacing(path) as beside:
        beside.write_text(text, encoding="utf-8", newline="\n")


def write_json(path: Path, value: Any) -> None:
    """Write JSON so that equal values give equal bytes; mappings keep their order.

    Raises:
        ValueError: a float is not finite; `audit.store.plain` turns those into text first.
    """
    text = json.dumps(value, indent=1, ensure_ascii=False, allow_nan=False)
    write_text(path, text + "\n")


def write_table(path: Path, table: pa.Table) -> None:
    """Write a table as Parquet so that equal tables give equal bytes."""
    with replacing(path) as beside, parquet_writer(beside, table.schema) as writer:
        writer.write_table(table, row_group_size=ROWS)


def parquet_writer(path: Path, schema: pa.Schema) -> pq.ParquetWriter:
    """A writer whose every setting that shapes the bytes is fixed here."""
    return pq.ParquetWriter(path, schema, compression="zstd", compression_level=3, version="2.6")


def remove_temporary(folder: Path) -> None:
    """Remove what a killed process had half written anywhere under a folder."""
    for left in sorted(folder.rglob(f"{TEMPORARY}*")):
        left.unlink(missing_ok=True)


def _to_disk(path: Path) -> None:
    """Force a file, or the names in a folder, to disk; not every system can do the second."""
    if os.name == "nt" and path.is_dir():
        return
    handle = os.open(path, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)
