"""How far apart groups are, beside how far apart they would be by chance if all were equal.

A largest gap always exceeds 0 and has no honest bootstrap interval (it covers 0 % of a true gap of 0 for five
groups of 100), so what is shown is its expectation and 95 % range under equality, and p.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray


class Spread(NamedTuple):
    """One metric over the groups of one attribute."""

    gap: float
    """Largest - smallest value."""
    expected: float
    """Mean of the gap if all groups were equal."""
    low: float
    high: float
    """95 % range of the gap if all groups were equal."""
    p: float
    """Share of draws under equality with at least this gap, (1 + b) / (1 + draws)."""
    between: float
    """Standard deviation between groups corrected for sampling: √max(0, s² - mean variance)."""
    largest: int
    smallest: int
    """Positions of the groups with the largest and smallest value."""
    groups: int
    ratio: float
    """Smallest ÷ largest value."""
    expected_ratio: float
    """Its mean if all groups were equal."""


def rate_spread(
    events: NDArray[np.float64], n: NDArray[np.float64], share: NDArray[np.float64], seed: int, draws: int
) -> Spread:
    """Spread of rates; under equality every group draws Binomial(effective n, pooled rate).

    Args:
        events: (K,).
        n: (K,) rows, at least one group with some.
        share: (K,) effective n / n.
        seed: of the draws.
        draws: how many.
    """
    used = np.flatnonzero(n > 0)
    if len(used) < 2:
        return nothing(len(used))
    events, n, share = events[used], n[used], share[used]
    rate, pooled = events / n, float(events.sum() / n.sum())
    effective = np.maximum(np.round(n * share), 1)
    null = np.random.default_rng(seed).binomial(effective.astype(np.int64), pooled, size=(draws, len(used)))
    variance = rate * (1 - rate) / np.maximum(n * share - 1, 1)
    return _spread(rate, null / effective, variance, used)


def normal_spread(
    value: NDArray[np.float64], error: NDArray[np.float64], seed: int, draws: int, *, bounded: bool = False
) -> Spread:
    """Spread of estimates with standard errors; under equality every group draws Normal(common, error²).

    Args:
        value: (K,) NaN where a group has none.
        error: (K,) standard errors.
        seed: of the draws.
        draws: how many.
        bounded: whether values and draws lie in [0, 1].
    """
    used = np.flatnonzero(~np.isnan(value) & ~np.isnan(error))
    if len(used) < 2:
        return nothing(len(used))
    value, error = value[used], error[used]
    weight = 1 / np.maximum(error, 1e-12) ** 2
    common = float((value * weight).sum() / weight.sum())
    null = common + error * np.random.default_rng(seed).standard_normal((draws, len(used)))
    return _spread(value, np.clip(null, 0, 1) if bounded else null, error**2, used)


def nothing(groups: int) -> Spread:
    """No spread: fewer than two groups have a value."""
    return Spread(*(np.nan,) * 6, -1, -1, groups, np.nan, np.nan)


def _spread(
    value: NDArray[np.float64],
    draws: NDArray[np.float64],
    variance: NDArray[np.float64],
    used: NDArray[np.int64],
) -> Spread:
    gap = float(value.max() - value.min())
    null = draws.max(axis=1) - draws.min(axis=1)
    low, high = np.quantile(null, [0.025, 0.975])
    p = (1 + np.count_nonzero(null >= gap - 1e-12)) / (1 + len(null))
    between = float(np.sqrt(max(0.0, value.var(ddof=1) - variance.mean())))
    with np.errstate(invalid="ignore", divide="ignore"):
        ratios = draws.min(axis=1) / draws.max(axis=1)
        ratio = float(value.min() / value.max())
    return Spread(
        gap=gap,
        expected=float(null.mean()),
        low=float(low),
        high=float(high),
        p=p,
        between=between,
        largest=int(used[np.argmax(value)]),
        smallest=int(used[np.argmin(value)]),
        groups=len(used),
        ratio=ratio,
        expected_ratio=float(np.nanmean(ratios)) if np.isfinite(ratios).any() else np.nan,
    )
