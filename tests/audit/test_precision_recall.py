"""Average precision by slice against scikit-learn, and the logit interval against its formula and by
simulation."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from scipy.special import expit, logit, ndtri
from sklearn.metrics import average_precision_score

from audit.placements import rank
from audit.precision_recall import METHODS, average_precision_by_slice

Z = ndtri(0.975)


@settings(deadline=None, max_examples=150)
@given(
    rows=st.lists(
        st.tuples(st.integers(0, 6), st.integers(-1, 1), st.integers(-1, 3)), min_size=1, max_size=60
    ),
    unknown=st.integers(-1, 3),
)
def test_slices_and_outsides_equal_scikit_learn(rows, unknown):
    scores, truth, codes = (np.array(column) for column in zip(*rows, strict=True))
    inside, outside = average_precision_by_slice(rank(scores / 7), truth, codes, 4, unknown=unknown)
    known = (codes >= 0) & (codes != unknown)
    for table, mask_of in ((inside, lambda k: codes == k), (outside, lambda k: known & (codes != k))):
        for k in range(4):
            mask = mask_of(k) & (truth >= 0)
            t, s = truth[mask], scores[mask]
            assert (table.n_positive[k], table.n[k]) == (t.sum(), t.size)
            if t.sum() == 0:
                assert np.isnan([table.value[k], table.low[k], table.high[k]]).all()
                assert METHODS[table.method[k]] == "not computed"
                continue
            assert table.value[k] == pytest.approx(average_precision_score(t, s), abs=1e-12)
            assert 0 <= table.low[k] < table.value[k] <= table.high[k] <= 1


def test_interval_is_the_logit_one():
    rng = np.random.default_rng(1)
    truth = (rng.random(500) < 0.3).astype(np.int8)
    ranking = rank(rng.normal(size=500) + truth)
    codes = np.zeros(500, np.int32)
    table, outside = average_precision_by_slice(ranking, truth, codes, 1)
    value, m = table.value[0], truth.sum()
    half = Z / np.sqrt(m * value * (1 - value))
    assert METHODS[table.method[0]] == "logit (Boyd, Eng and Page 2013)"
    assert (table.low[0], table.high[0]) == pytest.approx(
        (expit(logit(value) - half), expit(logit(value) + half))
    )
    assert np.isnan(outside.value[0])
    wider, _ = average_precision_by_slice(ranking, truth, codes, 1, design_effects=(4.0, 1.0))
    assert logit(wider.high[0]) - logit(value) == pytest.approx(2 * half)


def test_perfect_ranking_has_a_lower_limit():
    truth = np.repeat([0, 1], [30, 10])
    table, _ = average_precision_by_slice(rank(truth), truth, np.zeros(40, np.int32), 1)
    assert table.value[0] == table.high[0] == 1
    assert table.low[0] == pytest.approx(10 / (10 + Z**2))
    assert METHODS[table.method[0]] == "Wilson on the positives"


def test_interval_covers():
    rng = np.random.default_rng(2)
    slices, n = 600, 400
    truth = (rng.random(slices * n) < 0.25).astype(np.int8)
    scores = rng.normal(size=truth.size) + 1.2 * truth
    table, _ = average_precision_by_slice(rank(scores), truth, np.repeat(np.arange(slices), n), slices)
    population = average_precision_score(truth, scores)
    assert 0.92 < ((table.low <= population) & (population <= table.high)).mean() <= 1
