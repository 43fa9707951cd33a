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
POINTS_AT_ONCE = 200_000
"""Of all slices together."""
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
    known = np.flatnonzero(~np.isnan(difference(counts)))
    seen = np.abs(studentised(counts[known], difference))
    moved = np.stack([counts[:, 1] + counts[:, 2], counts[:, 5] + counts[:, 6]], axis=1)
    points = (moved + 1).prod(axis=1)[known]
    found[known] = 2 * ndtr(-seen)
    summed = np.flatnonzero(points <= MOST_POINTS)
    chunk = np.cumsum(points[summed]) // POINTS_AT_ONCE
    for which in np.unique(chunk):
        own = summed[chunk == which]
        found[known[own]] = _enumerated(counts[known[own]], moved[known[own]], seen[own], difference)
    return found


def _enumerated(counts: Array, moved: Array, seen: Array, difference: Callable[[Array], Array]) -> Array:
    """Sum the weights of all points whose studentised change is at least as far from 0 as the one seen.

    Args:
        counts: (k, 8).
        moved: (k, 2) rows that changed among the negatives and the positives.
        seen: (k,) size of the studentised change.
        difference: as in `exchange_p`.
    """
    sizes = (moved + 1).prod(axis=1).astype(np.int64)
    owner = np.repeat(np.arange(len(counts)), sizes)
    place = np.arange(len(owner)) - np.repeat(np.cumsum(sizes) - sizes, sizes)
    gained = np.stack(np.divmod(place, moved[owner, 1] + 1), axis=1)
    points = counts[owner]
    points[:, [1, 5]], points[:, [2, 6]] = gained, moved[owner] - gained
    weights = np.exp(_binomial(moved[owner], gained).sum(axis=1))
    reached = np.abs(studentised(points, difference))
    with np.errstate(invalid="ignore"):
        extreme = reached >= seen[owner] * _TIE
    weights = np.where(np.isnan(reached), 0.0, weights)
    total = np.bincount(owner, weights, len(counts))
    tail = np.bincount(owner, weights * extreme, len(counts))
    return np.asarray(np.minimum(tail / np.where(total > 0, total, np.nan), 1.0))


def _binomial(n: Array, k: Array) -> Array:
    """Log of the chance of k among n at one half."""
    return np.asarray(gammaln(n + 1) - gammaln(k + 1) - gammaln(n - k + 1) - n * np.log(2.0))


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
