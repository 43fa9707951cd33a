"""Arguments that several commands share, and a parser whose bad usage exits with 1, as every error does."""

from __future__ import annotations

import argparse
import os
from pathlib import Path
from typing import TYPE_CHECKING, Any, NoReturn

if TYPE_CHECKING:
    Subparsers = argparse._SubParsersAction["Parser"]

RUN_HELP = "a run: its folder, the start of its id, or NAME/VERSION (its newest)"


class _Help(argparse.HelpFormatter):
    def __init__(self, prog: str) -> None:
        super().__init__(prog, max_help_position=28, width=100)
        self._action_max_length = 14  # argparse forgets the indent of sub-commands when it measures


class Parser(argparse.ArgumentParser):
    """Refuses abbreviated options, and exits with 1 where argparse's own code is 2."""

    def __init__(self, **options: Any) -> None:
        """As argparse, without abbreviations, and with room for the longest command."""
        options |= {"allow_abbrev": False, "formatter_class": _Help}
        super().__init__(**options)

    def error(self, message: str) -> NoReturn:
        """Say what is wrong with the usage and leave."""
        self.exit(1, f"{self.prog}: {message}\n`{self.prog} --help` says what it takes.\n")


def add_runs(parser: argparse.ArgumentParser) -> None:
    """Add ``--runs``."""
    parser.add_argument(
        "--runs",
        type=Path,
        default=Path(os.environ.get("PLUMBLINE_RUNS") or "runs"),
        metavar="DIR",
        help="folder that holds runs (default: ./runs, or $PLUMBLINE_RUNS)",
    )
