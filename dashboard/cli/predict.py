"""`plumbline predict`: what a model says of one text, one picture, or a data folder."""

from __future__ import annotations

import argparse
import importlib
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import InputError, MissingExtraError

if TYPE_CHECKING:
    import pyarrow as pa

    from dashboard.cli.arguments import Subparsers

ADAPTERS = {"comments": "models.text_adapter", "faces": "models.faces", "mushrooms": "models.mushrooms"}
SPLITS = ("auto", "as-trained", "declared")
NAMES = ("train", "validation", "test")


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
    parser.add_argument(
        "--splits",
        choices=SPLITS,
        default="auto",
        help="as-trained repeats the split of the training; declared takes the data's own, all else is test; "
        "auto: as-trained where the folder's name is that of the training",
    )
    parser.add_argument(
        "--only", choices=NAMES, metavar="SPLIT", help="rows of one split: " + ", ".join(NAMES)
    )
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda, mps")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="default 64")
    parser.add_argument("--workers", type=int, default=0, metavar="N", help="processes that decode pictures")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Predict."""
    _check(arguments)
    from models.weights import read_card

    card = read_card(arguments.weights)
    kind = card.get("model")
    if kind not in ADAPTERS:
        raise InputError(
            str(arguments.weights), f"a model of {', '.join(ADAPTERS)} was expected; got {kind!r}."
        )
    given = "image" if arguments.image else "text" if arguments.text is not None else ""
    if given and (given == "text") != (kind == "comments"):
        raise InputError(f"--{given}", f"these are weights of {kind}, which read {_payload(kind)}s.")
    try:
        model = importlib.import_module(ADAPTERS[kind]).load(arguments.weights, device=arguments.device)
    except ImportError as error:
        raise MissingExtraError("plumbline predict", "models") from error
    model.batch_size = arguments.batch_size
    if arguments.text is not None:
        _print_text(model, arguments.text)
    elif arguments.image is not None:
        _print_image(model, arguments.image)
    else:
        _write(_table(arguments, card, kind, model), arguments.out)
        print(arguments.out)
    return 0


def _check(arguments: argparse.Namespace) -> None:
    if arguments.batch_size < 1:
        raise InputError("--batch-size", f"must be at least 1; got {arguments.batch_size}.")
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


def _table(arguments: argparse.Namespace, card: dict[str, Any], kind: str, model: Any) -> pa.Table:
    """Predictions of every usable row, split as asked."""
    same = arguments.data.resolve().name == card.get("data", {}).get("name")
    as_trained = arguments.splits == "as-trained" or (arguments.splits == "auto" and same)
    data, clusters = _as_trained(arguments, card, kind) if as_trained else _declared(arguments, kind)
    if arguments.only is not None:
        wanted = data.split == NAMES.index(arguments.only)
        if arguments.only == "test":
            wanted |= data.split < 0  # a row without a split is written as test
        data, clusters = data.take(wanted), clusters[wanted]
    script = importlib.import_module(f"training.{kind}")
    return script.predictions(
        model, data, clusters=clusters, beside=arguments.out.parent, workers=arguments.workers
    )


def _declared(arguments: argparse.Namespace, kind: Any) -> tuple[Any, Any]:
    from training.data.loading import load

    loaded = load(kind, arguments.data)
    return loaded.data, loaded.clusters


def _as_trained(arguments: argparse.Namespace, card: dict[str, Any], kind: Any) -> tuple[Any, Any]:
    """The rows with the splits of the training; rows that it left out are left out here."""
    seed = int(card["training"]["seed"])
    if kind == "comments":
        from training.comment_data import prepare

        found = prepare(arguments.data, int(card["data"].get("split_seed", seed)))
        keep = found.split >= 0
        return replace(found.data, split=found.split).take(keep), found.clusters[keep]
    from training.image_data import prepare as prepare_images

    flags = argparse.Namespace(
        data=arguments.data,
        seed=seed,
        copies_distance=card["data"].get("copies_distance"),
        keep_copies=True,
        thin=[],
    )
    pictures = prepare_images(kind, flags)
    return pictures.data, pictures.clusters


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
