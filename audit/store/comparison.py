"""A comparison as a run of its own, ``runs/<model>/compare/<A>..<B>/``: whole or absent, hashed as a run."""

from __future__ import annotations

import shutil
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.core import Section
from audit.errors import RunError
from audit.store.atomic import write_json, write_table
from audit.store.hashes import content_hash, write_hashes
from audit.store.layout import COMPARISONS, RUN, TABLES, TIMES, is_finished, safe_name
from audit.store.lock import locked
from audit.store.plain import to_plain
from audit.store.read import read_manifest, read_times

ROLES_THAT_GATE = ("demanded", "tested")


@dataclass(frozen=True, kw_only=True)
class ComparisonEntry:
    """A finished comparison as a list shows it."""

    folder: Path
    run_id: str
    """Of the comparison."""
    model: str
    versions: tuple[str, ...]
    """``VERSION``, or ``MODEL VERSION`` where the runs are of several models; the oldest first."""
    runs: tuple[str, ...]
    """Ids of the runs compared, in the same order."""
    contents: tuple[str, ...]
    """Their content hashes."""
    exit_code: int
    paired: bool
    verdicts: Mapping[str, int]
    """Verdict -> how many gated slices have it."""
    finished: str
    """ISO 8601 with offset; empty where not known."""


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


def comparison_entries(runs_dir: Path) -> list[ComparisonEntry]:
    """The finished comparisons of all models that can be read, newest first.

    Args:
        runs_dir: folder that holds runs.
    """
    found = []
    for folder in list_comparisons(runs_dir):
        try:
            found.append(comparison_entry(folder))
        except RunError:  # damaged, or of another schema: opening it says so
            continue
    return sorted(found, key=lambda e: (e.finished, e.run_id), reverse=True)


def comparison_entry(folder: Path) -> ComparisonEntry:
    """What a list shows of one finished comparison.

    Raises:
        RunError: it can't be read.
    """
    manifest = read_manifest(folder)
    try:
        runs = manifest["data"]["runs"]
        summary = manifest["sections"][0]["summary"]
        several = len({run["model"] for run in runs}) > 1
        counts = [summary["verdicts"][role] for role in ROLES_THAT_GATE]
        return ComparisonEntry(
            folder=folder,
            run_id=manifest["run_id"],
            model=manifest["model"],
            versions=tuple(f"{r['model']} {r['version']}" if several else r["version"] for r in runs),
            runs=tuple(run["run_id"] for run in runs),
            contents=tuple(run["content_hash"] for run in runs),
            exit_code=summary["exit_code"],
            paired=summary["paired"],
            verdicts={verdict: sum(count[verdict] for count in counts) for verdict in counts[0]},
            finished=read_times(folder).get("finished", ""),
        )
    except (KeyError, IndexError, TypeError) as error:
        raise RunError(f"{folder}: it holds no comparison that can be read ({error!r}).") from error


def find_comparison(runs_dir: Path, folders: Sequence[Path]) -> Path | None:
    """The finished comparison of some runs in this order, whatever its folder is called; None: there is none.

    Args:
        runs_dir: folder that holds runs.
        folders: of two or more finished runs, the oldest first.
    """
    wanted = tuple(content_hash(folder) for folder in folders)
    return next((e.folder for e in comparison_entries(runs_dir) if e.contents == wanted), None)


def comparison_between(runs_dir: Path, run: Path, other: Path) -> Path | None:
    """The comparison that judges one of two runs against the other; None: there is none.

    The one in which `run` is judged comes before the one in which it is compared against, and two versions
    before a chain of more that has the two at its ends; of several the newest.

    Args:
        runs_dir: folder that holds runs.
        run: a finished run.
        other: another.
    """
    pair = (content_hash(other), content_hash(run))
    entries = comparison_entries(runs_dir)
    for ends in (pair, pair[::-1]):
        fitting = [e for e in entries if (e.contents[0], e.contents[-1]) == ends]
        if fitting:
            return min(fitting, key=lambda e: len(e.contents)).folder
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
