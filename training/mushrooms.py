"""Train the mushrooms network: transfer learning with any torchvision backbone, one class a picture.

    plumbline train mushrooms --data DIR --weights-out DIR --backbone-weights squeezenet1_1/ --freeze-epochs 3
    plumbline train mushrooms --data DIR --weights-out DIR --backbone efficientnet_b0 --pretrained
    plumbline train mushrooms --data DIR --weights-out DIR --output edibility

The loss is cross-entropy with class weights and label smoothing. The best epoch has the smallest plain
cross-entropy on validation.
"""

from __future__ import annotations

import argparse
from collections.abc import Callable
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import InputError
from training.data.records import Mushrooms
from training.data.splits import TEST, TRAIN, VALIDATION
from training.face_metrics import finite
from training.fit import add_fit_arguments, config_from, seeded
from training.image_data import Prepared, prepare
from training.image_run import (
    OnEpoch,
    Outcome,
    add_image_arguments,
    backbone_weights,
    card_of,
    identity,
    report,
    train_phases,
    work_folder,
)

if TYPE_CHECKING:
    from torch import Tensor, nn

    from training.images import Item

SIZE = 160  # a cap's gills are fine; 224 costs twice as much
BATCH = 32  # a few hundred pictures in all: enough steps in an epoch
EPOCHS = 30  # with early stopping; the half cosine needs an end
RATE = 1e-3  # for fresh layers
BACKBONE_RATE = 0.1  # the backbone's share: a few hundred pictures undo pretrained layers quickly
SMOOTHING = 0.1  # scraped labels are wrong now and then
PATIENCE = 8  # small validation sets are noisy
SPACE = {
    "learning_rate": ("log", 1e-4, 5e-3),
    "backbone_rate": ("log", 0.02, 1.0),
    "weight_decay": ("log", 1e-4, 0.3),
    "dropout": ("linear", 0.0, 0.5),
    "freeze_epochs": ("whole", 0, 3),
    "label_smoothing": ("linear", 0.0, 0.2),
    "augment": ("one of", "none", "light", "strong"),
}
"""What `plumbline tune` varies."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `plumbline train mushrooms`."""
    add_image_arguments(parser, size=SIZE, augment="strong", backbone_rate=BACKBONE_RATE)
    parser.add_argument(
        "--output", default="genus", metavar="NAME", help="name of the output (default genus)"
    )
    parser.add_argument("--label-smoothing", type=float, default=SMOOTHING, metavar="X",
                        help=f"share of the truth spread over all classes (default {SMOOTHING})")  # fmt: skip
    parser.add_argument(
        "--no-class-weights", action="store_true", help="weigh every picture alike, not every class"
    )
    add_fit_arguments(
        parser, epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE, patience=PATIENCE, log_every=10
    )


def run(args: argparse.Namespace) -> int:
    """Train, and say how good it is on the test rows."""
    return report(train(args))


def train(
    args: argparse.Namespace, on_epoch: OnEpoch | None = None, prepared: Prepared | None = None
) -> Outcome:
    """Train one network.

    Args:
        args: flags of `add_arguments`.
        on_epoch: told the validation metrics of every epoch; may raise to end the training.
        prepared: the data, where they were read before (a search reads them once).
    """
    from models.mushrooms import MushroomsConfig, MushroomsNetwork, save
    from training.batches import loader

    work = work_folder(args)
    prepared = prepared or prepare("mushrooms", args)
    data = prepared.data
    _refuse_unusable(data, args)
    config = MushroomsConfig(
        classes=data.label.values,
        output=args.output,
        backbone=args.backbone,
        size=args.size,
        dropout=args.dropout,
    )
    seeded(args.seed)
    network = MushroomsNetwork(config, backbone_weights(args))
    sets = {split: _pictures(prepared, split, args) for split in (TRAIN, VALIDATION, TEST)}
    loaders = {
        split: loader(rows, args.batch_size, train=split == TRAIN, seed=args.seed, workers=args.workers)
        for split, rows in sets.items()
    }
    what = identity(prepared, asdict(config), backbone_weights(args))
    results = train_phases(
        network,
        smoothed_loss(data.label.codes[prepared.rows(TRAIN)], len(config.classes), args),
        evaluate,
        (loaders[TRAIN], loaders[VALIDATION]),
        config_from(args, work, what),
        args,
        on_epoch,
    )
    validation, test = evaluate(network, loaders[VALIDATION]), evaluate(network, loaders[TEST])
    weights = None
    if args.weights_out is not None and results[-1].main:
        found = {"validation": finite(validation), "test": finite(test)}
        more = {"metrics": found, "classes": list(config.classes)}
        weights = save(args.weights_out, network, card_of(prepared, args, results, **more))
    return Outcome(
        network=network,
        value=results[-1].best_value,
        validation=validation,
        test=test,
        results=results,
        weights=weights,
    )


def smoothed_loss(
    codes: NDArray[np.int32], classes: int, args: argparse.Namespace
) -> Callable[[nn.Module, Item], Tensor]:
    """Cross-entropy with class weights from the training rows and label smoothing."""
    from torch.nn import functional

    from training.images import class_weights, raw_outputs

    weights = None if args.no_class_weights else class_weights(codes, classes)

    def loss(network: nn.Module, batch: Item) -> Tensor:
        logits = raw_outputs(network, batch)[network.config.output]
        own = None if weights is None else weights.to(logits.device)
        return functional.cross_entropy(logits, batch["label"], own, label_smoothing=args.label_smoothing)

    return loss


def evaluate(network: nn.Module, loader: Any) -> dict[str, float]:
    """Metrics over the rows of a loader; "nll" is the plain cross-entropy."""
    import torch
    from torch.nn import functional

    from training.images import collect

    with torch.inference_mode():
        raw, truth = collect(network, loader)
        logits, label = raw[network.config.output], truth["label"]
        nll = float(functional.cross_entropy(logits, label))
        right = (logits.argmax(1) == label).double()
        by_class = [right[label == code].mean() for code in label.unique()]
    return {
        "nll": nll,
        "accuracy": float(right.mean()),
        "balanced_accuracy": float(torch.stack(by_class).mean()),
    }


def _refuse_unusable(data: Mushrooms, args: argparse.Namespace) -> None:
    for split, name in ((TRAIN, "train"), (VALIDATION, "validation"), (TEST, "test")):
        if not (data.split == split).any():
            raise InputError(str(args.data), f"no row is left for {name}.")
    if "." in args.output or not args.output:
        raise InputError("--output", f"a name without a dot was expected; got {args.output!r}.")


def _pictures(prepared: Prepared, split: int, args: argparse.Namespace) -> Any:
    import torch

    from training.images import Pictures, augmentation, decode_all

    rows = prepared.rows(split)
    files = prepared.files(rows)
    change = augmentation(args.augment, args.size) if split == TRAIN else None
    targets = {"label": torch.tensor(prepared.data.label.codes[rows], dtype=torch.int64)}
    return Pictures(files, args.size, targets, change, decode_all(files, args.size))
