"""What is measured: one yes/no, many-class or numeric question at a time."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.core import Predictions, Task, TaskKind


@dataclass(frozen=True, kw_only=True)
class Target:
    """One question: an output, or one label of a multilabel output."""

    name: str
    """``output`` or ``output/label``."""
    task: Task
    rows: NDArray[np.int64]
    """(n,) positions in Examples."""
    truth: NDArray[Any] | None
    scores: NDArray[np.float64] | None
    decision: NDArray[Any]
    threshold: float | None
    """Yes/no with scores: the decision threshold."""

    @property
    def n(self) -> int:
        """Number of rows."""
        return len(self.rows)

    def take(self, at: NDArray[Any]) -> Target:
        """Select rows.

        Args:
            at: their positions, or a mask.
        """
        return replace(
            self,
            rows=self.rows[at],
            truth=None if self.truth is None else self.truth[at],
            scores=None if self.scores is None else self.scores[at],
            decision=self.decision[at],
        )

    @property
    def wrong(self) -> NDArray[np.float64] | None:
        """(n,) the error of each row: 0 or 1, or the absolute error of a number; None without truth."""
        if self.truth is None:
            return None
        if self.task.kind is TaskKind.REGRESSION:
            return np.asarray(np.abs(self.decision - self.truth))
        if self.truth.ndim > 1:
            return np.asarray((self.truth != self.decision).any(axis=1), dtype=np.float64)
        return np.asarray(self.truth != self.decision, dtype=np.float64)


def targets(predictions: Predictions) -> Iterator[Target]:
    """Yield the output as a whole, and for a multilabel output each label as a yes/no question of its own."""
    whole = Target(
        name=predictions.output,
        task=predictions.task,
        rows=predictions.rows,
        truth=predictions.truth,
        scores=predictions.scores,
        decision=predictions.decision,
        threshold=_threshold(predictions),
    )
    yield whole
    if predictions.task.kind is TaskKind.MULTILABEL:
        for j, label in enumerate(predictions.task.classes):
            yield _label(predictions, j, label)


def _threshold(predictions: Predictions) -> float | None:
    scored = predictions.scores is not None and len(predictions.thresholds) > 0
    return predictions.thresholds[0] if scored and predictions.task.kind is TaskKind.BINARY else None


def _label(predictions: Predictions, j: int, label: str) -> Target:
    truth = None if predictions.truth is None else predictions.truth[:, j]
    scores = None if predictions.scores is None else predictions.scores[:, j]
    decision = predictions.decision[:, j]
    usable = decision >= 0
    if truth is not None:
        usable = usable & (truth >= 0)
    return Target(
        name=f"{predictions.output}/{label}",
        task=Task(kind=TaskKind.BINARY, classes=(f"not {label}", label)),
        rows=predictions.rows[usable],
        truth=None if truth is None else truth[usable],
        scores=None if scores is None else scores[usable],
        decision=decision[usable],
        threshold=predictions.thresholds[j] if predictions.thresholds and scores is not None else None,
    )
