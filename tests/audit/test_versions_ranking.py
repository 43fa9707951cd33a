"""AUC changes against DeLong's own definition, and Wilcoxon's test against SciPy."""

from __future__ import annotations

import numpy as np
import pytest
from builders import build_attribute
from scipy import stats
from sklearn.metrics import roc_auc_score
from versions_builders import pair_of

from audit.slices import slice_set
from audit.versions.ranking import auc_change
from audit.versions.wilcoxon import signed_rank_p


def delong(truth, old, new):
    """AUC change and its variance from the full table of pairs (DeLong et al. 1988)."""
    parts = []
    for score in (old, new):
        up, down = score[truth == 1], score[truth == 0]
        psi = (up[:, None] > down) + 0.5 * (up[:, None] == down)
        parts.append((psi.mean(axis=1), psi.mean(axis=0)))
    ten, one = (parts[1][i] - parts[0][i] for i in (0, 1))
    return ten.mean(), ten.var(ddof=1) / len(ten) + one.var(ddof=1) / len(one)


@pytest.fixture(scope="module", params=[8, 1], ids=["continuous", "tied"])
def scored(request):
    rng = np.random.default_rng(0)
    truth = (rng.random(600) < 0.4).astype(np.int8)
    signal = rng.normal(size=600) + truth
    old, new = (np.round(signal + rng.normal(size=600), request.param) for _ in "ab")
    teams = [("a", "b", "c", "unknown")[i] for i in rng.integers(0, 4, 600)]
    sites = [("x", "y")[i] for i in rng.integers(0, 2, 600)]
    attributes = {"team": build_attribute("team", teams), "site": build_attribute("site", sites)}
    return truth, old, new, attributes, slice_set(attributes, np.arange(600), 2, {}, 30)


def members(attributes, one):
    mask = np.ones(600, bool)
    for name, value in one.of:
        mask &= attributes[name].codes == attributes[name].values.index(value)
    return mask


def test_every_slice_and_its_outside_is_paired_delong(scored):
    truth, old, new, attributes, slices = scored
    own, outside = auc_change(pair_of("yes_no", truth, truth, truth, (old, new)), slices, None, 0.95)
    known = {
        names: np.all([attributes[n].codes != attributes[n].unknown_code for n in names], axis=0)
        for names in {s.attributes for s in slices.slices}
        if names
    }
    for k, one in enumerate(slices.slices):
        mask = members(attributes, one)
        value, variance = delong(truth[mask], old[mask], new[mask])
        assert own.value[k] == pytest.approx(value)
        assert own.old[k] == pytest.approx(roc_auc_score(truth[mask], old[mask]))
        z = value / np.sqrt(variance)
        assert own.p[k] == pytest.approx(2 * stats.norm.sf(abs(z)))
        assert own.high[k] == pytest.approx(value + 1.959964 * np.sqrt(variance), abs=1e-6)
        if not one.of or not slices.known[k]:
            assert np.isnan(outside.value[k])
            continue
        rest = known[one.attributes] & ~mask
        value, variance = delong(truth[rest], old[rest], new[rest])
        assert outside.value[k] == pytest.approx(value)
        assert outside.error[k] == pytest.approx(np.sqrt(variance))


def test_clusters_of_one_row_change_nothing_and_copies_of_rows_do_not_count(scored):
    truth, old, new, _, _ = scored
    everyone = slice_set({}, np.arange(600), 1, {}, 30)
    alone, _ = auc_change(pair_of("yes_no", truth, truth, truth, (old, new)), everyone, None, 0.95)
    ones, _ = auc_change(
        pair_of("yes_no", truth, truth, truth, (old, new)), everyone, np.arange(600, dtype=np.int32), 0.95
    )
    assert ones.error[0] == pytest.approx(alone.error[0])
    twice = np.repeat(truth, 2)
    doubled = pair_of("yes_no", twice, twice, twice, (np.repeat(old, 2), np.repeat(new, 2)))
    clusters = np.repeat(np.arange(600), 2).astype(np.int32)
    copied, _ = auc_change(doubled, slice_set({}, np.arange(1200), 1, {}, 30), clusters, 0.95)
    assert copied.error[0] == pytest.approx(alone.error[0], rel=2e-3)


def test_variance_0_is_no_change_where_scores_are_the_same_and_unknown_where_they_differ():
    truth = np.array([0, 0, 0, 1, 1, 1], np.int8)
    old = np.array([0.1, 0.2, 0.3, 0.7, 0.8, 0.9])
    slices = slice_set({}, np.arange(6), 1, {}, 30)
    same, _ = auc_change(pair_of("yes_no", truth, truth, truth, (old, old)), slices, None, 0.95)
    assert (same.low[0], same.high[0], same.p[0], bool(same.identical[0])) == (0, 0, 1, True)
    other, _ = auc_change(pair_of("yes_no", truth, truth, truth, (old, old**2)), slices, None, 0.95)
    assert other.value[0] == 0
    assert np.isnan([other.low[0], other.high[0], other.p[0]]).all()


def test_wilcoxon_of_every_slice_is_scipys():
    rng = np.random.default_rng(1)
    change = np.round(rng.normal(0.2, 1, 300), 1)
    teams = [("a", "b", "c")[i] for i in rng.integers(0, 3, 300)]
    attribute = build_attribute("team", teams)
    slices = slice_set({"team": attribute}, np.arange(300), 1, {}, 30)
    p = signed_rank_p(slices, change)
    for k in range(4):
        mine = change if k == 0 else change[attribute.codes == k - 1]
        assert p[k] == pytest.approx(stats.wilcoxon(mine, method="asymptotic", correction=False).pvalue)
    assert (signed_rank_p(slices, np.zeros(300)) == 1).all()
