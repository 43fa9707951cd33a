"""`plumbline verify`: whether a run is as it was written, or a PDF what its run says."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.cli.arguments import RUN_HELP, add_runs

if TYPE_CHECKING:
    from dashboard.cli.arguments import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "verify",
        help="recompute a run's hashes: what is altered, missing or extra",
        description="Recompute the hash of every file of a run and name what is altered, missing or extra. "
        "Exit code 1 where anything is, or where the run is unfinished. A PDF is written again from the run "
        "that it names, found under --runs, and compared byte for byte; exit code 1 where it differs.",
    )
    parser.add_argument("name", metavar="RUN|PDF", help=f"{RUN_HELP}; or a report's PDF")
    add_runs(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print the verdict."""
    from audit.store.find import find_run
    from audit.store.hashes import content_hash, verify

    if arguments.name.lower().endswith(".pdf") and Path(arguments.name).is_file():
        return _report(Path(arguments.name), arguments.runs)
    folder = find_run(arguments.runs, arguments.name)
    verdict = verify(folder)
    if verdict.intact:
        print(f"{folder}: intact. Content hash {content_hash(folder)}")
        return 0
    if not verdict.finished:
        print(f"{folder}: unfinished: it has no run.sha256. Run the same audit again and it goes on.")
        return 1
    for word, names in (("altered", verdict.altered), ("missing", verdict.missing), ("extra", verdict.extra)):
        for name in names:
            print(f"{word:<8} {name}")
    count = len(verdict.altered) + len(verdict.missing) + len(verdict.extra)
    print(f"{folder}: NOT as it was written ({count} {'file' if count == 1 else 'files'}).")
    return 1


def _report(pdf: Path, runs: Path) -> int:
    """Compare a PDF with its run."""
    from reports.check import check

    found = check(pdf, runs)
    print(f"{pdf}: {'genuine' if found.genuine else 'NOT genuine'}: {found.words}.")
    return 0 if found.genuine else 1
