"""From logits to probabilities and decisions: Platt scaling and thresholds, from validation rows.

Platt, J. (1999). Probabilistic outputs for support vector machines: targets are (P + 1)/(P + 2) and 1/(N
+ 2), not 1 and 0, so that a handful of positives can't make the curve infinitely steep. A label with
fewer than `ENOUGH` positives borrows its slope from all labels together and fits only its own intercept.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray
from scipy.optimize import minimize
from scipy.special import expit

ENOUGH = 20  # positives below which a slope of one's own is mostly noise
ENOUGH_THRESHOLD = 10  # positives below which the best threshold is mostly noise: 0.5 is kept


@dataclass(frozen=True, kw_only=True)
class Calibration:
    """Probability = 1 / (1 + exp(-(slope · logit + intercept))), a label each."""

    slope: NDArray[np.float64]
    """(L,) above 0: the order of rows never changes."""
    intercept: NDArray[np.float64]
    """(L,)"""
    own: tuple[bool, ...] = ()
    """(L,) whether the slope is the label's own."""

    def __call__(self, logits: NDArray[Any]) -> NDArray[np.float64]:
        """(n, L) logits -> (n, L) probabilities."""
        return expit(np.asarray(logits, np.float64) * self.slope + self.intercept)

    def card(self) -> dict[str, Any]:
        """JSON values."""
        return {
            "method": "Platt scaling",
            "slope": self.slope.tolist(),
            "intercept": self.intercept.tolist(),
            "own_slope": list(self.own),
        }

    @classmethod
    def from_card(cls, card: dict[str, Any]) -> Calibration:
        """Rebuild from `card()`."""
        return cls(
            slope=np.array(card["slope"], np.float64),
            intercept=np.array(card["intercept"], np.float64),
            own=tuple(card.get("own_slope", ())),
        )

    @classmethod
    def none(cls, labels: int) -> Calibration:
        """The plain sigmoid."""
        return cls(slope=np.ones(labels), intercept=np.zeros(labels), own=(False,) * labels)


def calibrate(logits: NDArray[Any], truth: NDArray[Any]) -> Calibration:
    """Fit on rows that the network was not trained on.

    Args:
        logits: (n, L)
        truth: (n, L) 0, 1, or -1 for a label that is not known.
    """
    logits = np.asarray(logits, np.float64)
    known = [truth[:, label] >= 0 for label in range(truth.shape[1])]
    pairs = [(logits[k, i], truth[k, i].astype(float)) for i, k in enumerate(known)]
    enough = [min(int(y.sum()), int((1 - y).sum())) >= ENOUGH for _, y in pairs]
    rich = [pair for pair, good in zip(pairs, enough, strict=True) if good]
    shared = float(np.median([_platt(x, y)[0] for x, y in rich])) if rich else 1.0
    slope, intercept = np.full(len(pairs), shared), np.zeros(len(pairs))
    for i, (x, y) in enumerate(pairs):
        if len(y):
            slope[i], intercept[i] = _platt(x, y, None if enough[i] else shared)
    return Calibration(slope=slope, intercept=intercept, own=tuple(enough))


def thresholds(
    scores: NDArray[np.float64], truth: NDArray[Any]
) -> tuple[NDArray[np.float64], tuple[bool, ...]]:
    """The threshold of the largest F1 of each label, midway between two scores that occur.

    Args:
        scores: (n, L) probabilities of rows that the network was not trained on.
        truth: (n, L) 0, 1 or -1.

    Returns:
        (L,) thresholds, and whether each was tuned; 0.5 where there are too few positives to tell.
    """
    out, tuned = np.full(scores.shape[1], 0.5), []
    for label in range(scores.shape[1]):
        known = truth[:, label] >= 0
        s, y = scores[known, label], truth[known, label]
        tuned.append(bool(min(y.sum(), len(y) - y.sum()) >= ENOUGH_THRESHOLD))
        if tuned[-1]:
            out[label] = _best_f1(s, y)
    return out, tuple(tuned)


def _platt(x: NDArray[np.float64], y: NDArray[np.float64], slope: float | None = None) -> tuple[float, float]:
    positives, negatives = y.sum(), len(y) - y.sum()
    target = np.where(y == 1, (positives + 1) / (positives + 2), 1 / (negatives + 2))

    def loss(p: NDArray[np.float64]) -> tuple[float, NDArray[np.float64]]:
        steep = np.exp(p[1]) if slope is None else slope
        z = steep * x + p[0]
        error = expit(z) - target
        gradient = [error.mean(), (error * x).mean() * steep]
        return float(np.mean(np.logaddexp(0, z) - target * z)), np.array(gradient[: len(p)])

    start = np.zeros(
        2 if slope is None else 1
    )  # the slope is searched as a logarithm, so that it stays above 0
    found = minimize(loss, start, jac=True, method="L-BFGS-B", bounds=[(-30, 30), (-4, 4)][: len(start)]).x
    return (float(np.exp(found[1])) if slope is None else slope), float(found[0])


def _best_f1(scores: NDArray[np.float64], truth: NDArray[Any]) -> float:
    order = np.argsort(-scores, kind="stable")
    ranked, hits = scores[order], np.cumsum(truth[order])
    f1 = 2 * hits / (np.arange(1, len(ranked) + 1) + truth.sum())
    last = np.append(ranked[1:] < ranked[:-1], True)  # a threshold can't part equal scores
    best = int(np.argmax(np.where(last, f1, -1)))
    below = ranked[best + 1] if best + 1 < len(ranked) else 0.0
    return float((ranked[best] + below) / 2)
