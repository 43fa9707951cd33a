"""The weighted linear model that LIME fits to a score, for all columns in one solve.

Source: Ribeiro, Singh & Guestrin (2016), "Why should I trust you?"; `lime.lime_base`, lime 0.2.0.1, whose
kernel, ridge regression, choice of features and R² these are.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.attribution.sampling import Masks

Array = NDArray[np.float64]
ALPHA = 1.0  # of the ridge that is reported
ALPHA_CHOICE = 0.01  # of the ridge that chooses features
FORWARD = 6  # up to so many features are chosen one by one, as lime's "auto" does
PICTURE_WIDTH = 0.25
PAIRS = 64  # features up to which the products of all pairs are held at once
ROUNDING = 1e-20  # variance of a score that did not change
TEXT_WIDTH, TEXT_SCALE = 25.0, 100.0


class Fit(NamedTuple):
    """A linear model of each of K columns."""

    weights: Array
    """(F, K) change of the score when the feature is shown; 0 for a feature that was not chosen."""
    intercept: Array
    """(K,)"""
    r2: Array
    """(K,) weighted R² on the samples; NaN where the score never changed."""
    local: Array
    """(K,) what the linear model says of the example itself."""


def proximity(masks: Masks, width: float, scale: float = 1.0) -> Array:
    """Weigh samples by their likeness to the example: √exp(-d² ÷ width²), d the cosine distance.

    Args:
        masks: (n, F); the distance of a mask that shows m of F features is 1 - √(m ÷ F).
        width: of the kernel; lime's is 0.25 for pictures and 25 for texts.
        scale: of the distance; lime's is 1 for pictures and 100 for texts.
    """
    shown = masks.mean(axis=1) if masks.shape[1] else np.ones(len(masks))
    distance = (1.0 - np.sqrt(shown)) * scale
    weights: Array = np.sqrt(np.exp(-(distance**2) / width**2))
    return weights


def fit(masks: Masks, scores: Array, weights: Array, features: int | None = None) -> Fit:
    """Fit every column.

    Args:
        masks: (n, F), the example itself first.
        scores: (n, K).
        weights: (n,) of the samples, from `proximity`.
        features: number of features in the explanation; None: all.
    """
    data = masks.astype(np.float64)
    if features is None or features >= data.shape[1]:
        coefficients = ridge(data, scores, weights, ALPHA)
    else:
        coefficients = np.zeros((data.shape[1], scores.shape[1]))
        for column in range(scores.shape[1]):
            target = scores[:, [column]]
            used = choose(data, target[:, 0], weights, features)
            coefficients[used, column] = ridge(data[:, used], target, weights, ALPHA)[:, 0]
    coefficients[:, ~_varies(scores, weights)] = 0.0
    centre = _mean(data, weights)
    intercept = _mean(scores, weights) - centre @ coefficients
    fitted = data @ coefficients + intercept
    return Fit(coefficients, intercept, _r2(scores, fitted, weights), fitted[0])


def ridge(data: Array, scores: Array, weights: Array, alpha: float) -> Array:
    """Solve the weighted ridge regression with a free intercept.

    Args:
        data: (n, F).
        scores: (n, K).
        weights: (n,).
        alpha: penalty on the squared coefficients.

    Returns:
        (F, K) coefficients.
    """
    root: Array = np.sqrt(weights)[:, None]
    x: Array = (data - _mean(data, weights)) * root
    y: Array = (scores - _mean(scores, weights)) * root
    if x.shape[1] <= x.shape[0]:
        return np.asarray(np.linalg.solve(x.T @ x + alpha * np.eye(x.shape[1]), x.T @ y), np.float64)
    # more features than samples: the same solution from the n x n system
    return np.asarray(x.T @ np.linalg.solve(x @ x.T + alpha * np.eye(x.shape[0]), y), np.float64)


def choose(data: Array, score: Array, weights: Array, features: int) -> NDArray[np.int64]:
    """Choose features as lime's "auto" does.

    Up to six are added one by one, each the one that raises the R² most; more are those of the largest
    weights in a ridge regression on all.

    Args:
        data: (n, F).
        score: (n,) of one column.
        weights: (n,) of the samples.
        features: how many.
    """
    if features > FORWARD:
        every = ridge(data, score[:, None], weights, ALPHA_CHOICE)[:, 0]
        return np.argsort(-np.abs(every * data[0]), kind="stable")[:features]
    root: Array = np.sqrt(weights)
    x: Array = (data - _mean(data, weights)) * root[:, None]
    y: Array = (score - _mean(score[:, None], weights)[0]) * root
    used: list[int] = []
    for _ in range(min(features, data.shape[1])):
        size = (x**2).sum(axis=0)
        with np.errstate(invalid="ignore", divide="ignore"):
            gain = np.where(size > 1e-12, (x.T @ y) ** 2 / size, 0.0)
        gain[used] = -1.0
        best = int(np.argmax(gain))
        used.append(best)
        if size[best] > 1e-12:  # what is left once the chosen feature has explained its part
            unit: Array = x[:, best] / float(np.sqrt(size[best]))
            y -= unit * (unit @ y)
            x -= np.outer(unit, unit @ x)
    return np.array(used, dtype=np.int64)


def refits(masks: Masks, scores: Array, weights: Array, replicates: int, seed: int) -> Array:
    """Fit again on samples drawn with replacement: how the weights would differ from run to run.

    The masks of a run are independent draws, so resampling them imitates another seed without a pass more.

    Returns:
        (replicates, F, K).
    """
    data, n = masks.astype(np.float64), len(masks)
    draws = np.random.default_rng(seed).multinomial(n, np.full(n, 1 / n), size=replicates)
    if data.shape[1] <= PAIRS:
        return _refits_at_once(data, scores, weights * draws)
    made = np.empty((replicates, data.shape[1], scores.shape[1]))
    for i, counts in enumerate(draws):
        rows = np.flatnonzero(counts)
        made[i] = ridge(data[rows], scores[rows], weights[rows] * counts[rows], ALPHA)
    return made


def _refits_at_once(data: Array, scores: Array, weights: Array) -> Array:
    """Ridge regressions of the same samples with R sets of weights: sums of products in one matrix product.

    Args:
        data: (n, F).
        scores: (n, K).
        weights: (R, n).
    """
    (n, f), k = data.shape, scores.shape[1]
    first, second = np.triu_indices(f)
    products = np.concatenate(
        [data[:, first] * data[:, second], (data[:, :, None] * scores[:, None, :]).reshape(n, f * k)], axis=1
    )
    sums = weights @ products
    size = weights.sum(axis=1)[:, None]
    mean, middle = weights @ data / size, weights @ scores / size  # (R, F), (R, K)
    gram = np.empty((len(weights), f, f))
    gram[:, first, second] = gram[:, second, first] = sums[:, : len(first)]
    gram -= size[:, :, None] * mean[:, :, None] * mean[:, None, :]
    right = sums[:, len(first) :].reshape(-1, f, k) - size[:, :, None] * mean[:, :, None] * middle[:, None, :]
    return np.asarray(np.linalg.solve(gram + ALPHA * np.eye(f), right), dtype=np.float64)


def _mean(values: Array, weights: Array) -> Array:
    """(K,) weighted mean of (n, K)."""
    mean: Array = weights @ values / weights.sum()
    return mean


def _varies(scores: Array, weights: Array) -> NDArray[np.bool_]:
    """(K,) whether a score changed by more than rounding."""
    changes: NDArray[np.bool_] = weights @ (scores - _mean(scores, weights)) ** 2 > ROUNDING * weights.sum()
    return changes


def _r2(scores: Array, fitted: Array, weights: Array) -> Array:
    total = weights @ (scores - _mean(scores, weights)) ** 2
    left = weights @ (scores - fitted) ** 2
    varies = _varies(scores, weights)
    return np.where(varies, 1 - left / np.where(varies, total, 1.0), np.nan)
