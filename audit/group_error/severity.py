"""One scale for every finding, and the smallest gap that a slice could have shown."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtri

from audit.core import Level
from audit.group_error.forms import Array
from audit.metrics import Metric

POWER = 0.8
ALPHA = 0.05


class Ranks(NamedTuple):
    """Severity of S comparisons."""

    harmful: NDArray[np.bool_]
    """The gap points in the metric's harmful direction."""
    score: Array
    """End of the interval nearest zero on the harmful side ÷ margin; 0 where not established."""
    level: NDArray[np.object_]


def harm_sign(metric: Metric, value: Array) -> Array:
    """Direction of harm of each slice's gap: +1 where a larger value is worse, -1 where a smaller one is.

    For metrics whose best value is zero, away from zero on the slice's own side.
    """
    if metric.better == "zero":
        return np.where(np.isnan(value), np.nan, np.sign(value))
    sign = {"lower": 1.0, "higher": -1.0, "neither": np.nan}[metric.better]
    return np.full(len(value), sign)


def rank(
    metric: Metric,
    value: Array,
    other: Array,
    low: Array,
    high: Array,
    adjusted_p: Array,
    margin: float,
) -> Ranks:
    """Rank S comparisons (STATISTICS: severity).

    Args:
        metric: the metric compared.
        value: (S,) of the slices.
        other: (S,) of their references.
        low: (S,) lower end of value - other.
        high: (S,) upper end.
        adjusted_p: (S,), NaN where a comparison was not tested.
        margin: a difference that matters, in the metric's unit.
    """
    sign = harm_sign(metric, value)
    near = np.where(sign > 0, low, -high)
    with np.errstate(invalid="ignore"):
        harmful = sign * (value - other) > 0
        if metric.better == "zero":
            harmful &= np.abs(value) > np.abs(other)
        established = harmful & (near > 0) & (adjusted_p <= ALPHA)
    score = np.where(established, near / margin, 0.0)
    level = np.full(len(value), Level.NOT_ESTABLISHED.value, dtype=object)
    for floor, name in ((0.0, Level.LOW), (1.0, Level.MEDIUM), (2.0, Level.HIGH)):
        level[established & (score >= floor) & (score > 0)] = name.value
    return Ranks(harmful, score, level)


def smallest_rate_gap(rate: Array, n: Array, n_reference: Array, sign: Array, tests: int) -> Array:
    """Find the smallest difference of rates that a two-sided test finds with probability `POWER`.

    Solves z_α √(p̄q̄(1/n₁ + 1/n₂)) + z_β √(p₁q₁/n₁ + p₂q₂/n₂) = |p₁ − p₂| by bisection (Fleiss, Levin & Paik
    2003, ch. 4), with α = .05 ÷ tests and the reference's observed rate p₂.

    Args:
        rate: (S,) the reference's rate.
        n: (S,) effective rows of the slices.
        n_reference: (S,) effective rows of the references.
        sign: (S,) direction of harm.
        tests: size of the family.

    Returns:
        (S,) NaN where even the largest possible difference would not be found.
    """
    z_alpha, z_beta = ndtri(1 - ALPHA / 2 / max(tests, 1)), ndtri(POWER)

    def shortfall(gap: Array) -> Array:
        other = np.clip(rate + sign * gap, 0, 1)
        pooled = (other * n + rate * n_reference) / (n + n_reference)
        null = np.sqrt(pooled * (1 - pooled) * (1 / n + 1 / n_reference))
        alternative = np.sqrt(other * (1 - other) / n + rate * (1 - rate) / n_reference)
        return z_alpha * null + z_beta * alternative - gap

    with np.errstate(invalid="ignore", divide="ignore"):
        most = np.where(sign > 0, 1 - rate, rate)
        low, high = np.zeros_like(rate), most.copy()
        for _ in range(50):
            middle = (low + high) / 2
            missed = shortfall(middle) > 0
            low, high = np.where(missed, middle, low), np.where(missed, high, middle)
        return np.where(shortfall(most) > 0, np.nan, high)


def smallest_gap_from_error(error: Array, tests: int) -> Array:
    """Smallest difference found with probability `POWER`, for a normal estimate; error (S,)."""
    return (ndtri(1 - ALPHA / 2 / max(tests, 1)) + ndtri(POWER)) * error
