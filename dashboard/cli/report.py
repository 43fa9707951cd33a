"""`plumbline report`: a finished run as PDF."""

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
        description="Write a run as a tagged PDF. Its numbers are the run's: nothing is computed again.",
    )
    parser.add_argument("name", metavar="RUN", help=RUN_HELP)
    add_runs(parser)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="the PDF to write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the PDF and print its path."""
    from audit.store.find import find_run
    from reports.pdf import write

    print(write(find_run(arguments.runs, arguments.name), arguments.out))
    return 0
