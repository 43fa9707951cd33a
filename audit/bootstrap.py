"""Bootstrap intervals of functions of counts: PPV, F1 and whatever else has no interval of its own.

A slice is a row of counts over the K cells of its confusion table, so a bootstrap of its rows is one
multinomial draw a replicate, whatever the number of rows. Every slice draws from a stream of its own, named
by the seed and the slice's key: the limits of a slice are the same whichever slices are computed beside it.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

Statistic = Callable[[NDArray[np.float64]], NDArray[np.float64]]
_Draw = Callable[[np.random.Generator, int, int], NDArray[np.float64]]

_ROUNDS = 20  # times that undefined replicates are drawn again before the rest is left out
_NUMBERS_AT_ONCE = 4_000_000


class BootstrapInterval(NamedTuple):
    """Percentile limits of M statistics of S slices.

    Attributes:
        low: shape (S, ...), the trailing axes as the statistic gave them; NaN where the statistic of the
            slice itself is undefined.
        high: shape (S, ...).
        share_redrawn: the share of the first replicates that were undefined and drawn again, shape (S, ...),
            in [0, 1]. Where it is large, the interval is that of a statistic given that it is defined.
    """

    low: NDArray[np.float64]
    high: NDArray[np.float64]
    share_redrawn: NDArray[np.float64]


def multinomial_bootstrap(
    counts: ArrayLike,
    statistic: Statistic,
    replicates: int = 2_000,
    seed: int = 0,
    level: float = 0.95,
    keys: ArrayLike | None = None,
) -> BootstrapInterval:
    """Bootstrap functions of the counts of each slice, rows drawn within the slice.

    Args:
        counts: whole numbers of rows per cell, shape (S, K).
        statistic: maps counts of shape (..., K) to (...) or to (..., M) for M statistics of the same draws;
            NaN where undefined, for example a PPV without a selected row.
        replicates: draws per slice.
        seed: seed of all streams.
        level: the confidence level, inside (0, 1).
        keys: one whole number of 0 or more per slice, shape (S,), that names its stream; default its
            position.

    Returns:
        Percentile limits, shape (S,) or (S, M).

    Raises:
        ValueError: counts are not whole, negative or not of two axes, level is not inside (0, 1), or
            replicates < 1.

    Source:
        Efron and Tibshirani (1993), An Introduction to the Bootstrap, chapter 13.
    """
    table = _counts(counts, axes=2)
    return _bootstrap(
        table[:, np.newaxis], lambda drawn: statistic(drawn[..., 0, :]), replicates, seed, level, keys
    )


def stratified_bootstrap(
    counts: ArrayLike,
    statistic: Statistic,
    replicates: int = 2_000,
    seed: int = 0,
    level: float = 0.95,
    keys: ArrayLike | None = None,
) -> BootstrapInterval:
    """Bootstrap functions of the counts of each slice, rows drawn within slice and stratum.

    For metrics that are conditional on the truth, with the truth as stratum: no replicate is then without
    positives. Not for selection rates or PPV, which vary with the prevalence that this holds fixed.

    Args:
        counts: whole numbers of rows per stratum and cell, shape (S, T, K).
        statistic: maps counts of shape (..., T, K) to (...) or (..., M); NaN where undefined.
        replicates: draws per slice.
        seed: seed of all streams.
        level: the confidence level, inside (0, 1).
        keys: one whole number of 0 or more per slice, shape (S,), that names its stream; default its
            position.

    Returns:
        Percentile limits, shape (S,) or (S, M).

    Raises:
        ValueError: counts are not whole, negative or not of three axes, level is not inside (0, 1), or
            replicates < 1.
    """
    return _bootstrap(_counts(counts, axes=3), statistic, replicates, seed, level, keys)


def joint_bootstrap(
    counts: ArrayLike,
    reference: ArrayLike,
    statistic: Statistic,
    replicates: int = 2_000,
    seed: int = 0,
    level: float = 0.95,
    keys: ArrayLike | None = None,
    combine: Callable[[NDArray[np.float64], NDArray[np.float64]], NDArray[np.float64]] = np.subtract,
) -> BootstrapInterval:
    """Bootstrap the difference of a function of counts, slice minus reference, both drawn independently.

    Args:
        counts: whole numbers of rows per cell of each slice, shape (S, K).
        reference: the same of what each slice is compared to, shape (S, K), or (K,) for all slices.
        statistic: maps counts of shape (..., K) to (...) or (..., M); NaN where undefined.
        replicates: draws per slice.
        seed: seed of all streams.
        level: the confidence level, inside (0, 1).
        keys: one whole number of 0 or more per slice, shape (S,), that names its stream; default its
            position.
        combine: what to make of the two statistics, `numpy.divide` for a ratio.

    Returns:
        Percentile limits of the difference, shape (S,) or (S, M).

    Raises:
        ValueError: counts are not whole or negative, shapes do not fit, level is not inside (0, 1), or
            replicates < 1.
    """
    table = _counts(counts, axes=2)
    beside = _counts(np.broadcast_to(np.asarray(reference), table.shape), axes=2)

    def difference(drawn: NDArray[np.float64]) -> NDArray[np.float64]:
        return combine(statistic(drawn[..., 0, :]), statistic(drawn[..., 1, :]))

    return _bootstrap(np.stack([table, beside], axis=1), difference, replicates, seed, level, keys)


def cluster_bootstrap(
    parts: ArrayLike,
    slices: ArrayLike,
    n_slices: int,
    statistic: Statistic,
    replicates: int = 2_000,
    seed: int = 0,
    level: float = 0.95,
    keys: ArrayLike | None = None,
) -> BootstrapInterval:
    """Bootstrap functions of the counts of each slice by drawing whole clusters within the slice.

    With few clusters the percentile limits are too narrow: by about sqrt((C - 1) ÷ C) for C clusters, and
    more where the counts are skewed.

    Args:
        parts: whole numbers of rows per cell of every cluster in a slice, shape (P, K), one row for each
            cluster x slice that occurs.
        slices: the slice code of each part, shape (P,), from 0 to n_slices - 1.
        n_slices: S, the number of slices.
        statistic: maps counts of shape (..., K) to (...) or (..., M); NaN where undefined.
        replicates: draws per slice.
        seed: seed of all streams.
        level: the confidence level, inside (0, 1).
        keys: one whole number of 0 or more per slice, shape (S,), that names its stream; default its
            position.

    Returns:
        Percentile limits, shape (S,) or (S, M); NaN for a slice with fewer than two clusters.

    Raises:
        ValueError: counts are not whole or negative, level is not inside (0, 1), or replicates < 1.

    Source:
        Davison and Hinkley (1997), Bootstrap Methods and their Application, section 3.8.
    """
    table, codes = _counts(parts, axes=2).astype(np.float64), np.asarray(slices, dtype=np.int64)
    members = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[members], np.arange(n_slices + 1))
    totals = np.zeros((n_slices, table.shape[1]))
    np.add.at(totals, codes, table)

    def draw(rng: np.random.Generator, which: int, times: int) -> NDArray[np.float64]:
        own = table[members[bounds[which] : bounds[which + 1]]]
        picked = rng.multinomial(len(own), np.full(len(own), 1 / max(len(own), 1)), size=times)
        return np.asarray(picked @ own)

    observed = statistic(totals)
    few = (np.diff(bounds) < 2).reshape(-1, *(1,) * (observed.ndim - 1))
    observed = np.where(few, np.nan, observed)
    return _limits(observed, draw, statistic, table.shape[1], replicates, seed, level, keys)


def _bootstrap(
    counts: NDArray[np.int64],
    statistic: Statistic,
    replicates: int,
    seed: int,
    level: float,
    keys: ArrayLike | None,
) -> BootstrapInterval:
    sizes = counts.sum(axis=-1)
    shares = counts / np.maximum(sizes, 1)[..., np.newaxis]

    def draw(rng: np.random.Generator, which: int, times: int) -> NDArray[np.float64]:
        drawn = [rng.multinomial(n, p, size=times) for n, p in zip(sizes[which], shares[which], strict=True)]
        return np.stack(drawn, axis=1).astype(np.float64)

    width = counts.shape[1] * counts.shape[2]
    observed = statistic(counts.astype(np.float64))
    return _limits(observed, draw, statistic, width, replicates, seed, level, keys)


def _limits(
    observed: NDArray[np.float64],
    draw: _Draw,
    statistic: Statistic,
    width: int,
    replicates: int,
    seed: int,
    level: float,
    keys: ArrayLike | None,
) -> BootstrapInterval:
    if not 0 < level < 1:
        raise ValueError(f"level must be inside (0, 1), got {level}")
    if replicates < 1:
        raise ValueError(f"replicates must be 1 or more, got {replicates}")
    n_slices = observed.shape[0]
    names = np.arange(n_slices) if keys is None else np.asarray(keys)
    low, high, share = (np.full(observed.shape, np.nan) for _ in range(3))
    defined = ~np.isnan(observed)
    wanted = np.flatnonzero(defined.reshape(n_slices, -1).any(axis=1)) if observed.size else np.arange(0)
    at_once = max(1, _NUMBERS_AT_ONCE // (replicates * width))
    for start in range(0, len(wanted), at_once):
        chunk = wanted[start : start + at_once]
        streams = [np.random.default_rng([seed, int(names[which])]) for which in chunk]
        values = statistic(
            np.stack([draw(r, which, replicates) for r, which in zip(streams, chunk, strict=True)])
        )
        share[chunk] = np.mean(np.isnan(values), axis=1)
        for row in np.flatnonzero(np.isnan(values).reshape(len(chunk), -1).any(axis=1)):
            _redraw(values[row], observed[chunk[row]], streams[row], int(chunk[row]), draw, statistic)
        low[chunk], high[chunk] = _percentiles(values, level)
    return BootstrapInterval(*(np.where(defined, part, np.nan) for part in (low, high, share)))


def _redraw(
    values: NDArray[np.float64],
    observed: NDArray[np.float64],
    rng: np.random.Generator,
    which: int,
    draw: _Draw,
    statistic: Statistic,
) -> None:
    """Fill the undefined replicates of one slice in place, each statistic by itself, a few times at most."""
    for _ in range(_ROUNDS):
        gaps = np.isnan(values) & ~np.isnan(observed)
        rows = np.flatnonzero(gaps.reshape(len(values), -1).any(axis=1))
        if not rows.size:
            return
        fresh = statistic(draw(rng, which, rows.size))
        values[rows] = np.where(gaps[rows], fresh, values[rows])


def _percentiles(
    values: NDArray[np.float64], level: float
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Give the two percentiles over axis 1 of what is not NaN, interpolated linearly as NumPy does."""
    ordered = np.sort(values, axis=1)  # NaN goes to the end
    last = np.sum(~np.isnan(ordered), axis=1, keepdims=True) - 1
    found = []
    for tail in ((1 - level) / 2, (1 + level) / 2):
        place = np.maximum(last, 0) * tail
        below = np.floor(place).astype(np.int64)
        above = np.minimum(below + 1, np.maximum(last, 0))
        left, right = (np.take_along_axis(ordered, index, axis=1) for index in (below, above))
        # equal neighbours are not interpolated: infinity - infinity would give NaN
        step = np.where(left == right, 0.0, right - np.where(left == right, 0.0, left))
        found.append((left + step * (place - below))[:, 0])
    return found[0], found[1]


def _counts(counts: ArrayLike, axes: int) -> NDArray[np.int64]:
    given = np.asarray(counts)
    if given.ndim != axes:
        raise ValueError(f"counts must have {axes} axes, got shape {given.shape}")
    whole = given.astype(np.int64)
    if np.any(whole != given) or np.any(whole < 0):
        raise ValueError("counts must be whole numbers of 0 or more")
    return whole
