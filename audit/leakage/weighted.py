"""Metrics as functions of how often each row counts: ones for the data, others for bootstrap draws."""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np
from numpy.typing import NDArray

from audit.core import TaskKind
from audit.group_error.targets import Target

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
    begin = np.flatnonzero(np.append(True, scores[1:] != scores[:-1]))
    sorted_weights = weights[:, order]
    up = np.add.reduceat(sorted_weights * positive, begin, axis=1)
    down = np.add.reduceat(sorted_weights * ~positive, begin, axis=1)
    below = np.cumsum(down, axis=1) - down / 2
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.asarray((up * below).sum(axis=1) / (up.sum(axis=1) * down.sum(axis=1)))


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
    hits = weights @ (truth & decision).astype(np.float64)
    marked = weights @ truth.astype(np.float64) + weights @ decision.astype(np.float64)
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
