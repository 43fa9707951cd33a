"""What a report carries inside: evidence tables as CSV, the run's record, and the list of their hashes."""

from __future__ import annotations

import hashlib
import json
from collections.abc import Iterator, Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from tempfile import TemporaryDirectory

import pyarrow as pa
import pyarrow.compute as pc

from audit.core import AuditRun, Section
from audit.csv_export import write_csv
from audit.store.layout import HASHES, RUN
from audit.store.plain import to_plain
from audit.store.read import open_run, read_manifest
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
MOST_COMPARED = 50_000
"""Of a comparison, beside those."""
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


def attachments(
    folder: Path, run: AuditRun, comparison: Path | None = None
) -> tuple[list[Attachment], list[str]]:
    """Everything attached, and the tables that are too large to be.

    Args:
        folder: the run.
        run: what it holds.
        comparison: folder of a comparison that the run is part of.

    Returns:
        Attachments, the list of hashes last; tables left out, each with why: too large, or a table of rows.
    """
    made, left = [], []
    room = MOST_CELLS
    for section in run.sections:
        own, rest, room = _tables(section, room)
        made += own
        left += rest
    made += _records(folder, run, "", "run")
    if comparison is not None:
        compared = open_run(comparison)
        own, rest, _ = _tables(_shared_comparison(compared.sections[0]), MOST_COMPARED)
        made += [*own, *_records(comparison, compared, "compare.", "comparison")]
        left += rest
    text = "".join(f"{a.sha256}  {a.name}\n" for a in made)
    listed = Attachment(name=LIST, what="hashes of these files", mime="text/plain", content=text.encode())
    return [*made, listed], left


def _tables(section: Section, room: int) -> tuple[list[Attachment], list[str], int]:
    """CSVs of one section, as many as there is room for."""
    slices = section.tables.get("slices", section.tables.get("verdicts"))
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
            rows = _rows(shown.num_rows, table)
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
    if "verdict" in table.column_names and "role" in table.column_names:
        gated = table.filter(pc.not_equal(table["role"], "watched"))
        return gated.slice(0, max(0, room // table.num_columns))
    if not {"depth", "level"} <= set(table.column_names):
        return None
    found = pc.fill_null(pc.not_equal(table["level"], ""), False)
    part = table.filter(pc.or_(found, pc.less_equal(table["depth"], 1)))
    return part.slice(0, max(0, room // table.num_columns))


def _rows(shown: int, of: pa.Table) -> str:
    rows = f"{shown:,} {'row' if shown == 1 else 'rows'}"
    which = "what is gated" if "role" in of.column_names else "single attributes and findings"
    return rows if shown == of.num_rows else f"{rows} of {of.num_rows:,}: {which}"


def _smallest_first(tables: Mapping[str, pa.Table]) -> Iterator[tuple[str, pa.Table]]:
    read = [(name, tables[name]) for name in tables]
    return iter(sorted(read, key=lambda pair: (pair[0] != "slices", pair[1].num_rows, pair[0])))


def _shared_comparison(section: Section) -> Section:
    """A comparison's section with the number of rows behind every turn, so that few of them can be hidden."""
    tables = {name: section.tables[name] for name in section.tables}
    if "turns" in tables:
        names = ["output", "metric", "slice"]
        rows = tables["verdicts"].select([*names, "rows", "n"])
        tables["turns"] = tables["turns"].join(rows, names).sort_by([(n, "ascending") for n in names])
    return replace(section, tables=tables)


def _records(folder: Path, run: AuditRun, prefix: str, what: str) -> list[Attachment]:
    """run.json as it may be shared, and the hashes of all files."""
    hashes = (folder / HASHES).read_bytes()
    words = f"hashes of the {what}'s files"
    listed = Attachment(name=f"{prefix}{HASHES}", what=words, mime="text/plain", content=hashes)
    return [_record(folder, run, prefix, what), listed]


def _record(folder: Path, run: AuditRun, prefix: str, what: str) -> Attachment:
    """run.json as it may be shared: no ids of rows, no numbers about fewer than ten."""
    manifest = read_manifest(folder)
    full = hashlib.sha256((folder / RUN).read_bytes()).hexdigest()
    manifest["data"] = shared_data(run)
    for entry, section in zip(manifest["sections"], run.sections, strict=True):
        entry["findings"] = to_plain([shared_finding(f) for f in section.findings])
    note = {"of": RUN, "sha256": full, "left_out": f"ids of rows; numbers about small cells ({HIDDEN})"}
    text = json.dumps({"shared_copy": note, **manifest}, indent=1, ensure_ascii=False) + "\n"
    return Attachment(
        name=f"{prefix}{RUN}",
        what=f"the {what}, without ids of rows and small cells",
        mime="application/json",
        content=text.encode(),
    )
