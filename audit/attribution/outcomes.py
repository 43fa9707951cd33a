"""Which examples are explained: a seeded choice over groups and over right, wrong and borderline."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from enum import StrEnum
from itertools import zip_longest

import numpy as np
from numpy.typing import NDArray

from audit.core import Attribute, Predictions, TaskKind

BORDERLINE = 0.1
"""Score within this of the threshold, or the best two classes within this of each other."""
Rows = NDArray[np.int64]


class Outcome(StrEnum):
    """How an output's decision about a row ended."""

    RIGHT = "right"
    WRONG = "wrong"
    BORDERLINE = "borderline"
    YES = "yes"
    """Without truth: decided positive, or not borderline among many classes."""
    NO = "no"


def outcomes(predictions: Predictions, label: int = -1) -> NDArray[np.object_]:
    """(n,) `Outcome` of every row.

    A number is right up to the median absolute error and wrong from its upper quartile on; between them it is
    borderline.

    Args:
        predictions: of one output.
        label: of a multilabel output.
    """
    truth, scores, decision = predictions.truth, predictions.scores, predictions.decision
    if predictions.task.kind is TaskKind.MULTILABEL:
        truth = None if truth is None else truth[:, label]
        scores = None if scores is None else scores[:, label]
        decision = decision[:, label]
    made = np.full(len(decision), Outcome.YES.value, dtype=object)
    if predictions.task.kind is TaskKind.REGRESSION:
        return made if truth is None else _of_numbers(np.abs(decision - truth))
    if truth is not None:
        made[:] = np.where(decision == truth, Outcome.RIGHT.value, Outcome.WRONG.value)
    elif predictions.task.kind is not TaskKind.MULTICLASS:
        made[:] = np.where(decision == 1, Outcome.YES.value, Outcome.NO.value)
    if scores is not None:
        made[_near(predictions, scores, label)] = Outcome.BORDERLINE.value
    return made


def choose(strata: Sequence[Sequence[Rows]], size: int, seed: int) -> Rows:
    """Choose rows over strata in turn, and inside a stratum over its parts in turn, a row once.

    Args:
        strata: of each its parts, of each the rows, drawn in a random order; they may overlap.
        size: rows at most; the same seed and a larger size give these and more.
        seed: of the orders.

    Returns:
        Rows, increasing.
    """
    rng = np.random.default_rng(seed)
    queues = [_in_turn([rng.permutation(rows).tolist() for rows in parts]) for parts in strata]
    return np.array(sorted(_in_turn(queues)[:size]), dtype=np.int64)


def _in_turn(queues: Sequence[list[int]]) -> list[int]:
    """One of each queue, then the next of each, every number once."""
    turns = zip_longest(*queues)
    return list(dict.fromkeys(row for turn in turns for row in turn if row is not None))


def example_strata(
    predictions: Mapping[str, Predictions], attributes: Mapping[str, Attribute], audited: NDArray[np.bool_]
) -> list[list[Rows]]:
    """Rows by output, outcome and decision; the parts of each stratum are its groups.

    Args:
        predictions: all outputs.
        attributes: whose values are the parts; none: a stratum has one part.
        audited: (n,) rows that may be chosen.
    """
    made: list[list[Rows]] = []
    for kind in (Outcome.WRONG, Outcome.BORDERLINE, Outcome.RIGHT, Outcome.YES, Outcome.NO):
        for one in predictions.values():
            mine = one.take(audited[one.rows])
            labels = range(len(mine.task.classes)) if mine.task.kind is TaskKind.MULTILABEL else (-1,)
            for label in labels:
                kinds = outcomes(mine, label)
                decided = mine.decision if mine.decision.ndim == 1 else mine.decision[:, label]
                if mine.task.kind is TaskKind.REGRESSION:
                    decided = np.zeros(len(kinds), dtype=np.int64)
                for code in np.unique(decided)[::-1]:
                    rows = mine.rows[(kinds == kind.value) & (decided == code)]
                    made.append(group_strata(rows, attributes) or [rows])
    return [parts for parts in made if any(len(rows) for rows in parts)]


def group_strata(rows: Rows, attributes: Mapping[str, Attribute]) -> list[Rows]:
    """Rows of each value of each attribute; `unknown` is no group."""
    return [
        rows[attribute.codes[rows] == code]
        for attribute in attributes.values()
        for code in range(len(attribute.values))
        if code != attribute.unknown_code
    ]


def _of_numbers(error: NDArray[np.float64]) -> NDArray[np.object_]:
    made = np.full(len(error), Outcome.BORDERLINE.value, dtype=object)
    if len(error):
        middle, upper = np.quantile(error, (0.5, 0.75))
        made[error >= upper] = Outcome.WRONG.value
        made[error <= middle] = Outcome.RIGHT.value
    return made


def _near(predictions: Predictions, scores: NDArray[np.float64], label: int) -> NDArray[np.bool_]:
    if predictions.task.kind is TaskKind.MULTICLASS:
        if scores.shape[1] < 2:
            return np.zeros(len(scores), dtype=np.bool_)
        best = np.partition(scores, -2, axis=1)[:, -2:]
        return np.asarray(best[:, 1] - best[:, 0] < BORDERLINE)
    if not predictions.thresholds:
        return np.zeros(len(scores), dtype=np.bool_)
    threshold = predictions.thresholds[max(label, 0)]
    return np.asarray(np.abs(scores - threshold) < BORDERLINE)
