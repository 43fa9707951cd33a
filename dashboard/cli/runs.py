"""`plumbline runs`: the runs of a folder, newest first, and the comparisons between them."""

from __future__ import annotations

import argparse
from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboard.cli.arguments import add_runs

if TYPE_CHECKING:
    from audit.store.comparison import ComparisonEntry
    from audit.store.find import Entry
    from dashboard.cli.arguments import Subparsers

COLUMNS = ("run", "model", "version", "weights", "started", "state")
COMPARED = ("comparison", "rows", "regressed", "cannot tell", "not worse", "improved", "exit code")
COUNTED = ("regressed", "cannot_tell", "not_worse", "improved")


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "runs",
        help="list the runs",
        description="List runs, newest first, then the comparisons. Unfinished runs are marked.",
    )
    add_runs(parser)
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the lists."""
    from audit.store.comparison import comparison_entries, list_comparisons
    from audit.store.find import list_runs

    entries, compared = list_runs(arguments.runs), comparison_entries(arguments.runs)
    if arguments.json:
        import json

        plain = [_plain_run(e) for e in entries] + [_plain_comparison(e) for e in compared]
        print(json.dumps(plain, indent=1, ensure_ascii=False))
        return 0
    if not entries:
        print(f"{arguments.runs} holds no runs yet. `plumbline audit --predictions FILE` makes one.")
        return 0
    print("\n".join(_table(COLUMNS, [_run_cells(e) for e in entries])))
    if compared:
        print("\nComparisons, with the verdicts of their gated slices")
        print("\n".join(_table(COMPARED, [_comparison_cells(e, arguments.runs) for e in compared])))
    readable = {e.folder for e in compared}
    for folder in list_comparisons(arguments.runs):
        if folder not in readable:
            name = folder.relative_to(arguments.runs)
            print(f"{name} can't be read: `plumbline verify {name}` says what was altered.")
    return 0


def _plain_run(entry: Entry) -> dict[str, Any]:
    return {
        "kind": "run",
        "run_id": entry.run_id,
        "model": entry.model,
        "version": entry.version,
        "started": entry.started,
        "finished": entry.finished,
        "weights": entry.weights,
        "folder": str(entry.folder),
    }


def _plain_comparison(entry: ComparisonEntry) -> dict[str, Any]:
    return {
        "kind": "comparison",
        "run_id": entry.run_id,
        "model": entry.model,
        "versions": list(entry.versions),
        "runs": list(entry.runs),
        "paired": entry.paired,
        "verdicts": dict(entry.verdicts),
        "exit_code": entry.exit_code,
        "folder": str(entry.folder),
    }


def _run_cells(entry: Entry) -> tuple[str, ...]:
    state = "finished" if entry.finished else "unfinished"
    started = entry.started[:19].replace("T", " ")
    return entry.run_id, entry.model, entry.version, entry.weights[:8] or "none", started, state


def _comparison_cells(entry: ComparisonEntry, runs_dir: Path) -> tuple[str, ...]:
    counts = (f"{entry.verdicts.get(verdict, 0):,}" for verdict in COUNTED)
    rows = "paired" if entry.paired else "unpaired"
    return str(entry.folder.relative_to(runs_dir)), rows, *counts, str(entry.exit_code)


def _table(columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns that line up; counts to the right."""
    widths = [max(map(len, column)) for column in zip(columns, *rows, strict=True)]
    for row in (columns, *rows):
        cells = zip(row, widths, columns, strict=True)
        yield "  ".join(
            cell.rjust(width) if name in COMPARED[2:] else cell.ljust(width) for cell, width, name in cells
        ).rstrip()
