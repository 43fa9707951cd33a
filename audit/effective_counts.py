"""Counts divided by a design effect: checked, and rounded where an exact test needs whole ones."""

from __future__ import annotations

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.intervals import n_or_nan


def checked_counts(*counts: ArrayLike) -> list[NDArray[np.float64]]:
    """Broadcast pairs of (events, n) and refuse events outside 0 to n."""
    arrays = np.broadcast_arrays(*(np.asarray(part, dtype=np.float64) for part in counts))
    for events, n in zip(arrays[::2], arrays[1::2], strict=True):
        if np.any((events < 0) | (events > n)):
            raise ValueError("events must be from 0 to n, got a count outside")
    return list(arrays)


def whole_counts(
    events: NDArray[np.float64], n: NDArray[np.float64], pooled: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Round effective counts: n down but not to 0, events towards what the pooled rate would give."""
    size = np.where(n > 0, np.maximum(np.floor(n), 1.0), 0.0)
    exact = np.where(n > 0, events / n_or_nan(n), 0.0) * size
    nearest = np.rint(exact)
    expected = np.nan_to_num(pooled) * size
    inward = np.where(exact < expected, np.ceil(exact), np.floor(exact))
    inward = np.where(np.sign(inward - expected) == np.sign(exact - expected), inward, nearest)
    return np.clip(np.where(np.abs(exact - nearest) < 1e-9, nearest, inward), 0, size), size


def whole_pair(
    e1: NDArray[np.float64],
    n1: NDArray[np.float64],
    e2: NDArray[np.float64],
    n2: NDArray[np.float64],
    pooled: NDArray[np.float64],
) -> tuple[tuple[NDArray[np.float64], NDArray[np.float64]], tuple[NDArray[np.float64], NDArray[np.float64]]]:
    """Round both samples; equal rates become the likeliest table of their total, not two roundings apart.

    1.5 of 4 beside 4.5 of 12 would else be read as 2 of 4 beside 4 of 12: a difference that nobody saw.
    """
    (a, size1), (b, size2) = whole_counts(e1, n1, pooled), whole_counts(e2, n2, pooled)
    equal = np.abs(e1 * n2 - e2 * n1) <= 1e-9 * n1 * n2
    total = a + b
    likeliest = np.floor((size1 + 1) * (total + 1) / (size1 + size2 + 2))  # mode of the hypergeometric
    a = np.where(equal, np.clip(likeliest, np.maximum(0, total - size2), np.minimum(size1, total)), a)
    return (a, size1), (total - a, size2)
