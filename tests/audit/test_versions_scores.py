"""Changes of R² and average precision against scikit-learn, brute force and a bootstrap of rows."""

from __future__ import annotations

import numpy as np
import pytest
from builders import build_attribute
from sklearn.metrics import average_precision_score, r2_score
from versions_builders import pair_of

from audit.slices import slice_set
from audit.versions.changes import change_columns
from audit.versions.measures import measure_pair
from audit.versions.paired import Settings
from audit.versions.precision_change import precision_change


def everyone(n):
    return slice_set({}, np.arange(n), 1, {}, 30)


def numbers(seed: int, n: int = 400):
    rng = np.random.default_rng(seed)
    truth, shared = rng.gamma(3, 10, n), rng.normal(0, 6, n)
    return truth, truth + shared + rng.normal(0, 4, n), truth + shared + rng.normal(0, 3, n)


def scores(seed: int, n: int = 500, ties: bool = False):
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.3).astype(int)
    shared = rng.normal(size=n) + 1.5 * truth
    old, new = (1 / (1 + np.exp(-(shared + rng.normal(size=n)))) for _ in range(2))
    return (truth, old.round(1), new.round(1)) if ties else (truth, old, new)


def r2_change(truth, old, new, slices, share=None):
    measures = measure_pair(pair_of("number", truth, old, new), slices)
    ones = np.ones(len(slices)) if share is None else share
    return measures.forms["r2"].change(measures.joint, ones, Settings())


def precision(truth, old, new, slices, clusters=None):
    decided = [(s >= 0.5).astype(int) for s in (old, new)]
    return precision_change(pair_of("yes_no", truth, *decided, (old, new)), slices, clusters, 0.95)


def resampled(statistic, n: int, draws: int = 3000):
    rng = np.random.default_rng(0)
    return np.array([statistic(rng.integers(0, n, n)) for _ in range(draws)])


def test_r2_is_scikit_learns_and_its_error_that_of_a_bootstrap_of_rows() -> None:
    truth, old, new = numbers(0)
    change = r2_change(truth, old, new, everyone(400))
    assert change.old[0] == pytest.approx(r2_score(truth, old))
    assert change.new[0] == pytest.approx(r2_score(truth, new))
    drawn = resampled(lambda i: (r2_score(truth[i], old[i]), r2_score(truth[i], new[i])), 400)
    assert change.error[0] == pytest.approx(np.std(drawn[:, 1] - drawn[:, 0]), rel=0.06)
    assert (change.new_high - change.new_low)[0] / 2 / 1.966 == pytest.approx(np.std(drawn[:, 1]), rel=0.08)
    assert np.percentile(drawn[:, 1] - drawn[:, 0], [2.5, 97.5]) == pytest.approx(
        (change.low[0], change.high[0]), abs=0.004
    )


def test_r2_by_slice_is_that_of_the_slices_rows_wherever_the_truth_lies() -> None:
    truth, old, new = numbers(1)
    teams = build_attribute("team", ["ab"[i % 2] for i in range(400)])
    slices = slice_set({"team": teams}, np.arange(400), 1, {}, 30)
    far = 1e5
    change = r2_change(truth + far, old + far, new + far, slices)
    for k in (1, 2):
        rows = teams.codes == k - 1
        alone = r2_change(truth[rows], old[rows], new[rows], everyone(rows.sum()))
        for field in ("old", "new", "low", "high", "p"):
            assert getattr(change, field)[k] == pytest.approx(getattr(alone, field)[0], rel=1e-6), field


def test_r2_without_a_spread_of_the_truth_is_not_computed() -> None:
    truth = np.full(50, 30.0)
    change = r2_change(truth, truth + 1, truth + np.arange(50), everyone(50))
    assert np.isnan([change.value[0], change.low[0], change.p[0]]).all()


def test_average_precision_is_scikit_learns_with_and_without_ties() -> None:
    for ties in (False, True):
        truth, old, new = scores(0, ties=ties)
        change, _ = precision(truth, old, new, everyone(500))
        assert change.old[0] == pytest.approx(average_precision_score(truth, old))
        assert change.new[0] == pytest.approx(average_precision_score(truth, new))
        drawn = resampled(
            lambda i, t=truth, o=old, w=new: (
                average_precision_score(t[i], w[i]) - average_precision_score(t[i], o[i])
            ),
            500,
            2000,
        )
        assert change.error[0] == pytest.approx(np.std(drawn), rel=0.08)
        assert np.percentile(drawn, [2.5, 97.5]) == pytest.approx((change.low[0], change.high[0]), abs=0.012)


def test_what_a_row_moves_average_precision_by_is_what_leaving_it_out_does() -> None:
    truth, old, new = scores(3, n=300)
    change, _ = precision(truth, old, new, everyone(300))
    every = np.arange(300)
    left_out = np.array(
        [
            average_precision_score(truth[every != i], new[every != i])
            - average_precision_score(truth[every != i], old[every != i])
            for i in every
        ]
    )
    jackknife = np.sqrt(299 / 300 * ((left_out - left_out.mean()) ** 2).sum())
    assert change.error[0] == pytest.approx(jackknife, rel=0.07)


def test_average_precision_by_slice_and_outside_is_that_of_the_rows() -> None:
    truth, old, new = scores(5)
    names = ["abc"[i % 3] if i % 7 else "unknown" for i in range(500)]
    teams = build_attribute("team", names)
    slices = slice_set({"team": teams}, np.arange(500), 1, {}, 30)
    own, outside = precision(truth, old, new, slices)
    known = np.array(names) != "unknown"
    for k, name in enumerate(("a", "b", "c"), start=1):
        for found, rows in ((own, np.array(names) == name), (outside, (np.array(names) != name) & known)):
            alone, _ = precision(truth[rows], old[rows], new[rows], everyone(rows.sum()))
            for field in ("value", "low", "high", "p", "n"):
                assert getattr(found, field)[k] == pytest.approx(getattr(alone, field)[0]), field


def test_copied_rows_in_clusters_widen_average_precision_to_what_the_originals_say() -> None:
    truth, old, new = scores(6, n=300)
    once, _ = precision(truth, old, new, everyone(300))
    copies = np.repeat(np.arange(300), 4)
    clusters = copies.astype(np.int32)
    many, _ = precision(truth[copies], old[copies], new[copies], everyone(1200), clusters)
    assert many.value[0] == pytest.approx(once.value[0])
    assert (many.low[0], many.high[0]) == pytest.approx((once.low[0], once.high[0]), abs=2e-3)


def test_the_same_scores_do_not_change_and_no_positive_is_said() -> None:
    truth, old, _ = scores(7)
    teams = build_attribute("team", ["b" if t == 0 and i % 2 else "a" for i, t in enumerate(truth)])
    slices = slice_set({"team": teams}, np.arange(500), 1, {}, 30)
    decided = (old >= 0.5).astype(int)
    pair = pair_of("yes_no", truth, decided, decided, (old, old))
    (column,) = (
        c for c in change_columns(pair, slices, None, Settings()) if c.metric.name == "average_precision"
    )
    assert (column.change.value[0], column.change.low[0], column.change.p[0]) == (0.0, 0.0, 1.0)
    empty = [s.key for s in slices.slices].index("team=b")
    assert np.isnan(column.change.value[empty])
    assert column.empty.value == "no_positives"
