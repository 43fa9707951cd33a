"""`plumbline card`: a finished run as a model card."""

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
        "card",
        help="write a model card",
        description="Write a run as a model card in Markdown, in the nine parts of Mitchell et al. 2019. "
        "Parts that only the model's owner knows are left open and say so.",
    )
    parser.add_argument("name", metavar="RUN", help=RUN_HELP)
    add_runs(parser)
    parser.add_argument("-o", "--out", type=Path, required=True, metavar="FILE", help="the file to write")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Write the card and print its path."""
    from audit.store.find import find_run
    from reports import card

    print(card.write(find_run(arguments.runs, arguments.name), arguments.out))
    return 0
