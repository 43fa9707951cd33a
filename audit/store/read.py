"""Opening a finished run: its manifest and findings at once, its tables and rows when asked for."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.dataset as ds
import pyarrow.parquet as pq

from audit.core import SCHEMA_VERSION, AuditRun
from audit.errors import RunError
from audit.store.layout import PREDICTIONS, RUN, TIMES, is_finished, is_run
from audit.store.sections import open_section

Filter = tuple[str, str, Any]
"""(column, one of == != < > <= >= in "not in", value), as PyArrow has them."""


def open_run(folder: Path) -> AuditRun:
    """Read a run's manifest, sections and findings.

    Args:
        folder: the run's folder.

    Raises:
        RunError: there is no run, it is unfinished, damaged, or of an unknown schema version.
    """
    manifest = read_manifest(folder)
    try:
        return AuditRun(
            schema_version=manifest["schema_version"],
            plumbline_version=manifest["plumbline_version"],
            run_id=manifest["run_id"],
            model=manifest["model"],
            version=manifest["version"],
            hashes=manifest["hashes"],
            seed=manifest["seed"],
            packages=manifest["packages"],
            spec=manifest["spec"],
            data=manifest["data"],
            sections=tuple(open_section(folder, entry) for entry in manifest["sections"]),
        )
    except (KeyError, TypeError, ValueError) as error:
        raise RunError(
            f"{folder / RUN}: it is damaged ({type(error).__name__}: {error}). "
            "`plumbline verify` says what was altered."
        ) from error


def read_manifest(folder: Path) -> dict[str, Any]:
    """run.json as plain JSON values, its schema version checked.

    Raises:
        RunError: as `open_run`.
    """
    if not is_run(folder):
        raise RunError(f"{folder}: there is no run in this folder.")
    if not is_finished(folder):
        raise RunError(f"{folder}: the run is unfinished; run the same audit again and it goes on.")
    try:
        manifest: dict[str, Any] = json.loads((folder / RUN).read_text(encoding="utf-8"))
        schema = manifest["schema_version"]
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise RunError(
            f"{folder / RUN}: it can't be read ({error}). `plumbline verify` says what was altered."
        ) from error
    if schema != SCHEMA_VERSION:
        raise RunError(
            f"{folder}: written by Plumbline {manifest.get('plumbline_version', 'of an unknown version')}, "
            f"schema {schema}; this one reads schema {SCHEMA_VERSION}. "
            "Update Plumbline, or run the audit again."
        )
    return manifest


def read_times(folder: Path) -> dict[str, Any]:
    """times.json: when, where and for how long; empty where it is missing or damaged."""
    try:
        times: dict[str, Any] = json.loads((folder / TIMES).read_text(encoding="utf-8"))
    except (OSError, ValueError):
        return {}
    return times


def data_root(folder: Path) -> Path | None:
    """Folder that relative image paths start from, on the machine that audited; None where not known."""
    root = read_times(folder).get("source", {}).get("data_root", "")
    return Path(root) if root else None


def table(folder: Path, probe: str, name: str) -> pa.Table:
    """One table of one section.

    Args:
        folder: the run's folder.
        probe: the section's probe.
        name: the table's name.

    Raises:
        RunError: the run has no such section or table; the message names those that it has.
    """
    sections = {entry["probe"]: entry["tables"] for entry in read_manifest(folder)["sections"]}
    if probe not in sections:
        raise RunError(f"{folder}: there is no section {probe!r}. It has: {_names(sections)}.")
    if name not in sections[probe]:
        raise RunError(
            f"{folder}: section {probe!r} has no table {name!r}. It has: {_names(sections[probe])}."
        )
    return pq.read_table(folder / sections[probe][name]["file"])


def rows(
    folder: Path,
    filters: Sequence[Filter] = (),
    columns: Sequence[str] | None = None,
    limit: int | None = None,
) -> pa.Table:
    """Rows of what was audited, for the way from a figure down to its examples.

    Args:
        folder: the run's folder.
        filters: conditions that all hold, e.g. ``[("group.gender", "==", "Female")]``.
        columns: names of the columns to read; None: all.
        limit: most rows to read, the first in the file's order; None: all.

    Raises:
        RunError: there are no predictions, or no such column; the message names those that there are.
    """
    path = folder / PREDICTIONS
    if not path.is_file():
        raise RunError(f"{folder}: the run holds no {PREDICTIONS}.")
    stored = ds.dataset(path, format="parquet")
    unknown = [
        name for name in (*(columns or ()), *(f[0] for f in filters)) if name not in stored.schema.names
    ]
    if unknown:
        raise RunError(
            f"{path}: there is no column {unknown[0]!r}. It has: {', '.join(stored.schema.names)}."
        )
    condition = pq.filters_to_expression(list(filters)) if filters else None
    scanner = stored.scanner(
        columns=None if columns is None else list(columns),
        filter=condition,
        batch_size=8192,
        batch_readahead=1,
        fragment_readahead=1,
    )
    return scanner.to_table() if limit is None else scanner.head(limit)


def _names(of: Mapping[str, Any]) -> str:
    return ", ".join(sorted(of)) or "none"
