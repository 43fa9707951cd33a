"""From one target's rows to the moments of every slice, and the forms that read metrics from them."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.calibration import per_row_losses
from audit.core import Reason, TaskKind
from audit.counts import cell_counts, value_sums
from audit.group_error import confusion, regression
from audit.group_error.forms import Array, Form, HalfSum, Mean, Rate
from audit.group_error.targets import Target
from audit.slices import SliceSet

TN, FP, FN, TP = 0, 1, 2, 3


@dataclass(frozen=True, kw_only=True)
class Measures:
    """Everything additive about one target."""

    moments: Array
    """(S, m)."""
    forms: Mapping[str, Form]
    indicators: Mapping[str, tuple[Array, NDArray[np.bool_]]]
    """Metric -> per-row value (n,) and which rows count (n,), for design effects. Metrics that
    are absent use the target's error."""


def measure(target: Target, slices: SliceSet) -> Measures:
    """Count a target over the slices.

    Args:
        target: n rows of one question.
        slices: S slices of the same rows.

    Returns:
        Moments and forms of every metric that the target's kind, truth and scores allow, but for the ranking
        metrics and calibration, which are not sums.
    """
    if target.truth is None:
        return _without_truth(target, slices)
    if target.task.kind is TaskKind.BINARY:
        return _binary(target, slices)
    if target.task.kind is TaskKind.MULTICLASS:
        return _multiclass(target, slices)
    if target.task.kind is TaskKind.MULTILABEL:
        return _multilabel(target, slices)
    return _regression(target, slices)


def _without_truth(target: Target, slices: SliceSet) -> Measures:
    if target.task.kind is not TaskKind.BINARY:
        return Measures(moments=np.zeros((len(slices), 0)), forms={}, indicators={})
    everyone = np.ones(target.n, dtype=bool)
    return Measures(
        moments=cell_counts(slices, target.decision.astype(np.int64), 2),
        forms={"selection_rate": Rate((1,), (0, 1))},
        indicators={"selection_rate": (target.decision.astype(np.float64), everyone)},
    )


def _binary(target: Target, slices: SliceSet) -> Measures:
    assert target.truth is not None
    truth, decision = target.truth.astype(np.int64), target.decision.astype(np.int64)
    moments = cell_counts(slices, truth * 2 + decision, 4)
    everything = (TN, FP, FN, TP)
    tpr, tnr = Rate((TP,), (FN, TP), Reason.NO_POSITIVES), Rate((TN,), (TN, FP), Reason.NO_NEGATIVES)
    forms: dict[str, Form] = {
        "base_rate": Rate((FN, TP), everything),
        "selection_rate": Rate((FP, TP), everything),
        "accuracy": Rate((TN, TP), everything),
        "error_rate": Rate((FP, FN), everything),
        "tpr": tpr,
        "fpr": Rate((FP,), (TN, FP), Reason.NO_NEGATIVES),
        "fnr": Rate((FN,), (FN, TP), Reason.NO_POSITIVES),
        "ppv": Rate((TP,), (FP, TP), Reason.NO_SELECTED),
        "balanced_accuracy": HalfSum(tpr, tnr),
        "f1": confusion.f1_from_jaccard((TP,), (FP, FN, TP)),
    }
    wrong = (truth != decision).astype(np.float64)
    everyone = np.ones(target.n, dtype=bool)
    chosen = decision.astype(np.float64)
    indicators = {
        "base_rate": (truth.astype(np.float64), everyone),
        "selection_rate": (chosen, everyone),
        "tpr": (wrong, truth == 1),
        "fnr": (wrong, truth == 1),
        "fpr": (wrong, truth == 0),
        "ppv": (wrong, decision == 1),
    }
    if target.scores is not None:
        losses = per_row_losses(target.scores, truth)
        moments, forms = _with_losses(moments, forms, slices, losses.brier, losses.log_loss, everything)
        indicators |= {"brier": (losses.brier, everyone), "log_loss": (losses.log_loss, everyone)}
    return Measures(moments=moments, forms=forms, indicators=indicators)


def _with_losses(
    moments: Array,
    forms: Mapping[str, Form],
    slices: SliceSet,
    brier: Array | None,
    log_loss: Array,
    n: tuple[int, ...],
) -> tuple[Array, dict[str, Form]]:
    """Append the sums of per-row losses to the moments."""
    named = {"log_loss": log_loss} if brier is None else {"brier": brier, "log_loss": log_loss}
    grown = dict(forms)
    for name, values in named.items():
        at = moments.shape[1]
        moments = np.hstack([moments, value_sums(slices, (values, values**2))])
        grown[name] = Mean(n, at, at + 1)
    return moments, grown


def _multiclass(target: Target, slices: SliceSet) -> Measures:
    assert target.truth is not None
    classes = target.task.classes
    cells = confusion.compressed(target.truth, target.decision, len(classes))
    counts = cell_counts(slices, cells.codes, len(cells.truth))
    everything = tuple(range(len(cells.truth)))
    right = tuple(np.flatnonzero(cells.truth == cells.decision).tolist())
    wrong = tuple(np.flatnonzero(cells.truth != cells.decision).tolist())
    forms: dict[str, Form] = {
        "accuracy": Rate(right, everything),
        "error_rate": Rate(wrong, everything),
        "macro_f1": confusion.macro_f1(cells),
    }
    for code, name in enumerate(classes):
        hit = tuple(np.flatnonzero((cells.truth == code) & (cells.decision == code)).tolist())
        true = tuple(np.flatnonzero(cells.truth == code).tolist())
        said = tuple(np.flatnonzero(cells.decision == code).tolist())
        if true:
            forms[f"recall/{name}"] = Rate(hit, true, Reason.NO_POSITIVES)
        if said:
            forms[f"precision/{name}"] = Rate(hit, said, Reason.NO_SELECTED)
    moments = counts
    everyone = np.ones(target.n, dtype=bool)
    missed = (target.truth != target.decision).astype(np.float64)
    indicators: dict[str, tuple[Array, NDArray[np.bool_]]] = {}
    for code, name in enumerate(classes):
        indicators[f"recall/{name}"] = (missed, target.truth == code)
        indicators[f"precision/{name}"] = (missed, target.decision == code)
    if target.scores is not None:
        moments, top = confusion.top_k(moments, slices, target, everything)
        forms |= top
        losses = per_row_losses(target.scores, target.truth).log_loss
        moments, forms = _with_losses(moments, forms, slices, None, losses, everything)
        indicators["log_loss"] = (losses, everyone)
    return Measures(moments=moments, forms=forms, indicators=indicators)


def _multilabel(target: Target, slices: SliceSet) -> Measures:
    """The output as a whole: exact match where every label is known; micro and macro F1."""
    assert target.truth is not None
    complete = np.asarray((target.truth >= 0).all(axis=1))
    exact = np.asarray((target.truth == target.decision).all(axis=1))
    matched = cell_counts(slices, np.where(complete, exact, -1).astype(np.int64), 2)
    sums, forms = confusion.label_f1(target, slices, offset=2)
    return Measures(
        moments=np.hstack([matched, sums]),
        forms={"exact_match": Rate((1,), (0, 1)), **forms},
        indicators={"exact_match": (exact.astype(np.float64), complete)},
    )


def _regression(target: Target, slices: SliceSet) -> Measures:
    assert target.truth is not None
    error = target.decision - target.truth
    moments, forms = regression.sums(error, target.truth, slices)
    everyone = np.ones(target.n, dtype=bool)
    indicators = {
        "mae": (np.abs(error), everyone),
        "rmse": (error**2, everyone),
        "bias": (error, everyone),
        "within_5": ((np.abs(error) <= 5).astype(np.float64), everyone),
        "within_10": ((np.abs(error) <= 10).astype(np.float64), everyone),
    }
    return Measures(moments=moments, forms=forms, indicators=indicators)
