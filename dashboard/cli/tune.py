"""`plumbline tune`: search the hyper-parameters of a model."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.cli.train_flags import take_train_flags

if TYPE_CHECKING:
    from dashboard.cli.arguments import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "tune",
        help="search hyper-parameters",
        description="Try settings of a model's training, prune those that lag, and write the best one as "
        "best.toml for `plumbline train --settings`. The study is a SQLite file in --out: the same command "
        "again goes on where it stopped, after a kill as well.",
        epilog="Flags after -- go to every training, and what they set is not searched: "
        "plumbline tune mushrooms --data DIR --out tuned --minutes 30 -- --size 96 --backbone resnet18",
    )
    parser.add_argument("kind", choices=("faces", "comments", "mushrooms"), help="the model")
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the data")
    parser.add_argument(
        "--out", type=Path, required=True, metavar="DIR", help="study, table, plots, best.toml"
    )
    parser.add_argument(
        "--minutes", type=float, metavar="X", help="budget of this call; a trial is cut when it is spent"
    )
    parser.add_argument(
        "--trials", type=int, metavar="N", help="trials in this call; default: until the minutes are over"
    )
    parser.add_argument(
        "--seed", type=int, default=0, metavar="N", help="of the search and its trainings (default 0)"
    )
    take_train_flags(parser)
    parser.set_defaults(run=run)


def run(args: argparse.Namespace) -> int:
    """Search, and print what was found; the last line is the settings file."""
    from audit.errors import InputError, MissingExtraError

    for flag, value in (("--minutes", args.minutes), ("--trials", args.trials)):
        if value is not None and value <= 0:
            raise InputError(flag, f"more than 0 was expected; got {value}.")
    try:
        from training.search import search
    except ModuleNotFoundError as error:
        raise MissingExtraError("a search", "models") from error
    found = search(
        args.kind,
        args.data,
        args.out,
        flags=args.flags,
        trials=args.trials,
        minutes=args.minutes,
        seed=args.seed,
        say=lambda line: print(line, flush=True),
    )
    print(f"{found.trials} trials finished, {found.pruned} pruned; best {found.value:.4f}:")
    for name, value in found.best.items():
        print(f"  {name} = {value:.4g}" if isinstance(value, float) else f"  {name} = {value}")
    print(found.settings)
    return 0
