"""Holm over a family that holds exact tests, each counted by the p that it could have reached.

Holm multiplies a p by the number of tests, as if each of the others had the same chance of so small a p.
An exact McNemar test on three changed rows can't fall below .25, so at p = .001 it has no chance at all.
Westfall and Wolfinger (1997, American Statistician 51, 3-8) add up the chances that the tests really have:
for a continuous test p itself, for a discrete one the largest attainable level that is not above p. Given the
number of changed rows in each slice the chance of any false alarm is at most alpha, as with Holm, and no
adjusted p is larger than Holm's.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray
from scipy.special import bdtr, bdtrik

Array = NDArray[np.float64]


def holm_discrete(p: Array, changed: Array) -> Array:
    """Adjust the p-values of one family step by step.

    Args:
        p: (M,) NaN where a test was not computed: no member.
        changed: (M,) discordant rows behind an exact two-sided McNemar test; NaN for a continuous test.

    Returns:
        (M,) adjusted p, NaN where p is NaN; Holm's where every test is continuous.
    """
    adjusted = np.full(len(p), np.nan)
    members = np.flatnonzero(~np.isnan(p))
    order = members[np.argsort(p[members], kind="stable")]
    running = 0.0
    for step, test in enumerate(order):
        if running >= 1:
            adjusted[order[step:]] = 1.0
            break
        rest = order[step:]
        running = min(max(running, float(attainable(float(p[test]), changed[rest]).sum())), 1.0)
        adjusted[test] = max(running, float(p[test]))
    return adjusted


def attainable(p: float, changed: Array) -> Array:
    """Largest level of each test that is at most p.

    Args:
        p: a p-value.
        changed: (M,) discordant rows of exact McNemar tests, whole numbers; NaN for a continuous test.

    Returns:
        (M,) 2 F(k) for the largest k with 2 F(k) <= p, F the binomial distribution at one half; 0 where even
        k = 0 is likelier; p for a continuous test.
    """
    exact = ~np.isnan(changed)
    rows = np.where(exact, changed, 0.0)
    if p >= 1:
        return np.ones(len(changed))
    with np.errstate(invalid="ignore", divide="ignore"):
        start = bdtrik(np.minimum(p * (1 + 1e-9) / 2, 0.5), np.maximum(rows, 1.0), 0.5)
    k = np.floor(np.nan_to_num(start, nan=-1.0) + 1e-9)
    # the inverse is of a continuous extension: step to the last whole k that keeps the level
    level = _level(k, rows)
    k = np.where(level > p * (1 + 1e-9), k - 1, k)
    above = _level(k + 1, rows)
    k = np.where(above <= p * (1 + 1e-9), k + 1, k)
    return np.where(exact, np.where(rows > 0, _level(k, rows), 0.0), p)


def _level(k: Array, rows: Array) -> Array:
    """2 F(k), at most 1; 0 below k = 0."""
    tail = bdtr(np.maximum(k, 0.0), rows.astype(np.int64), 0.5)
    return np.where(k < 0, 0.0, np.minimum(2 * tail, 1.0))
