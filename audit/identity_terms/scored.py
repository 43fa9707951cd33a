"""Scores and decisions of a model for sentences, by yes/no label; a model that fails gives a reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.core import Predictions, Task, TaskKind
from audit.errors import PlumblineError
from audit.protocols import Decides, Model, Progress
from audit.scoring import score


class ScoringError(PlumblineError):
    """The model could not score the sentences; the message says what it answered."""


@dataclass(frozen=True)
class Scored:
    """What a model says of n sentences, for K yes/no labels."""

    labels: tuple[str, ...]
    """(K,) names: an output's, or ``output/label``."""
    scores: NDArray[np.float64]
    """(n, K) probability."""
    decisions: NDArray[np.bool_]
    """(n, K) what the model decides."""


def labels_of(tasks: Mapping[str, Task]) -> tuple[str, ...]:
    """The yes/no labels of a model's outputs, in the order of `Scored.labels`."""
    names: list[str] = []
    for output, task in tasks.items():
        if task.kind is TaskKind.BINARY:
            names.append(output)
        elif task.kind is TaskKind.MULTILABEL:
            names += [f"{output}/{label}" for label in task.classes]
    return tuple(names)


def score_texts(
    model: Model,
    texts: Sequence[str],
    predictions: Mapping[str, Predictions] | None = None,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> Scored:
    """Score sentences; equal ones once, those of like length together.

    Args:
        model: of texts, with a yes/no or multilabel output.
        texts: n sentences.
        predictions: what was audited: gives the thresholds of a model that does not decide itself; an output
            that is not among them is decided at 0.5.
        keep: folder of finished parts of an interrupted audit; None: they are not kept.
        progress: told how many are scored.

    Raises:
        ScoringError: the model raised an error, or its scores have another shape or are no numbers.
    """
    distinct = sorted(set(texts), key=lambda text: (len(text), text))
    place = {text: i for i, text in enumerate(distinct)}
    if not texts:
        width = len(labels_of(model.tasks))
        return Scored(labels_of(model.tasks), np.empty((0, width)), np.empty((0, width), np.bool_))
    try:
        found = score(model, distinct, keep=keep, progress=progress)
        decided = dict(model.decide(found)) if isinstance(model, Decides) else {}
    except PlumblineError as error:
        raise ScoringError(f"The model failed: {error}") from error
    except Exception as error:  # a stranger's model: whatever it raises is told as its reason
        raise ScoringError(f"The model failed: {type(error).__name__}: {error}") from error
    columns, decisions = [], []
    for output, task in model.tasks.items():
        if task.kind not in (TaskKind.BINARY, TaskKind.MULTILABEL):
            continue
        values = found[output].reshape(len(distinct), -1)
        columns.append(values)
        if output in decided:
            decisions.append(np.asarray(decided[output]).reshape(values.shape).astype(np.bool_))
        else:
            decisions.append(values >= np.array(_thresholds(output, values.shape[1], predictions or {})))
    at = np.array([place[text] for text in texts])
    return Scored(labels_of(model.tasks), np.hstack(columns)[at], np.hstack(decisions)[at])


def _thresholds(output: str, labels: int, predictions: Mapping[str, Predictions]) -> tuple[float, ...]:
    given = predictions[output].thresholds if output in predictions else ()
    return given or (0.5,) * labels
