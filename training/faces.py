"""Train the faces network: age as an expected value over bins, and gender, in one pass.

    plumbline train faces --data DIR --weights-out DIR --backbone-weights squeezenet1_1/ --freeze-epochs 2
    plumbline train faces --data DIR --weights-out DIR --backbone resnet18 --pretrained --accelerator gpu
    plumbline train faces --data DIR --weights-out DIR --thin ethnicity=Black:0.9

The loss is the negative log-likelihood of the age's interval plus the cross-entropy of gender, weighed by
learned noise (--loss-weights learned) or as set (--loss-weights 1,0.5). The best epoch has the smallest
sum on validation.
"""

from __future__ import annotations

import argparse
from dataclasses import asdict
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audit.core import UNKNOWN
from audit.errors import InputError
from training.data.records import Faces
from training.data.splits import TEST, TRAIN, VALIDATION
from training.face_metrics import finite, metrics
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
    from torch import Tensor

    from models.faces import FacesNetwork
    from training.images import Item

SIZE = 112  # FairFace's own pictures are small; larger ones cost in proportion to their area
BATCH = 64  # fills two cores, and fits a laptop's memory with any backbone
EPOCHS = 12  # with early stopping; the half cosine needs an end
RATE = 1e-3  # for fresh layers
BACKBONE_RATE = 0.1  # the backbone's share: pretrained layers move slowly
BINS = 5  # years a bin: narrower than FairFace's bands, wide enough to be seen often
OLDEST = 100  # end of the last bin; older people count as of its last year
SPACE = {
    "learning_rate": ("log", 1e-4, 5e-3),
    "backbone_rate": ("log", 0.02, 1.0),
    "weight_decay": ("log", 1e-4, 0.3),
    "dropout": ("linear", 0.0, 0.5),
    "freeze_epochs": ("whole", 0, 2),
    "augment": ("one of", "none", "light", "strong"),
}
"""What `plumbline tune` varies."""


def add_arguments(parser: argparse.ArgumentParser) -> None:
    """Flags of `plumbline train faces`."""
    add_image_arguments(parser, size=SIZE, augment="light", backbone_rate=BACKBONE_RATE)
    parser.add_argument("--loss-weights", default="learned", metavar="AGE,GENDER",
                        help="weights of the two losses, or learned (the default)")  # fmt: skip
    parser.add_argument(
        "--bin-years", type=int, default=BINS, metavar="N", help=f"width of an age bin (default {BINS})"
    )
    add_fit_arguments(parser, epochs=EPOCHS, batch_size=BATCH, learning_rate=RATE, patience=3)


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
    from models.faces import FacesConfig, FacesNetwork, save
    from training.batches import loader

    work = work_folder(args)
    prepared = prepared or prepare("faces", args)
    data = prepared.data
    _refuse_unusable(data, args)
    config = FacesConfig(
        backbone=args.backbone,
        size=args.size,
        edges=tuple(range(0, OLDEST + args.bin_years, args.bin_years)),
        genders=_genders(data),
        dropout=args.dropout,
        loss_weights=_loss_weights(args.loss_weights),
    )
    seeded(args.seed)
    network = FacesNetwork(config, backbone_weights(args))
    sets = {split: _pictures(prepared, split, args) for split in (TRAIN, VALIDATION, TEST)}
    loaders = {
        split: loader(rows, args.batch_size, train=split == TRAIN, seed=args.seed, workers=args.workers)
        for split, rows in sets.items()
    }
    what = identity(prepared, asdict(config), backbone_weights(args))
    results = train_phases(
        network,
        loss,
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
        weights = save(args.weights_out, network, card_of(prepared, args, results, metrics=found))
    return Outcome(
        network=network,
        value=results[-1].best_value,
        validation=validation,
        test=test,
        results=results,
        weights=weights,
    )


def loss(network: FacesNetwork, batch: Item) -> dict[str, Tensor]:
    """The weighted sum, and its parts."""
    from training.images import raw_outputs

    age, gender = network.losses(raw_outputs(network, batch), batch["age"], batch["gender"])
    return {"loss": network.combined(age, gender), "age": age, "gender": gender}


def evaluate(network: FacesNetwork, loader: Any) -> dict[str, float]:
    """Metrics over the rows of a loader; "nll" is the sum of both negative log-likelihoods, not weighed."""
    import torch

    from training.images import collect

    with torch.inference_mode():
        raw, truth = collect(network, loader)
        device = next(network.parameters()).device
        raw, truth = ({k: v.to(device) for k, v in part.items()} for part in (raw, truth))
        scores = {name: value.double().cpu().numpy() for name, value in network.scores(raw).items()}
        age, gender = network.losses(raw, truth["age"], truth["gender"])
    known = {name: value.double().cpu().numpy() for name, value in truth.items()}
    return {
        "nll": float(age + gender),
        **metrics(
            scores["age"],
            scores["age_spread"],
            scores["gender"],
            known["age"],
            known["gender"],
            known["years"],
        ),
    }


def intervals(data: Faces) -> NDArray[np.float64]:
    """(n, 2) first and last completed year of every age.

    A band's ends, or the one year; NaN where unknown.
    """
    bands = np.array([_ends(value) for value in data.age_band.values]).reshape(-1, 2)[data.age_band.codes]
    whole = np.floor(data.age)[:, None].repeat(2, axis=1)
    return np.where(data.banded[:, None], bands, whole)


def _ends(band: str) -> tuple[float, float]:
    """First and last year of a band's name as `training.data.age_bands` writes them."""
    if band == UNKNOWN:
        return float("nan"), float("nan")
    if band.startswith("more than "):
        return float(band.removeprefix("more than ")), 120.0
    low, high = band.split("-")
    return float(low), float(high)


def _genders(data: Faces) -> tuple[str, str]:
    return tuple(value for value in data.gender.values if value != UNKNOWN)  # type: ignore[return-value]


def _loss_weights(text: str) -> tuple[float, float] | None:
    if text == "learned":
        return None
    try:
        age, gender = (float(part) for part in text.split(","))
    except ValueError as error:
        raise InputError(
            "--loss-weights", f"two numbers or 'learned' were expected; got {text!r}."
        ) from error
    return age, gender


def _refuse_unusable(data: Faces, args: argparse.Namespace) -> None:
    if len(_genders(data)) != 2:
        raise InputError(
            str(args.data),
            f"two genders are annotated in the data this trains on; these are {data.gender.values}.",
        )
    for split, name in ((TRAIN, "train"), (VALIDATION, "validation"), (TEST, "test")):
        if not (data.split == split).any():
            raise InputError(str(args.data), f"no row is left for {name}.")
    if not 1 <= args.bin_years <= OLDEST // 2:
        raise InputError("--bin-years", f"1 to {OLDEST // 2} was expected; got {args.bin_years}.")


def _targets(data: Faces, rows: NDArray[np.int64]) -> dict[str, Tensor]:
    import torch

    genders = _genders(data)
    codes = np.array([genders.index(v) if v in genders else np.nan for v in data.gender.values])[
        data.gender.codes
    ]
    return {
        "age": torch.tensor(intervals(data)[rows], dtype=torch.float32),
        "gender": torch.tensor(codes[rows], dtype=torch.float32),
        "years": torch.tensor(data.age[rows], dtype=torch.float32),
    }


def _pictures(prepared: Prepared, split: int, args: argparse.Namespace) -> Any:
    from training.images import Pictures, augmentation, decode_all

    rows = prepared.rows(split)
    files = prepared.files(rows)
    change = augmentation(args.augment, args.size) if split == TRAIN else None
    return Pictures(files, args.size, _targets(prepared.data, rows), change, decode_all(files, args.size))
