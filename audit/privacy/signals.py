"""What an attacker looks at: numbers of each row that tend to be higher for rows of training."""

from __future__ import annotations

from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.core import Reason, TaskKind
from audit.group_error.targets import Target

LOSS, CONFIDENCE = "loss", "confidence"
SIGNALS = (LOSS, CONFIDENCE)
TINY = 1e-12
"""Probabilities are kept this far from 0 before a logarithm."""
Array = NDArray[np.float64]


def signal(target: Target, name: str) -> Array | Reason:
    """One signal of every row, or why there is none.

    Args:
        target: n rows.
        name: ``loss``: minus the row's loss (log loss; of several labels their mean over the known ones; of a
            number the absolute error), which needs the truth. ``confidence``: the probability of the likelier
            answer (of several labels the mean), which does not.

    Returns:
        (n,) higher where training is likelier; for yes/no and many classes the probability of the true class
        stands for the loss: it puts the rows in the same order.

    Source:
        Yeom et al. (2018), CSF 31, 268-282, for the loss; Salem et al. (2019), NDSS, for the confidence.
    """
    kind = target.task.kind
    if name == LOSS and target.truth is None:
        return Reason.NO_TRUTH
    if kind is TaskKind.REGRESSION:
        return Reason.NO_SCORES if name == CONFIDENCE else -np.abs(target.decision - target.truth)
    if target.scores is None:
        return Reason.NO_SCORES
    return _of_loss(kind, target.scores, target.truth) if name == LOSS else _confidence(kind, target.scores)


def _of_loss(kind: TaskKind, scores: Array, truth: NDArray[Any] | None) -> Array:
    assert truth is not None
    if kind is TaskKind.MULTICLASS:
        return np.asarray(scores[np.arange(len(scores)), truth])
    of_truth = np.where(truth == 1, scores, 1.0 - scores)
    if kind is TaskKind.BINARY:
        return np.asarray(of_truth)
    return _mean_known(np.log(np.maximum(of_truth, TINY)), (truth >= 0) & ~np.isnan(scores))


def _confidence(kind: TaskKind, scores: Array) -> Array:
    if kind is TaskKind.MULTICLASS:
        return np.asarray(scores.max(axis=1))
    surer = np.maximum(scores, 1.0 - scores)
    return np.asarray(surer) if kind is TaskKind.BINARY else _mean_known(surer, ~np.isnan(scores))


def _mean_known(values: Array, known: NDArray[np.bool_]) -> Array:
    """(n,) mean over the known labels of each row; NaN where none is known."""
    count = known.sum(axis=1)
    total = np.where(known, values, 0.0).sum(axis=1)
    return np.where(count > 0, total / np.maximum(count, 1), np.nan)
