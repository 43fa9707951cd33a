"""Means of a number by group, each with an interval, a difference to everyone else and a test."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from audit.cluster_means import cluster_difference, cluster_robust_variance_of_mean
from audit.core import Attribute
from audit.means import t_interval

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class GroupMeans:
    """One attribute's groups; NaN where a group has too few rows."""

    attribute: str
    values: tuple[str, ...]
    n: NDArray[np.int64]
    mean: tuple[Array, Array, Array]
    """(G,) value, low, high."""
    difference: tuple[Array, Array, Array]
    """(G,) group minus everyone else in the sample, low, high; `unknown` belongs to nobody."""
    p: Array
    """(G,) two-sided; NaN where it was not tested."""


def group_means(
    numbers: Array,
    codes: NDArray[np.int32],
    attribute: Attribute,
    clusters: NDArray[np.int32] | None,
    level: float = 0.95,
) -> GroupMeans:
    """Compare the groups of one attribute.

    Args:
        numbers: (n,); NaN is left out.
        codes: (n,) of the groups.
        attribute: names the codes; `unknown` is shown, never tested, and in nobody's reference.
        clusters: (n,) rows that belong together; None: every row by itself.
        level: of the intervals.
    """
    size, unknown = len(attribute.values), attribute.unknown_code
    kept = ~np.isnan(numbers)
    together = np.arange(len(numbers)) if clusters is None else clusters.astype(np.int64)
    slices = codes.astype(np.int64)
    n = np.bincount(slices[kept], minlength=size)
    every = cluster_robust_variance_of_mean(numbers[kept], together[kept], slices[kept], size)
    mean = t_interval(every.mean, np.sqrt(every.variance), every.df, level)
    tested = kept & (slices != unknown)
    apart = cluster_difference(numbers[tested], together[tested], slices[tested], size)
    difference = t_interval(apart.difference, apart.standard_error, apart.df, level)
    with np.errstate(invalid="ignore", divide="ignore"):
        t = np.where(apart.difference == 0, 0.0, apart.difference / apart.standard_error)
        p = np.where(apart.df >= 1, 2 * stdtr(np.maximum(apart.df, 1), -np.abs(t)), np.nan)
    known = np.arange(size) != unknown
    return GroupMeans(
        attribute=attribute.name,
        values=attribute.values,
        n=n,
        mean=(mean.value, mean.low, mean.high),
        difference=tuple(np.where(known, end, np.nan) for end in difference),  # type: ignore[arg-type]
        p=np.where(known, p, np.nan),
    )
