"""One test that several groups are equal: rates by exact or drawn tables, means by permutation."""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import betaincinv, chdtrc, gammaln, xlog1py, xlogy

from audit.effective_counts import checked_counts, whole_counts
from audit.intervals import n_or_nan
from audit.significance import CELLS_AT_ONCE, NOT_COMPUTED

UNCONDITIONAL = "exact unconditional"
CHI_SQUARE = "chi-square"
MONTE_CARLO = "monte carlo"
PERMUTATION = "permutation"

_ENOUGH = 1_000  # smallest expected count from which chi-square stands alone: its size is then within .001
_BERGER_BOOS = 1e-6  # what an unconditional p pays for looking at the plausible common rates only
_RATES = 65  # common rates tried over that range
_SMALL_P = 10  # draws grow while p < _SMALL_P / draws: fewer than ten draws were as extreme


class OmnibusTest(NamedTuple):
    """One test of the equality of several groups.

    Attributes:
        p: NaN where fewer than two groups could be compared.
        statistic: NaN where fewer than two groups could be compared.
        df: groups compared - 1.
        method: the name of the test.
        draws: random tables or permutations drawn; 0 for a closed form.
    """

    p: float
    statistic: float
    df: int
    method: str
    draws: int


def rate_omnibus(
    events: ArrayLike, n: ArrayLike, seed: int = 0, draws: int = 9_999, max_draws: int = 99_999
) -> OmnibusTest:
    """Test that several groups have the same rate, with at most 5 % false alarms at the 5 % level.

    Chi-square alone exceeds that (up to .057 with expected counts of 5 to 20, .051 with 150), and so does
    Fisher's mid-p of two groups of unlike size (up to .059). Hence: where all expected counts are at least
    1,000, chi-square. Else two groups: the exact unconditional test by the score statistic, the largest p
    over the plausible common rates. More groups: tables drawn with all margins fixed, p = (1 + tables with as
    large a chi-square) ÷ (1 + draws); while p < 10 ÷ draws, chi-square's own p where all expected counts are
    at least 5, more draws otherwise. On effective counts of clustered rows it is cautious (2 % false alarms
    on average): `permutation_means` on the 0/1 rows with their clusters is the sharper test there.

    Args:
        events: events of each group, shape (K,); may be fractional (effective counts), which are rounded: n
            down and events towards the pooled rate.
        n: size of each group, shape (K,); empty groups are left out.
        seed: seed of the draws.
        draws: tables drawn at first.
        max_draws: tables drawn at most.

    Returns:
        The test; p is 1 where nobody or everybody had the event.

    Raises:
        ValueError: events are negative or above n.

    Source:
        Suissa and Shuster (1985), JRSS A 148, 317-327; Berger and Boos (1994), JASA 89, 1012-1016.
    """
    events, n = checked_counts(events, n)
    events, n = events[n > 0], n[n > 0]
    df = max(n.size - 1, 0)
    if n.size < 2:
        return OmnibusTest(np.nan, np.nan, df, NOT_COMPUTED, 0)
    pooled = np.sum(events) / np.sum(n)
    least = float(np.min(n) * min(pooled, 1 - pooled))
    if least < _ENOUGH:
        events, n = whole_counts(events, n, np.asarray(pooled))
    statistic = float(_pearson(events, n))
    closed_form = OmnibusTest(float(chdtrc(df, statistic)), statistic, df, CHI_SQUARE, 0)
    if least >= _ENOUGH or statistic == 0:
        return closed_form
    if n.size == 2:
        return OmnibusTest(_unconditional_p(events, n, statistic), statistic, df, UNCONDITIONAL, 0)
    drawn = _monte_carlo_tables(events, n, statistic, seed, draws, draws if least >= 5 else max_draws)
    return closed_form if least >= 5 and drawn.p < _SMALL_P / drawn.draws else drawn


def permutation_means(
    values: ArrayLike,
    groups: ArrayLike,
    clusters: ArrayLike | None = None,
    seed: int = 0,
    draws: int = 9_999,
    max_draws: int = 99_999,
) -> OmnibusTest:
    """Test that several groups have the same mean by permuting rows, or whole clusters, between the groups.

    The statistic is Welch's: the weighted spread of the group means, each weighted by 1 ÷ its squared
    standard error. Studentised like that, the test is exact where the groups have one distribution, and right
    in large samples where they only have one mean. p = (1 + permutations with as large a statistic) ÷ (1 +
    draws), with more draws while p < 10 ÷ draws. A squared standard error counts as at least a hundredth of
    what the pooled spread would give, so that a small group of equal rows has a finite weight.

    False alarms at the 5 % level: 5 % for log-normal errors of 5 groups of 20 or of 20 against 200 rows, and
    for clustered rows (48 % if their clusters are ignored); 10 % for 40 against 40 rows of one mean but of
    log-normal shapes as unlike as sigma .5 and 1.

    Args:
        values: one number a row, shape (n,): an error, or 0/1.
        groups: group code of each row, shape (n,); below 0: left out.
        clusters: cluster code of each row, shape (n,), or None: rows are independent. The rows of one cluster
            in one group move together, and the standard errors are cluster-robust. A cluster that reaches
            into several groups counts as one unit in each, which makes p too large rather than too small.
        seed: seed of the permutations.
        draws: permutations at first.
        max_draws: permutations at most.

    Returns:
        The test; p NaN where fewer than two groups have two units. p is 1 where all values are equal.

    Raises:
        ValueError: a value is not finite.

    Source:
        Chung and Romano (2013), Annals of Statistics 41, 484-507; DiCiccio, Vasudevan, Basu, Kenthapadi and
        Agarwal (2020), arXiv 2007.05124, for fairness metrics.
    """
    values, groups = np.asarray(values, dtype=np.float64), np.asarray(groups)
    kept = groups >= 0
    units = np.arange(values.size) if clusters is None else np.asarray(clusters)
    sums, sizes, unit_groups = _units(values[kept], groups[kept], units[kept])
    counts = np.bincount(unit_groups) if unit_groups.size else np.zeros(0, dtype=np.int64)
    usable = (counts >= 2)[unit_groups]
    counts = counts[counts >= 2]
    if counts.size < 2:
        return OmnibusTest(np.nan, np.nan, max(counts.size - 1, 0), NOT_COMPUTED, 0)
    sums, sizes, starts = sums[usable], sizes[usable], np.cumsum(counts) - counts
    sums = sums - sizes * (sums.sum() / sizes.sum())  # about the overall mean: no digits lost in the squares
    statistic = _studentised(sums, sizes, starts)
    observed = float(statistic(np.arange(sums.size)[np.newaxis])[0])
    rng = np.random.default_rng(seed)

    def as_large(times: int) -> int:
        order = np.broadcast_to(np.arange(sums.size, dtype=np.int32), (times, sums.size))
        return int(np.sum(statistic(rng.permuted(order, axis=1)) >= observed * (1 - 1e-9)))

    p, drawn = _drawn_p(as_large, sums.size, draws, max_draws)
    return OmnibusTest(p, observed, starts.size - 1, PERMUTATION, drawn)


def _pearson(events: NDArray[np.float64], n: NDArray[np.float64]) -> NDArray[np.float64]:
    pooled = events.sum(axis=-1, keepdims=True) / n.sum()
    scale = n * pooled * (1 - pooled)
    return np.asarray(np.sum((events - n * pooled) ** 2 / np.where(scale > 0, scale, 1.0), axis=-1))


def _unconditional_p(events: NDArray[np.float64], n: NDArray[np.float64], observed: float) -> float:
    """Give the largest chance, over the plausible common rates, of as large a chi-square from two groups."""
    total, size = events.sum(), n.sum()
    low = float(betaincinv(total, size - total + 1, _BERGER_BOOS / 2)) if total > 0 else 0.0
    high = float(betaincinv(total + 1, size - total, 1 - _BERGER_BOOS / 2)) if total < size else 1.0
    rates = np.linspace(low, high, _RATES)
    seen = []
    for group in n:
        reach = 8 * np.sqrt(group * rates * (1 - rates)) + 8
        first = max(0.0, np.floor((group * rates - reach).min()))
        seen.append(np.arange(first, min(group, (group * rates + reach).max()) + 1))
    table = np.stack(np.meshgrid(*seen, indexing="ij"), axis=-1)
    as_large = (_pearson(table, n) >= observed * (1 - 1e-9)).astype(np.float64)
    chance1, chance2 = (_binomial(x, group, rates) for x, group in zip(seen, n, strict=True))
    chances = np.einsum("rx,rx->r", chance1, chance2 @ as_large.T)
    return float(min(chances.max() + _BERGER_BOOS, 1.0))


def _binomial(x: NDArray[np.float64], n: float, rates: NDArray[np.float64]) -> NDArray[np.float64]:
    """Give P(X = x) for every rate, shape (rates, x)."""
    choose = gammaln(n + 1) - gammaln(x + 1) - gammaln(n - x + 1)
    p = rates[:, np.newaxis]
    return np.asarray(np.exp(choose + xlogy(x, p) + xlog1py(n - x, -p)))


def _monte_carlo_tables(
    events: NDArray[np.float64],
    n: NDArray[np.float64],
    observed: float,
    seed: int,
    draws: int,
    max_draws: int,
) -> OmnibusTest:
    rng = np.random.default_rng(seed)
    sizes, total = n.astype(np.int64), int(events.sum())

    def as_large(times: int) -> int:
        tables = rng.multivariate_hypergeometric(sizes, total, size=times, method="marginals")
        return int(np.sum(_pearson(tables.astype(np.float64), n) >= observed * (1 - 1e-9)))

    p, drawn = _drawn_p(as_large, sizes.size, draws, max_draws)
    return OmnibusTest(p, observed, sizes.size - 1, MONTE_CARLO, drawn)


def _drawn_p(as_large: Callable[[int], int], width: int, draws: int, max_draws: int) -> tuple[float, int]:
    """Count draws as extreme as the data, ten times as many while fewer than ten were, up to max_draws."""
    at_once = max(1, CELLS_AT_ONCE // max(width, 1))
    extreme, drawn, wanted = 0, 0, draws
    while True:
        while drawn < wanted:
            times = min(at_once, wanted - drawn)
            extreme, drawn = extreme + as_large(times), drawn + times
        p = (1 + extreme) / (1 + drawn)
        if p >= _SMALL_P / drawn or drawn >= max_draws:
            return p, drawn
        wanted = min(10 * drawn + 9, max_draws)


def _units(
    values: NDArray[np.float64], groups: NDArray[np.int64], clusters: NDArray[np.int64]
) -> tuple[NDArray[np.float64], NDArray[np.float64], NDArray[np.int64]]:
    """Give sum, size and group of every cluster x group, in the order of the groups."""
    if not np.all(np.isfinite(values)):
        raise ValueError("values must be finite numbers, got NaN or infinity")
    cluster_code = np.unique(clusters, return_inverse=True)[1].astype(np.int64)
    group_code = np.unique(groups, return_inverse=True)[1].astype(np.int64)
    width = int(cluster_code.max(initial=0)) + 1
    codes, unit = np.unique(group_code * width + cluster_code, return_inverse=True)
    sums = np.bincount(unit, values, codes.size).astype(np.float64)
    return sums, np.bincount(unit, minlength=codes.size).astype(np.float64), codes // np.int64(width)


def _studentised(
    sums: NDArray[np.float64], sizes: NDArray[np.float64], starts: NDArray[np.int64]
) -> Callable[[NDArray[np.int32]], NDArray[np.float64]]:
    """Give a function of permutations (B, units) to Welch's weighted spread of the group means (B,)."""
    counts = np.diff(np.append(starts, sums.size)).astype(np.float64)
    least = 0.01 * counts * np.mean(sums**2)
    equal_sizes = bool(np.all(sizes == sizes[0]))

    def statistic(order: NDArray[np.int32]) -> NDArray[np.float64]:
        moved = sums[order]
        total, squares = (np.add.reduceat(part, starts, axis=1) for part in (moved, moved * moved))
        if equal_sizes:
            rows = counts * sizes[0]
            mean = total / rows
            squares -= total**2 / counts
        else:
            size = sizes[order]
            rows = np.add.reduceat(size, starts, axis=1)
            mean = total / rows
            squares += mean * (mean * np.add.reduceat(size * size, starts, axis=1))
            squares -= 2 * mean * np.add.reduceat(moved * size, starts, axis=1)
        variance = np.maximum(counts / (counts - 1) * squares, least)
        weight = rows**2 / np.where(variance > 0, variance, np.inf)
        overall = np.sum(weight * mean, axis=1) / n_or_nan(np.sum(weight, axis=1))
        spread = np.sum(weight * (mean - overall[:, np.newaxis]) ** 2, axis=1)
        return np.asarray(np.nan_to_num(spread))

    return statistic
