"""`plumbline predict`: what a model says of one text, one picture, or a data folder."""

from __future__ import annotations

import argparse
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import InputError
from dashboard import predicting

if TYPE_CHECKING:
    import pyarrow as pa

    from dashboard.cli.arguments import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "predict",
        help="let a model predict",
        description="Let a model that Plumbline trained predict: one text, one picture, or a data folder. "
        "Of a data folder it writes a file of predictions that `plumbline audit` reads.",
    )
    parser.add_argument("--weights", type=Path, required=True, metavar="DIR", help="what `train` wrote")
    what = parser.add_mutually_exclusive_group(required=True)
    what.add_argument("--text", metavar="STRING", help="one text: its scores are printed")
    what.add_argument("--image", type=Path, metavar="FILE", help="one picture: scores are printed")
    what.add_argument("--data", type=Path, metavar="DIR", help="data as for `train`; needs --out")
    parser.add_argument("--out", type=Path, metavar="FILE", help="predictions, .parquet or .csv")
    predicting.add_data_arguments(parser)
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that decode pictures")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict."""
    _check(arguments)
    kind, card = predicting.read_kind(arguments.weights)
    given = "image" if arguments.image else "text" if arguments.text is not None else ""
    if given and (given == "text") != (kind == "comments"):
        raise InputError(f"--{given}", f"these are weights of {kind}, which read {_payload(kind)}s.")
    model: Any = predicting.open_weights(kind, arguments.weights, arguments.device, "plumbline predict")
    if arguments.text is not None:
        _print_text(model, arguments.text)
    elif arguments.image is not None:
        _print_image(model, arguments.image)
    else:
        _write(_table(arguments, card, kind, model), arguments.out)
        print(arguments.out)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    predicting.check_batch_size(arguments.batch_size)
    if (arguments.data is None) != (arguments.out is None):
        raise InputError("--out", "belongs to --data: one names the file, the other what to predict.")
    if arguments.out is not None and arguments.out.suffix.lower() not in (".parquet", ".csv"):
        raise InputError("--out", f"a name that ends in .parquet or .csv was expected; got {arguments.out}.")


def _payload(kind: str) -> str:
    return "text" if kind == "comments" else "image"


def _print_text(model: Any, text: str) -> None:
    scores = model.predict([text])
    decided = model.decide(scores)
    width = max(map(len, scores))
    for label, score in scores.items():
        threshold = model.thresholds[label]
        word = "yes" if decided[label][0] else "no"
        print(f"{label:<{width}}  {score[0]:.4f}  {word:<3}  (yes from {threshold:.4f})")


def _print_image(model: Any, path: Path) -> None:
    from models.image_preprocessing import decode

    for name, score in model.measured([decode(path)]).items():
        task = model.tasks.get(name)
        classes = task.classes if task is not None else ()
        if score.ndim == 2:
            for label, value in sorted(zip(classes, score[0], strict=True), key=lambda pair: -pair[1]):
                print(f"{name}  {label}  {value:.4f}")
        else:
            print(f"{name}  {f'{classes[1]}  ' if classes else ''}{score[0]:.4f}")


def _table(arguments: argparse.Namespace, card: dict[str, Any], kind: Any, model: Any) -> pa.Table:
    """Predictions of every usable row, split as asked."""
    from dashboard import progress
    from training.predictions import predictions

    wanted = predicting.Wanted(data=arguments.data, splits=arguments.splits, only=arguments.only)
    folder = predicting.read_folder(kind, wanted, card)
    for message in folder.messages:
        print(message, file=sys.stderr)
    return predictions(
        model,
        folder.data,
        clusters=folder.clusters,
        beside=arguments.out.parent,
        batch_size=arguments.batch_size,
        workers=arguments.workers,
        progress=progress.make(),
    )


def _write(table: pa.Table, path: Path) -> None:
    """Write beside its place and rename."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    if path.suffix.lower() == ".csv":
        from pyarrow import csv

        csv.write_csv(table, beside)
    else:
        from pyarrow import parquet

        parquet.write_table(table, beside)
    beside.replace(path)
