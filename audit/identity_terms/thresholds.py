"""What if: one common threshold for every text, its errors by identity, and the one whose worst is least.

Thresholds of their own for identities are not offered. A choice made on the rows that it is shown on flatters
itself a little; it is a what-if, not advice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit import intervals
from audit.core import Reason
from audit.group_error.thresholds import grid
from audit.identity_terms.label import Label
from audit.identity_terms.order import Floats, Ints
from audit.intervals import Interval

COST = 0.01
"""Overall balanced accuracy that a choice may cost against the decisions in force."""
CRITERIA = ("balanced_error", "fpr", "fnr")
"""What is least for the worst identity: (FPR + FNR) ÷ 2, or one of the two."""


@dataclass(frozen=True, kw_only=True)
class Grid:
    """Errors of everyone (index 0) and of K identities at G thresholds."""

    label: Label
    thresholds: Floats
    n: Ints
    """(2, K + 1) rows without and with the label."""
    fpr: Interval
    """(K + 1, G) Wilson."""
    fnr: Interval
    selected: Floats
    """(K + 1, G) share of rows at or above the threshold."""


@dataclass(frozen=True, kw_only=True)
class Choice:
    """The common threshold with the least error of the worst identity, within the cost."""

    criterion: str
    reason: Reason | None
    """Why there is none."""
    threshold: float = np.nan
    worst: int = -1
    """Identity with the largest error there."""
    value: float = np.nan
    """Its error."""
    worst_now: int = -1
    """Identity with the largest error under the decisions in force."""
    now: float = np.nan
    balanced_accuracy: float = np.nan
    """Of everyone, at the chosen threshold."""
    balanced_accuracy_now: float = np.nan
    identities: int = 0
    """Identities that count: at least the minimum n in the classes that the criterion needs."""


def threshold_grid(label: Label, level: float) -> Grid:
    """Count errors at every threshold of `audit.group_error.thresholds.grid`.

    With clusters the intervals take rows as independent, as in the other what-if tables.

    Args:
        label: with scores and truth.
        level: of the Wilson intervals.
    """
    target = label.target
    assert target.scores is not None
    assert target.truth is not None
    cuts = grid(target.threshold)
    reached = np.searchsorted(cuts, target.scores, side="right")  # how many thresholds the score reaches
    width = cuts.size + 1
    cells = reached + width * target.truth.astype(np.int64)
    groups = [cells, *(cells[rows] for rows in label.members)]
    counts = np.stack([np.bincount(part, minlength=2 * width).reshape(2, width) for part in groups])
    above = counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1][:, :, 1:]
    total = counts.sum(axis=2)
    negatives, positives = (np.repeat(total[:, t, None], cuts.size, axis=1) for t in (0, 1))
    with np.errstate(invalid="ignore", divide="ignore"):
        selected = above.sum(axis=1) / (negatives + positives)
    return Grid(
        label=label,
        thresholds=cuts,
        n=total.T,
        fpr=intervals.wilson(above[:, 0], negatives, level),
        fnr=intervals.wilson(positives - above[:, 1], positives, level),
        selected=selected,
    )


def choose(found: Grid, criterion: str, minimum_n: int) -> Choice:
    """Least error of the worst identity among thresholds that cost at most COST of balanced accuracy.

    Ties go to the higher balanced accuracy, then to the threshold nearest the one in force.

    Args:
        found: the errors.
        criterion: one of CRITERIA.
        minimum_n: rows that an identity needs in each class that the criterion counts.
    """
    fpr_now, fnr_now = _rates_now(found.label)
    balanced_now = 1 - (fpr_now[0] + fnr_now[0]) / 2
    if np.isnan(balanced_now):
        return Choice(criterion=criterion, reason=Reason.ONE_CLASS)
    needed = {"fpr": [0], "fnr": [1]}.get(criterion, [0, 1])
    counted = np.flatnonzero((found.n[needed, 1:] >= max(minimum_n, 1)).all(axis=0))
    if counted.size == 0:
        return Choice(criterion=criterion, reason=Reason.TOO_FEW, balanced_accuracy_now=balanced_now)
    balanced = 1 - (found.fpr.value[0] + found.fnr.value[0]) / 2
    errors = _error(criterion, found.fpr.value, found.fnr.value)[1:][counted]
    now = _error(criterion, fpr_now, fnr_now)[1:][counted]
    allowed = balanced >= balanced_now - COST - 1e-12
    worst = np.where(allowed, errors.max(axis=0), np.inf)
    if not allowed.any():
        return Choice(criterion=criterion, reason=Reason.NO_THRESHOLD, balanced_accuracy_now=balanced_now)
    now_at = found.label.target.threshold
    away = np.abs(found.thresholds - (0.5 if now_at is None else now_at))
    best = np.lexsort((away, -balanced, worst))[0]
    return Choice(
        criterion=criterion,
        reason=None,
        threshold=float(found.thresholds[best]),
        worst=int(counted[errors[:, best].argmax()]),
        value=float(errors[:, best].max()),
        worst_now=int(counted[now.argmax()]),
        now=float(now.max()),
        balanced_accuracy=float(balanced[best]),
        balanced_accuracy_now=balanced_now,
        identities=counted.size,
    )


def _rates_now(label: Label) -> tuple[Floats, Floats]:
    """(K + 1,) FPR and FNR under the decisions in force, everyone first."""
    truth, decision = label.target.truth, label.target.decision
    assert truth is not None
    found = []
    for kind in (0, 1):
        possible, wrong = truth == kind, (truth == kind) & (decision != kind)
        rows: list[NDArray[np.int64] | slice] = [slice(None), *label.members]
        counts = [(wrong[r].sum(), possible[r].sum()) for r in rows]
        found.append(np.array([e / n if n else np.nan for e, n in counts]))
    return found[0], found[1]


def _error(criterion: str, fpr: Floats, fnr: Floats) -> Floats:
    return {"fpr": fpr, "fnr": fnr}.get(criterion, (fpr + fnr) / 2)
