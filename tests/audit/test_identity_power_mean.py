"""Power means: Jigsaw's formula, every pair of rows, resampling, and what no bias gives."""

import numpy as np
import pytest
from identity_pairs import label_with, pulls_by_pairs, samples_of
from scipy.special import expit, logit
from sklearn.metrics import roc_auc_score

from audit.identity_terms.power_mean import power_mean, power_means
from audit.identity_terms.shares import measure_shares

NAMES = ("subgroup", "bpsn", "bnsp")


def scored(seed, n=1500, k=6, decimals=1, bias=0.0):
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.35).astype(np.int8)
    shares = (rng.random((n, k)) < 0.2).astype(np.float32)
    scores = rng.normal(size=n) + 1.5 * truth + bias * shares[:, 0] * (1 - truth)
    shares[rng.random(n) < 0.3, :2] = np.nan
    return truth, np.round(scores, decimals), shares


def jigsaw_power_mean(series, p=-5):
    """`power_mean` of the competition's benchmark kernel."""
    total = sum(np.power(series, p))
    return np.power(total / len(series), 1 / p)


def means_of(label, minimum_n=1):
    return {m.metric: m for m in power_means(measure_shares(label, 0.95), minimum_n, 0.95)}


def subset_auc(truth, scores, share, name):
    samples = samples_of(truth, share)
    kept = {"subgroup": [(1, 0), (1, 1)], "bpsn": [(0, 1), (1, 0)], "bnsp": [(1, 1), (0, 0)]}[name]
    rows = np.concatenate([samples[key] for key in kept])
    return roc_auc_score(truth[rows], scores[rows])


def test_values_are_those_of_the_competition():
    truth, scores, shares = scored(0)
    found = means_of(label_with(truth, scores, shares))
    lines = [roc_auc_score(truth, scores)]
    assert found["overall_auc"].value == pytest.approx(lines[0], abs=1e-12)
    for name in NAMES:
        lines.append(jigsaw_power_mean([subset_auc(truth, scores, s, name) for s in shares.T]))
        assert found[f"power_mean_{name}_auc"].value == pytest.approx(lines[-1], abs=1e-12)
    assert found["final_score"].value == pytest.approx(np.mean(lines), abs=1e-12)


@pytest.mark.parametrize("clusters", [None, 40])
def test_the_interval_has_every_covariance(clusters):
    truth, scores, shares = scored(1, n=400)
    codes = None if clusters is None else np.arange(400) % clusters
    found = means_of(label_with(truth, scores, shares, codes))
    for name in NAMES:
        parts = [pulls_by_pairs(truth, scores, s, name) for s in shares.T]
        values = np.array([value for value, _ in parts])
        mean, step = power_mean(values), 1e-6
        pull = np.zeros(400)
        for k, (_, own) in enumerate(parts):  # the derivative by a numeric step
            up = values.copy()
            up[k] += step
            pull += (power_mean(up) - mean) / step * own
        pull = pull if codes is None else np.bincount(codes, pull)
        error = np.sqrt((pull**2).sum()) / (mean * (1 - mean))
        line = found[f"power_mean_{name}_auc"]
        # with clusters the factor of few units counts clusters: 40 of them, not rows
        tolerance = 1e-5 if codes is None else 0.015
        assert logit(line.high) - logit(line.value) == pytest.approx(1.959964 * error, rel=tolerance)
        assert line.low == pytest.approx(expit(2 * logit(line.value) - logit(line.high)), abs=1e-12)


def test_intervals_are_as_wide_as_resampling_says():
    truth, scores, shares = scored(2, n=3000, decimals=9)
    found = means_of(label_with(truth, scores, shares))
    rng = np.random.default_rng(0)
    drawn = []
    for _ in range(300):
        rows = rng.integers(0, 3000, 3000)
        again = means_of(label_with(truth[rows], scores[rows], shares[rows]))
        drawn.append([again[name].value for name in found])
    spread = np.std(drawn, axis=0)
    for name, error in zip(found, spread, strict=True):
        width = found[name].high - found[name].low
        assert width / (2 * 1.959964) == pytest.approx(error, rel=0.15), name


def test_without_bias_the_power_mean_is_what_was_expected():
    found = [means_of(label_with(*scored(seed, n=900, k=12, decimals=9))) for seed in range(120)]
    for name in [f"power_mean_{n}_auc" for n in NAMES] + ["final_score"]:
        values, expected = (np.array([getattr(f[name], end) for f in found]) for end in ("value", "expected"))
        auc = np.array([f["overall_auc"].value for f in found])
        error = np.std(values - expected) / np.sqrt(len(found))
        assert abs(np.mean(values - expected)) < 3 * error + 0.001, name
        assert np.mean(auc - values) > 0.001  # the plain AUC would have looked like bias


def test_bias_of_one_identity_pulls_the_mean_below_what_was_expected():
    found = means_of(label_with(*scored(3, n=20_000, bias=1.5)))
    assert found["power_mean_bpsn_auc"].high < found["power_mean_bpsn_auc"].expected
    assert found["power_mean_bnsp_auc"].high > found["power_mean_bnsp_auc"].expected


def test_identities_below_the_minimum_are_left_out_and_counted():
    truth, scores, shares = scored(4)
    shares[:, 5] = 0
    shares[np.flatnonzero(truth == 1)[:20], 5] = 1
    shares[np.flatnonzero(truth == 0)[:200], 5] = 1
    found = means_of(label_with(truth, scores, shares), minimum_n=30)
    assert (found["power_mean_bpsn_auc"].identities, found["power_mean_bpsn_auc"].left_out) == (6, 0)
    assert (found["power_mean_subgroup_auc"].identities, found["power_mean_subgroup_auc"].left_out) == (5, 1)
    assert (found["final_score"].identities, found["final_score"].left_out) == (5, 1)
    rest = means_of(label_with(truth, scores, shares[:, :5]), minimum_n=30)
    assert found["power_mean_subgroup_auc"].value == rest["power_mean_subgroup_auc"].value


def test_nothing_to_average_has_no_value():
    truth, scores, shares = scored(5, n=60)
    found = means_of(label_with(truth, scores, shares), minimum_n=1000)
    assert np.isnan([m.value for name, m in found.items() if name != "overall_auc"]).all()
    one_class = means_of(label_with(np.zeros(60, np.int8), scores, shares))
    assert np.isnan([m.value for m in one_class.values()]).all()


def test_a_share_of_zero_or_one_has_no_interval():
    truth = np.repeat([0, 1], 30).astype(np.int8)
    shares = np.tile([[1.0], [0.0]], (30, 1)).astype(np.float32)
    right = means_of(label_with(truth, truth.astype(float), shares))
    wrong = means_of(label_with(truth, 1.0 - truth, shares))
    assert {m.value for m in right.values()} == {1.0}
    assert {m.value for m in wrong.values()} == {0.0}
    assert np.isnan([m.low for m in (*right.values(), *wrong.values())]).all()
