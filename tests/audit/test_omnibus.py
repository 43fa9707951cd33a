"""Tests of several groups at once, against SciPy, statsmodels and their own size."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.omnibus import permutation_means
from audit.significance import (
    fisher_mid_p,
    rate_difference_p,
    score_test,
)


def test_permutation_moves_whole_clusters():
    rng = np.random.default_rng(5)
    alarms = {"rows": 0, "clusters": 0}
    clusters = np.repeat(np.arange(40), 5)
    groups = clusters // 10
    for k in range(200):
        values = rng.normal(size=40)[clusters] + rng.normal(size=200)
        alarms["rows"] += permutation_means(values, groups, None, k, 99, 99).p <= 0.05
        alarms["clusters"] += permutation_means(values, groups, clusters, k, 99, 99).p <= 0.05
    assert alarms["rows"] > 60  # ignoring the clusters cries wolf in a third of audits and more
    assert alarms["clusters"] < 22


def test_permutation_finds_a_real_difference_and_draws_more_for_it():
    rng = np.random.default_rng(6)
    values = np.concatenate([rng.normal(size=40), rng.normal(2, 1, size=40)])
    found = permutation_means(values, np.repeat([0, 1], 40))
    assert (found.p, found.draws, found.method, found.df) == (1e-5, 99_999, "permutation", 1)


def test_permutation_leaves_out_rows_and_groups_it_cannot_compare():
    rng = np.random.default_rng(12)
    values, groups = rng.normal(size=50), np.repeat([0, 1], 25)
    extra_values, extra_groups = np.append(values, [99.0, -99.0]), np.append(groups, [-1, 7])
    assert permutation_means(extra_values, extra_groups, seed=3) == permutation_means(values, groups, seed=3)
    assert np.isnan(permutation_means(values[:26], groups[:26]).p)
    assert permutation_means(np.ones(20), np.arange(20) % 2).p == 1
    with pytest.raises(ValueError, match="values must be finite numbers, got NaN or infinity"):
        permutation_means([1.0, np.nan, 2.0, 3.0], [0, 0, 1, 1])


@settings(max_examples=20, deadline=None)
@given(st.floats(0.1, 100), st.floats(-1e6, 1e6))
def test_permutation_does_not_depend_on_the_unit(scale, shift):
    rng = np.random.default_rng(13)
    values, groups = rng.exponential(size=60), np.arange(60) % 3
    there = permutation_means(values * scale + shift, groups, draws=499, max_draws=499)
    assert there.p == pytest.approx(permutation_means(values, groups, draws=499, max_draws=499).p, abs=0.005)


@pytest.mark.parametrize("test", [score_test, fisher_mid_p, rate_difference_p])
def test_events_above_n_are_refused(test):
    with pytest.raises(ValueError, match="events must be from 0 to n, got a count outside"):
        test(4, 3, 1, 3)
