"""What swaps did to scores and decisions, for each ordered pair of identities and each label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from audit.cluster_means import cluster_robust_variance_of_mean
from audit.identity_terms.scored import Scored
from audit.identity_terms.swaps import Plan
from audit.intervals import Interval, wilson
from audit.means import t_interval
from audit.multiplicity import benjamini_hochberg
from audit.significance import mcnemar_exact

Array = NDArray[np.float64]
DUST = 1e-12


@dataclass(frozen=True)
class Effects:
    """P ordered pairs x K labels; a pair without swaps is absent."""

    pairs: tuple[tuple[str, str], ...]
    """(P,) identity taken out, identity put in."""
    labels: tuple[str, ...]
    of: NDArray[np.int64]
    """(S,) pair of each swap."""
    before: Array
    """(S, K) score of the text as it stands."""
    after: Array
    """(S, K) score with the other identity."""
    turned: NDArray[np.int8]
    """(S, K) 1: the decision turned to yes, -1: to no, 0: it stayed."""
    n: NDArray[np.int64]
    """(P,) swaps."""
    shift: Interval
    """(P, K) mean of after - before, paired; rows of one cluster together."""
    up: Interval
    """(P, K) share of swaps that turned the decision to yes; Wilson."""
    down: Interval
    """(P, K) share of swaps that turned the decision to no; Wilson."""
    flips: Interval
    """(P, K) share of swaps that turned the decision either way; Wilson."""
    asymmetry: Interval
    """(P, K) shift of the pair + shift of the pair the other way round: 0 where only the identity counts."""
    p_shift: Array
    """(P, K) two-sided p of shift = 0, Student's t; NaN below the minimum n."""
    p_flips: Array
    """(P, K) McNemar's exact p of as many flips up as down; NaN below the minimum n."""
    p_adjusted: Array
    """(P, K) p_shift by Benjamini and Hochberg over all pairs and labels."""
    tests: int
    """Number of p_shift in that family."""


def effects(
    plan: Plan,
    original: Scored,
    swapped: Scored,
    clusters: NDArray[np.int64] | None = None,
    level: float = 0.95,
    minimum_n: int = 30,
) -> Effects | None:
    """Compare every swapped text with the text as it stood.

    Args:
        plan: the S swaps, sorted by pair.
        original: (S, K) scores of the texts as they stand.
        swapped: (S, K) scores of the swapped texts.
        clusters: (S,) code of the rows that belong together; None: each text by itself.
        level: of the intervals.
        minimum_n: pairs with fewer swaps are shown and not tested.

    Returns:
        None where there is no swap.
    """
    if not plan.swaps:
        return None
    names = [(one.given, one.wanted) for one in plan.swaps]
    pairs = tuple(dict.fromkeys(names))
    place = {pair: i for i, pair in enumerate(pairs)}
    of = np.array([place[pair] for pair in names])
    units = np.arange(len(of)) if clusters is None else clusters
    n = np.bincount(of, minlength=len(pairs))
    difference = swapped.scores - original.scores
    turned = swapped.decisions.astype(np.int8) - original.decisions.astype(np.int8)
    parts = [
        cluster_robust_variance_of_mean(difference[:, k], units, of, len(pairs))
        for k in range(len(original.labels))
    ]
    mean = _no_dust(np.stack([part.mean for part in parts], axis=1))
    error = _no_dust(np.sqrt(np.stack([part.variance for part in parts], axis=1)))
    df = np.stack([part.df for part in parts], axis=1).astype(np.float64)
    few = (n < minimum_n)[:, None]
    p_shift = np.where(few, np.nan, _t_p(mean, error, df))
    ups, downs = _counts(turned > 0, of, len(pairs)), _counts(turned < 0, of, len(pairs))
    total = np.broadcast_to(n[:, None], ups.shape)
    return Effects(
        pairs=pairs,
        labels=original.labels,
        of=of,
        before=original.scores,
        after=swapped.scores,
        turned=turned,
        n=n,
        shift=t_interval(mean, error, np.maximum(df, 1), level),
        up=wilson(ups, total, level),
        down=wilson(downs, total, level),
        flips=wilson(ups + downs, total, level),
        asymmetry=_both_ways(pairs, mean, error, df, level),
        p_shift=p_shift,
        p_flips=np.where(few, np.nan, mcnemar_exact(ups, downs)),
        p_adjusted=benjamini_hochberg(p_shift),
        tests=int(np.isfinite(p_shift).sum()),
    )


def _counts(events: NDArray[np.bool_], of: NDArray[np.int64], pairs: int) -> Array:
    """(P, K) number of events of each pair."""
    return np.stack([np.bincount(of, events[:, k], pairs) for k in range(events.shape[1])], axis=1)


def _no_dust(values: Array) -> Array:
    """What the rounding of sums leaves of a score that a swap did not move is no shift."""
    return np.where(np.abs(values) < DUST, 0.0, values)


def _t_p(mean: Array, error: Array, df: Array) -> Array:
    """Two-sided p of a mean of 0; where every difference is the same, 1 if it is 0 and 0 if it is not."""
    with np.errstate(divide="ignore", invalid="ignore"):
        p = 2 * stdtr(np.maximum(df, 1), -np.abs(mean / error))
    return np.where(np.isnan(error), np.nan, np.where(error > 0, p, np.where(mean == 0, 1.0, 0.0)))


def _both_ways(
    pairs: tuple[tuple[str, str], ...], mean: Array, error: Array, df: Array, level: float
) -> Interval:
    """Sum of the shifts of a pair and of its mirror, which are of different texts; NaN without a mirror."""
    place = {pair: i for i, pair in enumerate(pairs)}
    mirror = np.array([place.get((wanted, given), -1) for given, wanted in pairs])
    there = (mirror >= 0)[:, None]
    total = np.where(there, mean + mean[mirror], np.nan)
    spread = np.where(there, np.hypot(error, error[mirror]), np.nan)
    return t_interval(total, spread, np.maximum(np.minimum(df, df[mirror]), 1), level)
