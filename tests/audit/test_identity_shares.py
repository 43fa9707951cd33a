"""Subgroup, BPSN, BNSP AUC and AEGs against every pair of rows, scikit-learn, and repeated sampling."""

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from identity_pairs import PAIRS, label_with, pulls_by_pairs, samples_of, wins
from sklearn.metrics import roc_auc_score

from audit.auc import METHODS, auc_by_slice
from audit.identity_terms import samples as m
from audit.identity_terms.shares import COMPARED, measure_shares
from audit.placements import rank

NAMES = list(PAIRS)


def table_of(label, level=0.95):
    shares = measure_shares(label, level)
    return shares, dict(zip(m.PAIRS, shares.tables, strict=True))


row = st.tuples(
    st.integers(0, 4),
    st.integers(0, 1),
    st.tuples(*[st.sampled_from([0.0, 0.4, 0.5, 1.0, float("nan")])] * 2),
)


@settings(deadline=None, max_examples=300)
@given(rows=st.lists(row, min_size=1, max_size=40))
def test_shares_and_their_variances_equal_every_pair(rows):
    scores, truth = np.array([r[0] for r in rows]) / 4, np.array([r[1] for r in rows], np.int8)
    memberships = np.array([r[2] for r in rows], np.float32)
    shares, tables = table_of(label_with(truth, scores, memberships))
    for k, share in enumerate(memberships.T):
        samples = samples_of(truth, share)
        assert shares.moments.sizes[k].tolist() == [samples[i].size for i in ((0, 0), (0, 1), (1, 0), (1, 1))]
        for name, (upper, lower) in PAIRS.items():
            x, y = samples[upper], samples[lower]
            table = tables[name]
            assert (table.n_upper[k], table.n_lower[k]) == (x.size, y.size)
            if not (x.size and y.size):
                assert np.isnan(table.value[k])
                assert METHODS[table.method[k]] == "not computed"
                continue
            assert table.value[k] == pytest.approx(wins(scores, x, y).mean(), abs=1e-12)
            if min(x.size, y.size) < 2:
                assert np.isnan(table.variance[k])
                continue
            _, pulls = pulls_by_pairs(truth, scores, share, name)
            assert table.variance[k] == pytest.approx((pulls**2).sum(), rel=1e-9, abs=1e-15)
            assert (table.variance[k] == 0) == bool((np.abs(pulls) < 1e-12).all())


@settings(deadline=None, max_examples=150)
@given(rows=st.lists(row, min_size=12, max_size=40))
def test_covariances_with_the_background_equal_every_pair(rows):
    scores, truth = np.array([r[0] for r in rows]) / 4, np.array([r[1] for r in rows], np.int8)
    memberships = np.array([r[2] for r in rows], np.float32)
    shares, tables = table_of(label_with(truth, scores, memberships))
    for k, share in enumerate(memberships.T):
        if min(s.size for s in samples_of(truth, share).values()) < 2:
            continue
        _, background = pulls_by_pairs(truth, scores, share, "background")
        for pair, gap in zip(COMPARED, shares.gaps, strict=True):
            value, own = pulls_by_pairs(truth, scores, share, NAMES[pair])
            assert gap.value[k] == pytest.approx(value - tables["background"].value[k], abs=1e-12)
            assert gap.variance[k] == pytest.approx(((own - background) ** 2).sum(), rel=1e-7, abs=1e-14)


def scored(seed, n=4000, k=5, decimals=2):
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.3).astype(np.int8)
    scores = np.round(rng.normal(size=n) + 1.2 * truth, decimals)
    shares = (rng.random((n, k)) < np.linspace(0.03, 0.4, k)).astype(np.float32)
    shares[rng.random(n) < 0.2, 0] = np.nan
    shares[rng.random(n) < 0.5, 1:3] = np.nan
    return truth, scores, shares


@pytest.mark.parametrize("decimals", [1, 12])
def test_shares_equal_scikit_learn_on_subsets(decimals):
    truth, scores, memberships = scored(0, decimals=decimals)
    _, tables = table_of(label_with(truth, scores, memberships))
    for k, share in enumerate(memberships.T):
        for name in ("subgroup", "bpsn", "bnsp", "background"):
            rows = np.concatenate([samples_of(truth, share)[key] for key in PAIRS[name]])
            expected = roc_auc_score(truth[rows], scores[rows])
            assert tables[name].value[k] == pytest.approx(expected, abs=1e-12)


def test_intervals_are_those_of_the_engine_that_walks_all_rows():
    truth, scores, memberships = scored(1)
    _, tables = table_of(label_with(truth, scores, memberships))
    for k, share in enumerate(memberships.T):
        codes = np.where(np.isnan(share), -1, share >= 0.5).astype(np.int32)
        walked, _ = auc_by_slice(rank(scores), truth, codes, 2)
        for name, code in (("background", 0), ("subgroup", 1)):
            for field in ("value", "variance", "low", "high", "n_upper", "n_lower", "method", "small"):
                ours, theirs = getattr(tables[name], field)[k], getattr(walked, field)[code]
                assert ours == pytest.approx(theirs, rel=1e-9), (name, field)


def test_variance_survives_a_background_that_is_a_sliver_of_the_rows():
    rng = np.random.default_rng(3)
    n = 100_000
    truth = (rng.random(n) < 0.2).astype(np.int8)
    scores = np.round(rng.normal(size=n) + 3 * truth, 4)
    share = np.ones((n, 1), np.float32)
    share[:200] = 0
    _, tables = table_of(label_with(truth, scores, share))
    _, alone = table_of(label_with(truth[:200], scores[:200], np.zeros((200, 1), np.float32)))
    assert tables["background"].variance[0] == pytest.approx(alone["background"].variance[0], rel=1e-9)
    assert tables["background"].value[0] == alone["background"].value[0]


def test_a_cluster_of_its_own_for_every_row_changes_nothing():
    truth, scores, memberships = scored(4, n=800)
    alone, _ = table_of(label_with(truth, scores, memberships))
    clustered, _ = table_of(
        label_with(truth, scores, memberships, clusters=np.random.default_rng(0).permutation(800))
    )
    for one, other in zip((*alone.tables, *alone.gaps), (*clustered.tables, *clustered.gaps), strict=True):
        for name, a, b in zip(one._fields, one, other, strict=True):
            np.testing.assert_allclose(b, a, rtol=1e-9, atol=1e-12, err_msg=name)


def test_clustered_variances_are_those_of_cluster_sums():
    truth, scores, memberships = scored(5, n=600, k=2)
    memberships = np.nan_to_num(memberships)
    clusters = np.random.default_rng(1).integers(0, 150, 600)
    shares, tables = table_of(label_with(truth, scores, memberships, clusters))
    for k, share in enumerate(memberships.T):
        samples = samples_of(truth, share)
        sums = {}
        for name, (upper, lower) in PAIRS.items():
            _, pulls = pulls_by_pairs(truth, scores, share, name)
            for key in (upper, lower):  # few units count as clusters, not as rows
                n, units = samples[key].size, np.unique(clusters[samples[key]]).size
                pulls[samples[key]] *= np.sqrt((n - 1) / n * units / (units - 1))
            sums[name] = np.bincount(clusters, pulls, 150)
            assert tables[name].variance[k] == pytest.approx((sums[name] ** 2).sum(), rel=1e-9)
        for pair, gap in zip(COMPARED, shares.gaps, strict=True):
            change = sums[NAMES[pair]] - sums["background"]
            assert gap.variance[k] == pytest.approx((change**2).sum(), rel=1e-9)


def test_copies_in_one_cluster_say_no_more_than_one_row():
    truth, scores, memberships = scored(6, n=700, k=2)
    once, _ = table_of(label_with(truth, scores, memberships, clusters=np.arange(700)))
    four, _ = table_of(
        label_with(
            *(np.repeat(x, 4, axis=0) for x in (truth, scores, memberships)), np.repeat(np.arange(700), 4)
        )
    )
    for one, other in zip((*once.tables, *once.gaps), (*four.tables, *four.gaps), strict=True):
        np.testing.assert_allclose(other.value, one.value, atol=1e-12)
        np.testing.assert_allclose(other.variance, one.variance, rtol=1e-9)


@pytest.mark.parametrize("clustered", [False, True])
def test_differences_have_the_variance_of_repeated_sampling(clustered):
    """The covariance of the shared sample makes it right: without it BPSN's is over 1.5 times too large."""
    rng = np.random.default_rng(7)
    found, claimed, apart = [], [], []
    for _ in range(400):
        n, size = 1500, 5 if clustered else 1
        author = np.repeat(np.arange(n // size), size)
        mood = rng.normal(size=n // size)[author] * (0.8 if clustered else 0.0)
        truth = (rng.random(n) < 0.3).astype(np.int8)
        share = (rng.random((n, 1)) < 0.25).astype(np.float32)
        scores = rng.normal(size=n) + mood + truth
        shares, tables = table_of(label_with(truth, scores, share, author if clustered else None))
        found.append([g.value[0] for g in shares.gaps])
        claimed.append([g.variance[0] for g in shares.gaps])
        apart.append([tables[NAMES[p]].variance[0] + tables["background"].variance[0] for p in COMPARED])
    seen = np.var(found, axis=0, ddof=1)
    assert np.mean(claimed, axis=0) == pytest.approx(seen, rel=0.2)
    assert np.mean(apart, axis=0)[1] / seen[1] > 1.5


def test_intervals_of_differences_cover():
    rng = np.random.default_rng(8)
    hits = []
    for _ in range(600):
        truth = (rng.random(700) < 0.35).astype(np.int8)
        share = (rng.random((700, 1)) < 0.2).astype(np.float32)
        scores = rng.normal(size=700) + 1.5 * truth
        shares, _ = table_of(label_with(truth, scores, share))
        hits.append([g.low[0] <= 0 <= g.high[0] for g in shares.gaps])
    coverage = np.mean(hits, axis=0)
    assert (coverage > 0.93).all(), coverage
    assert (coverage < 0.985).all(), coverage
