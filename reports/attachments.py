"""What a report carries inside: evidence tables as CSV, the run's record, and the list of their hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc

from audit.core import AuditRun, Section
from audit.csv_export import write_csv
from audit.store.layout import HASHES, RUN
from audit.store.plain import to_plain
from audit.store.read import read_manifest
from reports.privacy import (
    HIDDEN,
    names_rows,
    shared_data,
    shared_finding,
    shared_table,
    small_cells,
    small_slices,
)

MOST_CELLS = 250_000
"""Cells attached at most, slices and small tables first; the others stay in the run, and that is said."""
LIST = "attachments.sha256"


@dataclass(frozen=True, kw_only=True)
class Attachment:
    """One file inside the PDF."""

    name: str
    what: str
    mime: str
    content: bytes

    @property
    def sha256(self) -> str:
        """Hash of the content."""
        return hashlib.sha256(self.content).hexdigest()


def attachments(folder: Path, run: AuditRun) -> tuple[list[Attachment], list[str]]:
    """Everything attached, and the tables that are too large to be.

    Args:
        folder: the run.
        run: what it holds.

    Returns:
        Attachments, the list of hashes last; tables left out, each with why: too large, or a table of rows.
    """
    made, left = [], []
    room = MOST_CELLS
    for section in run.sections:
        own, rest, room = _tables(section, room)
        made += own
        left += rest
    made.append(_record(folder, run))
    hashes = (folder / HASHES).read_bytes()
    made.append(Attachment(name=HASHES, what="hashes of the run's files", mime="text/plain", content=hashes))
    text = "".join(f"{a.sha256}  {a.name}\n" for a in made)
    listed = Attachment(name=LIST, what="hashes of these files", mime="text/plain", content=text.encode())
    return [*made, listed], left


def _tables(section: Section, room: int) -> tuple[list[Attachment], list[str], int]:
    """CSVs of one section, as many as there is room for."""
    slices = section.tables.get("slices")
    small, cells = small_slices(slices), small_cells(slices)
    made, left = [], []
    with TemporaryDirectory() as folder:
        for name, table in _smallest_first(section.tables):
            if names_rows(table):
                left.append(f"{section.probe}.{name} (ids of rows)")
                continue
            shown = _fitting(table, room)
            if shown is None:
                left.append(f"{section.probe}.{name} (too large)")
                continue
            room -= shown.num_rows * shown.num_columns
            path = Path(folder) / "table.csv"
            write_csv(shared_table(shown, small, cells), path)
            rows = _rows(shown.num_rows, table.num_rows)
            made.append(
                Attachment(
                    name=f"{section.probe}.{name}.csv", what=rows, mime="text/csv", content=path.read_bytes()
                )
            )
    return sorted(made, key=lambda a: a.name), sorted(left), room


def _fitting(table: pa.Table, room: int) -> pa.Table | None:
    """The table, or of one that has levels and depths what matters most, or nothing."""
    if table.num_rows * table.num_columns <= room:
        return table
    if not {"depth", "level"} <= set(table.column_names):
        return None
    found = pc.fill_null(pc.not_equal(table["level"], ""), False)
    part = table.filter(pc.or_(found, pc.less_equal(table["depth"], 1)))
    return part.slice(0, max(0, room // table.num_columns))


def _rows(shown: int, of: int) -> str:
    rows = f"{shown:,} {'row' if shown == 1 else 'rows'}"
    return rows if shown == of else f"{rows} of {of:,}: single attributes and findings"


def _smallest_first(tables: Mapping[str, pa.Table]) -> Iterator[tuple[str, pa.Table]]:
    read = [(name, tables[name]) for name in tables]
    return iter(sorted(read, key=lambda pair: (pair[0] != "slices", pair[1].num_rows, pair[0])))


def _record(folder: Path, run: AuditRun) -> Attachment:
    """run.json as it may be shared: no ids of rows, no numbers about fewer than ten."""
    manifest = read_manifest(folder)
    full = hashlib.sha256((folder / RUN).read_bytes()).hexdigest()
    manifest["data"] = shared_data(run)
    for entry, section in zip(manifest["sections"], run.sections, strict=True):
        entry["findings"] = to_plain([shared_finding(f) for f in section.findings])
    note = {"of": RUN, "sha256": full, "left_out": f"ids of rows; numbers about small cells ({HIDDEN})"}
    text = json.dumps({"shared_copy": note, **manifest}, indent=1, ensure_ascii=False) + "\n"
    return Attachment(
        name=RUN,
        what="the run, without ids of rows and small cells",
        mime="application/json",
        content=text.encode(),
    )
