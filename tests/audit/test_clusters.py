"""Clustered rows: closed forms, statsmodels' cluster-robust regression, and measured coverage."""

import numpy as np
import pandas as pd
import pytest
import statsmodels.api as sm
from scipy import stats
from statsmodels.stats.anova import anova_lm

from audit.cluster_means import cluster_difference, cluster_robust_variance_of_mean
from audit.clusters import (
    design_effect,
    effective_n,
)
from audit.intervals import newcombe, wilson


@pytest.fixture
def rows() -> tuple[np.ndarray, np.ndarray, np.ndarray]:
    """600 rows of 150 clusters that reach into several of four slices; some rows in none."""
    rng = np.random.default_rng(17)
    clusters = rng.integers(0, 150, 600)
    slices = rng.integers(-1, 4, 600)
    values = 5 + rng.normal(size=150)[clusters] + rng.normal(size=600) + 0.5 * slices
    return values, clusters * 7 + 3, slices  # codes need not be dense


def beta_binomial(rng, n, rate, correlation, size):
    clusters = np.arange(n) // size
    shape = 1 / correlation - 1
    chance = rng.beta(rate * shape, (1 - rate) * shape, n)
    return (rng.random(n) < chance[clusters]).astype(float), clusters


def test_rows_of_their_own_have_no_design_effect():
    values, slices = np.array([0, 1, 1, 0, 1.0]), np.array([0, 0, 1, 1, 1])
    found = design_effect(values, np.arange(5), slices, 3)
    assert found.deff[:2].tolist() == [1, 1]
    assert found.deff_outside[:2].tolist() == [1, 1]
    assert found.df[:2].tolist() == [np.inf, np.inf]
    np.testing.assert_array_equal(effective_n(found.rows, found.deff, found.df), [2, 3, np.nan])
    assert np.isnan(found.deff[2])
    assert found.deff_outside[2] == 1


def test_copies_of_one_row_count_once():
    """Each row three times over: the correlation is 1, the design effect 3."""
    values = np.repeat([0, 1, 1, 0, 1, 0, 0, 0.0], 3)
    clusters, slices = np.repeat(np.arange(8), 3), np.repeat([0, 1], 12)
    found = design_effect(values, clusters, slices, 2)
    assert found.pooled_correlation == 1
    np.testing.assert_allclose(found.deff, [3, 3])
    np.testing.assert_allclose(found.deff_outside, [3, 3])
    assert (found.clusters.tolist(), found.clusters_outside.tolist()) == ([4, 4], [4, 4])
    assert (found.rows.tolist(), found.rows_outside.tolist()) == ([12, 12], [12, 12])


def test_the_correlation_is_that_of_an_analysis_of_variance():
    rng = np.random.default_rng(4)
    clusters = np.repeat(np.arange(30), 4)
    values = rng.normal(size=30)[clusters] + rng.normal(size=120)
    model = sm.OLS.from_formula("y ~ C(c)", data=pd.DataFrame({"y": values, "c": clusters})).fit()
    between, within = anova_lm(model)["mean_sq"]
    expected = (between - within) / (between + 3 * within)
    found = design_effect(values, clusters, np.zeros(120, dtype=int), 1)
    assert found.pooled_correlation == pytest.approx(expected, rel=1e-9)
    assert found.deff[0] == pytest.approx(1 + 3 * expected, rel=1e-9)
    assert found.df[0] == 29


def test_sizes_count_by_their_squares_inside_and_outside(rows):
    values, clusters, slices = rows
    found = design_effect(values, clusters, slices, 4)
    for s in range(4):
        for inside, deff, n_clusters, correlation in (
            (slices == s, found.deff[s], found.clusters[s], found.correlation[s]),
            (
                (slices != s) & (slices >= 0),
                found.deff_outside[s],
                found.clusters_outside[s],
                found.pooled_correlation,
            ),
        ):
            sizes = np.unique(clusters[inside], return_counts=True)[1]
            assert n_clusters == sizes.size
            assert deff == pytest.approx(1 + (np.sum(sizes**2) / sizes.sum() - 1) * correlation)


def test_a_slice_without_events_has_the_correlation_of_the_others():
    rng = np.random.default_rng(9)
    values, clusters = beta_binomial(rng, 300, 0.3, 0.4, 5)
    slices = np.arange(300) // 100
    values[slices == 2] = 0
    found = design_effect(values, clusters, slices, 3)
    assert found.correlation[2] == pytest.approx(found.pooled_correlation)
    assert 0.1 < found.pooled_correlation < 0.7
    effective = effective_n(found.rows, found.deff, found.df)
    assert wilson(0, effective[2]).high > 1.3 * wilson(0, 100).high


def test_a_slice_with_a_higher_correlation_of_its_own_is_not_given_the_pooled_one():
    rng = np.random.default_rng(10)
    parts = [beta_binomial(rng, 300, 0.3, rho, 5) for rho in (0.6, 0.01, 0.01, 0.01)]
    values = np.concatenate([part[0] for part in parts])
    clusters = np.concatenate([part[1] + 1_000 * s for s, part in enumerate(parts)])
    found = design_effect(values, clusters, np.repeat(np.arange(4), 300), 4)
    assert found.correlation[0] > 1.8 * found.pooled_correlation
    np.testing.assert_allclose(found.correlation[1:], found.pooled_correlation)


@pytest.mark.parametrize("values", [np.zeros(6), np.arange(6.0)])
def test_where_nothing_speaks_against_it_a_cluster_counts_as_one_row(values):
    """All rows alike, or one cluster a slice: the correlation is taken as 1."""
    clusters = np.array([0, 0, 0, 1, 1, 1])
    found = design_effect(values, clusters, clusters, 2)
    assert found.pooled_correlation == 1
    np.testing.assert_allclose(found.deff, [3, 3])


def test_effective_n_follows_korn_and_graubard():
    got = effective_n([100, 100, 100, 0, 100], [2.0, 2.0, 1.0, np.nan, 2.0], [9, 10_000, np.inf, 5, 0.0])
    expected = 100 / 2 * (stats.t.ppf(0.975, 99) / stats.t.ppf(0.975, 9)) ** 2
    assert got[0] == pytest.approx(expected)
    assert got[1] == 50  # more degrees of freedom than rows: no gain
    assert got[2] == 100
    assert np.isnan(got[3:]).all()
    with pytest.raises(ValueError, match=r"level must be inside \(0, 1\), got 1"):
        effective_n(10, 1.0, 5, level=1)


def test_robust_variance_equals_statsmodels(rows):
    values, clusters, slices = rows
    found = cluster_robust_variance_of_mean(values, clusters, slices, 4)
    for s in range(4):
        inside = slices == s
        n = int(inside.sum())
        fit = sm.OLS(values[inside], np.ones(n)).fit(
            cov_type="cluster", cov_kwds={"groups": clusters[inside], "use_correction": False}
        )
        count = np.unique(clusters[inside]).size
        assert found.df[s] == count - 1
        assert found.mean[s] == pytest.approx(values[inside].mean())
        assert found.variance[s] == pytest.approx(fit.cov_params()[0, 0] * count / (count - 1), rel=1e-9)


def test_robust_variance_of_rows_of_their_own_is_the_usual_one():
    rng = np.random.default_rng(1)
    values = 1e6 + rng.normal(size=50)
    found = cluster_robust_variance_of_mean(values, np.arange(50), np.zeros(50, dtype=int), 2)
    assert found.variance[0] == pytest.approx(values.var(ddof=1) / 50, rel=1e-6)
    assert np.isnan([found.mean[1], found.variance[1]]).all()


def test_difference_to_everyone_outside_equals_statsmodels(rows):
    values, clusters, slices = rows
    found = cluster_difference(values, clusters, slices, 4)
    kept = slices >= 0
    for s in range(4):
        member = (slices[kept] == s).astype(float)
        fit = sm.OLS(values[kept], sm.add_constant(member)).fit(
            cov_type="cluster", cov_kwds={"groups": clusters[kept], "use_correction": False}
        )
        count = np.unique(clusters[kept]).size
        assert found.difference[s] == pytest.approx(fit.params[1], rel=1e-9)
        expected = np.sqrt(fit.cov_params()[1, 1] * count / (count - 1))
        assert found.standard_error[s] == pytest.approx(expected, rel=1e-9)


def test_difference_with_one_cluster_on_a_side_has_no_error():
    found = cluster_difference([1.0, 2.0, 4.0, 5.0], [0, 0, 1, 2], [0, 0, 1, 1], 2)
    assert found.difference.tolist() == [-3, 3]
    assert np.isnan(found.standard_error).all()


def test_intervals_on_effective_counts_cover():
    """Beta-binomial rows in slices of 40 and 100: Wilson and Newcombe cover; plain counts do not."""
    rng = np.random.default_rng(33)
    covered = {"wilson": [], "newcombe": [], "plain": []}
    for n in (40, 100):
        for rate in (0.1, 0.4):
            for size in (2, 8):
                for _ in range(60):
                    parts = [beta_binomial(rng, n, rate, 0.3, size) for _ in range(4)]
                    values = np.concatenate([part[0] for part in parts])
                    clusters = np.concatenate([part[1] + 1_000 * s for s, part in enumerate(parts)])
                    slices = np.repeat(np.arange(4), n)
                    found = design_effect(values, clusters, slices, 4)
                    share = np.bincount(slices, values) / n
                    share_outside = (values.sum() - share * n) / found.rows_outside
                    inside = effective_n(found.rows, found.deff, found.df)
                    outside = effective_n(found.rows_outside, found.deff_outside, found.df_outside)
                    one = wilson(share * inside, inside)
                    two = newcombe(share * inside, inside, share_outside * outside, outside)
                    plain = wilson(share * n, n)
                    covered["wilson"].append((one.low <= rate) & (rate <= one.high))
                    covered["newcombe"].append((two.low <= 0) & (two.high >= 0))
                    covered["plain"].append((plain.low <= rate) & (rate <= plain.high))
    assert np.mean(covered["wilson"]) > 0.94
    assert np.mean(covered["newcombe"]) > 0.94
    assert np.mean(covered["plain"]) < 0.87


def test_wrong_columns_are_refused():
    with pytest.raises(ValueError, match=r"columns of one length, got \(3,\), \(2,\) and \(3,\)"):
        design_effect([1, 0, 1], [0, 1], [0, 0, 0], 1)
    with pytest.raises(ValueError, match="slice codes must be below n_slices = 2, got 2"):
        design_effect([1, 0], [0, 1], [0, 2], 2)
    with pytest.raises(ValueError, match="values must be finite numbers, got NaN or infinity"):
        cluster_difference([1, np.nan], [0, 1], [0, 1], 2)


def test_no_rows_at_all():
    found = design_effect([], [], np.array([], dtype=int), 2)
    assert np.isnan(found.deff).all()
    assert found.rows.tolist() == [0, 0]
    assert np.isnan(cluster_difference([], [], np.array([], dtype=int), 2).difference).all()
