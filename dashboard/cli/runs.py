"""`plumbline runs`: the runs of a folder, newest first."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.cli.arguments import add_runs

if TYPE_CHECKING:
    from dashboard.cli.arguments import Subparsers

COLUMNS = ("run", "model", "version", "started", "state")


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "runs", help="list the runs", description="List runs, newest first. Unfinished ones are marked."
    )
    add_runs(parser)
    parser.add_argument("--json", action="store_true", help="print them as JSON")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the list."""
    from audit.store.find import list_runs

    entries = list_runs(arguments.runs)
    if arguments.json:
        import json

        plain = [
            {
                "run_id": e.run_id,
                "model": e.model,
                "version": e.version,
                "started": e.started,
                "finished": e.finished,
                "folder": str(e.folder),
            }
            for e in entries
        ]
        print(json.dumps(plain, indent=1, ensure_ascii=False))
        return 0
    if not entries:
        print(f"{arguments.runs} holds no runs yet. `plumbline audit --predictions FILE` makes one.")
        return 0
    rows = [
        (
            e.run_id,
            e.model,
            e.version,
            e.started[:19].replace("T", " "),
            "finished" if e.finished else "unfinished",
        )
        for e in entries
    ]
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        print("  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip())
    return 0
