"""How good the comments network is on rows that it was not trained on."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

from audit.errors import InputError
from training.fit import to_device

if TYPE_CHECKING:
    from torch import nn


def outputs(network: nn.Module, batches: Any) -> tuple[NDArray[np.float64], NDArray[np.int8]]:
    """(n, L) logits and truth over a loader, in the loader's order."""
    import torch

    logits, truth = [], []
    with torch.no_grad():
        for batch in batches:
            ids, mask, known = to_device(batch, network)
            logits.append(network(ids, mask).double().cpu().numpy())
            truth.append(known.cpu().numpy().astype(np.int8))
    return np.concatenate(logits), np.concatenate(truth)


def metrics(
    logits: NDArray[np.float64], truth: NDArray[np.int8], labels: tuple[str, ...]
) -> dict[str, float]:
    """AUC by label, their mean over labels with enough positives to tell ("auc"), and the log loss."""
    from sklearn.metrics import roc_auc_score

    from models.text_calibration import ENOUGH_THRESHOLD

    out, told = {}, []
    for i, label in enumerate(labels):
        known = truth[:, i] >= 0
        y, z = truth[known, i], logits[known, i]
        rarer = min(int(y.sum()), int(len(y) - y.sum()))
        if rarer:
            out[f"auc.{label}"] = float(roc_auc_score(y, z))
            told.append((rarer >= ENOUGH_THRESHOLD, out[f"auc.{label}"]))
    if not told:
        raise InputError("validation", "no label has both yes and no among these rows.")
    rich = [value for enough, value in told if enough] or [value for _, value in told]
    sign = np.where(truth == 1, -logits, logits)
    return {"auc": float(np.mean(rich)), "log_loss": float(np.logaddexp(0, sign)[truth >= 0].mean()), **out}
