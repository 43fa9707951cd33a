"""Intervals against published worked examples, statsmodels, SciPy and their own defining equations."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy import stats
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint
from statsmodels.stats.weightstats import CompareMeans, DescrStatsW

from audit.intervals import (
    Interval,
    mover_difference,
    mover_half_sum,
    newcombe,
    newcombe_paired,
    ratio,
    wilson,
)
from audit.means import mean_t, moments, skewness_from_moments, t_interval, welch_difference

counts = st.integers(0, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))
nonempty = st.integers(1, 60).flatmap(lambda n: st.tuples(st.integers(0, n), st.just(n)))


def limits(interval: Interval) -> tuple[float, float]:
    return float(interval.low), float(interval.high)


# Newcombe (1998), Statistics in Medicine 17, 857-872, table I, method 3
@pytest.mark.parametrize(
    ("events", "n", "low", "high"),
    [(81, 263, 0.2553, 0.3662), (15, 148, 0.0624, 0.1605), (0, 20, 0.0, 0.1611), (1, 29, 0.0061, 0.1718)],
)
def test_wilson_equals_the_published_table(events, n, low, high):
    assert limits(wilson(events, n)) == pytest.approx((low, high), abs=5e-5)


@given(nonempty, st.sampled_from([0.8, 0.95, 0.99]))
def test_wilson_equals_statsmodels(count, level):
    expected = proportion_confint(*count, alpha=1 - level, method="wilson")
    assert limits(wilson(*count, level)) == pytest.approx(expected, abs=1e-9)


@given(nonempty)
def test_wilson_is_exact_at_the_ends_and_holds_the_rate(count):
    events, n = count
    interval = wilson(events, n)
    assert (interval.low == 0) == (events == 0)
    assert (interval.high == 1) == (events == n)
    assert interval.low <= interval.value <= interval.high


def test_wilson_takes_effective_counts_of_a_full_slice():
    share = 1 / 1.37
    interval = wilson(np.array([0.0, 23.0]) * share, 23.0 * share)
    assert (interval.low[0], interval.high[1]) == (0, 1)
    assert interval.high[0] > wilson(0, 23).high


def test_no_rows_give_nan_and_not_a_warning():
    for interval in (
        wilson([0, 3], [0, 9]),
        newcombe([0, 3], [0, 9], 2, 9),
        newcombe_paired([0, 3], 0, 0, [0, 2]),
        ratio([0, 3], [0, 9], 2, 9),
        mean_t([0, 3], [0.0, 1.0], [0.0, 2.0]),
        welch_difference([0, 3], [0.0, 1.0], [0.0, 2.0], 3, 1.0, 2.0),
    ):
        assert np.isnan([interval.value[0], interval.low[0], interval.high[0]]).all()
        assert np.isfinite([interval.value[1], interval.low[1], interval.high[1]]).all()


# Newcombe (1998), Statistics in Medicine 17, 873-890, table II, method 10
@pytest.mark.parametrize(
    ("first", "second", "low", "high"),
    [
        ((56, 70), (48, 80), 0.0524, 0.3339),
        ((9, 10), (3, 10), 0.1705, 0.8090),
        ((6, 7), (2, 7), 0.0582, 0.8062),
        ((5, 56), (0, 29), -0.0381, 0.1926),
        ((0, 10), (0, 20), -0.1611, 0.2775),
        ((0, 10), (0, 10), -0.2775, 0.2775),
        ((10, 10), (0, 20), 0.6791, 1.0),
        ((10, 10), (0, 10), 0.6075, 1.0),
    ],
)
def test_newcombe_equals_the_published_table(first, second, low, high):
    assert limits(newcombe(*first, *second)) == pytest.approx((low, high), abs=5e-5)


@given(nonempty, nonempty)
def test_newcombe_equals_statsmodels(first, second):
    expected = confint_proportions_2indep(*first, *second, method="newcomb", compare="diff")
    assert limits(newcombe(*first, *second)) == pytest.approx(expected, abs=1e-9)


@given(nonempty, nonempty)
def test_newcombe_changes_sign_when_the_samples_change_place(first, second):
    there, back = newcombe(*first, *second), newcombe(*second, *first)
    assert limits(there) == pytest.approx((-back.high, -back.low), abs=1e-12)
    assert -1 <= there.low <= there.value <= there.high <= 1


def test_mover_on_wilson_limits_is_newcombe_and_the_half_sum_mirrors_it():
    sensitivity, specificity = wilson(27, 35, 0.9), wilson(50, 60, 0.9)
    assert mover_difference(sensitivity, specificity) == newcombe(27, 35, 50, 60, 0.9)
    # (p1 + p2) / 2 is half the difference of p1 and 1 - p2, less a half
    mirrored = newcombe(27, 35, 10, 60, 0.9)
    assert limits(mover_half_sum(sensitivity, specificity)) == pytest.approx(
        ((mirrored.low + 1) / 2, (mirrored.high + 1) / 2), abs=1e-12
    )


# (both, only first, only second, neither), method 10: Newcombe (1998), Statistics in Medicine 17, 2635-2650;
# Fagerland, Lydersen and Laake (2014) on Bentur's table; Tang and others (2010); Chang (2024). Quoted in the
# tests of the R package ratesci.
@pytest.mark.parametrize(
    ("cells", "low", "high", "digits"),
    [
        ((20, 12, 2, 16), 0.0562, 0.3292, 4),
        ((1, 1, 7, 12), -0.507, -0.026, 3),
        ((8, 3, 1, 2), -0.1574, 0.4136, 4),
        ((7, 25, 2, 68), 0.133, 0.318, 3),
    ],
)
def test_newcombe_paired_equals_the_published_examples(cells, low, high, digits):
    assert limits(newcombe_paired(*cells)) == pytest.approx((low, high), abs=0.51 * 10**-digits)


cells = st.tuples(*[st.integers(0, 40)] * 4).filter(lambda four: sum(four) > 0)


@given(cells)
def test_newcombe_paired_changes_sign_when_the_models_change_place(four):
    both, only_first, only_second, neither = four
    there = newcombe_paired(*four)
    back = newcombe_paired(both, only_second, only_first, neither)
    assert limits(there) == pytest.approx((-back.high, -back.low), abs=1e-12)
    assert there.value == -back.value
    assert -1 - 1e-12 <= there.low <= there.value <= there.high <= 1 + 1e-12


@given(cells)
def test_newcombe_paired_widens_with_a_smaller_effective_share(four):
    full, halved = newcombe_paired(*four), newcombe_paired(*four, effective_share=0.5)
    assert halved.value == full.value
    assert halved.high - halved.low > full.high - full.low


def test_newcombe_paired_without_correlation_is_narrower_than_two_independent_samples():
    paired = newcombe_paired(70, 5, 3, 40)
    unpaired = newcombe(75, 118, 73, 118)
    assert paired.high - paired.low < 0.5 * (unpaired.high - unpaired.low)


# Koopman (1984) 36/40 and 16/80; Gart and Nam (1988), the limits without skewness correction
@pytest.mark.parametrize(
    ("first", "second", "low", "high", "digits"),
    [
        ((36, 40), (16, 80), 2.94, 7.15, 2),
        ((8, 15), (4, 15), 0.815, 5.336, 3),
        ((6, 10), (6, 20), 0.844, 4.594, 3),
    ],
)
def test_ratio_equals_the_published_examples(first, second, low, high, digits):
    assert limits(ratio(*first, *second)) == pytest.approx((low, high), abs=0.51 * 10**-digits)


@pytest.mark.parametrize("first", [(3, 20), (11, 35), (40, 90)])
@pytest.mark.parametrize("second", [(2, 25), (30, 70), (55, 61)])
def test_ratio_equals_statsmodels(first, second):
    expected = confint_proportions_2indep(*first, *second, compare="ratio", method="score", correction=False)
    assert limits(ratio(*first, *second)) == pytest.approx(expected, rel=1e-6)


def test_ratio_is_finite_at_zero_and_open_only_where_the_second_rate_may_be_zero():
    interval = ratio([0, 3, 0, 0, 5], [10, 10, 10, 0, 5], [3, 0, 0, 1, 1], [10, 10, 10, 3, 5])
    assert (interval.low[0], interval.value[0]) == (0, 0)
    assert 0 < interval.high[0] < 2
    assert 0 < interval.low[1] < interval.value[1] == interval.high[1] == np.inf
    assert (interval.low[2], interval.high[2]) == (0, np.inf)
    assert np.isnan(interval.value[2:4]).all()
    assert np.isnan([interval.low[3], interval.high[3]]).all()
    assert 1 < interval.low[4] < 5 < interval.high[4]


@given(nonempty, nonempty)
@settings(max_examples=50, deadline=None)
def test_ratio_inverts_when_the_samples_change_place(first, second):
    there, back = ratio(*first, *second), ratio(*second, *first)
    with np.errstate(divide="ignore"):
        assert limits(there) == pytest.approx((1 / back.high, 1 / back.low), rel=1e-6)


samples = st.lists(st.floats(-50, 50), min_size=2, max_size=30).filter(lambda x: np.ptp(x) > 1e-3)


def sums(x: list[float], centre: float = 0.0) -> tuple[int, float, float]:
    shifted = np.asarray(x) - centre
    return len(x), float(shifted.sum()), float((shifted**2).sum())


@given(samples, st.sampled_from([0.9, 0.95]))
def test_mean_t_equals_statsmodels(x, level):
    expected = DescrStatsW(x).tconfint_mean(alpha=1 - level)
    assert limits(mean_t(*sums(x), level)) == pytest.approx(expected, rel=1e-6, abs=1e-6)


@given(samples, samples)
def test_welch_difference_equals_statsmodels(x, y):
    expected = CompareMeans(DescrStatsW(x), DescrStatsW(y)).tconfint_diff(usevar="unequal")
    assert limits(welch_difference(*sums(x), *sums(y))) == pytest.approx(expected, rel=1e-6, abs=1e-6)


def test_one_row_has_a_mean_and_no_limits():
    interval = mean_t([1, 2], [4.0, 4.0], [16.0, 10.0])
    assert interval.value.tolist() == [4, 2]
    assert np.isnan(interval.low[0])
    assert np.isnan(interval.high[0])
    assert interval.low[1] < 2 < interval.high[1]


def test_equal_rows_have_variance_zero_whatever_their_rounding():
    x = np.full(1_000, 0.1)
    assert moments(1_000, np.bincount(x.astype(int), x)[0], np.bincount(x.astype(int), x**2)[0]).variance == 0


def test_centred_sums_keep_the_digits_that_plain_sums_lose():
    x = 1e9 + np.array([0.0, 1.0, 2.0, 3.0])
    expected = stats.t.interval(0.95, 3, loc=1.5, scale=np.sqrt(5 / 3 / 4))
    interval = mean_t(*sums(x, 1e9), centre=1e9)
    assert (interval.low - 1e9, interval.high - 1e9) == pytest.approx(expected, rel=1e-6)


def test_t_interval_turns_normal_at_infinite_degrees_of_freedom():
    interval = t_interval([0.0, 0.0, 0.0], 1.0, [np.inf, 7, 0.5])
    expected = [stats.norm.ppf(0.975), stats.t.ppf(0.975, 7), np.nan]
    np.testing.assert_allclose(interval.high, expected, rtol=1e-12)


@given(samples)
def test_skewness_equals_scipy(x):
    x = np.asarray(x)
    got = skewness_from_moments(x.size, x.sum(), (x**2).sum(), (x**3).sum())
    if x.size < 3:
        assert np.isnan(got)
    elif np.std(x) > 0.5:
        assert got == pytest.approx(stats.skew(x), abs=1e-4)


@pytest.mark.parametrize("wrong", [0.0, 1.0, -0.1])
def test_a_level_outside_0_to_1_is_refused(wrong):
    with pytest.raises(ValueError, match=r"level must be inside \(0, 1\), got"):
        wilson(1, 2, wrong)


@pytest.mark.parametrize(("events", "n"), [(-1, 3), (4, 3)])
def test_events_outside_0_to_n_are_refused(events, n):
    with pytest.raises(ValueError, match="events must be from 0 to n, got a count outside"):
        wilson([1, events], [3, n])


@pytest.mark.parametrize("share", [0.0, 1.01])
def test_a_share_outside_0_to_1_is_refused(share):
    with pytest.raises(ValueError, match=r"effective_share must be in \(0, 1\]"):
        newcombe_paired(1, 2, 3, 4, effective_share=share)


def test_a_negative_paired_count_is_refused():
    with pytest.raises(ValueError, match="the four counts must be 0 or more"):
        newcombe_paired(5, -1, 3, 4)


def test_many_slices_at_once_equal_one_by_one():
    rng = np.random.default_rng(7)
    n1, n2 = rng.integers(1, 80, 200), rng.integers(1, 80, 200)
    e1, e2 = rng.integers(0, n1 + 1), rng.integers(0, n2 + 1)
    for method in (newcombe, ratio):
        together = method(e1, n1, e2, n2)
        for k in range(0, 200, 20):
            alone = method(e1[k], n1[k], e2[k], n2[k])
            np.testing.assert_allclose([together.low[k], together.high[k]], limits(alone), rtol=1e-12)
