"""p-values of differences between slices: rates, means, paired decisions, and whole groups at once.

All tests are two-sided. Counts of shape (S,) give p-values of shape (S,). What has no data is NaN.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import bdtr, betaincinv, chdtrc, fdtrc, gammaln, ndtr, stdtr, xlog1py, xlogy

from audit.intervals import moments, n_or_nan, welch_error

FISHER = "fisher mid-p"
SCORE = "score"
UNCONDITIONAL = "exact unconditional"
CHI_SQUARE = "chi-square"
MONTE_CARLO = "monte carlo"
PERMUTATION = "permutation"
NOT_COMPUTED = "not computed"

_TIE = 1 + 1e-7  # two tables whose probabilities differ by less are taken as equally likely, as R does
_CELLS_AT_ONCE = 2_000_000
_ENOUGH = 1_000  # smallest expected count from which chi-square stands alone: its size is then within .001
_BERGER_BOOS = 1e-6  # what an unconditional p pays for looking at the plausible common rates only
_RATES = 65  # common rates tried over that range
_SMALL_P = 10  # draws grow while p < _SMALL_P / draws: fewer than ten draws were as extreme


class RateTest(NamedTuple):
    """p-values of differences of two rates.

    Attributes:
        p: shape (S,).
        method: the name of the test that gave each p, shape (S,).
    """

    p: NDArray[np.float64]
    method: NDArray[np.str_]


class MeanTest(NamedTuple):
    """p-values of differences of means.

    Attributes:
        p: shape (S,).
        statistic: t for two samples, F for several, shape (S,).
        df: the (denominator) degrees of freedom, shape (S,).
    """

    p: NDArray[np.float64]
    statistic: NDArray[np.float64]
    df: NDArray[np.float64]


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


def z_p(difference: ArrayLike, standard_error: ArrayLike) -> NDArray[np.float64]:
    """Give the two-sided normal p of a difference.

    Args:
        difference: the differences, shape (S,).
        standard_error: their standard errors, shape (S,).

    Returns:
        p, shape (S,); 1 where the difference is 0, NaN where there is a difference without a standard error.
    """
    difference = np.asarray(difference, dtype=np.float64)
    z = np.abs(difference) / n_or_nan(np.asarray(standard_error, dtype=np.float64))
    return np.where(difference == 0, 1.0, 2 * ndtr(-z))


def score_test(e1: ArrayLike, n1: ArrayLike, e2: ArrayLike, n2: ArrayLike) -> NDArray[np.float64]:
    """Test the difference of two independent rates with the pooled variance, without continuity correction.

    Its square is Pearson's chi-square of the 2 x 2 table.

    Args:
        e1: events of the first sample, shape (S,); may be fractional (effective counts).
        n1: size of the first sample, shape (S,).
        e2: events of the second sample, shape (S,).
        n2: size of the second sample, shape (S,).

    Returns:
        p, shape (S,); 1 where nobody or everybody had the event, NaN where a sample is empty.

    Raises:
        ValueError: events are negative or above n.
    """
    e1, n1, e2, n2 = _checked(e1, n1, e2, n2)
    pooled = (e1 + e2) / n_or_nan(n1 + n2)
    difference = e1 / n_or_nan(n1) - e2 / n_or_nan(n2)
    variance = np.maximum(pooled * (1 - pooled), 0.0) * (1 / n_or_nan(n1) + 1 / n_or_nan(n2))
    p = z_p(difference, np.sqrt(variance))
    return np.where(np.isnan(difference), np.nan, p)


def fisher_mid_p(e1: ArrayLike, n1: ArrayLike, e2: ArrayLike, n2: ArrayLike) -> NDArray[np.float64]:
    """Give Fisher's two-sided mid-p of a 2 x 2 table.

    Two-sided by probability: with all margins fixed, the sum of the probabilities of all tables that are at
    most as likely as the one seen, less half the probability of the one seen.

    Args:
        e1: events of the first sample, whole numbers, shape (S,).
        n1: size of the first sample, whole numbers, shape (S,).
        e2: events of the second sample, whole numbers, shape (S,).
        n2: size of the second sample, whole numbers, shape (S,).

    Returns:
        p, shape (S,); 1 where the margins allow one table only, NaN where a sample is empty.

    Raises:
        ValueError: a count is not whole, or events are negative or above n.

    Source:
        Lydersen, Fagerland and Laake (2009), Statistics in Medicine 28, 1159-1175.
    """
    counts = _checked(e1, n1, e2, n2)
    if any(np.any(part != np.floor(part)) for part in counts):
        raise ValueError("Fisher's test needs whole counts, got fractional ones")
    shape = counts[0].shape
    e1, n1, e2, n2 = (part.ravel().astype(np.int64) for part in counts)
    p = np.full(e1.size, np.nan)
    lowest = np.maximum(0, e1 + e2 - n2)
    tables = np.minimum(n1, e1 + e2) - lowest + 1
    wanted = np.flatnonzero((n1 > 0) & (n2 > 0))
    for part in _chunks(tables, wanted):
        p[part] = _mid_p(e1[part], n1[part], e2[part], n2[part], lowest[part], tables[part])
    return p.reshape(shape)


def rate_difference_p(e1: ArrayLike, n1: ArrayLike, e2: ArrayLike, n2: ArrayLike) -> RateTest:
    """Test the difference of two independent rates: score, or Fisher's mid-p with an expected cell < 5.

    Args:
        e1: events of the first sample, shape (S,); may be fractional (effective counts). For Fisher's test an
            effective n is rounded down, and its events towards the pooled rate.
        n1: size of the first sample, shape (S,).
        e2: events of the second sample, shape (S,).
        n2: size of the second sample, shape (S,).

    Returns:
        p and the name of the test for each, shape (S,); p NaN and "not computed" where a sample is empty.

    Raises:
        ValueError: events are negative or above n.
    """
    e1, n1, e2, n2 = _checked(e1, n1, e2, n2)
    pooled = (e1 + e2) / n_or_nan(n1 + n2)
    sparse = np.minimum(n1, n2) * np.minimum(pooled, 1 - pooled) < 5
    empty = (n1 == 0) | (n2 == 0)
    whole1, whole2 = _whole(e1, n1, pooled), _whole(e2, n2, pooled)
    p = score_test(e1, n1, e2, n2)
    p = np.where(sparse, fisher_mid_p(*(np.where(sparse, part, 0) for part in (*whole1, *whole2))), p)
    method = np.where(empty, NOT_COMPUTED, np.where(sparse, FISHER, SCORE))
    return RateTest(np.where(empty, np.nan, p), method)


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
    events, n = _checked(events, n)
    events, n = events[n > 0], n[n > 0]
    df = max(n.size - 1, 0)
    if n.size < 2:
        return OmnibusTest(np.nan, np.nan, df, NOT_COMPUTED, 0)
    pooled = np.sum(events) / np.sum(n)
    least = float(np.min(n) * min(pooled, 1 - pooled))
    if least < _ENOUGH:
        events, n = _whole(events, n, np.asarray(pooled))
    statistic = float(_pearson(events, n))
    closed_form = OmnibusTest(float(chdtrc(df, statistic)), statistic, df, CHI_SQUARE, 0)
    if least >= _ENOUGH or statistic == 0:
        return closed_form
    if n.size == 2:
        return OmnibusTest(_unconditional_p(events, n, statistic), statistic, df, UNCONDITIONAL, 0)
    drawn = _monte_carlo_tables(events, n, statistic, seed, draws, draws if least >= 5 else max_draws)
    return closed_form if least >= 5 and drawn.p < _SMALL_P / drawn.draws else drawn


def mcnemar_exact(only_first: ArrayLike, only_second: ArrayLike) -> NDArray[np.float64]:
    """Give the exact two-sided p of a paired difference of rates from the discordant counts.

    Args:
        only_first: rows with the event in the first only, whole numbers, shape (S,).
        only_second: rows with the event in the second only, whole numbers, shape (S,).

    Returns:
        p, shape (S,): the smaller binomial tail at one half, doubled, at most 1; 1 without discordant rows.

    Raises:
        ValueError: a count is negative or not whole.

    Source:
        McNemar (1947), Psychometrika 12, 153-157, with the exact binomial distribution.
    """
    b, c = (np.asarray(part, dtype=np.float64) for part in (only_first, only_second))
    if any(np.any((part < 0) | (part != np.floor(part))) for part in (b, c)):
        raise ValueError("discordant counts must be whole numbers of 0 or more")
    return np.asarray(np.minimum(2 * bdtr(np.minimum(b, c), (b + c).astype(np.int64), 0.5), 1.0))


def welch_t(
    n1: ArrayLike,
    total1: ArrayLike,
    total_sq1: ArrayLike,
    n2: ArrayLike,
    total2: ArrayLike,
    total_sq2: ArrayLike,
    centre: ArrayLike = 0.0,
) -> MeanTest:
    """Test the difference of two independent means from sums, variances unequal.

    False alarms at the 5 % level for log-normal errors: 4 % of 20 against 20 rows, 11 % of 20 against 200, 8
    % of 50 against 500, 7 % of 200 against 2,000. `permutation_means` stays at 5 % where the two have one
    distribution.

    Args:
        n1: rows of the first sample, shape (S,).
        total1: sum of x - centre over the first sample, shape (S,).
        total_sq1: sum of (x - centre)² over the first sample, shape (S,).
        n2: rows of the second sample, shape (S,).
        total2: sum of x - centre over the second sample, shape (S,).
        total_sq2: sum of (x - centre)² over the second sample, shape (S,).
        centre: what was taken off every x of both samples before summing.

    Returns:
        p, t and the degrees of freedom, shape (S,); NaN where a sample has n < 2, or where neither sample
        varies and the means differ. p is 1 where the means are equal.

    Source:
        Welch (1938), Biometrika 29, 350-362.
    """
    first, second = moments(n1, total1, total_sq1, centre), moments(n2, total2, total_sq2, centre)
    error, df = welch_error(first, second)
    difference = first.mean - second.mean
    t = np.where((difference == 0) & (error == 0), 0.0, difference / n_or_nan(error))
    return MeanTest(np.asarray(2 * stdtr(df, -np.abs(t))), t, df)


def welch_anova(n: ArrayLike, total: ArrayLike, total_sq: ArrayLike, centre: ArrayLike = 0.0) -> MeanTest:
    """Test that K groups have the same mean from sums, variances unequal.

    False alarms at the 5 % level of five groups: 7 % for log-normal errors of 20 or 50 rows a group, 5 % of
    200 and for normal errors. `permutation_means` stays at 5 % where the groups have one distribution.

    Args:
        n: rows of each group, shape (..., K); groups of fewer than two rows are left out.
        total: sum of x - centre of each group, shape (..., K).
        total_sq: sum of (x - centre)² of each group, shape (..., K).
        centre: what was taken off every x of all groups before summing.

    Returns:
        p, F and its denominator degrees of freedom, shape (...); NaN where fewer than two groups remain or
        where a group does not vary.

    Source:
        Welch (1951), Biometrika 38, 330-336.
    """
    sample = moments(n, total, total_sq, centre)
    kept = sample.n >= 2
    groups = kept.sum(axis=-1)
    flat = np.any(kept & (sample.variance == 0), axis=-1)
    weight = np.where(kept, sample.n / np.where(sample.variance > 0, sample.variance, np.inf), 0.0)
    overall = n_or_nan(weight.sum(axis=-1))
    mean = np.sum(weight * np.where(kept, sample.mean, 0.0), axis=-1) / overall
    deviation = np.where(kept, sample.mean, 0.0) - mean[..., np.newaxis]
    between = np.sum(weight * deviation**2, axis=-1) / n_or_nan(groups - 1.0)
    share = np.where(kept, 1 - weight / overall[..., np.newaxis], 0.0)
    spread = n_or_nan(np.sum(share**2 / np.where(kept, sample.n - 1, 1.0), axis=-1))
    f = between / (1 + 2 * (groups - 2) / (groups**2 - 1.0 + (groups == 1)) * spread)
    df = (groups**2 - 1) / (3 * spread)
    f = np.where(flat | (groups < 2), np.nan, f)
    return MeanTest(np.asarray(fdtrc(groups - 1.0, df, f)), f, np.where(np.isnan(f), np.nan, df))


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


def _checked(*counts: ArrayLike) -> list[NDArray[np.float64]]:
    arrays = np.broadcast_arrays(*(np.asarray(part, dtype=np.float64) for part in counts))
    for events, n in zip(arrays[::2], arrays[1::2], strict=True):
        if np.any((events < 0) | (events > n)):
            raise ValueError("events must be from 0 to n, got a count outside")
    return list(arrays)


def _whole(
    events: NDArray[np.float64], n: NDArray[np.float64], pooled: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Round effective counts: n down but not to 0, events towards what the pooled rate would give."""
    size = np.where(n > 0, np.maximum(np.floor(n), 1.0), 0.0)
    exact = np.where(n > 0, events / n_or_nan(n), 0.0) * size
    nearest = np.rint(exact)
    expected = np.nan_to_num(pooled) * size
    inward = np.where(exact < expected, np.ceil(exact), np.floor(exact))
    inward = np.where(np.sign(inward - expected) == np.sign(exact - expected), inward, nearest)
    return np.clip(np.where(np.abs(exact - nearest) < 1e-9, nearest, inward), 0, size), size


def _chunks(cells: NDArray[np.int64], wanted: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """Split the wanted tables so that each part enumerates some two million cells at most."""
    filled = np.cumsum(cells[wanted]) // _CELLS_AT_ONCE
    return [part for part in np.split(wanted, np.flatnonzero(np.diff(filled)) + 1) if part.size]


def _mid_p(
    e1: NDArray[np.int64],
    n1: NDArray[np.int64],
    e2: NDArray[np.int64],
    n2: NDArray[np.int64],
    lowest: NDArray[np.int64],
    tables: NDArray[np.int64],
) -> NDArray[np.float64]:
    owner = np.repeat(np.arange(e1.size), tables)
    starts = np.cumsum(tables) - tables
    x = np.arange(owner.size) - starts[owner] + lowest[owner]

    def log_weight(x: NDArray[np.int64], pick: NDArray[np.int64]) -> NDArray[np.float64]:
        rest = (e1 + e2)[pick] - x
        terms = (x, n1[pick] - x, rest, n2[pick] - rest)
        return np.asarray(-sum(gammaln(term + 1.0) for term in terms))

    seen = log_weight(e1, np.arange(e1.size))
    relative = np.exp(np.minimum(log_weight(x, owner) - seen[owner], 700.0))  # the table seen weighs 1
    no_likelier = np.add.reduceat(np.where(relative <= _TIE, relative, 0.0), starts)
    return np.asarray(np.minimum((no_likelier - 0.5 * (tables > 1)) / np.add.reduceat(relative, starts), 1.0))


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
    at_once = max(1, _CELLS_AT_ONCE // max(width, 1))
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
