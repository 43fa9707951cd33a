"""What a training of the comments network leaves behind: calibration, thresholds, metrics, weights."""

from __future__ import annotations

import argparse
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import TYPE_CHECKING

import numpy as np

from training.comment_metrics import metrics
from training.data.splits import TEST, VALIDATION
from training.fit import FitResult

if TYPE_CHECKING:
    from models.text_adapter import TextModel
    from models.text_network import TextNetwork
    from models.tokens import Tokens
    from training.comment_data import Encoded, Prepared

TOLD = (
    "seed", "epochs", "batch_size", "learning_rate", "weight_decay", "warmup_share", "patience", "precision",
    "length", "head_rate", "loss", "positive_weights", "rare_power",
)  # fmt: skip
"""Flags that the card repeats."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """A finished training."""

    model: TextModel
    value: float
    """Best mean AUC on validation (higher is better)."""
    validation: Mapping[str, float]
    test: Mapping[str, float]
    """Empty without test rows."""
    results: tuple[FitResult, ...]
    weights: Path | None
    """What was written; None in the other processes of a run on several devices."""


def finish(
    args: argparse.Namespace,
    prepared: Prepared,
    network: TextNetwork,
    tokens: Tokens,
    sets: dict[int, Encoded],
    result: FitResult,
) -> Outcome:
    """Calibrate and choose thresholds on validation, look at the test rows once, write."""
    from models import weights
    from models.text_adapter import KIND, TextModel
    from models.text_calibration import calibrate, thresholds

    bare = TextModel(network, tokens)
    logits = {split: bare.logits_of(sets[split].rows).astype(np.float64) for split in (VALIDATION, TEST)}
    calibration = calibrate(logits[VALIDATION], sets[VALIDATION].truth)
    chosen, tuned = thresholds(calibration(logits[VALIDATION]), sets[VALIDATION].truth)
    found = {
        split: metrics(logits[split], sets[split].truth, network.labels) if len(sets[split]) else {}
        for split in (VALIDATION, TEST)
    }
    limits = dict(zip(network.labels, chosen.tolist(), strict=True))
    model = TextModel(network, tokens, calibration, limits)
    path = None
    if args.weights_out is not None and result.main:
        card = {
            "model": KIND,
            "network": network.card(),
            "tokenizer": tokens.card(),
            "calibration": calibration.card(),
            "thresholds": limits,
            "thresholds_tuned": dict(zip(network.labels, tuned, strict=True)),
            "data": {"name": args.data.resolve().name, "sha256": prepared.sha256, **prepared.facts},
            "licence": args.licence,
            "backbone": Path(args.backbone).name if args.backbone else "bilstm",
            "metrics": {"validation": found[VALIDATION], "test": found[TEST]},
            "training": {
                **{name: getattr(args, name) for name in TOLD},
                "best_epoch": result.best_epoch,
                "stopped": result.stopped,
                "seconds": round(result.seconds, 1),
            },
        }
        path = weights.save(args.weights_out, network.state_dict(), card)
    return Outcome(
        model=model,
        value=result.best_value,
        validation=found[VALIDATION],
        test=found[TEST],
        results=(result,),
        weights=path,
    )
