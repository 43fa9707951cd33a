"""Rows that belong together: design effects, effective sample sizes and cluster-robust errors.

Twenty comments of one author say less than twenty comments of twenty authors. Every function takes three
columns of the same length: a number per row, the cluster code of each row, and the slice code of each row.
The slices are a partition: one code a row, below 0 for rows that belong to no slice, which are left out
everywhere. All is one pass of `bincount` over the rows and their cluster x slice parts.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtrit

_PRIOR_CLUSTERS = 10.0  # what the pooled correlation counts for against a slice's own, in clusters


class DesignEffect(NamedTuple):
    """How much the clusters widen the intervals of slices and of everyone outside them.

    Attributes:
        deff: variance with clusters ÷ variance without, at least 1, shape (S,); NaN for an empty slice.
        df: degrees of freedom behind deff, shape (S,); infinite where no cluster has two rows in the slice,
            since deff is then 1 without an estimate.
        clusters: clusters with a row in the slice, shape (S,).
        rows: rows of the slice, shape (S,).
        correlation: the intracluster correlation used for each slice, in [0, 1], shape (S,).
        deff_outside: deff for all rows of the other slices together, shape (S,).
        df_outside: shape (S,).
        clusters_outside: shape (S,).
        rows_outside: shape (S,).
        pooled_correlation: the intracluster correlation within slices, pooled over all; used outside.
    """

    deff: NDArray[np.float64]
    df: NDArray[np.float64]
    clusters: NDArray[np.int64]
    rows: NDArray[np.int64]
    correlation: NDArray[np.float64]
    deff_outside: NDArray[np.float64]
    df_outside: NDArray[np.float64]
    clusters_outside: NDArray[np.int64]
    rows_outside: NDArray[np.int64]
    pooled_correlation: float


class _Parts(NamedTuple):
    """The rows that a cluster has in a slice, one entry per cluster x slice that occurs, (P,)."""

    cluster: NDArray[np.int64]
    slice: NDArray[np.int64]
    size: NDArray[np.float64]
    total: NDArray[np.float64]  # sum of the values
    within: NDArray[np.float64]  # sum of squared deviations from the part's mean
    n_clusters: int
    centre: float  # taken off every value before summing


def design_effect(values: ArrayLike, clusters: ArrayLike, slices: ArrayLike, n_slices: int) -> DesignEffect:
    """Give the design effect of a mean or rate in every slice and outside it.

    deff = 1 + (m - 1) rho, where m = sum of squared cluster sizes ÷ rows, and rho is the intracluster
    correlation by analysis of variance. It is pooled over all slices, so that a slice without a single event
    still has one; a slice whose own correlation is higher gets the mean of the two, its own weighted by its
    clusters - 1 and the pooled one by 10.

    On beta-binomial rows (n = 20 to 500, rates .05 to .5, clusters of 2 to 10, correlation .1 and .4)
    Wilson's interval on `effective_n` covers .96 on average and .92 at worst for one slice alone, .96 and .94
    for five slices of one correlation; Newcombe's for slice against outside .96 and .93. Where one slice of
    five has ten times the correlation of the others (.5 and .05), it is covered .90 on average and .76 at
    worst (two clusters of ten); with the pooled correlation alone .83 and .72.

    Args:
        values: 0/1 for a rate, or numbers for a mean, shape (n,). Give only the rows of the metric's
            denominator (for a miss rate the positives).
        clusters: integer cluster codes, shape (n,).
        slices: integer slice codes from 0 to n_slices - 1, shape (n,); below 0: left out.
        n_slices: S, the number of slices.

    Returns:
        The design effects. The pooled rho is taken as 1 where nothing varies or every slice is one cluster:
        nothing then speaks against it.

    Raises:
        ValueError: the columns differ in length, a slice code is n_slices or more, or a value is not finite.

    Source:
        Kish (1965), Survey Sampling, for deff; Donner (1986), International Statistical Review 54, 67-82, for
        rho.
    """
    parts = _parts(values, clusters, slices, n_slices)
    rows = _sums(parts.slice, parts.size, n_slices)
    in_slice = np.bincount(parts.slice, minlength=n_slices)
    correlation, pooled = _correlations(parts, rows, in_slice)
    squares = _sums(parts.slice, parts.size**2, n_slices)
    whole = _sums(parts.cluster, parts.size, parts.n_clusters)
    # of the squared sizes of all clusters, those that reach into the slice lose their rows there
    reached = whole[parts.cluster]
    lost = _sums(parts.slice, reached**2 - (reached - parts.size) ** 2, n_slices)
    swallowed = _sums(parts.slice, reached == parts.size, n_slices)
    outside, squares_outside = rows.sum() - rows, np.sum(whole**2) - lost
    df = parts.size.size - np.count_nonzero(rows)
    return DesignEffect(
        deff=_deff(squares, rows, correlation),
        df=np.where(squares == rows, np.inf, np.minimum(df, in_slice - 1 + _PRIOR_CLUSTERS)),
        clusters=in_slice,
        rows=rows.astype(np.int64),
        correlation=correlation,
        deff_outside=_deff(squares_outside, outside, np.full(n_slices, pooled)),
        df_outside=np.where(squares_outside == outside, np.inf, df),
        clusters_outside=(parts.n_clusters - swallowed).astype(np.int64),
        rows_outside=outside.astype(np.int64),
        pooled_correlation=pooled,
    )


def effective_n(n: ArrayLike, deff: ArrayLike, df: ArrayLike, level: float = 0.95) -> NDArray[np.float64]:
    """Give the number of independent rows that would be worth as much as n clustered ones.

    n ÷ deff, times (t of n - 1 ÷ t of df)², which makes up for a design effect that was itself estimated.

    Args:
        n: rows, shape (S,).
        deff: design effects of at least 1, shape (S,).
        df: degrees of freedom behind the design effect, shape (S,) or one number.
        level: the confidence level of the interval that will use it.

    Returns:
        The effective n, shape (S,), fractional, at most n; NaN where n is 0 or df < 1. Multiply the events by
        effective n ÷ n before giving both to an interval.

    Raises:
        ValueError: level is not inside (0, 1).

    Source:
        Korn and Graubard (1998), Survey Methodology 24, 193-201.
    """
    if not 0 < level < 1:
        raise ValueError(f"level must be inside (0, 1), got {level}")
    n, deff, df = (np.asarray(part, dtype=np.float64) for part in (n, deff, df))
    tail = (1 + level) / 2
    estimated = (df >= 1) & np.isfinite(df)
    penalty = stdtrit(np.maximum(n - 1, 1), tail) / stdtrit(np.where(estimated, df, 1.0), tail)
    penalty = np.where(np.isposinf(df), 1.0, np.where(estimated, np.minimum(penalty, 1.0), np.nan))
    return np.asarray(_or_nan(n) / deff * penalty**2)


def _parts(values: ArrayLike, clusters: ArrayLike, slices: ArrayLike, n_slices: int) -> _Parts:
    values, clusters, slices = np.asarray(values, dtype=np.float64), np.asarray(clusters), np.asarray(slices)
    if not values.shape == clusters.shape == slices.shape or values.ndim != 1:
        shapes = f"{values.shape}, {clusters.shape} and {slices.shape}"
        raise ValueError(f"values, clusters and slices must be columns of one length, got {shapes}")
    if slices.size and slices.max() >= n_slices:
        raise ValueError(f"slice codes must be below n_slices = {n_slices}, got {slices.max()}")
    if not np.all(np.isfinite(values)):
        raise ValueError("values must be finite numbers, got NaN or infinity")
    kept = slices >= 0
    values, codes = values[kept], slices[kept].astype(np.int64)
    named, cluster = np.unique(clusters[kept], return_inverse=True)
    pairs, part = np.unique(codes * max(named.size, 1) + cluster, return_inverse=True)
    centre = float(values.mean()) if values.size else 0.0
    size = np.bincount(part, minlength=pairs.size).astype(np.float64)
    total = _sums(part, values - centre, pairs.size)
    within = _sums(part, (values - centre - (total / size)[part]) ** 2, pairs.size)
    members = pairs // max(named.size, 1)
    return _Parts(pairs % max(named.size, 1), members, size, total, within, named.size, centre)


def _correlations(
    parts: _Parts, rows: NDArray[np.float64], in_slice: NDArray[np.int64]
) -> tuple[NDArray[np.float64], float]:
    """Give the intracluster correlation of every slice, never below the pooled one, and the pooled one."""
    n_slices = rows.size
    mean = _sums(parts.slice, parts.total, n_slices) / _or_nan(rows)
    deviation = parts.total / parts.size - mean[parts.slice]
    between = _sums(parts.slice, parts.size * deviation**2, n_slices)
    within = _sums(parts.slice, parts.within, n_slices)
    # a slice of equal rows has no spread of its own, whatever the rounding of its sums says
    rounding = 1e-26 * rows * (parts.centre**2 + np.sum(parts.total**2 / parts.size) / max(rows.sum(), 1.0))
    between, within = (np.where(between + within > rounding, part, 0.0) for part in (between, within))
    spare = rows - np.nan_to_num(_sums(parts.slice, parts.size**2, n_slices) / _or_nan(rows))
    df_between, df_within = np.maximum(in_slice - 1.0, 0.0), rows - in_slice
    sums = (np.asarray(part.sum()) for part in (between, within, df_between, df_within, spare))
    pooled = float(np.clip(np.nan_to_num(_anova(*sums), nan=1.0), 0.0, 1.0))
    own = _anova(between, within, df_between, df_within, spare)
    weight = np.where(np.isnan(own), 0.0, df_between / (df_between + _PRIOR_CLUSTERS))
    mixed = weight * np.nan_to_num(own) + (1 - weight) * pooled
    return np.clip(mixed, pooled, 1.0), pooled


def _anova(
    between: NDArray[np.float64],
    within: NDArray[np.float64],
    df_between: NDArray[np.float64],
    df_within: NDArray[np.float64],
    spare: NDArray[np.float64],
) -> NDArray[np.float64]:
    """Give (MSB - MSW) ÷ (MSB + (typical size - 1) MSW); NaN where nothing can be compared."""
    between = between / _or_nan(df_between)
    within = within / _or_nan(df_within)
    spread = between + (spare / _or_nan(df_between) - 1) * within
    return np.asarray((between - within) / _or_nan(spread))


def _deff(
    squares: NDArray[np.float64], rows: NDArray[np.float64], correlation: NDArray[np.float64]
) -> NDArray[np.float64]:
    return np.maximum(1 + (squares / _or_nan(rows) - 1) * correlation, 1.0)


def _sums(codes: NDArray[np.int64], values: NDArray[np.generic], size: int) -> NDArray[np.float64]:
    return np.bincount(codes, values.astype(np.float64), size).astype(np.float64)


def _or_nan(n: NDArray[np.float64]) -> NDArray[np.float64]:
    return np.where(n > 0, n, np.nan)
