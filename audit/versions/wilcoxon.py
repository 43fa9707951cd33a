"""Wilcoxon's signed-rank test of every slice at once, shown beside the paired t that decides."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from audit.slices import Partition, SliceSet

Array = NDArray[np.float64]


def signed_rank_p(slices: SliceSet, change: Array) -> Array:
    """Give the two-sided normal p of Wilcoxon's signed-rank test by slice.

    Rows without a change are left out, ties get mean ranks and shrink the variance, and there is no
    continuity correction: as SciPy's ``wilcoxon(..., method="asymptotic", correction=False)``.

    Args:
        slices: S slices of n rows.
        change: (n,) change of each row.

    Returns:
        (S,) p; 1 where nothing changed, NaN for an empty slice.

    Source:
        Wilcoxon (1945), Biometrics Bulletin 1, 80-83.
    """
    order = np.argsort(np.abs(change), kind="stable")
    order = order[change[order] != 0]
    return np.concatenate([_partition(part, change, order) for part in slices.partitions])


def _partition(part: Partition, change: Array, order: NDArray[np.int64]) -> Array:
    inside = order[part.codes[order] >= 0]
    codes = part.codes[inside]
    by_slice = inside[np.argsort(codes, kind="stable")]
    codes, size = part.codes[by_slice], np.abs(change[by_slice])
    rows = np.bincount(codes, minlength=part.size)
    position = np.arange(len(codes)) - (np.cumsum(rows) - rows)[codes] + 1.0
    ranks, shrink = _mean_ranks(codes, size, position, part.size)
    above = np.bincount(codes, np.where(change[by_slice] > 0, ranks, 0.0), part.size)
    n = rows.astype(np.float64)
    variance = n * (n + 1) * (2 * n + 1) / 24 - shrink / 48
    z = (above - n * (n + 1) / 4) / np.sqrt(np.where(variance > 0, variance, np.nan))
    some = np.bincount(part.codes[part.codes >= 0], minlength=part.size) > 0
    return np.where(n == 0, np.where(some, 1.0, np.nan), 2 * ndtr(-np.abs(z)))


def _mean_ranks(codes: NDArray[np.int32], size: Array, position: Array, n_slices: int) -> tuple[Array, Array]:
    """Mean rank of each row among equal changes of its slice, and the sum of t³ − t over the ties."""
    if not len(codes):
        return position, np.zeros(n_slices)
    first = np.concatenate([[True], (codes[1:] != codes[:-1]) | (size[1:] != size[:-1])])
    group = np.cumsum(first) - 1
    members = np.bincount(group).astype(np.float64)
    ranks = (np.bincount(group, position) / members)[group]
    return ranks, np.bincount(codes[first], members**3 - members, n_slices).astype(np.float64)
