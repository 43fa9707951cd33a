"""`plumbline report`: a finished run as PDF, with the comparison with another one where that is named."""

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
        "report",
        help="write a run as PDF",
        description="Write a run as a tagged PDF. Its numbers are the run's: nothing is computed again. "
        "With a second run the comparison of the two, which must have been made, becomes a section.",
    )
    parser.add_argument("name", metavar="RUN", help=f"the report is about it; {RUN_HELP}")
    parser.add_argument("other", metavar="RUN_B", nargs="?", help="another version that it was compared with")
    add_runs(parser)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="the PDF to write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the PDF and print its path."""
    from audit.store.find import find_run
    from reports.pdf import write

    found = find_run(arguments.runs, arguments.name)
    other = find_run(arguments.runs, arguments.other) if arguments.other else None
    print(write(found, arguments.out, other, arguments.runs))
    return 0
