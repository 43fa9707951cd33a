"""AUC by slice against scikit-learn, and its variance against DeLong's own definition, pair by pair."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import ndtr, ndtri
from sklearn.metrics import roc_auc_score

from audit.auc import (
    METHODS,
    auc_by_slice,
    auc_difference,
    hanley_mcneil_variance,
    mann_whitney,
    newcombe_auc_interval,
    paired_auc_difference,
    placement_variance,
)
from audit.placements import rank, row_placements

Z = ndtri(0.975)


def components(truth, scores):
    """Structural components of DeLong et al. (1988), from the full table of pairs: O(m n)."""
    x, y = scores[truth == 1], scores[truth == 0]
    psi = (x[:, None] > y[None, :]) + 0.5 * (x[:, None] == y[None, :])
    return psi.mean(axis=1), psi.mean(axis=0)


def delong_covariance(truth, first, second):
    """Covariance of two AUCs of the same rows, S10 / m + S01 / n, as DeLong et al. (1988) define it."""
    v10, w10 = components(truth, first)[0], components(truth, second)[0]
    v01, w01 = components(truth, first)[1], components(truth, second)[1]
    return np.cov(v10, w10)[0, 1] / v10.size + np.cov(v01, w01)[0, 1] / v01.size


def sample(seed, n=400, slices=4, decimals=1):
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.3).astype(np.int8)
    codes = rng.integers(-1, slices, n).astype(np.int32)
    scores = np.round(rng.normal(size=n) + truth, decimals)
    return scores, truth, codes


def both_classes(truth):
    return 0 < truth.sum() < truth.size


rows = st.lists(st.tuples(st.integers(0, 6), st.integers(0, 1), st.integers(-1, 3)), min_size=1, max_size=60)


@settings(deadline=None, max_examples=150)
@given(rows=rows, unknown=st.integers(-1, 3))
def test_slices_and_outsides_equal_scikit_learn_and_delong(rows, unknown):
    scores, truth, codes = (np.array(column) for column in zip(*rows, strict=True))
    inside, outside = auc_by_slice(rank(scores / 7), truth, codes, 4, unknown=unknown)
    known = (codes >= 0) & (codes != unknown)
    for table, mask_of in ((inside, lambda k: codes == k), (outside, lambda k: known & (codes != k))):
        for k in range(4):
            mask = mask_of(k)
            t, s = truth[mask], scores[mask]
            assert (table.n_upper[k], table.n_lower[k]) == ((t == 1).sum(), (t == 0).sum())
            if not both_classes(t):
                assert np.isnan(table.value[k])
                assert METHODS[table.method[k]] == "not computed"
                continue
            assert table.value[k] == pytest.approx(roc_auc_score(t, s), abs=1e-12)
            assert table.low[k] <= table.value[k] + 1e-12
            assert table.value[k] <= table.high[k] + 1e-12
            if min(t.sum(), (1 - t).sum()) >= 2:
                assert table.variance[k] == pytest.approx(delong_covariance(t, s, s), rel=1e-9, abs=1e-15)
                constant = all(np.ptp(part) == 0 for part in components(t, s))
                assert (table.variance[k] == 0) == constant
            else:
                assert np.isnan(table.variance[k])


@settings(deadline=None, max_examples=50)
@given(rows=rows)
def test_row_placements_are_the_components(rows):
    scores, truth, codes = (np.array(column) for column in zip(*rows, strict=True))
    placements = row_placements(rank(scores), truth, codes, 4)
    for k in range(4):
        mask = codes == k
        if both_classes(truth[mask]):
            v10, v01 = components(truth[mask], scores[mask])
            assert placements[mask & (truth == 1)] == pytest.approx(v10, abs=1e-12)
            assert placements[mask & (truth == 0)] == pytest.approx(v01, abs=1e-12)
        else:
            assert np.isnan(placements[mask]).all()
    assert np.isnan(placements[codes < 0]).all()


def test_variance_survives_an_outside_that_is_a_sliver_of_the_rows():
    rng = np.random.default_rng(3)
    n = 200_000
    truth = (rng.random(n) < 0.2).astype(np.int8)
    scores = np.round(rng.normal(size=n) + 3 * truth, 4)
    codes = np.zeros(n, np.int32)
    codes[:150] = 1
    inside, outside = auc_by_slice(rank(scores), truth, codes, 2)
    assert outside.variance[0] == pytest.approx(delong_covariance(truth[:150], *[scores[:150]] * 2), rel=1e-9)
    assert outside.value[0] == inside.value[1]
    assert inside.variance[0] == pytest.approx(outside.variance[1], rel=1e-12)


def test_intervals_say_their_method():
    scores, truth, codes = sample(1, n=2000)
    codes[:40] = 4
    truth[:2], codes[:2], scores[:2] = (1, 0), 5, (1.0, 0.0)
    truth[2:130] = np.arange(128) % 2
    codes[2:130], scores[2:130] = 6, truth[2:130]
    table, _ = auc_by_slice(rank(scores), truth, codes, 8)
    half = Z * np.sqrt(table.variance[0]) / (table.value[0] * (1 - table.value[0]))
    odds = table.value[0] / (1 - table.value[0])
    assert METHODS[table.method[0]] == "DeLong on the logit scale"
    assert not table.small[0]
    assert table.low[0] == pytest.approx(odds * np.exp(-half) / (1 + odds * np.exp(-half)))
    assert table.high[0] == pytest.approx(odds * np.exp(half) / (1 + odds * np.exp(half)))
    assert [METHODS[m] for m in table.method[5:]] == ["Newcombe 2006 method 5"] * 2 + ["not computed"]
    assert list(table.small[5:]) == [True, False, False]
    assert 0.9 < table.low[6] < table.high[6] == 1


def test_small_slice_takes_the_wider_interval():
    scores, truth, codes = sample(5, n=300, slices=6)
    table, _ = auc_by_slice(rank(scores), truth, codes, 6)
    newcombe = newcombe_auc_interval(table.value, table.n_upper, table.n_lower)
    half = Z * np.sqrt(table.variance) / (table.value * (1 - table.value))
    logit = np.log(table.value / (1 - table.value))
    delong_width = 1 / (1 + np.exp(-logit - half)) - 1 / (1 + np.exp(-logit + half))
    assert table.small.all()
    assert table.high - table.low == pytest.approx(np.maximum(delong_width, newcombe.high - newcombe.low))


def test_hanley_mcneil_closed_form():
    # At 1/2: Q1 = Q2 = 1/3, so the variance is (1/4 + (m + n - 2) / 12) / (m n) = (m + n + 1) / (12 m n),
    # which is the null variance of the Mann-Whitney share.
    assert hanley_mcneil_variance(np.array([0.5]), 8.0, 12.0) == pytest.approx(21 / (12 * 8 * 12))


@pytest.mark.parametrize("value", [0.0, 0.03, 0.5, 0.8, 0.99, 1.0])
def test_newcombe_limits_solve_their_equation(value):
    m, n = 13.0, 37.0
    interval = newcombe_auc_interval(np.array([value]), np.array([m]), np.array([n]))
    star = (m + n) / 2 - 1
    for limit in (interval.low[0], interval.high[0]):
        assert 0 <= limit <= 1
        bracket = 1 + star * (1 - limit) / (2 - limit) + star * limit / (1 + limit)
        deviation = Z * np.sqrt(limit * (1 - limit) * bracket / (m * n))
        assert abs(value - limit) == pytest.approx(deviation, abs=1e-9)
    mirrored = newcombe_auc_interval(np.array([1 - value]), np.array([n]), np.array([m]))
    assert (1 - mirrored.high[0], 1 - mirrored.low[0]) == pytest.approx((interval.low[0], interval.high[0]))
    assert interval.low[0] < interval.high[0]


def test_clusters_of_one_row_are_no_clusters():
    scores, truth, codes = sample(7)
    alone = rank(np.random.default_rng(0).permutation(scores.size))
    for plain, clustered in zip(
        auc_by_slice(rank(scores), truth, codes, 4, unknown=2),
        auc_by_slice(rank(scores), truth, codes, 4, unknown=2, clusters=alone),
        strict=True,
    ):
        assert all(a == pytest.approx(b, rel=1e-9) for a, b in zip(plain, clustered, strict=True))


def test_copies_in_a_cluster_add_nothing():
    scores, truth, codes = sample(8)
    twice = [np.repeat(part, 2) for part in (scores, truth, codes)]
    once = auc_by_slice(rank(scores), truth, codes, 4)
    copied = auc_by_slice(rank(twice[0]), *twice[1:], 4, clusters=rank(np.repeat(np.arange(scores.size), 2)))
    for a, b in zip(once, copied, strict=True):
        assert b.variance == pytest.approx(a.variance, rel=1e-9)
        assert b.value == pytest.approx(a.value, rel=1e-12)
        assert (b.n_upper == 2 * a.n_upper).all()
        assert b.low == pytest.approx(a.low, abs=0.01)


def test_clustered_variance_is_obuchowskis():
    rng = np.random.default_rng(9)
    scores, truth, _ = sample(9, n=120)
    clusters = rng.integers(0, 30, 120)
    codes = np.zeros(120, np.int32)
    placements = row_placements(rank(scores), truth, codes, 1)
    found = placement_variance(placements, truth, codes, 1, rank(clusters))
    area, m, n = roc_auc_score(truth, scores), truth.sum(), (1 - truth).sum()
    ups, downs = [], []
    for c in np.unique(clusters):
        for side, sums in ((1, ups), (0, downs)):
            values = placements[(clusters == c) & (truth == side)]
            sums.append((values.sum() - values.size * area, values.size > 0))
    (u, has_u), (d, has_d) = (np.array(part).T for part in (ups, downs))
    i10, i01, i = has_u.sum(), has_d.sum(), len(ups)
    s10, s01 = i10 / ((i10 - 1) * m) * (u**2).sum(), i01 / ((i01 - 1) * n) * (d**2).sum()
    s11 = i / (i - 1) * (u * d).sum()
    assert found.variance[0] == pytest.approx(s10 / m + s01 / n + 2 * s11 / (m * n))
    assert list(found.units[:, 0]) == [i01, i10]


def test_mann_whitney_of_two_masks():
    scores, truth, _ = sample(11)
    group = np.random.default_rng(12).random(scores.size) < 0.2
    ranking = rank(scores)
    bpsn = mann_whitney(ranking, ~group & (truth == 1), group & (truth == 0))
    mixed = (group & (truth == 0)) | (~group & (truth == 1))
    assert bpsn.value[0] == pytest.approx(roc_auc_score(truth[mixed], scores[mixed]), abs=1e-12)
    both, _ = auc_by_slice(ranking, truth, np.where(mixed, 0, 1), 2)
    assert (both.value[0], both.low[0]) == (bpsn.value[0], bpsn.low[0])
    with pytest.raises(ValueError, match="upper and lower must share no row, got 120 in both"):
        mann_whitney(ranking, np.arange(400) < 220, np.arange(400) >= 100)


def test_gap_of_two_slices():
    scores, truth, codes = sample(12, n=3000)
    inside, outside = auc_by_slice(rank(scores), truth, codes, 4)
    gap = auc_difference(inside, outside)
    errors = [np.sqrt(t.variance) / (t.value * (1 - t.value)) for t in (inside, outside)]
    logits = [np.log(t.value / (1 - t.value)) for t in (inside, outside)]
    z = (logits[0] - logits[1]) / np.hypot(*errors)
    assert ndtri(1 - gap.p / 2) == pytest.approx(np.abs(z), rel=1e-6)
    below = np.hypot(inside.value - inside.low, outside.high - outside.value)
    assert gap.low == pytest.approx(inside.value - outside.value - below)
    assert auc_difference(outside, inside).p == pytest.approx(gap.p)


def test_gap_to_a_perfect_slice_is_finite():
    scores, truth, codes = sample(13, n=2000, slices=2)
    codes[:100] = 2
    scores[:100] = truth[:100]
    inside, outside = auc_by_slice(rank(scores), truth, codes, 4)
    gap = auc_difference(inside, outside)
    assert inside.value[2] == 1
    assert 0 < gap.p[2] < 0.01
    assert gap.low[2] > 0
    assert np.isnan(gap.p[3])


def test_paired_change_is_delongs():
    scores, truth, codes = sample(14)
    new = np.round(scores + np.random.default_rng(1).normal(size=scores.size), 1)
    change = paired_auc_difference(rank(scores), rank(new), truth, codes, 4)
    for k in range(4):
        t, a, b = (part[codes == k] for part in (truth, scores, new))
        variance = delong_covariance(t, a, a) + delong_covariance(t, b, b) - 2 * delong_covariance(t, a, b)
        value = roc_auc_score(t, b) - roc_auc_score(t, a)
        assert change.value[k] == pytest.approx(value, abs=1e-12)
        assert change.variance[k] == pytest.approx(variance, rel=1e-9)
        assert change.high[k] - value == pytest.approx(Z * variance**0.5)
        assert value - change.low[k] == pytest.approx(Z * variance**0.5)
        assert ndtri(change.p[k] / 2) == pytest.approx(-abs(value) / variance**0.5)
    same = paired_auc_difference(rank(scores), rank(2 * scores), truth, codes, 4)
    assert (same.value == 0).all()
    assert np.isnan(same.p).all()


def test_clustered_interval_covers():
    rng = np.random.default_rng(16)
    slices, people, each = 120, 60, 6
    truth = np.tile(np.arange(each) % 2, slices * people)
    person = np.repeat(np.arange(slices * people), each)
    scores = 2.0 * rng.normal(size=slices * people)[person] + rng.normal(size=truth.size) + truth
    codes = np.repeat(np.arange(slices), people * each)
    # half of the people are seen with one class only, so that what they share does not cancel
    truth = np.where(person % 2 == 0, truth, person // 2 % 2)
    scores += np.where(person % 2 == 0, 0, truth - np.tile(np.arange(each) % 2, slices * people))
    table, _ = auc_by_slice(rank(scores), truth, codes, slices, clusters=rank(person))
    naive, _ = auc_by_slice(rank(scores), truth, codes, slices)
    area = ndtr(1 / np.sqrt(10))  # score difference of two people: mean 1, variance 2 x (4 + 1)
    coverage = ((table.low <= area) & (area <= table.high)).mean()
    print(f"clustered rows: the nominal 95 % interval covers {coverage:.3f}")
    assert 0.9 < coverage < 1
    assert ((naive.low <= area) & (area <= naive.high)).mean() < 0.85


def test_interval_covers():
    rng = np.random.default_rng(15)
    slices, m, n = 1500, 25, 70
    truth = np.tile(np.repeat([1, 0], [m, n]), slices)
    codes = np.repeat(np.arange(slices), m + n)
    scores = rng.normal(size=truth.size) + 1.5 * truth
    table, _ = auc_by_slice(rank(scores), truth, codes, slices)
    area = ndtr(1.5 / np.sqrt(2))
    assert 0.94 < ((table.low <= area) & (area <= table.high)).mean() < 0.99


def test_nan_scores_are_refused():
    with pytest.raises(ValueError, match="scores: NaN cannot be ranked; drop rows without a score first"):
        rank([0.1, np.nan])
    assert rank([]).starts.tolist() == [0]


def test_columns_that_do_not_fit_are_refused():
    side, codes = np.array([0, 1]), np.array([0, 2])
    with pytest.raises(ValueError, match="codes must be below 2 and side at most 1, got 2, 1"):
        auc_by_slice(rank([0.1, 0.2]), side, codes, 2)
    with pytest.raises(ValueError, match=r"must be \(3,\) as the ranking, got \(2,\) and \(2,\)"):
        auc_by_slice(rank([0.1, 0.2, 0.3]), side, codes, 3)
