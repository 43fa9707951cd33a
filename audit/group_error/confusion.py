"""F1 and its relatives from counts of (truth, decision), and top-k accuracy."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.core import Reason
from audit.counts import cell_counts, value_sums
from audit.group_error.forms import Array, Form, Linearised, Rate
from audit.group_error.targets import Target
from audit.slices import SliceSet

MOST_LABELS = 20
"""Above it the macro average over labels has no interval: it takes (2L)² cross moments."""


def f1_from_jaccard(hits: tuple[int, ...], relevant: tuple[int, ...]) -> Rate:
    """F1 as a monotone function of a binomial share.

    Of the TP + FP + FN rows that are positive in truth or decision a share J is hit, and F1 = 2J / (1 + J):
    given their number, J is binomial, so the Wilson limits of J give limits of F1 (no bootstrap, finite at 0
    and 1).
    """
    return Rate(hits, relevant, Reason.NO_POSITIVES, "Wilson score of J, F1 = 2J/(1+J)", _f1)


def _f1(jaccard: Array) -> Array:
    return 2 * jaccard / (1 + jaccard)


class Cells(NamedTuple):
    """The pairs of (truth, decision) that occur anywhere."""

    codes: NDArray[np.int64]
    """(n,) pair of each row."""
    truth: NDArray[np.int64]
    """(k,) class code of each pair's truth."""
    decision: NDArray[np.int64]
    """(k,) class code of each pair's decision."""


def compressed(truth: NDArray[np.integer], decision: NDArray[np.integer], classes: int) -> Cells:
    """Number the pairs of (truth, decision) that occur."""
    pair = truth.astype(np.int64) * classes + decision
    seen = np.flatnonzero(np.bincount(pair, minlength=classes * classes))
    place = np.zeros(classes * classes, dtype=np.int64)
    place[seen] = np.arange(len(seen))
    return Cells(place[pair], seen // classes, seen % classes)


def macro_f1(cells: Cells) -> Linearised:
    """Mean F1 over the classes that a slice has in truth or decision, as scikit-learn averages them.

    The variance is the delta method's: a row with truth y and decision d moves the mean by
    (2·[y = d]/D_y − F1_y/D_y − F1_d/D_d) / classes, D being true plus decided rows of a class.
    """
    classes, compact = np.unique(np.concatenate([cells.truth, cells.decision]), return_inverse=True)
    truth, decision = compact[: len(cells.truth)], compact[len(cells.truth) :]
    k = len(cells.truth)
    is_true, is_said = np.zeros((k, len(classes))), np.zeros((k, len(classes)))
    is_true[np.arange(k), truth] = 1
    is_said[np.arange(k), decision] = 1

    def statistic(moments: Array) -> tuple[Array, Array, Array]:
        counts = moments[:, :k]
        n = counts.sum(axis=1)
        total = counts @ (is_true + is_said)
        with np.errstate(invalid="ignore", divide="ignore"):
            each = np.where(total > 0, 2 * (counts @ (is_true * is_said)) / total, 0.0)
            present = (total > 0).sum(axis=1)
            value = each.sum(axis=1) / present
            weight = np.where(total > 0, 1 / total, 0.0)
            move = (
                2 * (truth == decision) * weight[:, truth]
                - (each * weight)[:, truth]
                - (each * weight)[:, decision]
            ) / present[:, None]
            error = np.sqrt((counts * move**2).sum(axis=1) * n / (n - 1))
        return value, error, n

    return Linearised(statistic)


def top_k(
    moments: Array, slices: SliceSet, target: Target, n: tuple[int, ...]
) -> tuple[Array, dict[str, Form]]:
    """Append counts of rows whose true class is among the k best scored, k of 2, 3, 5.

    Ties go to the first column, as for the decision.
    """
    assert target.scores is not None
    assert target.truth is not None
    own = np.take_along_axis(target.scores, target.truth[:, None].astype(np.int64), axis=1)
    above = (target.scores > own).sum(axis=1)
    above += ((target.scores == own) & (np.arange(target.scores.shape[1]) < target.truth[:, None])).sum(
        axis=1
    )
    forms: dict[str, Form] = {}
    for k in (2, 3, 5):
        if k < target.scores.shape[1]:
            forms[f"top_{k}"] = Rate((moments.shape[1],), n)
            moments = np.hstack([moments, cell_counts(slices, np.where(above < k, 0, -1), 1)])
    return moments, forms


def label_f1(target: Target, slices: SliceSet, offset: int) -> tuple[Array, dict[str, Form]]:
    """Micro and macro F1 over labels, rows being the unit: a row's labels are not independent.

    Per row and label a = 2·TP and d = 2·TP + FP + FN; micro F1 = Σa / Σd, a ratio estimate with the delta
    method's variance; macro F1 = mean over labels of Σa / Σd (0 without truth and decision).
    """
    assert target.truth is not None
    seen = (target.truth >= 0) & (target.decision >= 0)
    both = ((target.truth == 1) & (target.decision == 1) & seen).astype(np.float64)
    either = (target.truth == 1).astype(np.float64) * seen + (target.decision == 1) * seen
    a, d = 2 * both, either
    labels = a.shape[1]
    columns = [np.ones(len(a)), *a.T, *d.T]
    cross = np.hstack([a, d]) if labels <= MOST_LABELS else np.stack([a.sum(axis=1), d.sum(axis=1)], axis=1)
    width = cross.shape[1]
    columns += [cross[:, i] * cross[:, j] for i in range(width) for j in range(width)]
    sums = value_sums(slices, columns)

    def part(moments: Array) -> tuple[Array, Array, Array, Array]:
        own = moments[:, offset:]
        n, hit, relevant = own[:, 0], own[:, 1 : labels + 1], own[:, labels + 1 : 2 * labels + 1]
        second = own[:, 2 * labels + 1 : 2 * labels + 1 + width * width].reshape(-1, width, width)
        return n, hit, relevant, second

    def spread(gradient: Array, second: Array, n: Array) -> Array:
        square = np.einsum("si,sij,sj->s", gradient, second, gradient)
        with np.errstate(invalid="ignore", divide="ignore"):
            return np.asarray(np.sqrt(np.maximum(square, 0) * n / (n - 1)))

    def micro(moments: Array) -> tuple[Array, Array, Array]:
        n, hit, relevant, second = part(moments)
        with np.errstate(invalid="ignore", divide="ignore"):
            value = hit.sum(axis=1) / relevant.sum(axis=1)
            weight = 1 / relevant.sum(axis=1)
        half = width // 2
        gradient = np.hstack(
            [np.repeat(weight[:, None], half, axis=1), np.repeat((-value * weight)[:, None], half, axis=1)]
        )
        return value, spread(gradient, second, n), n

    def macro(moments: Array) -> tuple[Array, Array, Array]:
        n, hit, relevant, second = part(moments)
        with np.errstate(invalid="ignore", divide="ignore"):
            weight = np.where(relevant > 0, 1 / relevant, 0.0) / labels
        each = np.where(relevant > 0, hit * weight * labels, 0.0)
        value = np.where(n > 0, each.mean(axis=1), np.nan)
        if labels > MOST_LABELS:
            return value, np.full(len(n), np.nan), n
        return value, spread(np.hstack([weight, -each * weight]), second, n), n

    return sums, {"micro_f1": Linearised(micro, Reason.NO_POSITIVES), "macro_f1": Linearised(macro)}
