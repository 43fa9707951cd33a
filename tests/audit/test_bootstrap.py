"""Bootstrap limits against closed forms, SciPy's bootstrap, and each other."""

import numpy as np
import pytest
from scipy import stats

from audit import bootstrap
from audit.bootstrap import (
    cluster_bootstrap,
    joint_bootstrap,
    multinomial_bootstrap,
    stratified_bootstrap,
)

COUNTS = np.array([[30, 12, 9, 149], [4, 2, 3, 31], [200, 40, 55, 705]])  # tp, fp, fn, tn


def precision(counts):
    selected = counts[..., 0] + counts[..., 1]
    return np.where(selected > 0, counts[..., 0] / np.where(selected > 0, selected, 1), np.nan)


def selection(counts):
    return (counts[..., 0] + counts[..., 1]) / counts.sum(axis=-1)


def three(counts):
    tp, fp, fn, _ = np.moveaxis(counts, -1, 0)
    hit = 2 * tp + fp + fn
    f1 = np.where(hit > 0, 2 * tp / np.where(hit > 0, hit, 1), np.nan)
    return np.stack([precision(counts), f1, selection(counts)], axis=-1)


def recall(counts):  # (..., truth, decision)
    positives = counts[..., 1, :].sum(axis=-1)
    return np.where(positives > 0, counts[..., 1, 1] / np.where(positives > 0, positives, 1), np.nan)


def test_limits_of_a_rate_are_binomial_quantiles():
    found = multinomial_bootstrap(COUNTS, selection, replicates=20_000)
    n = COUNTS.sum(axis=1)
    rate = (COUNTS[:, 0] + COUNTS[:, 1]) / n
    for tail, limit in ((0.025, found.low), (0.975, found.high)):
        np.testing.assert_allclose(limit * n, stats.binom.ppf(tail, n, rate), atol=np.sqrt(n).max() / 15)
    assert found.share_redrawn.tolist() == [0, 0, 0]


def test_limits_of_precision_equal_a_bootstrap_of_rows():
    cells = np.repeat(np.arange(4), COUNTS[0])

    def of_rows(rows, axis):
        return np.sum(rows == 0, axis=axis) / np.sum(rows <= 1, axis=axis)

    expected = stats.bootstrap(
        (cells,),
        of_rows,
        n_resamples=8_000,
        method="percentile",
        vectorized=True,
        rng=np.random.default_rng(3),
        batch=500,
    ).confidence_interval
    found = multinomial_bootstrap(COUNTS[:1], precision, replicates=8_000)
    assert found.low[0] == pytest.approx(expected.low, abs=0.01)
    assert found.high[0] == pytest.approx(expected.high, abs=0.01)


def test_percentiles_are_numpys_over_what_is_defined():
    rng = np.random.default_rng(0)
    values = rng.normal(size=(5, 200, 2))
    values[1, :50] = np.nan
    low, high = bootstrap._percentiles(values, 0.9)
    np.testing.assert_allclose(low, np.nanquantile(values, 0.05, axis=1))
    np.testing.assert_allclose(high, np.nanquantile(values, 0.95, axis=1))


def test_several_statistics_share_their_draws():
    together = multinomial_bootstrap(COUNTS, three, seed=5)
    alone = multinomial_bootstrap(COUNTS, selection, seed=5)
    np.testing.assert_array_equal(together.low[:, 2], alone.low)
    assert together.low.shape == together.share_redrawn.shape == (3, 3)


def test_a_slice_has_the_same_limits_whatever_stands_beside_it(monkeypatch):
    whole = multinomial_bootstrap(COUNTS, three, seed=2)
    monkeypatch.setattr(bootstrap, "_NUMBERS_AT_ONCE", 1)
    for got, expected in zip(multinomial_bootstrap(COUNTS, three, seed=2), whole, strict=True):
        np.testing.assert_array_equal(got, expected)
    part = multinomial_bootstrap(COUNTS[[2, 1]], three, seed=2, keys=[2, 1])
    np.testing.assert_array_equal(part.low, whole.low[[2, 1]])
    assert not np.array_equal(multinomial_bootstrap(COUNTS, three, seed=3).low, whole.low)


def test_undefined_replicates_are_drawn_again_and_their_share_is_told():
    """Two selected rows of 40: a replicate has none with probability (38/40)^40."""
    found = multinomial_bootstrap([[1, 1, 5, 33]], precision, replicates=20_000)
    assert found.share_redrawn[0] == pytest.approx((38 / 40) ** 40, abs=0.01)
    assert (found.low[0], found.high[0]) == (0, 1)


def test_an_undefined_statistic_has_no_limits_and_spoils_no_other():
    found = multinomial_bootstrap([[0, 0, 5, 35], [4, 2, 3, 31]], three)
    assert np.isnan([found.low[0, 0], found.high[0, 0], found.share_redrawn[0, 0]]).all()
    assert (found.low[0, 2], found.high[0, 2]) == (0, 0)
    assert np.isfinite(found.low[1]).all()


def test_an_empty_slice_has_no_limits():
    with np.errstate(invalid="ignore"):
        found = multinomial_bootstrap([[0, 0, 0, 0], [4, 2, 3, 31]], selection)
    assert np.isnan(found.low[0])
    assert np.isfinite(found.low[1])
    assert multinomial_bootstrap(np.zeros((0, 4), dtype=int), selection).low.shape == (0,)


def test_redrawing_ends_where_a_statistic_is_never_defined_again():
    def only_as_observed(counts):
        return np.where((counts == [3, 5]).all(axis=-1), 1.0, np.nan)

    found = multinomial_bootstrap([[3, 5]], only_as_observed, replicates=50)
    assert (found.low[0], found.high[0]) == (1, 1)
    assert 0.5 < found.share_redrawn[0] < 1


def test_stratified_draws_keep_every_positive():
    """Two positives of 50, in the stratum of the truth: recall is never undefined, and is 0, 1/2 or 1."""
    counts = np.array([[[40, 8], [1, 1]]])  # truth x decision
    found = stratified_bootstrap(counts, recall)
    assert found.share_redrawn[0] == 0
    assert (found.low[0], found.high[0]) == (0, 1)
    free = multinomial_bootstrap(counts.reshape(1, 4), lambda c: recall(c.reshape(*c.shape[:-1], 2, 2)))
    assert free.share_redrawn[0] > 0.08


def test_stratified_limits_of_recall_are_binomial_quantiles():
    found = stratified_bootstrap([[[400, 80], [30, 90]]], recall, replicates=20_000)
    np.testing.assert_allclose(
        [found.low[0] * 120, found.high[0] * 120], stats.binom.ppf([0.025, 0.975], 120, 0.75), atol=1.01
    )


def test_a_difference_is_as_wide_as_both_sides_together():
    reference = np.array([300, 100, 100, 1_500])
    found = joint_bootstrap(COUNTS, reference, selection, replicates=8_000)
    n = COUNTS.sum(axis=1)
    rate, other = selection(COUNTS), selection(reference)
    error = np.sqrt(rate * (1 - rate) / n + other * (1 - other) / reference.sum())
    np.testing.assert_allclose(found.high - found.low, 2 * stats.norm.ppf(0.975) * error, rtol=0.06)
    assert np.all((found.low < rate - other) & (rate - other < found.high))


def test_a_ratio_of_the_two_sides():
    found = joint_bootstrap(COUNTS[2:], COUNTS[2:], selection, combine=np.divide)
    assert found.low[0] < 1 < found.high[0]
    assert found.low[0] * found.high[0] == pytest.approx(1, abs=0.05)


def test_clusters_are_drawn_whole():
    """Twenty rows a cluster, all alike: as wide as one row a cluster, sqrt(20) times as wide as rows."""
    events = np.arange(50) % 5 == 0
    parts = np.stack([20 * events, 20 * ~events], axis=1)
    slices = np.zeros(50, dtype=int)

    def share(counts):
        return counts[..., 0] / counts.sum(axis=-1)

    whole = cluster_bootstrap(parts, slices, 1, share, replicates=8_000)
    single = cluster_bootstrap(parts // 20, slices, 1, share, replicates=8_000)
    rows = multinomial_bootstrap(parts.sum(axis=0)[np.newaxis], share, replicates=8_000)
    np.testing.assert_array_equal(whole.low, single.low)
    assert (whole.high - whole.low)[0] == pytest.approx(np.sqrt(20) * (rows.high - rows.low)[0], rel=0.1)


def test_a_slice_of_one_cluster_has_no_limits():
    with np.errstate(invalid="ignore"):
        found = cluster_bootstrap(
            [[3, 1], [2, 2], [5, 0]], [1, 1, 0], 3, lambda c: c[..., 0] / c.sum(axis=-1)
        )
    assert np.isnan(found.low[[0, 2]]).all()
    assert (found.low[1], found.high[1]) == (0.5, 0.75)


@pytest.mark.parametrize(
    ("arguments", "message"),
    [
        (([[1.5, 2]], selection), "counts must be whole numbers of 0 or more"),
        (([[-1, 2]], selection), "counts must be whole numbers of 0 or more"),
        (([1, 2], selection), r"counts must have 2 axes, got shape \(2,\)"),
        ((COUNTS, selection, 0), "replicates must be 1 or more, got 0"),
        ((COUNTS, selection, 10, 0, 1.0), r"level must be inside \(0, 1\), got 1.0"),
    ],
)
def test_wrong_arguments_are_refused(arguments, message):
    with pytest.raises(ValueError, match=message):
        multinomial_bootstrap(*arguments)
