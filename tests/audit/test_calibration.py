"""Calibration against scikit-learn, naive loops and a simulation whose truth is known."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit
from sklearn.metrics import brier_score_loss, log_loss

from audit.calibration import (
    bin_edges,
    calibration_cells,
    calibration_error,
    loss_sums,
    outside_cells,
    per_row_losses,
    reliability,
    top_label,
)
from audit.intervals import wilson
from audit.means import mean_t


def sample(seed, n=3000, slices=3):
    rng = np.random.default_rng(seed)
    scores = np.round(rng.beta(1.2, 2.5, n), 3)
    outcomes = (rng.random(n) < expit(0.3 + logit(np.clip(scores, 0.001, 0.999)))).astype(np.int8)
    return scores, outcomes, rng.integers(-1, slices, n).astype(np.int32)


def naive_errors(scores, outcomes, edges):
    """Plain L1 and debiased L2 error of one slice, one bin after the other."""
    absolute, squared = 0.0, 0.0
    bins = [sum(score >= edge for edge in edges) for score in scores]
    for b in range(len(edges) + 1):
        rows = [i for i in range(len(scores)) if bins[i] == b]
        if not rows:
            continue
        n = len(rows)
        s, y = sum(scores[i] for i in rows) / n, sum(int(outcomes[i]) for i in rows) / n
        absolute += n / len(scores) * abs(s - y)
        if n > 1:
            squared += n / len(scores) * ((s - y) ** 2 - y * (1 - y) / (n - 1))
    return absolute, max(squared, 0.0) ** 0.5


def test_bins_hold_equal_mass():
    scores = np.random.default_rng(0).random(1500)
    edges = bin_edges(scores)
    assert edges.size == 14
    assert (np.bincount(np.searchsorted(edges, scores, side="right")) == 100).all()


@settings(deadline=None)
@given(
    scores=st.lists(st.integers(0, 5), min_size=1, max_size=80),
    n_bins=st.integers(1, 15),
)
def test_ties_share_a_bin_and_no_bin_is_empty(scores, n_bins):
    edges = bin_edges(np.array(scores) / 5, n_bins)
    cells = calibration_cells(
        np.array(scores) / 5, np.zeros(len(scores)), np.zeros(len(scores), int), 1, edges
    )
    assert edges.size + 1 <= min(n_bins, len(set(scores)))
    assert (cells.n.sum(axis=2) > 0).all()
    assert cells.n.sum() == len(scores)


def test_bins_need_scores():
    with pytest.raises(ValueError, match="bins: at least 1 bin and 1 score are needed, got 15 and 0"):
        bin_edges([])
    with pytest.raises(ValueError, match="outcomes: 0 or 1 is allowed; drop rows without a truth first"):
        calibration_cells([0.5], [-1], np.zeros(1, int), 1, np.array([0.2]))


def test_errors_equal_a_naive_loop():
    scores, outcomes, codes = sample(1)
    codes[:12] = 3
    edges = bin_edges(scores)
    cells = calibration_cells(scores, outcomes, codes, 5, edges)
    found = calibration_error(cells, draws=50)
    for k in range(4):
        absolute, debiased = naive_errors(scores[codes == k], outcomes[codes == k], edges)
        assert found.plain_l1[k] == pytest.approx(absolute, abs=1e-12)
        assert found.value[k] == pytest.approx(debiased, abs=1e-9)
        assert found.n[k] == (codes == k).sum()
        assert 0 <= found.low[k] <= found.value[k] <= found.high[k]
    assert np.isnan([part[4] for part in found[:4]]).all()


def test_reliability_has_wilson_intervals():
    scores, outcomes, codes = sample(2)
    edges = bin_edges(scores, 5)
    points = reliability(calibration_cells(scores, outcomes, codes, 3, edges), design_effects=[1.0, 2.0, 1.0])
    for k in range(3):
        mask = (codes == k) & (scores >= edges[0]) & (scores < edges[1])
        assert points.n[k, 1] == mask.sum()
        assert points.mean_score[k, 1] == pytest.approx(scores[mask].mean())
        assert points.rate[k, 1] == pytest.approx(outcomes[mask].mean())
        n = mask.sum() / (2.0 if k == 1 else 1.0)
        _, low, high = wilson(points.rate[k, 1] * n, n)
        assert (points.low[k, 1], points.high[k, 1]) == pytest.approx((float(low), float(high)))


def test_outside_is_everyone_else_but_unknown():
    scores, outcomes, codes = sample(3)
    edges = bin_edges(scores)
    outside = outside_cells(calibration_cells(scores, outcomes, codes, 3, edges), unknown=2)
    for k, rest in ((0, (1,)), (1, (0,)), (2, (0, 1))):
        mask = np.isin(codes, rest)
        direct = calibration_cells(scores[mask], outcomes[mask], np.zeros(mask.sum(), int), 1, edges)
        for found, expected in zip(outside, direct, strict=True):
            assert found[k] == pytest.approx(expected[0], abs=1e-9)


def test_cells_add_up_across_shards():
    scores, outcomes, codes = sample(4)
    edges = bin_edges(scores)
    whole = calibration_cells(scores, outcomes, codes, 3, edges)
    halves = [
        calibration_cells(scores[part], outcomes[part], codes[part], 3, edges)
        for part in (slice(0, 1000), slice(1000, None))
    ]
    for total, *parts in zip(whole, *halves, strict=True):
        assert total == pytest.approx(sum(parts))


def test_interval_of_a_slice_does_not_depend_on_the_others():
    scores, outcomes, codes = sample(5)
    edges = bin_edges(scores)
    alone = calibration_error(calibration_cells(scores, outcomes, np.where(codes == 0, 0, -1), 1, edges))
    among = calibration_error(calibration_cells(scores, outcomes, codes, 3, edges))
    assert (alone.low[0], alone.high[0]) == (among.low[0], among.high[0])
    clustered = calibration_error(
        calibration_cells(scores, outcomes, codes, 3, edges), design_effects=np.array([5.0, 1.0, 1.0])
    )
    assert clustered.high[0] - clustered.low[0] > among.high[0] - among.low[0]
    assert clustered.high[1] == among.high[1]


@pytest.mark.parametrize("shift", [0.0, 0.3])
@pytest.mark.parametrize("n", [200, 1000])
def test_interval_covers(shift, n):
    rng = np.random.default_rng(int(n + 10 * shift))

    def chance(scores):
        return expit(shift + logit(scores))

    population = rng.beta(1.2, 2.5, 300_000)
    edges = bin_edges(population)
    bins = np.searchsorted(edges, population, side="right")
    gaps = np.bincount(bins, population - chance(population)) / np.bincount(bins)
    truth = np.sqrt(np.mean(gaps**2))  # the bins have equal mass
    slices = 250
    scores = rng.beta(1.2, 2.5, n * slices)
    outcomes = rng.random(n * slices) < chance(scores)
    cells = calibration_cells(scores, outcomes, np.repeat(np.arange(slices), n), slices, edges)
    found = calibration_error(cells, draws=300)
    coverage = ((found.low <= truth + 1e-12) & (truth <= found.high)).mean()
    print(f"n={n}, true error {truth:.3f}: the nominal 95 % interval covers {coverage:.3f}")
    assert coverage > 0.91


def test_top_label_feeds_the_same_bins():
    rng = np.random.default_rng(6)
    table = rng.dirichlet([1, 1, 1], 500)
    truth = rng.integers(0, 3, 500)
    confidence, right = top_label(table, truth)
    assert (confidence == table.max(axis=1)).all()
    assert (right == (table.argmax(axis=1) == truth)).all()
    assert top_label([[0.4, 0.4, 0.2]], [0]) == (0.4, 1)


def test_losses_equal_scikit_learn():
    scores, outcomes, codes = sample(7)
    scores[:4], outcomes[:4] = (0.0, 0.0, 1.0, 1.0), (1, 0, 0, 1)
    losses = per_row_losses(scores, outcomes)
    assert losses.brier.mean() == pytest.approx(brier_score_loss(outcomes, scores), abs=1e-12)
    assert losses.log_loss.mean() == pytest.approx(log_loss(outcomes, scores), abs=1e-12)
    assert list(np.flatnonzero(losses.clipped[:4])) == [0, 2]
    assert losses.log_loss[0] == pytest.approx(-np.log(np.finfo(float).eps))
    sums = loss_sums(losses.log_loss, codes, 3)
    interval = mean_t(*sums)
    for k in range(3):
        part = losses.log_loss[codes == k]
        assert interval.value[k] == pytest.approx(
            log_loss(outcomes[codes == k], scores[codes == k]), abs=1e-12
        )
        assert sums.total_sq[k] == pytest.approx((part**2).sum())


def test_losses_of_many_classes_equal_scikit_learn():
    rng = np.random.default_rng(8)
    table = rng.dirichlet([0.3, 1, 2, 1], 400)
    truth = rng.integers(0, 4, 400)
    table[0], truth[0] = (1, 0, 0, 0), 2
    losses = per_row_losses(table, truth)
    assert losses.brier.mean() == pytest.approx(brier_score_loss(truth, table), abs=1e-12)
    assert losses.log_loss.mean() == pytest.approx(log_loss(truth, table), abs=1e-12)
    assert list(np.flatnonzero(losses.clipped)) == [0]
