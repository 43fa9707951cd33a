"""From the rows of a pair of targets to the joint moments of every slice, and the forms that read changes.

What one version alone would measure is `audit.group_error.measures`; here every cell knows both decisions.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.calibration import per_row_losses
from audit.core import Reason, TaskKind
from audit.counts import cell_counts, value_sums
from audit.group_error.targets import Target
from audit.slices import SliceSet
from audit.versions.explained import R2, r2_values
from audit.versions.join import Pair
from audit.versions.joint_counts import JointCounts, balanced_accuracy, f1, ppv
from audit.versions.linearised import MacroF1, MicroF1
from audit.versions.paired import Array, PairedForm, PairedMean, PairedRate

MOST_TRIPLES = 5_000
"""Above so many (truth, old, new) triples macro F1 has no paired interval and is left out."""
MOST_PRECISIONS = 20
"""Above so many classes the precision of each is left out: every one takes a bootstrap."""
FUNCTIONS = (ppv, f1, balanced_accuracy)
"""Functions of a yes/no output's counts that share a bootstrap."""
FPR = PairedRate(both=(3,), only_old=(2,), only_new=(1,), neither=(0,), empty=Reason.NO_NEGATIVES)
FNR = PairedRate(both=(4,), only_old=(5,), only_new=(6,), neither=(7,), empty=Reason.NO_POSITIVES)
"""Over the eight joint counts of (truth, old, new)."""
RowValues = tuple[Array, NDArray[np.bool_]]


@dataclass(frozen=True, kw_only=True)
class JointMeasures:
    """Everything additive about a pair."""

    joint: Array
    """(S, m)."""
    forms: Mapping[str, PairedForm]
    rows: Mapping[str, RowValues] = field(default_factory=dict)
    """Metric -> change of each row (n,) and which rows count (n,), for design effects."""
    notes: tuple[str, ...] = ()


def measure_pair(pair: Pair, slices: SliceSet) -> JointMeasures:
    """Count a pair over the slices.

    Args:
        pair: n rows of one question, answered twice.
        slices: S slices of the same rows.

    Returns:
        Moments and forms of every metric that is a sum; AUC is in `audit.versions.ranking`.
    """
    kind = pair.old.task.kind
    if pair.old.truth is None:
        return _without_truth(pair, slices)
    measured = {
        TaskKind.BINARY: _binary,
        TaskKind.MULTICLASS: _multiclass,
        TaskKind.MULTILABEL: _multilabel,
        TaskKind.REGRESSION: _regression,
    }
    return measured[kind](pair, slices)


def _without_truth(pair: Pair, slices: SliceSet) -> JointMeasures:
    if pair.old.task.kind is not TaskKind.BINARY:
        return JointMeasures(joint=np.zeros((len(slices), 0)), forms={})
    code = pair.old.decision.astype(np.int64) * 2 + pair.new.decision
    moved = (pair.new.decision - pair.old.decision).astype(np.float64)
    return JointMeasures(
        joint=cell_counts(slices, code, 4),
        forms={"selection_rate": PairedRate(both=(3,), only_old=(2,), only_new=(1,), neither=(0,))},
        rows={"selection_rate": (moved, np.ones(pair.old.n, dtype=bool))},
    )


def _binary(pair: Pair, slices: SliceSet) -> JointMeasures:
    truth, old, new = _codes(pair)
    joint = cell_counts(slices, truth * 4 + old * 2 + new, 8)
    eight = tuple(range(8))
    forms: dict[str, PairedForm] = {
        "error_rate": PairedRate(both=(3, 4), only_old=(2, 5), only_new=(1, 6), neither=(0, 7)),
        "fpr": FPR,
        "fnr": FNR,
        "selection_rate": PairedRate(both=(3, 7), only_old=(2, 6), only_new=(1, 5), neither=(0, 4)),
        "ppv": JointCounts(cells=eight, statistic=ppv, together=FUNCTIONS, n_of=((1, 3, 5, 7),)),
        "f1": JointCounts(
            cells=eight,
            statistic=f1,
            together=FUNCTIONS,
            n_of=((1, 2, 3, 4, 5, 6, 7),),
            empty=Reason.NO_POSITIVES,
        ),
        "balanced_accuracy": JointCounts(
            cells=eight,
            statistic=balanced_accuracy,
            together=FUNCTIONS,
            n_of=(eight[:4], eight[4:]),
            empty=Reason.ONE_CLASS,
        ),
    }
    moved = (new - old).astype(np.float64)
    worse = np.where(truth == 1, -moved, moved)
    every = np.ones(len(truth), dtype=bool)
    rows: dict[str, RowValues] = {
        "error_rate": (worse, every),
        "fpr": (worse, truth == 0),
        "fnr": (worse, truth == 1),
        "selection_rate": (moved, every),
        "ppv": (worse, (old == 1) | (new == 1)),
        "f1": (worse, every),
        "balanced_accuracy": (worse, every),
    }
    if pair.old.scores is not None and pair.new.scores is not None:
        before, after = per_row_losses(pair.old.scores, truth), per_row_losses(pair.new.scores, truth)
        for name in ("brier", "log_loss"):
            u, v = getattr(before, name), getattr(after, name)
            joint, forms[name] = _with_mean(joint, slices, u, v, eight)
            rows[name] = (v - u, every)
    return JointMeasures(joint=joint, forms=forms, rows=rows)


def _codes(pair: Pair) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.int64]]:
    assert pair.old.truth is not None
    return (
        pair.old.truth.astype(np.int64),
        pair.old.decision.astype(np.int64),
        pair.new.decision.astype(np.int64),
    )


def _with_mean(
    joint: Array, slices: SliceSet, u: Array, v: Array, n: tuple[int, ...], kind: Any = "plain"
) -> tuple[Array, PairedMean]:
    """Append what the paired change of a per-row number needs."""
    d, s = v - u, u + v
    sums = value_sums(slices, (u, v, d, d**2, s, s**2, d * s))
    return np.hstack([joint, sums]), PairedMean(n=n, first=joint.shape[1], kind=kind)


def _multiclass(pair: Pair, slices: SliceSet) -> JointMeasures:
    truth, old, new = _codes(pair)
    hit_old, hit_new = (old == truth).astype(np.int64), (new == truth).astype(np.int64)
    classes = pair.old.task.classes
    # digits (old hit, new hit): 1 = only the new version is right, 2 = only the old one
    joint = cell_counts(slices, truth * 4 + hit_old * 2 + hit_new, 4 * len(classes))
    cells = np.arange(4 * len(classes)).reshape(-1, 4)
    wrong, only_old, only_new, right = (tuple(cells[:, j].tolist()) for j in (0, 1, 2, 3))
    forms: dict[str, PairedForm] = {
        "error_rate": PairedRate(both=wrong, only_old=only_old, only_new=only_new, neither=right)
    }
    worse, every = (hit_old - hit_new).astype(np.float64), np.ones(len(truth), dtype=bool)
    rows: dict[str, RowValues] = {"error_rate": (worse, every), "macro_f1": (worse, every)}
    present = np.bincount(truth, minlength=len(classes))
    for code, name in enumerate(classes):
        missed, won, lost, kept = cells[code].tolist()
        if present[code]:
            forms[f"recall/{name}"] = PairedRate(
                both=(kept,), only_old=(lost,), only_new=(won,), neither=(missed,), empty=Reason.NO_POSITIVES
            )
            rows[f"recall/{name}"] = (worse, truth == code)
        if len(classes) <= MOST_PRECISIONS:
            joint, forms[f"precision/{name}"] = _precision(joint, slices, truth, old, new, code)
            rows[f"precision/{name}"] = (worse, (old == code) | (new == code))
    joint, macro = _macro(joint, slices, truth, old, new, len(classes))
    forms |= macro
    if pair.old.scores is not None and pair.new.scores is not None:
        u = per_row_losses(pair.old.scores, truth).log_loss
        v = per_row_losses(pair.new.scores, truth).log_loss
        joint, forms["log_loss"] = _with_mean(joint, slices, u, v, tuple(range(4 * len(classes))))
        rows["log_loss"] = (v - u, every)
    return JointMeasures(joint=joint, forms=forms, rows=rows)


def _precision(
    joint: Array,
    slices: SliceSet,
    truth: NDArray[np.int64],
    old: NDArray[np.int64],
    new: NDArray[np.int64],
    code: int,
) -> tuple[Array, JointCounts]:
    """Append the eight joint counts of one class against the rest."""
    at = joint.shape[1]
    cells = (truth == code) * 4 + (old == code) * 2 + (new == code)
    form = JointCounts(cells=tuple(range(at, at + 8)), statistic=ppv, n_of=((1, 3, 5, 7),))
    return np.hstack([joint, cell_counts(slices, cells, 8)]), form


def _macro(
    joint: Array,
    slices: SliceSet,
    truth: NDArray[np.int64],
    old: NDArray[np.int64],
    new: NDArray[np.int64],
    classes: int,
) -> tuple[Array, dict[str, PairedForm]]:
    """Append the counts of the (truth, old, new) triples that occur."""
    triple = (truth * classes + old) * classes + new
    seen, place = np.unique(triple, return_inverse=True)
    if len(seen) > MOST_TRIPLES:
        return joint, {}
    form = MacroF1(
        first=joint.shape[1],
        truth=seen // classes**2,
        old=seen // classes % classes,
        new=seen % classes,
        classes=classes,
    )
    return np.hstack([joint, cell_counts(slices, place, len(seen))]), {"macro_f1": form}


def _multilabel(pair: Pair, slices: SliceSet) -> JointMeasures:
    """The output as a whole; each label is a yes/no pair of its own."""
    assert pair.old.truth is not None
    truth = pair.old.truth
    complete = np.asarray(((truth >= 0) & (pair.old.decision >= 0) & (pair.new.decision >= 0)).all(axis=1))
    old, new = (np.asarray((t.decision == truth).all(axis=1)).astype(np.int64) for t in (pair.old, pair.new))
    joint = cell_counts(slices, np.where(complete, old * 2 + new, -1), 4)
    worse = (old - new).astype(np.float64)
    columns = [complete.astype(np.float64), _differs(pair) * complete]
    parts = [part for target in (pair.old, pair.new) for part in _label_parts(target, complete)]
    columns += parts + [one * other for one in parts for other in parts]
    return JointMeasures(
        joint=np.hstack([joint, value_sums(slices, columns)]),
        forms={
            "exact_match": PairedRate(both=(3,), only_old=(2,), only_new=(1,), neither=(0,)),
            "micro_f1": MicroF1(first=4),
        },
        rows={"exact_match": (worse, complete), "micro_f1": (worse, complete)},
    )


def _differs(pair: Pair) -> Array:
    return np.asarray((pair.old.decision != pair.new.decision).any(axis=1), dtype=np.float64)


def _label_parts(target: Target, complete: NDArray[np.bool_]) -> tuple[Array, Array]:
    """2·TP and 2·TP + FP + FN of each row, 0 for rows with a missing label."""
    assert target.truth is not None
    true, said = target.truth == 1, target.decision == 1
    hit = 2.0 * (true & said).sum(axis=1) * complete
    return hit, (true.sum(axis=1) + said.sum(axis=1)) * complete.astype(np.float64)


def _regression(pair: Pair, slices: SliceSet) -> JointMeasures:
    assert pair.old.truth is not None
    old, new = pair.old.decision - pair.old.truth, pair.new.decision - pair.old.truth
    joint = cell_counts(slices, np.zeros(len(old), np.int64), 1)
    joint, mae = _with_mean(joint, slices, np.abs(old), np.abs(new), (0,))
    joint, rmse = _with_mean(joint, slices, old**2, new**2, (0,), "root")
    joint, bias = _with_mean(joint, slices, old, new, (0,), "absolute")
    r2 = R2(first=joint.shape[1])
    joint = np.hstack([joint, value_sums(slices, r2_values(old, new, pair.old.truth))])
    forms: dict[str, PairedForm] = {"mae": mae, "rmse": rmse, "bias": bias, "r2": r2}
    every = np.ones(len(old), dtype=bool)
    rows: dict[str, RowValues] = {
        "mae": (np.abs(new) - np.abs(old), every),
        "rmse": (new**2 - old**2, every),
        "r2": (new**2 - old**2, every),
        "bias": (new - old, every),
    }
    for k in (5, 10):
        inside = [(np.abs(error) <= k).astype(np.int64) for error in (old, new)]
        at = joint.shape[1]
        joint = np.hstack([joint, cell_counts(slices, inside[0] * 2 + inside[1], 4)])
        forms[f"within_{k}"] = PairedRate(
            both=(at + 3,), only_old=(at + 2,), only_new=(at + 1,), neither=(at,)
        )
        rows[f"within_{k}"] = ((inside[1] - inside[0]).astype(np.float64), every)
    return JointMeasures(joint=joint, forms=forms, rows=rows)
