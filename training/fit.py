"""The training loop that all three models share: what to set, what comes back, and the flags that set it.

A model brings its network, `loss(network, batch)` and `evaluate(network, loader)`; `fit` does the rest on
Lightning: early stopping, best weights, resume after a kill, TensorBoard, mixed precision, several
devices. Importing this module loads neither torch nor Lightning, so that ``--help`` stays quick.
"""

from __future__ import annotations

import argparse
import json
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass, fields
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from audit.errors import InputError

if TYPE_CHECKING:
    import torch
    from torch import nn

    Loss = Callable[[nn.Module, Any], "torch.Tensor | Mapping[str, torch.Tensor]"]
    Evaluate = Callable[[nn.Module, Any], Mapping[str, float]]
    Groups = Callable[[nn.Module, "FitConfig"], list[dict[str, Any]]]

PRECISIONS = {"32": "32-true", "bf16": "bf16-mixed", "16": "16-mixed"}
HISTORY = "history.json"


@dataclass(frozen=True, kw_only=True)
class FitConfig:
    """Everything about a run that is not the model or its data."""

    out: Path
    """Folder of checkpoints, curves, TensorBoard files and history."""
    epochs: int = 5
    batch_size: int = 32
    learning_rate: float = 1e-3
    """At the top of the schedule: linear warm-up, then a half cosine to 0."""
    weight_decay: float = 0.01
    """Not on biases and norms."""
    warmup_share: float = 0.1
    """Of all steps."""
    patience: int = 3
    """Epochs without a better `monitor` before stopping; 0: never stop early."""
    gradient_clip: float = 1.0
    """Largest norm of the gradient; 0: no limit."""
    accumulate: int = 1
    """Batches whose gradients are summed before a step."""
    precision: str = "32"
    """32, bf16 or 16."""
    accelerator: str = "auto"
    devices: int = 1
    num_nodes: int = 1
    strategy: str = "auto"
    seed: int = 0
    workers: int = 0
    """Processes that load data ahead."""
    resume: bool = False
    """Go on from `out`, where an earlier run stopped; starts anew where there is none."""
    identity: str = ""
    """What a resumed run must have in common with the first, e.g. a hash of data and architecture."""
    log_every: int = 50
    """Steps between two points of the training loss."""
    minutes: float | None = None
    """Stop after so long, at the next step; None: no limit."""


@dataclass(frozen=True, kw_only=True)
class FitResult:
    """How the run went. The network has the best epoch's weights, in eval mode, on the CPU."""

    history: tuple[dict[str, float], ...]
    """One entry an epoch: epoch (from 0), loss (its mean), learning_rate, seconds, what `evaluate` gave."""
    losses: tuple[tuple[int, float], ...]
    """(step, mean loss since the last point) every `log_every` steps."""
    best_epoch: int
    best_value: float
    """Of `monitor`."""
    steps: int
    seconds: float
    """Of training and evaluation in this call; a resumed run counts its own part."""
    stopped: Literal["epochs", "patience", "budget"]
    main: bool
    """False in the other processes of a run on several devices: they must write nothing."""


def fit(
    network: nn.Module,
    loss: Loss,
    evaluate: Evaluate,
    train_loader: Iterable[Any],
    validation_loader: Iterable[Any],
    config: FitConfig,
    *,
    monitor: str,
    mode: Literal["min", "max"],
    groups: Groups | None = None,
) -> FitResult:
    """Train `network` in place.

    Args:
        network: left with the weights of its best epoch.
        loss: (network, batch on the device) -> scalar, or a mapping with "loss" among other scalars, whose
            means over the epoch go into the history as ``loss.NAME``.
        evaluate: (network in eval mode, loader) -> metrics (none called "loss", which is training's own);
            called without gradients after every epoch.
            Batches come as the loader gives them: move them to the network's device with `to_device`.
        train_loader: from `training.batches.loader`; under several devices it must be.
        validation_loader: handed to `evaluate` as it is; every process evaluates all of it.
        config: the run.
        monitor: metric of `evaluate` that decides which epoch is best.
        mode: whether the best is the smallest or the largest.
        groups: (network, config) -> parameter groups for AdamW; None: weight decay on matrices only.

    Raises:
        InputError: a setting that can't be, a loss that is not finite, or an `out` that holds another run.
    """
    check(config)
    from training.trainer import run  # Lightning takes seconds to import

    return run(network, loss, evaluate, train_loader, validation_loader, config, monitor, mode, groups)


def to_device(batch: Any, network: nn.Module) -> Any:
    """Move every tensor of a nested batch to where the network is."""
    from lightning.fabric.utilities.apply_func import move_data_to_device

    return move_data_to_device(batch, next(network.parameters()).device)


def seeded(seed: int) -> None:
    """Seed Python, numpy and torch; before a network is built, so that its first weights are the seed's."""
    import random

    import numpy as np
    import torch

    random.seed(seed)
    np.random.seed(seed % 2**32)
    torch.manual_seed(seed)


def check(config: FitConfig) -> None:
    """Refuse settings that can't be.

    Raises:
        InputError: names the flag, what is allowed and what came.
    """
    rules = [
        ("epochs", config.epochs >= 1, "at least 1"),
        ("batch_size", config.batch_size >= 1, "at least 1"),
        ("learning_rate", 0 < config.learning_rate < 10, "above 0 and below 10"),
        ("weight_decay", config.weight_decay >= 0, "0 or more"),
        ("warmup_share", 0 <= config.warmup_share < 1, "at least 0 and below 1"),
        ("patience", config.patience >= 0, "0 or more"),
        ("gradient_clip", config.gradient_clip >= 0, "0 or more"),
        ("accumulate", config.accumulate >= 1, "at least 1"),
        ("precision", config.precision in PRECISIONS, "one of " + ", ".join(PRECISIONS)),
        ("devices", config.devices >= 1, "at least 1"),
        ("num_nodes", config.num_nodes >= 1, "at least 1"),
        ("workers", config.workers >= 0, "0 or more"),
        ("log_every", config.log_every >= 1, "at least 1"),
        ("minutes", config.minutes is None or config.minutes > 0, "above 0"),
    ]
    for name, good, allowed in rules:
        if not good:
            flag = "--" + name.replace("_", "-")
            raise InputError(flag, f"must be {allowed}; got {getattr(config, name)!r}.")


def add_fit_arguments(parser: argparse.ArgumentParser, **defaults: Any) -> None:
    """Add the flags of `FitConfig` that a person sets.

    Args:
        parser: of one model's `train` command.
        **defaults: fields of `FitConfig` whose default this model changes.
    """
    group = parser.add_argument_group("training")
    given = {field.name: field.default for field in fields(FitConfig)} | defaults

    def flag(name: str, kind: Callable[[str], Any], words: str, **more: Any) -> None:
        shown = "" if given[name] is None else f" (default {given[name]})"
        group.add_argument(
            "--" + name.replace("_", "-"), type=kind, default=given[name], help=words + shown, **more
        )

    flag("epochs", int, "passes over the training rows", metavar="N")
    flag("batch_size", int, "rows in a batch", metavar="N")
    flag("learning_rate", float, "at the top of the schedule: warm-up, then a half cosine to 0", metavar="X")
    flag("weight_decay", float, "AdamW's, not on biases and norms", metavar="X")
    flag("warmup_share", float, "share of all steps that warm up", metavar="X")
    flag("patience", int, "epochs without progress before stopping; 0: never", metavar="N")
    flag("gradient_clip", float, "largest norm of the gradient; 0: no limit", metavar="X")
    flag("accumulate", int, "batches whose gradients are summed before a step", metavar="N")
    flag("seed", int, "of weights, order and dropout", metavar="N")
    flag("minutes", float, "stop after so long", metavar="X")
    flag("workers", int, "processes that load data ahead", metavar="N")
    flag("log_every", int, "steps between two points of the training loss", metavar="N")
    group.add_argument(
        "--resume", action="store_true", help="go on where an earlier run with the same --work stopped"
    )
    machine = parser.add_argument_group("machine, handed to Lightning as they are")
    machine.add_argument(
        "--precision",
        choices=tuple(PRECISIONS),
        default=given["precision"],
        help=f"default {given['precision']}",
    )
    machine.add_argument(
        "--accelerator", default=given["accelerator"], help="cpu, gpu, mps or auto (the default)"
    )
    machine.add_argument(
        "--devices", type=int, default=given["devices"], metavar="N", help="on each node (default 1)"
    )
    machine.add_argument("--num-nodes", type=int, default=given["num_nodes"], metavar="N", help="default 1")
    machine.add_argument("--strategy", default=given["strategy"], help="ddp and others (default auto)")


def config_from(args: argparse.Namespace, out: Path, identity: str = "") -> FitConfig:
    """The flags of `add_fit_arguments` as a configuration.

    Args:
        args: parsed flags.
        out: folder of the run's checkpoints and curves.
        identity: see `FitConfig`.
    """
    names = {field.name for field in fields(FitConfig)} - {"out", "identity"}
    return FitConfig(out=out, identity=identity, **{name: getattr(args, name) for name in names})


def history(out: Path | str) -> list[dict[str, float]]:
    """The history of a run, finished or not, as `fit` wrote it after every epoch.

    Raises:
        InputError: there is none.
    """
    path = Path(out) / HISTORY
    if not path.is_file():
        raise InputError(str(path), "no training has finished an epoch here.")
    return list(json.loads(path.read_text("utf-8"))["epochs"])
