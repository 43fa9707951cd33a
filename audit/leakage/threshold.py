"""Which distance tells copies from look-alikes, asked of the data: no default fits all."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from audit.intervals import Interval, wilson
from audit.leakage.hamming import BITS, HashPairs

SAMPLE = 200
"""Pairs checked at each distance where there are more."""
KEEP_SHARE = 0.5
Check = Callable[[NDArray[np.int64], NDArray[np.int64]], NDArray[np.bool_]]
"""(i, j) -> whether the second check confirms each pair."""


@dataclass(frozen=True, kw_only=True)
class Curve:
    """What lies at each distance, 0 … D bits. Arrays are (D + 1,)."""

    n: int
    """Pictures compared."""
    pairs: NDArray[np.int64]
    by_chance: NDArray[np.float64]
    """Pairs at exactly this distance among n unrelated uniform hashes."""
    sampled: NDArray[np.int64]
    """Pairs that were put to the second check: all, or a seeded sample."""
    confirmed: NDArray[np.int64]
    """Of those sampled."""
    share: Interval
    """Confirmed share with its Wilson interval; NaN without pairs."""
    precision: Interval
    """Estimated share of copies among all pairs up to this distance; Wilson on the effective sample size."""
    recommended: int
    """Largest distance up to which half of the pairs at every distance are copies; 0 where there are no
    pairs."""

    @property
    def same_up_to(self) -> int:
        """Largest threshold that gives the same pairs as the recommended one: nothing lies between."""
        further = np.flatnonzero(self.pairs[self.recommended + 1 :])
        return self.recommended + int(further[0]) if further.size else self.pairs.size - 1


def explore(found: HashPairs, check: Check, *, seed: int, sample: int = SAMPLE, level: float = 0.95) -> Curve:
    """Put pairs of each distance to the second check.

    Args:
        found: all pairs of distinct pictures up to the largest distance of interest.
        check: the second check.
        seed: of the samples.
        sample: pairs to check at each distance.
        level: of the intervals.
    """
    pairs = found.counts()
    sampled, confirmed = np.zeros_like(pairs), np.zeros_like(pairs)
    for distance in np.flatnonzero(pairs).tolist():
        i, j = found.sample(distance, sample, np.random.default_rng((seed, distance)))
        sampled[distance], confirmed[distance] = i.size, int(check(i, j).sum())
    return curve(found.n, pairs, sampled, confirmed, level)


def curve(
    n: int,
    pairs: NDArray[np.int64],
    sampled: NDArray[np.int64],
    confirmed: NDArray[np.int64],
    level: float = 0.95,
) -> Curve:
    """Put the counts of an exploration together.

    Args:
        n: pictures compared.
        pairs: (D + 1,) at each distance.
        sampled: (D + 1,) checked.
        confirmed: (D + 1,) of those checked.
        level: of the intervals.
    """
    return Curve(
        n=n,
        pairs=pairs,
        by_chance=by_chance(n, pairs.size - 1),
        sampled=sampled,
        confirmed=confirmed,
        share=wilson(confirmed, sampled, level),
        precision=_precision(pairs, sampled, confirmed, level),
        recommended=recommend(pairs, sampled, confirmed),
    )


def by_chance(n: int, d: int) -> NDArray[np.float64]:
    """Expect pairs at each distance among unrelated hashes whose bits are fair coins.

    Args:
        n: hashes.
        d: largest distance, bits.

    Returns:
        (d + 1,) n(n - 1)/2 · P(Bin(64, 1/2) = 0 … d).
    """
    return np.asarray(n * (n - 1) / 2 * binom.pmf(np.arange(d + 1), BITS, 0.5), dtype=np.float64)


def recommend(pairs: NDArray[np.int64], sampled: NDArray[np.int64], confirmed: NDArray[np.int64]) -> int:
    """Recommend the largest distance whose confirmed share stays at half or more, from 0 upwards.

    Distances without a pair say nothing and are passed over (pHash has no odd ones); the recommendation
    itself is a distance at which pairs were seen.

    Args:
        pairs: (D + 1,).
        sampled: (D + 1,).
        confirmed: (D + 1,).
    """
    best = 0
    for distance in np.flatnonzero(pairs).tolist():
        if confirmed[distance] < KEEP_SHARE * sampled[distance]:
            break
        best = distance
    return best


def _precision(
    pairs: NDArray[np.int64], sampled: NDArray[np.int64], confirmed: NDArray[np.int64], level: float
) -> Interval:
    """Stratified by distance: each share weighs as many pairs as there are at its distance."""
    with np.errstate(invalid="ignore", divide="ignore"):
        share = np.where(sampled > 0, confirmed / np.where(sampled > 0, sampled, 1), 0.0)
        total = np.cumsum(pairs).astype(np.float64)
        rate = np.cumsum(pairs * share) / np.where(total > 0, total, np.nan)
        spread = np.cumsum(
            np.where(sampled > 0, pairs.astype(np.float64) ** 2 / np.where(sampled > 0, sampled, 1), 0.0)
        )
        effective = np.where(total > 0, total**2 / np.where(spread > 0, spread, 1.0), 0.0)
    return wilson(np.clip(np.nan_to_num(rate), 0, 1) * effective, effective, level)
