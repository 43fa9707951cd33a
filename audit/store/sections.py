"""Sections on disk: JSON for the findings, Parquet for the tables; kept for a run that goes on."""

from __future__ import annotations

import json
import re
from collections.abc import Iterator, Mapping
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq

from audit.core import Finding, Section, Status
from audit.errors import RunError
from audit.store.atomic import write_json, write_table, write_text
from audit.store.hashes import hash_file
from audit.store.layout import EVIDENCE, TABLES, RunPlace, safe_name
from audit.store.plain import from_plain, to_plain

_PROBE = re.compile(r"[A-Za-z0-9_-]+")


class StoredTables(Mapping[str, pa.Table]):
    """A section's tables, each read from disk when it is asked for."""

    def __init__(self, folder: Path, entries: Mapping[str, Mapping[str, Any]]) -> None:
        """Know the tables without reading them.

        Args:
            folder: the run's folder.
            entries: table name -> its entry in run.json.
        """
        self.folder, self.entries = folder, entries

    def __getitem__(self, name: str) -> pa.Table:
        return pq.read_table(self.folder / self.entries[name]["file"])

    def __iter__(self) -> Iterator[str]:
        return iter(self.entries)

    def __len__(self) -> int:
        return len(self.entries)


def check_probe_name(name: str) -> None:
    """Refuse a probe whose name can't be part of a file name.

    Raises:
        RunError: it is not made of letters, digits, `_` and `-`.
    """
    if not _PROBE.fullmatch(name):
        raise RunError(f"a probe is called {name!r}: its name may hold letters, digits, '_' and '-' only.")


def write_section(place: RunPlace, section: Section) -> dict[str, Any]:
    """Store a section's tables in the run and the section itself where a resumed run finds it.

    Args:
        place: the run that is being written.
        section: what a probe returned.

    Returns:
        Its entry in run.json.
    """
    entry: dict[str, Any] = {
        "probe": section.probe,
        "status": to_plain(section.status),
        "why": section.why,
        "findings": to_plain(section.findings),
        "summary": to_plain(section.summary),
        "tables": {},
    }
    hashes: dict[str, str] = {}
    for name, table in section.tables.items():
        file = f"{TABLES}/{section.probe}.{safe_name(name, 'table')}.parquet"
        write_table(place.folder / file, table)
        hashes[file] = hash_file(place.folder / file)
        entry["tables"][name] = {"file": file, "rows": table.num_rows, "columns": table.column_names}
    if section.status is not Status.FAILED:
        write_json(_kept(place, section.probe), {"section": entry, "files": hashes})
        (_kept(place, section.probe).with_suffix(".sha256")).write_text(
            hash_file(_kept(place, section.probe))
        )
    return entry


def finished_section(place: RunPlace, probe: str) -> dict[str, Any] | None:
    """The entry of a section that an interrupted run had finished, if it and its tables are still whole."""
    kept = _kept(place, probe)
    try:
        if hash_file(kept) != kept.with_suffix(".sha256").read_text():
            return None
        stored = json.loads(kept.read_text(encoding="utf-8"))
        whole = all(hash_file(place.folder / file) == digest for file, digest in stored["files"].items())
    except (OSError, ValueError, KeyError):
        return None
    entry: dict[str, Any] = stored["section"]
    return entry if whole else None


def forget_section(place: RunPlace, probe: str) -> None:
    """Remove what an interrupted or failed attempt of a probe left behind."""
    _kept(place, probe).unlink(missing_ok=True)
    for folder in (TABLES, EVIDENCE):
        for left in sorted((place.folder / folder).glob(f"{probe}.*")):
            left.unlink()


def write_traceback(place: RunPlace, probe: str, text: str) -> str:
    """Keep the traceback of a failed probe as evidence; returns its path in the run."""
    file = f"{EVIDENCE}/{probe}.traceback.txt"
    write_text(place.folder / file, text)
    return file


def open_section(folder: Path, entry: Mapping[str, Any]) -> Section:
    """Rebuild a section from its entry in run.json; its tables are read when asked for."""
    return Section(
        probe=entry["probe"],
        status=Status(entry["status"]),
        why=entry["why"],
        findings=tuple(from_plain(Finding, finding) for finding in entry["findings"]),
        tables=StoredTables(folder, entry["tables"]),
        summary=entry["summary"],
    )


def _kept(place: RunPlace, probe: str) -> Path:
    return place.work / "sections" / f"{probe}.json"
