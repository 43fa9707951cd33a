"""Train the comments network: six labels in one pass.

    plumbline train comments --data jigsaw/ --weights-out DIR --baseline bilstm
    plumbline train comments --data jigsaw/ --weights-out DIR --backbone FOLDER --precision bf16
    plumbline train comments --data jigsaw/ --weights-out DIR --backbone distilbert-base-uncased --loss focal

The best epoch has the highest mean AUC on validation over the labels with enough positives to tell.
Calibration and thresholds come from validation too, after training; the test rows are looked at once, at
the end.
"""

from __future__ import annotations

import argparse
import hashlib
import json
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import TYPE_CHECKING, Any

import numpy as np

from audit.errors import InputError
from training.comment_loss import faster_head, make_loss, positive_weights
from training.comment_metrics import metrics, outputs
from training.comment_outcome import Outcome, finish
from training.data.splits import TEST, TRAIN, VALIDATION
from training.fit import add_fit_arguments, config_from, fit, seeded
from training.settings import Settings

if TYPE_CHECKING:
    from torch import nn

    from models.text_network import TextNetwork
    from models.tokens import Tokens
    from training.comment_data import Encoded, Prepared

    OnEpoch = Callable[[Mapping[str, float]], None]

LENGTH = 128  # tokens: four comments of five fit, and attention costs with the square of what does not
HEAD_RATE = 10.0  # a fresh layer on a pretrained encoder learns faster than the encoder may
VOCABULARY = 8000  # of the baseline: more sub-words are seen too seldom in 10,000 comments
DEFAULTS = {  # epochs, batch size, learning rate
    "transformer": {"epochs": 3, "batch_size": 32, "learning_rate": 1e-4},
    "bilstm": {"epochs": 8, "batch_size": 64, "learning_rate": 2e-3},
}
SPACE = {
    "learning_rate": ("log", 1e-5, 5e-3),
    "weight_decay": ("log", 1e-4, 0.3),
    "head_rate": ("log", 1.0, 30.0),
    "rare_power": ("linear", 0.0, 1.0),
    "positive_weights": ("one of", "none", "sqrt", "balanced"),
    "loss": ("one of", "bce", "focal"),
}
"""What `plumbline tune` varies."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `plumbline train comments`."""
    kinds = {"--backbone": "transformer", "--baseline": "bilstm"}
    told = (
        f"{flag}: {', '.join(f'{k} {v:g}' for k, v in DEFAULTS[kind].items())}"
        for flag, kind in kinds.items()
    )
    parser.epilog = "Defaults with " + "; with ".join(told) + "."
    parser.add_argument("--data", type=Path, required=True, metavar="PATH", help="folder or CSV of the data")
    parser.add_argument("--weights-out", type=Path, metavar="DIR", help="where weights and card go")
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="checkpoints, curves, TensorBoard; default: WEIGHTS_OUT/work"
    )
    words = "TOML, as plumbline tune writes it; flags win"
    parser.add_argument("--settings", action=Settings, metavar="FILE", help=words)
    parser.add_argument("--licence", default="not stated", metavar="TEXT", help="of the data, for the card")
    network = parser.add_argument_group("network")
    which = network.add_mutually_exclusive_group()
    words = "any encoder of transformers: a local folder, or a name on the hub"
    which.add_argument("--backbone", metavar="NAME", help=words)
    words = "the network that needs no pretrained weights (the default)"
    which.add_argument("--baseline", choices=("bilstm",), help=words)
    words = f"tokens kept of a comment (default {LENGTH})"
    network.add_argument("--length", type=int, default=LENGTH, metavar="N", help=words)
    words = f"how many times faster than the encoder the last layer learns (default {HEAD_RATE:g})"
    network.add_argument("--head-rate", type=float, default=HEAD_RATE, metavar="X", help=words)
    loss = parser.add_argument_group("loss and rare labels")
    loss.add_argument("--loss", choices=("bce", "focal"), default="bce", help="default bce")
    words = "weight of a positive: none, or the square root of, or the ratio of no to yes (default none)"
    loss.add_argument("--positive-weights", choices=("none", "sqrt", "balanced"), default="none", help=words)
    words = "draw rows of rare labels more often: 0 not at all (the default), 1 fully"
    loss.add_argument("--rare-power", type=float, default=0.0, metavar="X", help=words)
    add_fit_arguments(parser, epochs=None, batch_size=None, learning_rate=None, patience=3)


def run(args: argparse.Namespace) -> int:
    """Train, and say how good it is on the test rows."""
    outcome = train(args)
    if not outcome.results[-1].main:
        return 0
    for name, value in (outcome.test or outcome.validation).items():
        print(f"{name} {value:.4f}")
    if outcome.weights is not None:
        print(outcome.weights)
    return 0


def train(
    args: argparse.Namespace, on_epoch: OnEpoch | None = None, prepared: Prepared | None = None
) -> Outcome:
    """Train one network.

    Args:
        args: flags of `add_arguments`.
        on_epoch: told the validation metrics of every epoch; may raise to end the training.
        prepared: the data, where they were read before (a search reads them once).
    """
    from training.batches import loader
    from training.comment_data import Encoded, known_labels, prepare, rarity_weights, truth_of

    work = _check(args)
    prepared = prepared or prepare(args.data, args.seed)
    labels = known_labels(prepared)
    seeded(args.seed)
    network, tokens = build(args, prepared, labels)
    truth, texts = truth_of(prepared.data, labels), np.array(prepared.data.text.to_pylist(), object)
    sets: dict[int, Encoded] = {}
    for split in (TRAIN, VALIDATION, TEST):
        rows = prepared.rows(split)
        sets[split] = Encoded(tokens, texts[rows].tolist(), truth[rows])
    rates = [
        (sets[TRAIN].truth[:, i] == 1).sum() / (sets[TRAIN].truth[:, i] >= 0).sum()
        for i in range(len(labels))
    ]
    network.start_at(rates)
    loaders = {
        split: loader(
            data,
            args.batch_size if split == TRAIN else 64,
            train=split == TRAIN,
            seed=args.seed,
            workers=args.workers,
            collate=data.collate,
            lengths=[len(row) for row in data.rows],
            weights=rarity_weights(data.truth, args.rare_power) if split == TRAIN else None,
        )
        for split, data in sets.items()
    }

    def evaluate(net: nn.Module, batches: Any) -> dict[str, float]:
        found = metrics(*outputs(net, batches), labels)
        if on_epoch is not None:
            on_epoch(found)
        return found

    result = fit(
        network,
        make_loss(args.loss, positive_weights(sets[TRAIN].truth, args.positive_weights)),
        evaluate,
        loaders[TRAIN],
        loaders[VALIDATION],
        config_from(args, work, _identity(args, prepared, network)),
        monitor="auc",
        mode="max",
        groups=faster_head(args.head_rate if args.backbone else 1.0),
    )
    return finish(args, prepared, network, tokens, sets, result)


def build(
    args: argparse.Namespace, prepared: Prepared, labels: tuple[str, ...]
) -> tuple[TextNetwork, Tokens]:
    """The untrained network and its tokenizer; call `seeded` first."""
    from models.text_backbone import pretrained
    from models.text_bilstm import BiLSTM, BiLSTMConfig
    from models.text_network import TextNetwork
    from models.tokens import Tokens, learn

    if args.backbone:
        encoder, tokens = pretrained(args.backbone, args.length)
        return TextNetwork(encoder, labels), tokens
    texts = prepared.data.text.take(prepared.rows(TRAIN)).to_pylist()
    tokens = Tokens(learn(texts, VOCABULARY), args.length)
    return TextNetwork(BiLSTM(BiLSTMConfig(vocabulary=tokens.size)), labels), tokens


def _check(args: argparse.Namespace) -> Path:
    """Fill in the defaults of the chosen network; the folder of checkpoints and curves."""
    for name, value in DEFAULTS["transformer" if args.backbone else "bilstm"].items():
        if getattr(args, name) is None:
            setattr(args, name, value)
    rules = [
        ("length", args.length >= 4, "at least 4"),
        ("head_rate", args.head_rate > 0, "above 0"),
        ("rare_power", 0 <= args.rare_power <= 1, "from 0 to 1"),
    ]
    for name, good, allowed in rules:
        if not good:
            raise InputError(
                "--" + name.replace("_", "-"), f"must be {allowed}; got {getattr(args, name)!r}."
            )
    if args.work is None and args.weights_out is None:
        raise InputError("--weights-out", "a folder for the weights was expected; none came.")
    return args.work or args.weights_out / "work"


def _identity(args: argparse.Namespace, prepared: Prepared, network: TextNetwork) -> str:
    told = {name: getattr(args, name) for name in ("seed", "batch_size", "length", "loss", "rare_power")}
    text = json.dumps([prepared.sha256, network.card(), told], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]
