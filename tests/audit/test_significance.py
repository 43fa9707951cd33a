"""Tests of significance against SciPy and statsmodels, and their false-alarm rates on small grids."""

import numpy as np
import pytest
from hypothesis import example, given
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.oneway import anova_oneway

from audit.omnibus import permutation_means, rate_omnibus
from audit.significance import (
    fisher_mid_p,
    mcnemar_exact,
    rate_difference_p,
    score_test,
    welch_anova,
    welch_t,
    z_p,
)

samples = st.integers(1, 40).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def table(first: tuple[int, int], second: tuple[int, int]) -> list[list[int]]:
    return [[first[0], first[1] - first[0]], [second[0], second[1] - second[0]]]


def size_of(test, n1: int, n2: int, rates: list[float]) -> list[float]:
    """Give the exact false-alarm rates at the 5 % level, by enumerating all tables."""
    e1, e2 = np.meshgrid(np.arange(n1 + 1), np.arange(n2 + 1), indexing="ij")
    refused = np.asarray(test(e1.ravel(), n1, e2.ravel(), n2) <= 0.05).reshape(e1.shape)
    chance1 = [stats.binom.pmf(np.arange(n1 + 1), n1, rate) for rate in rates]
    chance2 = [stats.binom.pmf(np.arange(n2 + 1), n2, rate) for rate in rates]
    return [float(a @ refused @ b) for a, b in zip(chance1, chance2, strict=True)]


@given(samples, samples)
def test_score_test_is_the_uncorrected_chi_square(first, second):
    p = score_test(*first, *second)
    if 0 < first[0] + second[0] < first[1] + second[1]:
        expected = stats.chi2_contingency(table(first, second), correction=False).pvalue
        assert p == pytest.approx(expected, rel=1e-9)
    else:
        assert p == 1


@given(samples, samples)
def test_fisher_mid_p_is_scipys_fisher_less_half_the_table_seen(first, second):
    seen = stats.hypergeom(first[1] + second[1], first[0] + second[0], first[1]).pmf(first[0])
    expected = stats.fisher_exact(table(first, second)).pvalue - seen / 2
    # a margin without choice has one table of probability 1, and p is then 1
    assert fisher_mid_p(*first, *second) == pytest.approx(1.0 if seen > 1 - 1e-12 else expected, abs=1e-9)


def test_fisher_mid_p_of_many_large_tables_equals_one_by_one():
    rng = np.random.default_rng(2)
    n1, n2 = np.full(40, 60_000), np.full(40, 90_000)
    e1, e2 = rng.binomial(n1, 0.4), rng.binomial(n2, 0.4)
    together = fisher_mid_p(e1, n1, e2, n2)  # 2.4 million cells: more than one chunk
    assert together[39] == pytest.approx(float(fisher_mid_p(e1[39], n1[39], e2[39], n2[39])), rel=1e-9)
    np.testing.assert_allclose(together, score_test(e1, n1, e2, n2), atol=0.004)


def test_fractional_counts_have_no_fisher_test():
    with pytest.raises(ValueError, match="Fisher's test needs whole counts, got fractional ones"):
        fisher_mid_p(1.5, 10, 2, 10)


def test_rate_difference_takes_fisher_where_an_expected_cell_is_below_five():
    # expected: 20 x 11/220 = 1; 100 x 80/200 = 40; exactly 5 of 50; just under 5; everybody but a few
    e1, n1 = np.array([1, 50, 6, 5, 48]), np.array([20, 100, 50, 50, 50])
    e2, n2 = np.array([10, 30, 4, 4, 49]), np.array([200, 100, 50, 50, 50])
    found = rate_difference_p(e1, n1, e2, n2)
    assert found.method.tolist() == ["fisher mid-p", "score", "score", "fisher mid-p", "fisher mid-p"]
    fisher = found.method == "fisher mid-p"
    np.testing.assert_array_equal(
        found.p, np.where(fisher, fisher_mid_p(e1, n1, e2, n2), score_test(e1, n1, e2, n2))
    )


def test_rate_difference_without_rows_is_not_computed():
    found = rate_difference_p([0, 3], [0, 9], [2, 2], [9, 9])
    assert found.method[0] == "not computed"
    assert np.isnan(found.p[0])
    assert found.p[1] == fisher_mid_p(3, 9, 2, 9)


@given(samples, st.floats(0.3, 1))
@example((3, 8), 0.5)  # 1.5 of 4 beside 4.5 of 12: both halves
def test_equal_rates_never_look_different_however_their_effective_counts_are_rounded(first, share):
    p = rate_difference_p(first[0] * share, first[1] * share, 3 * first[0] * share, 3 * first[1] * share).p
    assert p >= 0.5 - 1e-9  # the likeliest table has a mid-p of 1 less half its own probability


def test_effective_counts_are_rounded_towards_the_pooled_rate():
    # 1.4 of 14.2 beside 60 of 200: n 14, and 1.38 events become 2, since the pooled rate would give 4
    found = rate_difference_p(1.4, 14.2, 60, 200)
    assert found.method == "fisher mid-p"
    assert found.p == fisher_mid_p(2, 14, 60, 200)


def test_score_and_fisher_sizes_stay_near_five_percent():
    rates = [0.01, 0.05, 0.1, 0.2, 0.35, 0.5]
    for n1, n2 in [(20, 20), (20, 100), (50, 200), (100, 100)]:
        assert max(size_of(fisher_mid_p, n1, n2, rates)) < 0.06
        assert max(size_of(lambda *four: rate_difference_p(*four).p, n1, n2, rates)) < 0.06


@pytest.mark.parametrize("n", [(12, 12), (10, 25), (15, 30)])
def test_the_omnibus_of_two_groups_never_exceeds_five_percent(n):
    def p(e1, n1, e2, n2):
        return np.array([rate_omnibus([a, b], [n1, n2]).p for a, b in zip(e1, e2, strict=True)])

    sizes = size_of(p, *n, [0.02, 0.05, 0.1, 0.2, 0.3, 0.4, 0.5])
    assert max(sizes) <= 0.05
    assert max(sizes) > 0.03  # and it does not buy that by never refusing


@pytest.mark.parametrize(("groups", "n", "rate"), [(3, 20, 0.05), (5, 30, 0.2), (10, 20, 0.5)])
def test_the_omnibus_of_several_groups_does_not_exceed_five_percent(groups, n, rate):
    rng = np.random.default_rng(11)
    drawn = rng.binomial(n, rate, (600, groups))
    p = [
        rate_omnibus(row, np.full(groups, n), seed=k, draws=199, max_draws=199).p
        for k, row in enumerate(drawn)
    ]
    # a true 5 % gives more than 7.4 % of 600 once in 200 such tests
    assert np.mean(np.array(p) <= 0.05) < 0.074


def test_the_omnibus_of_two_groups_is_close_to_barnards_test():
    found = rate_omnibus([7, 15], [20, 25])
    assert found.method == "exact unconditional"
    # Barnard's takes the largest p over all common rates, ours over the plausible ones: at most as large
    barnard = stats.barnard_exact([[7, 13], [15, 10]], pooled=True).pvalue
    assert 0.8 * barnard < found.p <= barnard + 2e-6
    assert found.statistic == pytest.approx(stats.chi2_contingency([[7, 13], [15, 10]], correction=False)[0])


def test_the_omnibus_is_chi_square_in_large_groups():
    events, n = np.array([2_100, 2_000, 2_250]), np.array([9_000, 9_000, 9_500])
    found = rate_omnibus(events, n)
    expected = stats.chi2_contingency([events, n - events], correction=False)
    assert (found.method, found.df, found.draws) == ("chi-square", 2, 0)
    assert (found.p, found.statistic) == pytest.approx((expected.pvalue, expected.statistic))


def test_the_omnibus_draws_tables_and_agrees_with_chi_square_where_that_is_good():
    events, n = np.array([60, 75, 90, 68]), np.array([300, 300, 300, 300])
    found = rate_omnibus(events, n)
    assert (found.method, found.draws) == ("monte carlo", 9_999)
    assert found.p == pytest.approx(
        stats.chi2_contingency([events, n - events], correction=False).pvalue, abs=0.015
    )


def test_the_omnibus_draws_more_while_p_is_small():
    found = rate_omnibus([0, 0, 8, 0], [15, 15, 12, 15])
    assert found.draws == 99_999
    assert found.p < 0.001
    # with all expected counts of 5 and more, chi-square gives the p that draws cannot resolve
    found = rate_omnibus([10, 10, 50], [100, 100, 100])
    assert found.method == "chi-square"
    assert found.p == pytest.approx(
        stats.chi2_contingency([[10, 10, 50], [90, 90, 50]], correction=False).pvalue
    )


def test_the_omnibus_leaves_empty_groups_out_and_needs_two():
    assert rate_omnibus([3, 0, 9], [20, 0, 20]) == rate_omnibus([3, 9], [20, 20])
    alone = rate_omnibus([3, 0], [20, 0])
    assert np.isnan(alone.p)
    assert (alone.method, alone.df) == ("not computed", 0)
    assert rate_omnibus([0, 0, 0], [5, 6, 7]).p == 1


def test_the_omnibus_is_the_same_twice():
    events, n = [1, 0, 3, 0, 2], [20, 30, 15, 20, 20]
    assert rate_omnibus(events, n, seed=4) == rate_omnibus(events, n, seed=4)
    assert rate_omnibus(events, n, seed=4).p != rate_omnibus(events, n, seed=5).p


@given(st.integers(0, 60), st.integers(0, 60))
def test_mcnemar_is_the_binomial_test_at_one_half(b, c):
    expected = stats.binomtest(b, b + c).pvalue if b + c else 1.0
    assert mcnemar_exact(b, c) == pytest.approx(expected, rel=1e-9)


def test_mcnemar_of_many_slices_at_once():
    found = mcnemar_exact([1, 20, 0], [9, 3, 0])
    np.testing.assert_allclose(found, [stats.binomtest(1, 10).pvalue, stats.binomtest(3, 23).pvalue, 1.0])
    with pytest.raises(ValueError, match="discordant counts must be whole numbers of 0 or more"):
        mcnemar_exact([1.5], [2])


def test_z_p_is_two_sided_normal():
    found = z_p([1.96, -1.96, 0.0, 1.0], [1.0, 1.0, 0.0, 0.0])
    expected = 2 * stats.norm.sf(1.96)
    np.testing.assert_allclose(found, [expected, expected, 1.0, np.nan])


def sums(x: np.ndarray) -> tuple[int, float, float]:
    return x.size, float(x.sum()), float((x**2).sum())


@given(st.integers(2, 30), st.integers(2, 30), st.integers(0, 10_000))
def test_welch_t_equals_scipy(n1, n2, seed):
    rng = np.random.default_rng(seed)
    x, y = rng.normal(size=n1), rng.normal(0.5, 3, size=n2)
    expected = stats.ttest_ind(x, y, equal_var=False)
    found = welch_t(*sums(x), *sums(y))
    assert (float(found.p), float(found.statistic), float(found.df)) == pytest.approx(
        (expected.pvalue, expected.statistic, expected.df), rel=1e-6
    )


def test_welch_t_without_any_spread():
    found = welch_t([3, 3, 1], [3.0, 3.0, 1.0], [3.0, 3.0, 1.0], [4, 4, 4], [4.0, 8.0, 5.0], [4.0, 16.0, 9.0])
    assert found.p[0] == 1  # equal means
    assert np.isnan(found.p[1:]).all()  # a difference without a standard error; a sample of one


def test_welch_anova_equals_statsmodels():
    rng = np.random.default_rng(3)
    groups = [rng.normal(k / 4, 1 + k, size=n) for k, n in enumerate((5, 9, 14, 40))]
    expected = anova_oneway(groups, use_var="unequal")
    found = welch_anova(*zip(*(sums(x) for x in groups), strict=True))
    assert (float(found.p), float(found.statistic)) == pytest.approx(
        (expected.pvalue, expected.statistic), rel=1e-9
    )
    assert float(found.df) == pytest.approx(expected.df[1], rel=1e-9)


def test_welch_anova_of_many_outputs_leaves_single_rows_out():
    n, total, total_sq = [[5, 6, 1], [5, 6, 7]], [[5.0, 9.0, 2.0], [5.0, 9.0, 2.0]], [[9.0, 30.0, 4.0]] * 2
    found = welch_anova(n, total, total_sq)
    without = welch_anova(n[0][:2], total[0][:2], total_sq[0][:2])
    assert found.p[0] == pytest.approx(float(without.p))
    assert found.p[0] == pytest.approx(float(welch_t(5, 5.0, 9.0, 6, 9.0, 30.0).p))  # two groups: Welch's t
    assert found.p[1] != found.p[0]
    assert np.isnan(welch_anova([5, 1], [5.0, 1.0], [9.0, 1.0]).p)


def test_permutation_of_two_groups_of_normal_errors_agrees_with_welch():
    rng = np.random.default_rng(8)
    x, y = rng.normal(size=60), rng.normal(0.45, 1, size=80)
    found = permutation_means(np.concatenate([x, y]), np.repeat([0, 1], [60, 80]), seed=1)
    expected = stats.ttest_ind(x, y, equal_var=False)
    assert found.p == pytest.approx(expected.pvalue, abs=0.008)
    assert found.statistic == pytest.approx(expected.statistic**2, rel=1e-9)


def test_permutation_is_exact_for_skewed_errors_where_welch_is_not():
    rng = np.random.default_rng(21)
    groups, runs = np.repeat(np.arange(5), 20), 800
    drawn = rng.lognormal(size=(runs, 100))
    p = np.array(
        [permutation_means(row, groups, seed=k, draws=99, max_draws=99).p for k, row in enumerate(drawn)]
    )
    assert np.mean(p <= 0.05) < 0.072  # a true 5 % exceeds that once in 300 such tests
    assert np.mean(p <= 0.05) > 0.025
