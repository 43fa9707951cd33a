"""Models and data by name, for the commands that let a model predict: `predict` and `audit`."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from audit import registry
from audit.codes import SPLITS
from audit.errors import InputError, MissingExtraError, PlumblineError

if TYPE_CHECKING:
    from audit.protocols import Model
    from training.data.contract import Folder

HOW = ("auto", "as-trained", "declared")
"""Ways to split a data folder: as in the training, as the data declare, or by the folder's name."""
OTHER_DATA = (
    "The data are not those that the model was trained on, though their name is: rows that it was trained on "
    "may be in the test split."
)
Kind = Literal["faces", "comments", "mushrooms"]


@dataclass(frozen=True, kw_only=True)
class Wanted:
    """Which rows of a data folder are predicted, and under which splits."""

    data: Path
    splits: str = "auto"
    """One of `HOW`."""
    only: str | None = None
    """Rows of one split; None: all."""


def add_data_arguments(parser: argparse._ActionsContainer) -> None:
    """Add the options that choose rows, device and batches.

    Args:
        parser: a parser, or a group of its options.
    """
    parser.add_argument(
        "--splits",
        choices=HOW,
        default="auto",
        help="as-trained repeats the split of the training; declared takes the data's own, all else is test; "
        "auto: as-trained where the folder's name is that of the training",
    )
    parser.add_argument(
        "--only", choices=SPLITS, metavar="SPLIT", help="rows of one split: " + ", ".join(SPLITS)
    )
    parser.add_argument("--device", default="cpu", help="cpu (the default), cuda, mps")
    parser.add_argument("--batch-size", type=int, default=64, metavar="N", help="default 64")


def check_batch_size(size: int) -> None:
    """Refuse batches of nothing.

    Raises:
        InputError: it is below 1.
    """
    if size < 1:
        raise InputError("--batch-size", f"must be at least 1; got {size}.")


def read_kind(weights: Path) -> tuple[str, dict[str, Any]]:
    """Read which of the registered models some weights belong to, from their card.

    Args:
        weights: as `plumbline train` wrote them.

    Returns:
        The registered name and the card.

    Raises:
        InputError: there are no weights, or those of a model that is not registered.
    """
    from models.weights import read_card

    card = read_card(weights)
    kind, known = card.get("model"), registry.names("model")
    if kind not in known:
        raise InputError(str(weights), f"a model of {', '.join(known)} was expected; got {kind!r}.")
    return str(kind), card


def open_weights(kind: str, weights: Path, device: str, command: str) -> Model:
    """Load a registered model.

    Args:
        kind: its registered name.
        weights: as `plumbline train` wrote them.
        device: torch's name of one.
        command: for the message where torch is missing.

    Raises:
        MissingExtraError: torch is not installed.
        InputError: the weights are damaged, or the device is not there.
    """
    try:
        model: Model = registry.load("model", kind)(weights, device=device)
    except ImportError as error:
        raise MissingExtraError(command, "models") from error
    except PlumblineError as error:
        if isinstance(error.__cause__, ModuleNotFoundError):
            raise MissingExtraError(command, "models") from error
        raise
    except (RuntimeError, AssertionError) as error:
        if device == "cpu":
            raise
        raise InputError(f"--device {device}", f"can't be used: {str(error).splitlines()[0]}") from error
    return model


def is_as_trained(wanted: Wanted, card: Mapping[str, Any]) -> bool:
    """Whether the split of the training is repeated.

    Args:
        wanted: the rows.
        card: of the weights; empty: there are none.

    Raises:
        InputError: it was asked for, and there is no card that says how.
    """
    trained = "training" in card and "data" in card
    if wanted.splits == "as-trained" and not trained:
        raise InputError("--splits as-trained", "needs --weights that `plumbline train` wrote.")
    same = trained and wanted.data.resolve().name == card["data"].get("name")
    return wanted.splits == "as-trained" or (wanted.splits == "auto" and same)


def split_words(wanted: Wanted, card: Mapping[str, Any]) -> str:
    """How the rows are split, in words that say everything which decides it."""
    if not is_as_trained(wanted, card):
        return "as declared"
    seed, data = card["training"]["seed"], card["data"]
    more = [f"{name} {data[name]}" for name in ("split_seed", "copies_distance") if name in data]
    return ", ".join(["as in the training", f"seed {seed}", *more])


def read_folder(kind: Kind, wanted: Wanted, card: Mapping[str, Any]) -> Folder:
    """Read a data folder of one of the three kinds.

    Args:
        kind: "faces", "comments" or "mushrooms".
        wanted: its rows.
        card: of the weights; empty: there are none.

    Raises:
        InputError: it is no such data set, or no row is left.
    """
    from training.data.contract import declared

    as_trained = is_as_trained(wanted, card)
    folder = _as_trained(kind, wanted.data, card) if as_trained else declared(kind, wanted.data)
    if wanted.only is None:
        return folder
    code = SPLITS.index(wanted.only)
    keep = folder.data.split == code
    if wanted.only == "test":
        keep |= folder.data.split < 0  # a row without a split is measured on
    clusters = None if folder.clusters is None else folder.clusters[keep]
    return replace(folder, data=folder.data.take(keep), clusters=clusters)


def _as_trained(kind: Kind, root: Path, card: Mapping[str, Any]) -> Folder:
    """The rows with the splits of the training; rows that it left out are left out here."""
    from training.data.contract import Folder, refused_note

    seed = int(card["training"]["seed"])
    if kind == "comments":
        from training.comment_data import prepare

        found = prepare(root, int(card["data"].get("split_seed", seed)))
        keep = found.split >= 0
        notes = [] if found.sha256 == card["data"].get("sha256") else [OTHER_DATA]
        notes += refused_note(kind, found.facts["refused"])
        left = int((~keep).sum())
        notes += [f"{left:,} rows that the training left out as near copies are left out."] if left else []
        data = replace(found.data, split=found.split).take(keep)
        return Folder(data=data, clusters=found.clusters[keep], messages=tuple(notes))
    from training.image_data import prepare as prepare_images

    flags = argparse.Namespace(
        data=root,
        seed=seed,
        copies_distance=card["data"].get("copies_distance"),
        keep_copies=True,
        thin=[],
    )
    told: list[str] = []
    pictures = prepare_images(kind, flags, told.append)
    lines = (line.replace(str(root), root.name) for line in told)  # no folder of this machine
    lines = (f"{line[:1].upper()}{line[1:]}." for line in lines)
    return Folder(data=pictures.data, clusters=pictures.clusters, messages=tuple(lines))
