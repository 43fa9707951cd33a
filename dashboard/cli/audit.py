"""`plumbline audit`: a file of predictions into a run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.cli.arguments import add_runs

if TYPE_CHECKING:
    from audit.spec import Spec
    from dashboard.cli.arguments import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "audit",
        help="audit a file of predictions into a run",
        description="Audit a file of predictions. The last line on stdout is the run's folder. "
        "The same audit twice is the same run; an interrupted one goes on where it stopped.",
    )
    parser.add_argument(
        "--predictions",
        type=Path,
        required=True,
        metavar="FILE",
        help="CSV, Parquet or JSON Lines, one row an example",
    )
    parser.add_argument(
        "--spec", type=Path, metavar="FILE", help="audit.toml; `plumbline spec --example` prints one"
    )
    parser.add_argument(
        "--name", metavar="NAME", help="name of the model (default: the spec's, or the file's stem)"
    )
    parser.add_argument(
        "--version", metavar="V", help="its version (default: the spec's, or 8 hex digits of the file's hash)"
    )
    add_runs(parser)
    parser.add_argument(
        "--probes", metavar="A,B", help="probes to run (default: the spec's, or all that apply)"
    )
    parser.add_argument(
        "--seed", type=int, metavar="N", help="seed of every random draw (default: the spec's, or 0)"
    )
    parser.add_argument(
        "--workers", type=int, metavar="N", help="threads (default: as many as there are CPUs)"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Audit, print a summary, and the run's folder as the last line."""
    from audit.executors import local
    from audit.inputs.spec_file import read_spec
    from audit.runner import audit_predictions
    from audit.store.find import list_runs
    from audit.store.read import open_run
    from dashboard import progress
    from dashboard.cli.summary import failed, summarise

    spec = with_options(read_spec(arguments.spec), arguments)
    earlier = {entry.folder for entry in list_runs(arguments.runs) if entry.finished}
    with local(arguments.workers) as executor:
        folder = audit_predictions(arguments.predictions, spec, arguments.runs, executor, progress.make())
    made = open_run(folder)
    if folder in earlier:
        print("This audit was made before; nothing was computed again. Delete its folder to repeat it.\n")
    print(summarise(made, folder, arguments.runs))
    for section in failed(made):
        print(f"plumbline audit: the probe {section.probe} failed: {section.why}", file=sys.stderr)
    print(folder)
    return 1 if made.sections and len(failed(made)) == len(made.sections) else 0


def with_options(spec: Spec, arguments: argparse.Namespace) -> Spec:
    """The spec with what the command line says instead."""
    from dataclasses import replace

    if arguments.name is not None:
        spec = replace(spec, name=arguments.name)
    if arguments.version is not None:
        spec = replace(spec, version=arguments.version)
    if arguments.seed is not None:
        spec = replace(spec, seed=arguments.seed)
    if arguments.probes is not None:
        names = (name.strip() for name in arguments.probes.split(","))
        spec = replace(spec, probes=tuple(name for name in names if name))
    return spec
