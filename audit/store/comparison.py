"""A comparison as a run of its own, ``runs/<model>/compare/<A>..<B>/``: whole or absent, hashed as a run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.core import Section
from audit.store.atomic import write_json, write_table
from audit.store.hashes import content_hash, write_hashes
from audit.store.layout import COMPARISONS, RUN, TABLES, TIMES, is_finished, safe_name
from audit.store.lock import locked
from audit.store.plain import to_plain
from audit.store.read import read_manifest


def comparison_folder(runs_dir: Path, model: str, versions: Sequence[str]) -> Path:
    """Where the comparison of some versions of a model lies.

    Args:
        runs_dir: folder that holds runs.
        model: the model's name.
        versions: from the one compared against to the one judged.
    """
    name = safe_name("..".join(versions), "comparison")
    return runs_dir / safe_name(model, "model") / COMPARISONS / name


def list_comparisons(runs_dir: Path) -> list[Path]:
    """Folders of the finished comparisons of all models, in order of name."""
    found = runs_dir.glob(f"*/{COMPARISONS}/*")
    return sorted(f for f in found if not f.name.startswith(".") and is_finished(f))


def find_comparison(runs_dir: Path, folders: Sequence[Path]) -> Path | None:
    """The finished comparison of some runs in this order, whatever its folder is called; None: there is none.

    Args:
        runs_dir: folder that holds runs.
        folders: of two or more finished runs, the oldest first.
    """
    wanted = [content_hash(folder) for folder in folders]
    for found in list_comparisons(runs_dir):
        if [run["content_hash"] for run in read_manifest(found)["data"]["runs"]] == wanted:
            return found
    return None


def stored_id(folder: Path) -> str:
    """The run id of the finished comparison in a folder; empty where there is none."""
    return str(read_manifest(folder)["run_id"]) if is_finished(folder) else ""


def write_comparison(
    folder: Path, manifest: Mapping[str, Any], section: Section, times: Mapping[str, Any]
) -> None:
    """Write a comparison beside its place and move it there; an older one of the same versions gives way.

    Args:
        folder: from `comparison_folder`.
        manifest: run.json without its sections.
        section: what came of the comparison.
        times: times.json.

    Raises:
        RunError: another process is writing it.
    """
    beside, older = (folder.with_name(f".{folder.name}.{what}") for what in ("new", "old"))
    with locked(folder.with_name(f".{folder.name}.lock")):
        _recover(folder, beside, older)
        try:
            entry = _write_tables(beside, section)
            write_json(beside / RUN, to_plain(manifest) | {"sections": [entry]})
            write_json(beside / TIMES, to_plain(times))
            write_hashes(beside)
            if folder.exists():
                folder.rename(older)
            beside.rename(folder)
        finally:
            for left in (beside, older):
                shutil.rmtree(left, ignore_errors=True)


def _recover(folder: Path, beside: Path, older: Path) -> None:
    """Clean up after a killed process; what it had moved away and not replaced is put back."""
    shutil.rmtree(beside, ignore_errors=True)
    if older.exists() and not folder.exists():
        older.rename(folder)
    shutil.rmtree(older, ignore_errors=True)


def _write_tables(folder: Path, section: Section) -> dict[str, Any]:
    """Write the section's tables; returns its entry in run.json."""
    entry: dict[str, Any] = {
        "probe": section.probe,
        "status": to_plain(section.status),
        "why": section.why,
        "findings": to_plain(section.findings),
        "summary": to_plain(section.summary),
        "tables": {},
    }
    for name, table in section.tables.items():
        file = f"{TABLES}/{section.probe}.{safe_name(name, 'table')}.parquet"
        write_table(folder / file, table)
        entry["tables"][name] = {"file": file, "rows": table.num_rows, "columns": table.column_names}
    return entry
