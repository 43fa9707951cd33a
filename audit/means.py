"""Means from sums and sums of squares: t intervals, Welch's difference, skewness.

Sums add up across shards and slices, so a mean, its interval and its difference to everyone else need no
second pass. Broadcasts as `audit.intervals` does.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

from audit.intervals import Interval, n_or_nan, normal_quantile, ratio_or_nan


class Moments(NamedTuple):
    """Mean and unbiased variance of a sample.

    Attributes:
        n: the number of rows, shape (S,).
        mean: shape (S,); NaN where n = 0.
        variance: shape (S,); NaN where n < 2.
    """

    n: NDArray[np.float64]
    mean: NDArray[np.float64]
    variance: NDArray[np.float64]


def mean_t(
    n: ArrayLike, total: ArrayLike, total_sq: ArrayLike, level: float = 0.95, centre: ArrayLike = 0.0
) -> Interval:
    """Give the t interval of a mean from sums.

    Args:
        n: the number of rows, shape (S,).
        total: the sum of x - centre over the rows, shape (S,).
        total_sq: the sum of (x - centre)², shape (S,).
        level: the confidence level, inside (0, 1).
        centre: what was taken off every x before summing, shape (S,) or one number. A value near the mean
            keeps the digits that a sum of squares of large numbers loses.

    Returns:
        The means with their limits, shape (S,), in the unit of x; limits NaN where n < 2, all NaN where n =
        0. Rows that are all equal give limits equal to the mean: that says nothing of rows not seen.

    Raises:
        ValueError: level is not inside (0, 1).
    """
    sample = moments(n, total, total_sq, centre)
    return t_interval(sample.mean, np.sqrt(sample.variance / n_or_nan(sample.n)), sample.n - 1, level)


def welch_difference(
    n1: ArrayLike,
    total1: ArrayLike,
    total_sq1: ArrayLike,
    n2: ArrayLike,
    total2: ArrayLike,
    total_sq2: ArrayLike,
    level: float = 0.95,
    centre: ArrayLike = 0.0,
) -> Interval:
    """Give the t interval of the difference of two independent means, first minus second, variances unequal.

    Args:
        n1: rows of the first sample, shape (S,).
        total1: sum of x - centre over the first sample, shape (S,).
        total_sq1: sum of (x - centre)² over the first sample, shape (S,).
        n2: rows of the second sample, shape (S,).
        total2: sum of x - centre over the second sample, shape (S,).
        total_sq2: sum of (x - centre)² over the second sample, shape (S,).
        level: the confidence level, inside (0, 1).
        centre: what was taken off every x of both samples before summing.

    Returns:
        The differences with their limits, shape (S,), in the unit of x; limits NaN where a sample has n < 2.

    Raises:
        ValueError: level is not inside (0, 1).

    Source:
        Welch (1938), Biometrika 29, 350-362; degrees of freedom by Satterthwaite (1946).
    """
    first = moments(n1, total1, total_sq1, centre)
    second = moments(n2, total2, total_sq2, centre)
    error, df = welch_error(first, second)
    return t_interval(first.mean - second.mean, error, df, level)


def welch_error(first: Moments, second: Moments) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the standard error of a difference of two independent means and its degrees of freedom.

    Args:
        first: moments of the first sample, shape (S,).
        second: moments of the second sample, shape (S,).

    Returns:
        The standard error and Satterthwaite's degrees of freedom, shape (S,); NaN where a sample has n < 2.
        Where both variances are 0 the degrees of freedom are those of the smaller sample.
    """
    part1, part2 = first.variance / n_or_nan(first.n), second.variance / n_or_nan(second.n)
    squared = part1 + part2
    spread = part1**2 / (first.n - 1 + (first.n <= 1)) + part2**2 / (second.n - 1 + (second.n <= 1))
    least = np.minimum(first.n, second.n) - 1
    df = np.where(spread > 0, squared**2 / np.where(spread > 0, spread, 1.0), least)
    return np.sqrt(squared), np.where(np.isnan(squared), np.nan, df)


def t_interval(value: ArrayLike, standard_error: ArrayLike, df: ArrayLike, level: float = 0.95) -> Interval:
    """Give value ± t · standard error.

    Args:
        value: the estimates, shape (S,).
        standard_error: their standard errors, shape (S,).
        df: the degrees of freedom of the standard errors, shape (S,); infinity gives the normal interval.
        level: the confidence level, inside (0, 1).

    Returns:
        The estimates with their limits; limits NaN where df < 1 or the standard error is NaN.

    Raises:
        ValueError: level is not inside (0, 1).
    """
    value = np.asarray(value, dtype=np.float64)
    half = t_quantile(df, level) * np.asarray(standard_error, dtype=np.float64)
    return Interval(value, np.asarray(value - half), np.asarray(value + half))


def moments(n: ArrayLike, total: ArrayLike, total_sq: ArrayLike, centre: ArrayLike = 0.0) -> Moments:
    """Turn (n, sum, sum of squares) into mean and unbiased variance.

    A sum of squared deviations below the rounding error of total_sq is taken as 0, so that equal rows have
    variance 0 and never a negative one.

    Args:
        n: the number of rows, shape (S,).
        total: the sum of x - centre, shape (S,).
        total_sq: the sum of (x - centre)², shape (S,).
        centre: what was taken off every x before summing.

    Returns:
        The moments of x, shape (S,).
    """
    n, total, total_sq = (np.asarray(part, dtype=np.float64) for part in (n, total, total_sq))
    shifted = ratio_or_nan(total, n)
    deviations = total_sq - total * shifted
    rounding = np.finfo(np.float64).eps * (4 + n / 8) * total_sq
    deviations = np.where(deviations <= rounding, np.where(np.isnan(deviations), np.nan, 0.0), deviations)
    variance = np.where(n >= 2, deviations / np.where(n >= 2, n - 1, 1.0), np.nan)
    return Moments(n, shifted + np.asarray(centre, dtype=np.float64), variance)


def skewness_from_moments(
    n: ArrayLike, total: ArrayLike, total_sq: ArrayLike, total_cubed: ArrayLike
) -> NDArray[np.float64]:
    """Give the skewness m3 ÷ m2^1.5 of a sample from its sums.

    Args:
        n: the number of rows, shape (S,).
        total: the sum of x, shape (S,); sums of x less a constant near the mean keep more digits.
        total_sq: the sum of x², shape (S,).
        total_cubed: the sum of x³, shape (S,).

    Returns:
        The skewness, shape (S,), without unit; NaN where n < 3 or where all rows are equal.
    """
    sample = moments(n, total, total_sq)
    size, mean = sample.n, sample.mean
    second = sample.variance * (size - 1) / n_or_nan(size)
    third = ratio_or_nan(np.asarray(total_cubed, dtype=np.float64), size)
    third = third - 3 * mean * ratio_or_nan(np.asarray(total_sq, dtype=np.float64), size) + 2 * mean**3
    known = (size >= 3) & (second > 0)
    return np.where(known, third / np.where(known, second, 1.0) ** 1.5, np.nan)


def t_quantile(df: ArrayLike, level: float) -> NDArray[np.float64]:
    """Give the two-sided t quantile of a confidence level.

    Args:
        df: degrees of freedom, shape (S,); may be fractional or infinite.
        level: the confidence level.

    Returns:
        The quantiles, shape (S,); NaN where df < 1.

    Raises:
        ValueError: level is not inside (0, 1).
    """
    normal = normal_quantile(level)
    df = np.asarray(df, dtype=np.float64)
    usable = np.isfinite(df) & (df >= 1)
    quantile = stdtrit(np.where(usable, df, 1.0), (1 + level) / 2)
    return np.where(usable, quantile, np.where(np.isposinf(df), normal, np.nan))
