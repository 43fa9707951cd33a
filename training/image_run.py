"""How faces and mushrooms models are trained alike.

Flags, two phases (last layers, then everything), the card.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import time
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import TYPE_CHECKING, Any

from audit.errors import InputError
from training.fit import FitConfig, FitResult, fit
from training.image_data import Prepared
from training.settings import Settings

if TYPE_CHECKING:
    from torch import nn

    from training.fit import Evaluate, Loss

OnEpoch = Callable[[Mapping[str, float]], None]


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A finished training."""

    network: Any
    value: float
    """Best value of the monitored metric (lower is better)."""
    validation: Mapping[str, float]
    test: Mapping[str, float]
    results: tuple[FitResult, ...]
    """One a phase."""
    weights: Path | None
    """What was written.

    None in the other processes of a run on several devices, or where none was asked for.
    """


def add_image_arguments(
    parser: argparse.ArgumentParser, *, size: int, augment: str, backbone_rate: float
) -> None:
    """Flags that both image models share; the arguments are their defaults."""
    parser.add_argument("--data", type=Path, required=True, metavar="DIR", help="folder of the data")
    parser.add_argument("--weights-out", type=Path, metavar="DIR", help="where the weights and their card go")
    parser.add_argument(
        "--work", type=Path, metavar="DIR", help="checkpoints, curves, TensorBoard; default: WEIGHTS_OUT/work"
    )
    parser.add_argument(
        "--settings", action=Settings, metavar="FILE", help="TOML, as plumbline tune writes it; flags win"
    )
    parser.add_argument("--licence", default="not stated", metavar="TEXT", help="of the data, for the card")
    shape = parser.add_argument_group("network")
    words = "any classification network of torchvision (default squeezenet1_1)"
    shape.add_argument("--backbone", default="squeezenet1_1", metavar="NAME", help=words)
    start = shape.add_mutually_exclusive_group()
    start.add_argument("--pretrained", action="store_true", help="begin with torchvision's published weights")
    words = "begin with a safetensors file, or a folder that holds one"
    start.add_argument("--backbone-weights", default="random", metavar="PATH", help=words)
    shape.add_argument(
        "--size", type=int, default=size, metavar="PIXELS", help=f"side of a picture (default {size})"
    )
    shape.add_argument(
        "--dropout", type=float, default=0.2, metavar="X", help="before the last layer (default 0.2)"
    )
    how = parser.add_argument_group("how the backbone learns, and from what")
    words = "first train the last layers alone for so many epochs (default 0)"
    how.add_argument("--freeze-epochs", type=int, default=0, metavar="N", help=words)
    how.add_argument("--frozen", action="store_true", help="never train the backbone")
    words = f"the backbone's share of the learning rate (default {backbone_rate})"
    how.add_argument("--backbone-rate", type=float, default=backbone_rate, metavar="X", help=words)
    how.add_argument(
        "--augment", choices=("none", "light", "strong"), default=augment, help=f"default {augment}"
    )
    words = "hashes so close are one picture; default: chosen by comparing pixels"
    how.add_argument("--copies-distance", type=int, metavar="BITS", help=words)
    how.add_argument("--keep-copies", action="store_true", help="train on every copy")
    words = "leave out this share of a group's training rows, e.g. ethnicity=Black:0.9"
    how.add_argument("--thin", action="append", default=[], metavar="GROUP=VALUE:SHARE", help=words)


def backbone_weights(args: argparse.Namespace) -> str:
    """What `models.backbones.build` is to begin with."""
    return "default" if args.pretrained else str(args.backbone_weights)


def train_phases(
    network: nn.Module,
    loss: Loss,
    evaluate: Evaluate,
    loaders: tuple[Any, Any],
    config: FitConfig,
    args: argparse.Namespace,
    on_epoch: OnEpoch | None = None,
) -> tuple[FitResult, ...]:
    """Train the heads alone for a while where asked, then everything; "nll" chooses the best epoch.

    Args:
        network: has a `backbone`.
        loss: as for `training.fit.fit`.
        evaluate: as for `training.fit.fit`; gives "nll".
        loaders: training and validation.
        config: of the whole; the phases share its minutes.
        args: `freeze_epochs`, `frozen`, `backbone_rate`.
        on_epoch: told the metrics of every epoch; may raise to end the training.
    """
    import torch

    from training.images import slower_backbone

    def watched(net: nn.Module, loader: Any) -> Mapping[str, float]:
        metrics = evaluate(net, loader)
        if on_epoch is not None:
            on_epoch(metrics)
        return metrics

    network.to(memory_format=torch.channels_last)  # see models.image_preprocessing.normalise
    started, results = time.monotonic(), []
    phases = [("", True, config.epochs)] if args.frozen else [("", False, config.epochs)]
    if args.freeze_epochs and not args.frozen:
        phases.insert(0, ("heads", True, args.freeze_epochs))
    for folder, frozen, epochs in phases:
        network.backbone.freeze(frozen)
        left = (
            None if config.minutes is None else max(config.minutes - (time.monotonic() - started) / 60, 0.01)
        )
        phase = replace(config, out=config.out / folder, epochs=epochs, minutes=left)
        results.append(
            fit(network, loss, watched, *loaders, phase, monitor="nll", mode="min",
                groups=slower_backbone(args.backbone_rate))
        )  # fmt: skip
    network.backbone.freeze(False)
    return tuple(results)


def identity(prepared: Prepared, *parts: Any) -> str:
    """What a resumed run must have in common with the first: data, architecture, how it began."""
    text = json.dumps([prepared.sha256, *parts], sort_keys=True, default=str)
    return hashlib.sha256(text.encode()).hexdigest()[:16]


def work_folder(args: argparse.Namespace) -> Path:
    """Folder of the run's checkpoints and curves.

    Raises:
        InputError: neither --work nor --weights-out is given.
    """
    if args.work is None and args.weights_out is None:
        raise InputError("--weights-out", "a folder for the weights was expected; none came.")
    return args.work or args.weights_out / "work"


def card_of(
    prepared: Prepared, args: argparse.Namespace, results: Sequence[FitResult], **more: Any
) -> dict[str, Any]:
    """What the card says of every image model."""
    last = results[-1]
    begun = backbone_weights(args)
    return {
        "data": {"name": args.data.resolve().name, "sha256": prepared.sha256, **prepared.facts},
        "licence": args.licence,
        "backbone_weights": begun if begun in ("random", "default") else Path(begun).name,
        "training": {
            **{name: getattr(args, name) for name in TOLD},
            "best_epoch": last.best_epoch,
            "stopped": last.stopped,
            "seconds": round(sum(result.seconds for result in results), 1),
        },
        **more,
    }


def report(outcome: Outcome) -> int:
    """Print the test metrics and, last, where the weights are; the exit code."""
    for name, value in outcome.test.items():
        print(f"{name} {value:.4f}")
    if outcome.weights is not None:
        print(outcome.weights)
    return 0


TOLD = (
    "seed", "epochs", "batch_size", "learning_rate", "weight_decay", "warmup_share", "patience", "precision",
    "augment", "freeze_epochs", "frozen", "backbone_rate",
)  # fmt: skip
"""Flags that the card repeats."""
