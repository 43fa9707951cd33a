"""Means of clustered rows and their differences, with cluster-robust standard errors."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from audit.clusters import _or_nan, _parts, _sums


class ClusterMean(NamedTuple):
    """Means with cluster-robust variances.

    Attributes:
        mean: shape (S,); NaN for an empty slice.
        variance: of the mean, shape (S,), in squared units; NaN with fewer than two clusters.
        df: clusters - 1, shape (S,).
    """

    mean: NDArray[np.float64]
    variance: NDArray[np.float64]
    df: NDArray[np.int64]


class ClusterDifference(NamedTuple):
    """Differences of means, slice minus everyone outside it, with cluster-robust standard errors.

    Attributes:
        difference: shape (S,); NaN where the slice or its outside is empty.
        standard_error: shape (S,); NaN where either side has fewer than two clusters.
        df: the smaller of the two sides' clusters, - 1, shape (S,).
    """

    difference: NDArray[np.float64]
    standard_error: NDArray[np.float64]
    df: NDArray[np.int64]


def cluster_robust_variance_of_mean(
    values: ArrayLike, clusters: ArrayLike, slices: ArrayLike, n_slices: int
) -> ClusterMean:
    """Give the mean of every slice and its variance, whatever the correlation inside clusters.

    The variance is C ÷ (C - 1) · sum over clusters of (total - rows · mean)² ÷ n². With clusters of one row
    it is s² ÷ n.

    Args:
        values: numbers, shape (n,).
        clusters: integer cluster codes, shape (n,).
        slices: integer slice codes from 0 to n_slices - 1, shape (n,); below 0: left out.
        n_slices: S, the number of slices.

    Returns:
        Means, variances and degrees of freedom, shape (S,), for a t interval.

    Raises:
        ValueError: the columns differ in length, a slice code is n_slices or more, or a value is not finite.

    Source:
        Liang and Zeger (1986), Biometrika 73, 13-22; Miller (2024), arXiv 2411.00640.
    """
    parts = _parts(values, clusters, slices, n_slices)
    rows = _sums(parts.slice, parts.size, n_slices)
    shifted = _sums(parts.slice, parts.total, n_slices) / _or_nan(rows)
    surplus = parts.total - parts.size * shifted[parts.slice]
    count = np.bincount(parts.slice, minlength=n_slices)
    scale = count / _or_nan(count.astype(np.float64) - 1)
    variance = scale * _sums(parts.slice, surplus**2, n_slices) / _or_nan(rows) ** 2
    return ClusterMean(shifted + parts.centre, variance, np.maximum(count - 1, 0))


def cluster_difference(
    values: ArrayLike, clusters: ArrayLike, slices: ArrayLike, n_slices: int
) -> ClusterDifference:
    """Give the mean of every slice less the mean of everyone outside it, with its cluster-robust error.

    A cluster with rows on both sides enters with its net influence on the difference, so that what its rows
    have in common cancels.

    Args:
        values: numbers, shape (n,).
        clusters: integer cluster codes, shape (n,).
        slices: integer slice codes from 0 to n_slices - 1, shape (n,); below 0: left out.
        n_slices: S, the number of slices.

    Returns:
        Differences, standard errors and degrees of freedom, shape (S,), for a t interval.

    Raises:
        ValueError: the columns differ in length, a slice code is n_slices or more, or a value is not finite.

    Source:
        Liang and Zeger (1986), Biometrika 73, 13-22: the sandwich of a regression on membership of the slice.
    """
    parts = _parts(values, clusters, slices, n_slices)
    rows = _sums(parts.slice, parts.size, n_slices)
    total = _sums(parts.slice, parts.total, n_slices)
    outside = _or_nan(rows.sum() - rows)
    mean, mean_outside = total / _or_nan(rows), (total.sum() - total) / outside
    whole = _sums(parts.cluster, parts.size, parts.n_clusters)
    sums = _sums(parts.cluster, parts.total, parts.n_clusters)
    # squared influence of all clusters as if none reached into the slice, then corrected for those that do
    squared = np.sum(sums**2) - 2 * mean_outside * np.sum(sums * whole) + mean_outside**2 * np.sum(whole**2)
    reference = mean_outside[parts.slice]
    as_if = sums[parts.cluster] - whole[parts.cluster] * reference
    apart = as_if - (parts.total - parts.size * reference)
    inside = (parts.total - parts.size * mean[parts.slice]) / rows[parts.slice]
    net = inside - apart / outside[parts.slice]
    squared = squared - _sums(parts.slice, as_if**2, n_slices)
    squared = np.maximum(squared, 0.0) / outside**2 + _sums(parts.slice, net**2, n_slices)
    count = np.count_nonzero(whole)
    swallowed = _sums(parts.slice, whole[parts.cluster] == parts.size, n_slices)
    df = np.minimum(np.bincount(parts.slice, minlength=n_slices), count - swallowed).astype(np.int64) - 1
    error = np.sqrt(squared * count / max(count - 1, 1))
    return ClusterDifference(mean - mean_outside, np.where(df >= 1, error, np.nan), np.maximum(df, 0))
