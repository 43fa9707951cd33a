"""Which runs there are, and which one a person means."""

from __future__ import annotations

import re
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.errors import RunError
from audit.store.layout import COMPARISONS, is_finished, is_run
from audit.store.read import read_times

_ID = re.compile(r"[0-9a-f]{1,12}")
SHOWN = 10
"""Candidates that a message lists at most."""


@dataclass(frozen=True, kw_only=True)
class Entry:
    """A run as a list shows it."""

    folder: Path
    model: str
    version: str
    run_id: str
    finished: bool
    started: str
    """ISO 8601 with offset; empty where not known."""
    weights: str = ""
    """SHA-256 of the audited model's weights; empty where only predictions were audited."""

    @property
    def label(self) -> str:
        """One line that tells it from others."""
        return f"{self.run_id}  {self.model}/{self.version}" + ("" if self.finished else "  (unfinished)")


def list_runs(runs_dir: Path) -> list[Entry]:
    """Every run under a folder, newest first; unfinished ones are marked as such.

    Args:
        runs_dir: folder that holds runs; none is there yet where it does not exist.
    """
    found = []
    for folder in runs_dir.glob("*/*/*"):
        hidden = any(part.startswith(".") for part in folder.relative_to(runs_dir).parts)
        if hidden or folder.parent.name == COMPARISONS or not folder.is_dir() or not is_run(folder):
            continue
        times = read_times(folder)
        found.append(
            Entry(
                folder=folder,
                model=times.get("model", folder.parent.parent.name),
                version=times.get("version", folder.parent.name),
                run_id=folder.name,
                finished=is_finished(folder),
                started=times.get("started", ""),
                weights=times.get("weights", ""),
            )
        )
    return sorted(found, key=lambda e: (e.started, e.run_id), reverse=True)


def find_run(runs_dir: Path, run: str) -> Path:
    """The run that a person names.

    Args:
        runs_dir: folder that holds runs.
        run: a run's folder, as it is or below `runs_dir`, a prefix of its id, or NAME/VERSION for its newest
            finished run.

    Returns:
        Its folder; the run may be unfinished where it was named by folder or id.

    Raises:
        RunError: none or several are meant; the message lists candidates.
    """
    for folder in (Path(run), runs_dir / run):
        if folder.is_dir() and is_run(folder):
            return folder
    entries = list_runs(runs_dir)
    named = [e for e in entries if run in (f"{e.model}/{e.version}", _on_disk(e))]
    if named:
        return next((e for e in named if e.finished), named[0]).folder
    prefixed = [e for e in entries if e.run_id.startswith(run)] if _ID.fullmatch(run) else []
    if len(prefixed) == 1:
        return prefixed[0].folder
    if prefixed:
        raise RunError(f"{run!r} is the start of {len(prefixed)} run ids: {_listed(prefixed)}")
    if not entries:
        raise RunError(f"there is no run {run!r}: {runs_dir} holds no runs yet. `plumbline audit` makes one.")
    raise RunError(
        f"there is no run {run!r} in {runs_dir}. "
        f"Name a folder, the start of a run id, or NAME/VERSION: {_listed(entries)}"
    )


def _on_disk(entry: Entry) -> str:
    return f"{entry.folder.parent.parent.name}/{entry.folder.parent.name}"


def _listed(entries: Sequence[Entry]) -> str:
    lines = [f"\n  {e.label}" for e in entries[:SHOWN]]
    rest = len(entries) - SHOWN
    return "".join(lines) + (f"\n  and {rest} more: `plumbline runs` lists all" if rest > 0 else "")
