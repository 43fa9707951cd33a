"""`plumbline audit`: a file of predictions, or a model on its data, into a run."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard import predicting
from dashboard.cli.arguments import add_runs

if TYPE_CHECKING:
    from audit.spec import Spec
    from dashboard.cli.arguments import Parser, Subparsers
    from dashboard.sources import Asked


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "audit",
        help="audit predictions, or a model on its data, into a run",
        description="Audit a file of predictions, a model on a data folder, or a model beside a file. "
        "The last line on stdout is the run's folder. "
        "The same audit twice is the same run; an interrupted one goes on where it stopped.",
    )
    add_subject(parser)
    parser.add_argument(
        "--spec", type=Path, metavar="FILE", help="audit.toml; `plumbline spec --example` prints one"
    )
    parser.add_argument(
        "--name", metavar="NAME", help="name of the model (default: the spec's, the weights' or the file's)"
    )
    parser.add_argument(
        "--version", metavar="V", help="its version (default: the spec's, or 8 hex digits of a hash)"
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


def add_subject(parser: Parser) -> None:
    """Add the options that say what is audited."""
    what = parser.add_argument_group("what is audited")
    what.add_argument(
        "--predictions", type=Path, metavar="FILE", help="CSV, Parquet or JSON Lines, one row an example"
    )
    what.add_argument("--data", type=Path, metavar="DIR", help="data that the model is to predict")
    what.add_argument("--weights", type=Path, metavar="DIR", help="what `train` wrote")
    what.add_argument(
        "--model", metavar="NAME", help="package.module:name of your own model; then --weights is optional"
    )
    what.add_argument(
        "--reader", metavar="NAME", help="how --data is read (default: as the weights' model was trained)"
    )
    what.add_argument(
        "--trust-predictions", action="store_true", help="audit a file whose scores are not the model's"
    )
    predicting.add_data_arguments(what)


def run(arguments: argparse.Namespace) -> int:
    """Audit, print a summary, and the run's folder as the last line."""
    from audit.executors import local
    from audit.inputs.spec_file import read_spec
    from audit.runner import audit
    from audit.store.find import list_runs
    from audit.store.read import open_run
    from dashboard import progress
    from dashboard.cli.summary import failed, summarise
    from dashboard.sources import subject

    spec = with_options(read_spec(arguments.spec), arguments)
    earlier = {entry.folder for entry in list_runs(arguments.runs) if entry.finished}
    with local(arguments.workers) as executor:
        shown = progress.make()
        folder = audit(subject(asked(arguments)), spec, arguments.runs, executor, shown)
    made = open_run(folder)
    if folder in earlier:
        print("This audit was made before; nothing was computed again. Delete its folder to repeat it.\n")
    print(summarise(made, folder, arguments.runs))
    for section in failed(made):
        print(f"plumbline audit: the probe {section.probe} failed: {section.why}", file=sys.stderr)
    print(folder)
    return 1 if made.sections and len(failed(made)) == len(made.sections) else 0


def asked(arguments: argparse.Namespace) -> Asked:
    """What the command line says is to be audited; pictures are decoded by as many processes as threads."""
    import os

    from dashboard.sources import Asked

    workers = (os.cpu_count() or 1) if arguments.workers is None else arguments.workers
    return Asked(
        predictions=arguments.predictions,
        data=arguments.data,
        weights=arguments.weights,
        model=arguments.model,
        reader=arguments.reader,
        splits=arguments.splits,
        only=arguments.only,
        device=arguments.device,
        batch_size=arguments.batch_size,
        workers=0 if workers == 1 else workers,
        trust=arguments.trust_predictions,
    )


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
