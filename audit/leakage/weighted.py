"""Metrics as functions of how often each row counts: ones for the data, others for bootstrap draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from audit.core import TaskKind
from audit.group_error.targets import Target
from audit.leakage.compiled import compiled

Floats = NDArray[np.float64]
Measure = Callable[[Target, Floats], Floats]
"""(target of n rows, (B, n) weights) -> (B,) metric; NaN where its denominator is 0."""


def auc(target: Target, weights: Floats) -> Floats:
    """Area under the ROC curve: share of (positive, negative) pairs in the right order, ties half.

    Args:
        target: yes/no with scores and truth.
        weights: (B, n).
    """
    assert target.scores is not None
    assert target.truth is not None
    order = np.argsort(target.scores, kind="stable")
    scores, positive = target.scores[order], target.truth[order] == 1
    last = np.append(scores[1:] != scores[:-1], True)
    area, pairs = _areas(np.ascontiguousarray(weights, dtype=np.float64), order, positive, last)
    return np.asarray(area / np.where(pairs > 0, pairs, np.nan))


@compiled
def _areas(
    weights: Floats, order: NDArray[np.int64], positive: NDArray[np.bool_], last: NDArray[np.bool_]
) -> tuple[Floats, Floats]:
    """Weight of the pairs in the right order, ties half, and of all pairs, in one pass up the scores.

    Args:
        weights: (B, n).
        order: (n,) rows by score, increasing.
        positive: (n,) truth in that order.
        last: (n,) whether the next score is another.

    Returns:
        (B,) and (B,).
    """
    area = np.zeros(weights.shape[0])
    pairs = np.zeros(weights.shape[0])
    for b in range(weights.shape[0]):
        below = ups = up = down = 0.0
        for k in range(order.size):
            weight = weights[b, order[k]]
            if positive[k]:
                up += weight
            else:
                down += weight
            if last[k]:
                area[b] += up * (below + down / 2)
                below += down
                ups += up
                up = down = 0.0
        pairs[b] = ups * below
    return area, pairs


def f1(target: Target, weights: Floats) -> Floats:
    """F1 of the positive class.

    Args:
        target: yes/no with truth.
        weights: (B, n).
    """
    assert target.truth is not None
    return _f1(target.truth == 1, target.decision == 1, weights)


def macro_f1(target: Target, weights: Floats) -> Floats:
    """Mean F1 of the classes that occur in truth or decision.

    Args:
        target: many classes with truth.
        weights: (B, n).
    """
    assert target.truth is not None
    each = [
        _f1(target.truth == code, target.decision == code, weights)
        for code in range(len(target.task.classes))
    ]
    stacked = np.stack(each)
    present = ~np.isnan(stacked)
    count = present.sum(axis=0)
    return np.asarray(np.where(present, stacked, 0.0).sum(axis=0) / np.where(count > 0, count, np.nan))


def _f1(truth: NDArray[np.bool_], decision: NDArray[np.bool_], weights: Floats) -> Floats:
    counted = np.stack([truth & decision, truth.astype(np.int8) + decision], axis=1).astype(np.float64)
    hits, marked = (weights @ counted).T  # true positives; positives and selected rows
    return np.asarray(2 * hits / np.where(marked > 0, marked, np.nan))


MEASURES: Mapping[TaskKind, Mapping[str, Measure]] = {
    TaskKind.BINARY: {"auc": auc, "f1": f1},
    TaskKind.MULTICLASS: {"macro_f1": macro_f1},
    TaskKind.MULTILABEL: {},
    TaskKind.REGRESSION: {},
}
"""Metrics that are no mean over rows, by kind of question."""


def means(target: Target) -> Mapping[str, tuple[NDArray[np.bool_], Floats]]:
    """Metrics that are means over rows: name -> (rows in the denominator, value of each row).

    Args:
        target: with truth.
    """
    wrong = target.wrong
    assert wrong is not None
    assert target.truth is not None
    everyone = np.ones(target.n, dtype=np.bool_)
    kind = target.task.kind
    if kind is TaskKind.REGRESSION:
        return {"mae": (everyone, wrong)}
    if kind is not TaskKind.BINARY:
        return {"error_rate": (everyone, wrong)}
    return {
        "error_rate": (everyone, wrong),
        "fpr": (target.truth == 0, wrong),
        "fnr": (target.truth == 1, wrong),
        "ppv": (target.decision == 1, 1 - wrong),
    }
