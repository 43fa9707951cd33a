"""How alike two attributions of the same example are."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.stats import rankdata

Array = NDArray[np.float64]
TOP = 5
TIES = 0.05  # of the largest weight: smaller differences are not worth telling apart


def top(weights: Array, k: int = TOP) -> NDArray[np.int64]:
    """(..., min(k, F)) the features of largest absolute weight along the last axis, largest first."""
    return np.argsort(-np.abs(weights), axis=-1, kind="stable")[..., :k]


def top_overlap(first: Array, second: Array, k: int = TOP, ties: float = TIES) -> Array:
    """Share of the k features of largest absolute weight that two attributions have in common.

    Features that hardly differ are interchangeable: a top feature of one counts as shared where its weight in
    the other falls short of the other's k-th largest by no more than `ties` of the other's largest. The share
    is the mean of both directions.

    Args:
        first: (..., F).
        second: (..., F).
        k: how many features count; all, where there are fewer.
        ties: share of the largest weight; 0: only equal weights are ties.

    Returns:
        (...,); NaN without features.
    """
    features = first.shape[-1]
    k = min(k, features)
    if k == 0:
        return np.full(first.shape[:-1], np.nan)
    sizes = np.abs(first), np.abs(second)
    floors = [
        np.partition(size, -k, axis=-1)[..., [-k]] - ties * size.max(-1, keepdims=True) for size in sizes
    ]
    shares = [
        np.take_along_axis(sizes[1 - i] >= floors[1 - i], top(sizes[i], k), axis=-1).mean(axis=-1)
        for i in (0, 1)
    ]
    return np.asarray((shares[0] + shares[1]) / 2, dtype=np.float64)


def rank_correlation(first: Array, second: Array) -> Array:
    """Spearman's correlation of signed weights.

    Args:
        first: (..., F).
        second: (..., F).

    Returns:
        (...,); NaN with fewer than two features or where all weights of one are equal.
    """
    if first.shape[-1] < 2:
        return np.full(first.shape[:-1], np.nan)
    a, b = (rankdata(weights, axis=-1) for weights in (first, second))
    a, b = a - a.mean(axis=-1, keepdims=True), b - b.mean(axis=-1, keepdims=True)
    size = np.sqrt((a**2).sum(axis=-1) * (b**2).sum(axis=-1))
    return np.where(size > 0, (a * b).sum(axis=-1) / np.where(size > 0, size, 1.0), np.nan)
