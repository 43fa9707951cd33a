"""Slice search against a naive groupby, on planted faults, and on data without any."""

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from audit.intervals import newcombe
from audit.multiplicity import holm
from audit.search import count_slices, search_slices
from audit.significance import rate_difference_p


def table(seed, n=4000, features=5, values=4, unknown=0.05):
    rng = np.random.default_rng(seed)
    columns = rng.integers(0, values, (n, features)).astype(np.int32)
    columns[rng.random((n, features)) < unknown] = -1
    return rng, columns


def planted(seed, n=8000):
    """Error .1, but .4 where column 1 is 2 and column 3 is 0."""
    rng, columns = table(seed, n)
    fault = (columns[:, 1] == 2) & (columns[:, 3] == 0)
    return columns, (rng.random(n) < np.where(fault, 0.4, 0.1)).astype(np.int8)


@pytest.mark.parametrize("numeric", [False, True])
@pytest.mark.parametrize("depth", [1, 2, 3])
def test_counts_equal_a_groupby(depth, numeric):
    rng, columns = table(0, n=700)
    errors = rng.gamma(2.0, size=700) if numeric else (rng.random(700) < 0.3).astype(float)
    frame = pd.DataFrame(columns).assign(error=errors, square=errors**2)
    counted = dict(count_slices(columns, errors, depth))
    assert set(counted) == set(combinations(range(5), depth))
    for chosen, counts in counted.items():
        groups = frame.groupby(list(chosen))
        assert counts.n.sum() == 700
        assert np.count_nonzero(counts.n) == groups.ngroups
        for key, rows in groups:
            cell = tuple(value + 1 for value in key)
            assert counts.n[cell] == len(rows)
            assert counts.total[cell] == pytest.approx(rows.error.sum())
            assert counts.total_sq[cell] == pytest.approx(rows.square.sum())


def test_planted_slice_is_found_first_and_confirmed():
    for seed in range(8):
        columns, errors = planted(seed)
        result = search_slices(columns, errors, seed=seed)
        best = result.found[0]
        assert (best.columns, best.values) == ((1, 3), (2, 0))
        assert best.parent in ((1,), (3,))
        assert best.confirmed
        assert best.inside.mean > 0.25
        assert result.n_slices == 5 * 4 + 10 * 16 + 10 * 64
        assert result.n_searched <= result.n_slices
        assert sum(slice_.confirmed for slice_ in result.found[1:]) == 0


def test_numbers_of_a_found_slice():
    columns, errors = planted(3)
    result = search_slices(columns, errors, seed=5, max_picks=3, level=0.9)
    assert result.discovery_rows == result.confirmation_rows == 4000
    assert result.level == 0.9
    assert result.n_tested == len(result.found) == 3
    best = result.found[0]
    inside = (columns[:, 1] == 2) & (columns[:, 3] == 0)
    known = (columns[:, 1] >= 0) & (columns[:, 3] >= 0)
    assert best.discovery.n + best.inside.n == inside.sum()
    assert best.outside.n < (known & ~inside).sum()
    wrong = [round(best.inside.mean * best.inside.n), round(best.outside.mean * best.outside.n)]
    expected = rate_difference_p([wrong[0]], [best.inside.n], [wrong[1]], [best.outside.n]).p[0]
    assert best.p == pytest.approx(expected)
    assert [pick.p_adjusted for pick in result.found] == pytest.approx(
        holm([pick.p for pick in result.found])
    )


def test_excess_is_over_the_worst_parent():
    rng, columns = table(6, n=3000, unknown=0.1)
    errors = (rng.random(3000) < 0.1 + 0.3 * (columns[:, 0] == 1)).astype(float)
    result = search_slices(columns, errors, level=0.8, min_support=20)
    # everyone is the parent of one column: the lower limit is Newcombe's against the rest, times its share
    best = result.found[0]
    assert (best.columns, best.values, best.parent) == ((0,), (1,), ())
    n, wrong = best.discovery.n, round(best.discovery.mean * best.discovery.n)
    all_n = result.discovery_rows
    all_wrong = round((best.discovery.mean - best.excess) * all_n)
    low = newcombe(wrong, n, all_wrong - wrong, all_n - n, 0.8).low
    assert best.excess_low == pytest.approx(low * (all_n - n) / all_n)


def test_picks_overlap_by_at_most_half():
    columns, errors = planted(7)
    found = search_slices(columns, errors, level=0.7, min_support=10).found
    assert len(found) == 10
    covered = np.zeros(errors.size, bool)
    for pick in found:
        mask = (columns[:, list(pick.columns)] == pick.values).all(axis=1)
        assert (
            mask & covered
        ).sum() <= 0.6 * mask.sum()  # half of the discovery rows, and luck in the others
        covered |= mask


def test_numeric_errors():
    rng, columns = table(8)
    errors = 1000 + rng.gamma(2.0, size=4000) + 2.0 * ((columns[:, 0] == 0) & (columns[:, 2] == 3))
    best = search_slices(columns, errors).found[0]
    assert (best.columns, best.values, best.confirmed) == ((0, 2), (0, 3), True)
    assert best.inside.mean - best.outside.mean == pytest.approx(2.0, abs=0.4)
    assert best.p < 1e-6
    again = search_slices(columns, errors, clusters=np.arange(4000)).found[0]
    assert again.confirmed


def test_clusters_stay_together_and_are_not_counted_as_rows():
    alarms = 0
    for seed in range(60):
        rng, columns = table(2000 + seed, n=300, features=4, values=3, unknown=0.0)
        clusters = np.repeat(np.arange(300), 12)
        errors = np.repeat(rng.random(300) < 0.3, 12).astype(float)  # whole clusters fail, at random
        columns = np.repeat(columns, 12, axis=0)
        result = search_slices(columns, errors, clusters=clusters, level=0.95, min_support=60)
        assert result.discovery_rows == 150 * 12
        assert all(pick.discovery.n % 12 == 0 for pick in result.found)
        alarms += any(pick.confirmed for pick in result.found)
    naive = search_slices(columns, errors, level=0.95, min_support=60)
    assert any(pick.confirmed for pick in naive.found)
    assert alarms <= 3


def test_no_fault_means_few_false_alarms():
    alarms = tested = 0
    runs = 200
    for seed in range(runs):
        rng, columns = table(1000 + seed, n=900, features=4, values=3)
        errors = (rng.random(900) < 0.2).astype(float)
        result = search_slices(columns, errors, level=0.8, min_support=15, seed=seed)
        tested += result.n_tested
        alarms += any(pick.confirmed for pick in result.found)
    print(f"{alarms} of {runs} searches without a fault confirmed a slice")
    assert tested > 1.5 * runs
    assert alarms <= 0.05 * runs


@pytest.mark.parametrize("n", [0, 1, 40])
def test_too_few_rows_find_nothing(n):
    result = search_slices(np.zeros((n, 2), np.int32), np.zeros(n))
    assert result.found == ()
    assert result.n_tested == 0
    assert search_slices(np.zeros((n, 0), np.int32), np.zeros(n)).n_slices == 0


def test_rows_must_agree():
    with pytest.raises(ValueError, match=r"columns must be \(n, F\) with n = 3 errors, got \(2, 2\)"):
        search_slices(np.zeros((2, 2), np.int32), np.zeros(3))
