"""The exchange test: what a change would be if old and new were the same model, by swapping them row by row.

Under "old and new are exchangeable" each row whose decision changed is as likely to have changed the other
way. Of the D0 changed negatives and the D1 changed positives, those that gained a yes are then two binomial
draws at one half: the whole null distribution has (D0 + 1)(D1 + 1) points and is summed, not sampled. For
accuracy the test is exact McNemar. The change is divided by its standard error at every point (studentised),
which keeps the level where PPV is equal but the models are not exchangeable (Chung & Romano 2013, Annals of
Statistics 41, 484-507).
"""

from __future__ import annotations

from collections.abc import Callable

import numpy as np
from numpy.typing import NDArray
from scipy.special import gammaln, ndtr

Array = NDArray[np.float64]
MOST_POINTS = 4_000
"""Null points that are summed at most; with more the normal law is used: over a hundred rows changed then."""
_TIE = 1 - 1e-9
_STEP = 1e-4


def exchange_p(counts: Array, difference: Callable[[Array], Array]) -> Array:
    """Give the two-sided p of a change of a function of yes/no counts.

    Args:
        counts: whole numbers (S, 8), in the order truth, old, new as binary digits.
        difference: counts (..., 8) -> new - old (...), NaN where undefined.

    Returns:
        (S,) p; NaN where the change is undefined.
    """
    found = np.full(len(counts), np.nan)
    for i, row in enumerate(counts):
        observed = difference(row)
        if np.isnan(observed):
            continue
        moved = (int(row[1] + row[2]), int(row[5] + row[6]))
        if (moved[0] + 1) * (moved[1] + 1) > MOST_POINTS:
            found[i] = 2 * ndtr(-abs(float(studentised(row, difference))))
        else:
            found[i] = _enumerated(row, moved, difference)
    return found


def _enumerated(row: Array, moved: tuple[int, int], difference: Callable[[Array], Array]) -> float:
    """Sum the weights of all points whose studentised change is at least as far from 0 as the one seen."""
    first, second = (np.arange(m + 1.0) for m in moved)
    gained0, gained1 = (grid.ravel() for grid in np.meshgrid(first, second, indexing="ij"))
    points = np.repeat(row[None], len(gained0), axis=0)
    points[:, 1], points[:, 2] = gained0, moved[0] - gained0
    points[:, 5], points[:, 6] = gained1, moved[1] - gained1
    weights = np.outer(_binomial(moved[0]), _binomial(moved[1])).ravel()
    reached = np.abs(studentised(points, difference))
    seen = abs(float(studentised(row, difference)))
    extreme = reached >= seen * _TIE
    undefined = np.isnan(reached)
    total = weights[~undefined].sum()
    return float(min(weights[extreme & ~undefined].sum() / total, 1.0)) if total > 0 else np.nan


def _binomial(n: int) -> Array:
    k = np.arange(n + 1.0)
    return np.asarray(np.exp(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * np.log(2.0)))


def studentised(counts: Array, difference: Callable[[Array], Array]) -> Array:
    """Change ÷ its standard error by the delta method on multinomial counts (..., 8).

    0 where nothing changes; infinite where the change is certain by its own standard error of 0.
    """
    value = difference(counts)
    n = counts.sum(axis=-1)
    slopes = np.empty_like(counts)
    for k in range(counts.shape[-1]):
        step = np.zeros(counts.shape[-1])
        step[k] = _STEP
        # a central difference; a count of 0 weighs nothing in the variance, whatever its slope
        here = np.where(counts[..., k] > 0, _STEP, 0.0)[..., None] * (step / _STEP)
        slopes[..., k] = (difference(counts + here) - difference(counts - here)) / (2 * _STEP)
    mean = (counts * slopes).sum(axis=-1) / n
    variance = (counts * (slopes - mean[..., None]) ** 2).sum(axis=-1)
    with np.errstate(divide="ignore", invalid="ignore"):
        ratio = np.where(variance > 1e-14, value / np.sqrt(variance), np.sign(value) * np.inf)
    return np.asarray(np.where(np.abs(value) < 1e-12, 0.0, ratio))
