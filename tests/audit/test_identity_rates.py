"""FPR, FNR, FPED, FNED and the what-if thresholds against counts by hand, statsmodels and permutations."""

from dataclasses import replace

import numpy as np
import pytest
from builders import binary_predictions
from identity_pairs import label_with, samples_of
from scipy import stats
from sklearn.metrics import balanced_accuracy_score
from statsmodels.stats.proportion import confint_proportions_2indep, proportion_confint

from audit.core import Reason
from audit.group_error.targets import targets
from audit.identity_terms.label import label_of
from audit.identity_terms.memberships import declared
from audit.identity_terms.rates import deviation, measure_rates
from audit.identity_terms.thresholds import COST, CRITERIA, choose, threshold_grid


def scored(seed, n=3000, k=4, bias=0.0):
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.3).astype(np.int8)
    shares = (rng.random((n, k)) < np.linspace(0.05, 0.3, k)).astype(np.float32)
    scores = 1 / (1 + np.exp(-(rng.normal(size=n) + 2 * truth - 1 + bias * shares[:, 0])))
    shares[rng.random(n) < 0.25, 0] = np.nan
    return truth, scores, shares


def counts(truth, wrong, share, kind):
    samples = samples_of(truth, share)
    cls = 0 if kind == "fpr" else 1
    own, other = samples[True, cls], samples[False, cls]
    return wrong[own].sum(), own.size, wrong[other].sum(), other.size


@pytest.mark.parametrize("kind", ["fpr", "fnr"])
def test_rates_and_gaps_equal_statsmodels(kind):
    truth, scores, shares = scored(0)
    wrong = (scores >= 0.5) != truth
    found = measure_rates(label_with(truth, scores, shares), kind, 0.95)
    for k, share in enumerate(shares.T):
        e1, n1, e2, n2 = counts(truth, wrong, share, kind)
        assert found.events[:, k].tolist() == [e1, e2]
        assert found.n[:, k].tolist() == [n1, n2]
        assert (found.own.low[k], found.own.high[k]) == pytest.approx(
            proportion_confint(e1, n1, method="wilson"), abs=1e-12
        )
        assert (found.gap.low[k], found.gap.high[k]) == pytest.approx(
            confint_proportions_2indep(e1, n1, e2, n2, method="newcomb"), abs=1e-9
        )


def mid_p(e1, n1, e2, n2):
    """Two-sided by probability: all tables at most as likely as the one seen, which counts half."""
    p = stats.hypergeom.pmf(np.arange(min(n1, e1 + e2) + 1), n1 + n2, e1 + e2, n1)
    return p[p <= p[e1] * (1 + 1e-7)].sum() - 0.5 * p[e1]


def test_small_p_is_exact_and_large_p_is_the_score_tests():
    truth, scores, shares = scored(7, bias=0.6)
    wrong = (scores >= 0.5) != truth
    found = measure_rates(label_with(truth, scores, shares), "fpr", 0.95)
    seen = set()
    for k, share in enumerate(shares.T):
        e1, n1, e2, n2 = counts(truth, wrong, share, "fpr")
        table = [[e1, n1 - e1], [e2, n2 - e2]]
        score = stats.chi2_contingency(table, correction=False).pvalue
        expected, name = (mid_p(e1, n1, e2, n2), "fisher mid-p") if score < 0.05 else (score, "score")
        assert found.p[k] == pytest.approx(expected, rel=1e-6)
        assert found.test[k] == name
        seen.add(name)
    assert seen == {"fisher mid-p", "score"}


def test_clusters_widen_rates_and_their_gaps():
    truth, scores, shares = scored(1)
    shares = np.nan_to_num(shares)
    alone = measure_rates(label_with(truth, scores, shares), "fpr", 0.95)
    # ten copies of one comment say no more than the comment
    copied = [np.repeat(x, 10, axis=0) for x in (truth, scores, shares)]
    together = measure_rates(label_with(*copied, np.repeat(np.arange(3000), 10)), "fpr", 0.95)
    np.testing.assert_allclose(together.own.value, alone.own.value)
    np.testing.assert_allclose(
        together.gap.high - together.gap.low, alone.gap.high - alone.gap.low, rtol=0.06
    )
    assert (together.share < 0.12).all()


def by_definition(truth, wrong, shares, kind):
    total = 0.0
    for share in shares.T:
        e1, n1, e2, n2 = counts(truth, wrong, share, kind)
        total += abs((e1 + e2) / (n1 + n2) - e1 / n1)
    return total


@pytest.mark.parametrize(("kind", "metric"), [("fpr", "fped"), ("fnr", "fned")])
def test_deviation_and_its_null_equal_permuted_errors(kind, metric):
    truth, scores, shares = scored(2)
    shares = np.nan_to_num(shares)
    wrong = (scores >= 0.5) != truth
    found = deviation(measure_rates(label_with(truth, scores, shares), kind, 0.95), 1, (0,))
    assert found.metric == metric
    assert found.value == pytest.approx(by_definition(truth, wrong, shares, kind), abs=1e-12)
    rng, possible = np.random.default_rng(0), np.flatnonzero(truth == (0 if kind == "fpr" else 1))
    sums = []
    for _ in range(2000):
        dealt = wrong.copy()
        dealt[possible] = rng.permutation(wrong[possible])
        sums.append(by_definition(truth, dealt, shares, kind))
    assert found.expected == pytest.approx(np.mean(sums), rel=0.03)
    assert (found.expected_low, found.expected_high) == pytest.approx(
        np.quantile(sums, (0.025, 0.975)), rel=0.15
    )
    assert found.p == pytest.approx(np.mean(np.array(sums) >= found.value), abs=0.03)


def test_bias_stands_out_of_the_null_and_small_identities_are_left_out():
    truth, scores, shares = scored(3, bias=1.5)
    shares[:, 3] = 0
    shares[np.flatnonzero(truth == 0)[:10], 3] = 1
    found = deviation(measure_rates(label_with(truth, scores, shares), "fpr", 0.95), 30, (0,))
    assert found.value > found.expected_high
    assert found.p == 1 / 10_000
    assert (found.identities, found.left_out) == (3, 1)
    none = deviation(measure_rates(label_with(truth, scores, shares), "fpr", 0.95), 10**6, (0,))
    assert np.isnan(none.value)
    assert (none.identities, none.left_out) == (0, 4)


def test_errors_at_every_threshold_equal_counting():
    truth, scores, shares = scored(4, n=500)
    found = threshold_grid(label_with(truth, np.round(scores, 2), shares, threshold=0.335), 0.95)
    assert 0.335 in found.thresholds
    for k, share in enumerate([np.ones(500), *shares.T]):
        rows = np.concatenate([samples_of(truth, share)[True, t] for t in (0, 1)])
        t, s = truth[rows], np.round(scores, 2)[rows]
        assert found.n[:, k].tolist() == [(t == 0).sum(), (t == 1).sum()]
        for g, cut in enumerate(found.thresholds):
            given = s >= cut
            assert found.fpr.value[k, g] == pytest.approx(given[t == 0].mean())
            assert found.fnr.value[k, g] == pytest.approx((~given[t == 1]).mean())
            assert found.selected[k, g] == pytest.approx(given.mean())


@pytest.mark.parametrize("criterion", CRITERIA)
def test_the_choice_is_the_best_of_all_thresholds_within_the_cost(criterion):
    truth, scores, shares = scored(5, bias=1.0)
    label = label_with(truth, scores, shares, threshold=0.7)
    choice = choose(threshold_grid(label, 0.95), criterion, 30)

    def errors(cut):
        found = []
        for share in shares.T:
            samples = samples_of(truth, share)
            fpr = (scores[samples[True, 0]] >= cut).mean()
            fnr = (scores[samples[True, 1]] < cut).mean()
            found.append({"fpr": fpr, "fnr": fnr}.get(criterion, (fpr + fnr) / 2))
        return np.array(found)

    def accuracy(cut):
        return balanced_accuracy_score(truth, scores >= cut)

    allowed = [c for c in np.round(np.linspace(0.01, 0.99, 99), 2) if accuracy(c) >= accuracy(0.7) - COST]
    assert 0 < len(allowed) < 99
    assert choice.value == pytest.approx(min(errors(c).max() for c in allowed))
    assert errors(choice.threshold).max() == pytest.approx(choice.value)
    assert choice.worst == errors(choice.threshold).argmax()
    assert (choice.now, choice.worst_now) == (pytest.approx(errors(0.7).max()), errors(0.7).argmax())
    assert choice.balanced_accuracy == pytest.approx(accuracy(choice.threshold))
    assert choice.balanced_accuracy_now == pytest.approx(accuracy(0.7))
    assert choice.identities == 4


def test_a_choice_that_cannot_be_made_says_why():
    truth, scores, shares = scored(6, n=300)
    grid = threshold_grid(label_with(truth, scores, shares), 0.95)
    assert choose(grid, "fpr", 10**6).reason is Reason.TOO_FEW
    one = threshold_grid(label_with(np.zeros(300, np.int8), scores, shares), 0.95)
    assert choose(one, "fpr", 1).reason is Reason.ONE_CLASS
    # decisions better than any threshold of the scores
    predictions = binary_predictions(truth, scores)
    target = next(targets(replace(predictions, decision=truth)))
    label = label_of("toxic", target, declared({"g": shares[:, 1]}, 0.5, {}), None, 300)
    choice = choose(threshold_grid(label, 0.95), "fpr", 1)
    assert (choice.reason, choice.balanced_accuracy_now) == (Reason.NO_THRESHOLD, 1.0)
