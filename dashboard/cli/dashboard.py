"""`plumbline dashboard`: the app in a browser, served to this machine only."""

from __future__ import annotations

import argparse
from typing import TYPE_CHECKING

from dashboard.cli.arguments import add_runs

if TYPE_CHECKING:
    from dashboard.cli.arguments import Subparsers

PORT = 8501


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "dashboard",
        help="browse the runs in a web browser on this machine",
        description="Serve the runs to a browser on this machine: localhost, no telemetry. Ctrl-C ends it.",
    )
    add_runs(parser)
    parser.add_argument(
        "--port", type=int, default=PORT, metavar="N", help=f"port on localhost (default: {PORT})"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Serve until it is stopped."""
    import os
    import subprocess

    environment = {**os.environ, "PLUMBLINE_RUNS": str(arguments.runs.resolve())}
    return subprocess.run(command(arguments.port), env=environment, check=False).returncode and 1


def command(port: int) -> list[str]:
    """The command line that serves the app; the runs' folder travels in $PLUMBLINE_RUNS.

    Args:
        port: on localhost.
    """
    import sys
    from pathlib import Path

    app = Path(__file__).parents[1] / "app.py"
    options = {
        "server.address": "localhost",
        "server.port": str(port),
        "server.headless": "true",
        "browser.gatherUsageStats": "false",
    }
    words = [word for name, value in options.items() for word in (f"--{name}", value)]
    return [sys.executable, "-m", "streamlit", "run", str(app), *words]
