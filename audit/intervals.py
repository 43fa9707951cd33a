"""Confidence intervals of rates, their differences and ratios, and of means.

Every function is pure and broadcasts: arrays of counts of shape (S,) give arrays of limits of shape (S,), one
per slice. Counts may be fractional, so that an effective count (count divided by a design effect) is accepted
wherever a count is. What has no data (n = 0) comes back as NaN, and the caller says "not computed" with its
reason.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import ndtri

_BISECTIONS = 60  # halvings of a bracket inside (0, 1): 2**-60 is below the spacing of doubles there


class Interval(NamedTuple):
    """An estimate with its confidence limits.

    Attributes:
        value: the point estimate, shape (S,), in the unit of the quantity.
        low: the lower limit, shape (S,).
        high: the upper limit, shape (S,).
    """

    value: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]


def wilson(events: ArrayLike, n: ArrayLike, level: float = 0.95) -> Interval:
    """Give the Wilson score interval of a rate.

    The limits are the rates p that a two-sided score test does not refuse: |events - n p| <= z sqrt(n p (1 -
    p)).

    Args:
        events: how many rows had the event, shape (S,); may be fractional.
        n: how many rows there were, shape (S,); may be fractional (an effective n).
        level: the confidence level, inside (0, 1).

    Returns:
        The rates with their limits in [0, 1], shape (S,); exactly 0 below at 0 events and exactly 1 above at
        n events.

    Raises:
        ValueError: events is negative or above n, or level is not inside (0, 1).

    Source:
        Wilson (1927), JASA 22, 209-212; Brown, Cai and DasGupta (2001), Statistical Science 16, 101-133.
    """
    z = normal_quantile(level)
    events, n = _checked_counts(events, n)
    rate = ratio_or_nan(events, n)
    shrink = 1 + z**2 / n_or_nan(n)
    centre = (rate + z**2 / (2 * n_or_nan(n))) / shrink
    half = z / shrink * np.sqrt(rate * (1 - rate) / n_or_nan(n) + z**2 / (4 * n_or_nan(n) ** 2))
    low = np.where(events == 0, np.where(n > 0, 0.0, np.nan), np.maximum(centre - half, 0.0))
    high = np.where(events == n, np.where(n > 0, 1.0, np.nan), np.minimum(centre + half, 1.0))
    return Interval(np.asarray(rate), low, high)


def newcombe(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, level: float = 0.95
) -> Interval:
    """Give the hybrid score interval of the difference of two independent rates, first minus second.

    Args:
        events1: events of the first sample, shape (S,); may be fractional.
        n1: size of the first sample, shape (S,).
        events2: events of the second sample, shape (S,).
        n2: size of the second sample, shape (S,).
        level: the confidence level, inside (0, 1).

    Returns:
        The differences with their limits in [-1, 1], shape (S,); NaN where a sample is empty.

    Raises:
        ValueError: events are negative or above n, or level is not inside (0, 1).

    Source:
        Newcombe (1998), Statistics in Medicine 17, 873-890, method 10.
    """
    return mover_difference(wilson(events1, n1, level), wilson(events2, n2, level))


def mover_difference(first: Interval, second: Interval, correlation: ArrayLike = 0.0) -> Interval:
    """Combine two intervals into that of their difference, first minus second.

    Args:
        first: the interval of the first quantity, shape (S,).
        second: the interval of the second quantity at the same level, shape (S,).
        correlation: of the two estimates, in [-1, 1], shape (S,); 0: independent.

    Returns:
        The difference with its limits, in the unit of the two.

    Source:
        Method of variance estimates recovery: Donner and Zou (2012), Statistical Methods in Medical Research
        21, 347-359. On two Wilson intervals it is Newcombe's method 10.
    """
    value = np.asarray(first.value - second.value)
    below = _side(first.value - first.low, second.high - second.value, correlation)
    above = _side(first.high - first.value, second.value - second.low, correlation)
    return Interval(value, value - below, value + above)


def _side(a: ArrayLike, b: ArrayLike, correlation: ArrayLike) -> NDArray[np.float64]:
    a, b, correlation = (np.asarray(part, dtype=np.float64) for part in (a, b, correlation))
    return np.asarray(np.sqrt(np.maximum((a - b) ** 2 + 2 * (1 - correlation) * a * b, 0.0)))


def mover_half_sum(first: Interval, second: Interval) -> Interval:
    """Combine two independent intervals into the interval of their mean.

    On the Wilson intervals of the true positive and the true negative rate it is the interval of balanced
    accuracy.

    Args:
        first: the interval of the first quantity, shape (S,).
        second: the interval of the second quantity at the same level, shape (S,).

    Returns:
        The mean of the two with its limits, in their unit.

    Source:
        Method of variance estimates recovery: Donner and Zou (2012), Statistical Methods in Medical Research
        21.
    """
    value = np.asarray((first.value + second.value) / 2)
    below = np.hypot(first.value - first.low, second.value - second.low) / 2
    above = np.hypot(first.high - first.value, second.high - second.value) / 2
    return Interval(value, np.asarray(value - below), np.asarray(value + above))


def newcombe_paired(
    both: ArrayLike,
    only_first: ArrayLike,
    only_second: ArrayLike,
    neither: ArrayLike,
    level: float = 0.95,
    effective_share: ArrayLike = 1.0,
) -> Interval:
    """Give the hybrid score interval of the difference of two rates on the same rows, first minus second.

    The Wilson limits of the two rates are combined with their correlation phi, whose numerator ad - bc is
    reduced by n/2 where it is positive, but not below 0.

    Args:
        both: rows with the event in both, shape (S,).
        only_first: rows with the event in the first only, shape (S,).
        only_second: rows with the event in the second only, shape (S,).
        neither: rows without the event, shape (S,).
        level: the confidence level, inside (0, 1).
        effective_share: effective n divided by n, in (0, 1], shape (S,) or one number: 1 ÷ the design effect
            of the row-wise difference where rows come in clusters. The four counts are scaled by it.

    Returns:
        The differences with their limits in [-1, 1], shape (S,); NaN where there are no rows.

    Raises:
        ValueError: a count is negative, effective_share is not in (0, 1], or level is not inside (0, 1).

    Source:
        Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10.
    """
    share = np.asarray(effective_share, dtype=np.float64)
    if np.any((share <= 0) | (share > 1)):
        raise ValueError(f"effective_share must be in (0, 1], got {share.min()} to {share.max()}")
    cells = (both, only_first, only_second, neither)
    a, b, c, d = (np.asarray(cell, dtype=np.float64) * share for cell in cells)
    if any(np.any(cell < 0) for cell in (a, b, c, d)):
        raise ValueError("the four counts must be 0 or more, got a negative one")
    n = a + b + c + d
    first = wilson(np.minimum(a + b, n), n, level)
    second = wilson(np.minimum(a + c, n), n, level)
    excess = a * d - b * c
    excess = np.where(excess > 0, np.maximum(excess - n / 2, 0.0), excess)
    scale = np.sqrt((a + b) * (c + d) * (a + c) * (b + d))
    phi = np.where(scale > 0, excess / np.where(scale > 0, scale, 1.0), 0.0)
    # b - c, and not the difference of the two rates, so that equal discordant counts give exactly 0
    value = ratio_or_nan(b - c, n)
    low1, high1 = first.value - first.low, first.high - first.value
    low2, high2 = second.value - second.low, second.high - second.value
    below = np.sqrt(np.maximum(low1**2 - 2 * phi * low1 * high2 + high2**2, 0.0))
    above = np.sqrt(np.maximum(high1**2 - 2 * phi * high1 * low2 + low2**2, 0.0))
    return Interval(value, np.asarray(value - below), np.asarray(value + above))


def ratio(
    events1: ArrayLike, n1: ArrayLike, events2: ArrayLike, n2: ArrayLike, level: float = 0.95
) -> Interval:
    """Give the score interval of the ratio of two independent rates, first ÷ second.

    The limits are the ratios r at which (p1 - r p2)² ÷ (q1 (1 - q1)/n1 + r² q2 (1 - q2)/n2) = z², where q2 is
    the most likely second rate given r and q1 = r q2. They are found by bisection on r ÷ (1 + r), all slices
    at once.

    Args:
        events1: events of the first sample, shape (S,); may be fractional.
        n1: size of the first sample, shape (S,).
        events2: events of the second sample, shape (S,).
        n2: size of the second sample, shape (S,).
        level: the confidence level, inside (0, 1).

    Returns:
        The ratios with their limits, shape (S,). 0 events in the first: value and low are 0, high is finite.
        0 events in the second: high is infinite, low is finite, value is infinite. 0 in both: value NaN,
        limits 0 and infinity.

    Raises:
        ValueError: events are negative or above n, or level is not inside (0, 1).

    Source:
        Koopman (1984), Biometrics 40, 513-517.
    """
    events1, n1 = _checked_counts(events1, n1)
    events2, n2 = _checked_counts(events2, n2)
    events1, n1, events2, n2 = np.broadcast_arrays(events1, n1, events2, n2)
    counts = (events1, n1, events2, n2)
    limit = normal_quantile(level) ** 2
    with np.errstate(divide="ignore", invalid="ignore"):
        value = np.asarray((events1 / n1) / (events2 / n2))
        share = np.where(np.isinf(value), 1.0, value / (1 + value))
    zero, one = np.zeros_like(share), np.ones_like(share)
    low = _score_ratio_limit(counts, limit, inside=share, outside=zero)
    high = _score_ratio_limit(counts, limit, inside=share, outside=one)
    no_rows = (n1 == 0) | (n2 == 0)
    low = np.where(no_rows, np.nan, np.where(events1 == 0, 0.0, low))
    high = np.where(no_rows, np.nan, np.where(events2 == 0, np.inf, high))
    return Interval(np.where(no_rows, np.nan, value), low, high)


def normal_quantile(level: float) -> float:
    """Give the two-sided normal quantile of a confidence level, 1.96 for 0.95.

    Args:
        level: the confidence level.

    Returns:
        The quantile.

    Raises:
        ValueError: level is not inside (0, 1).
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be inside (0, 1), got {level}")
    return float(ndtri((1 + level) / 2))


def n_or_nan(n: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sizes (S,) with NaN for 0, so that a division by them is NaN without a warning."""
    return np.where(n > 0, n, np.nan)


def ratio_or_nan(top: NDArray[np.float64], bottom: NDArray[np.float64]) -> NDArray[np.float64]:
    """Divide; NaN where the bottom is 0."""
    return np.asarray(top / n_or_nan(bottom))


def _checked_counts(events: ArrayLike, n: ArrayLike) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    events, n = np.broadcast_arrays(np.asarray(events, dtype=np.float64), np.asarray(n, dtype=np.float64))
    if np.any((events < 0) | (events > n)):
        raise ValueError("events must be from 0 to n, got a count outside")
    return events, n


def _score_ratio_limit(
    counts: tuple[NDArray[np.float64], ...],
    limit: float,
    inside: NDArray[np.float64],
    outside: NDArray[np.float64],
) -> NDArray[np.float64]:
    for _ in range(_BISECTIONS):
        middle = np.minimum((inside + outside) / 2, 1 - 2.0**-53)
        accepted = _score_ratio_statistic(counts, middle / (1 - middle)) <= limit
        inside = np.where(accepted, middle, inside)
        outside = np.where(accepted, outside, middle)
    return np.asarray(inside / np.where(inside < 1, 1 - inside, np.nan))


def _score_ratio_statistic(
    counts: tuple[NDArray[np.float64], ...], r: NDArray[np.float64]
) -> NDArray[np.float64]:
    events1, n1, events2, n2 = counts
    events = events1 + events2
    linear = r * (n1 + events2) + events1 + n2
    root = np.sqrt(np.maximum(linear**2 - 4 * r * (n1 + n2) * events, 0.0))
    with np.errstate(divide="ignore", invalid="ignore"):
        # the smaller root of the quadratic, written without cancellation
        rate2 = 2 * events / (linear + root)
        rate1 = r * rate2
        variance = rate1 * np.maximum(1 - rate1, 0.0) / n1 + r**2 * rate2 * np.maximum(1 - rate2, 0.0) / n2
        statistic = (events1 / n1 - r * events2 / n2) ** 2 / variance
    return np.asarray(statistic)
