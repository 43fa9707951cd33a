"""Paired changes against SciPy, statsmodels, published examples and brute force."""

from __future__ import annotations

import itertools

import numpy as np
import pytest
from builders import build_attribute
from scipy import stats
from sklearn import metrics as sk
from statsmodels.stats.contingency_tables import mcnemar
from versions_builders import pair_of

from audit.slices import slice_set
from audit.versions.joint_counts import JointCounts, balanced_accuracy, f1, ppv
from audit.versions.measures import measure_pair
from audit.versions.paired import PairedMean, PairedRate, Settings
from audit.versions.randomise import exchange_p, studentised

RATE = PairedRate(both=(0,), only_old=(1,), only_new=(2,), neither=(3,))
ONE = np.ones(1)


def everyone(n):
    return slice_set({}, np.arange(n), 1, {}, 30)


# Newcombe (1998), Statistics in Medicine 17, 2635-2650, method 10; Fagerland, Lydersen and Laake (2014) on
# Bentur's table: first rate minus second
@pytest.mark.parametrize(
    ("cells", "low", "high"),
    [((20, 12, 2, 16), 0.0562, 0.3292), ((8, 3, 1, 2), -0.1574, 0.4136)],
)
def test_a_change_of_a_rate_is_newcombes(cells, low, high):
    both, only_new, only_old, neither = cells
    change = RATE.change(np.array([[both, only_old, only_new, neither]], float), ONE, Settings())
    assert (change.low[0], change.high[0]) == pytest.approx((low, high), abs=5e-5)


@pytest.mark.parametrize(("old", "new"), [(0, 12), (5, 9), (40, 22), (0, 0), (1, 0)])
def test_the_test_of_a_rate_is_statsmodels_exact_mcnemar(old, new):
    change = RATE.change(np.array([[50.0, old, new, 30.0]]), ONE, Settings())
    assert change.p[0] == pytest.approx(mcnemar([[50, old], [new, 30]], exact=True).pvalue)
    assert (change.old[0], change.new[0]) == pytest.approx(
        ((50 + old) / (80 + old + new), (50 + new) / (80 + old + new))
    )


def test_a_mean_is_scipys_paired_t():
    rng = np.random.default_rng(0)
    old, new = rng.gamma(2, 3, 80), rng.gamma(2, 3, 80)
    d, s = new - old, new + old
    sums = np.array([[80, *(x.sum() for x in (old, new, d, d**2, s, s**2, d * s))]])
    change = PairedMean(n=(0,), first=1).change(sums, ONE, Settings())
    test = stats.ttest_rel(new, old)
    low, high = test.confidence_interval()
    assert (change.value[0], change.p[0]) == pytest.approx(((new - old).mean(), test.pvalue))
    assert (change.low[0], change.high[0]) == pytest.approx((low, high))
    side = stats.ttest_1samp(old, 0).confidence_interval()
    assert (change.old_low[0], change.old_high[0]) == pytest.approx(tuple(side))


def test_rmse_and_bias_agree_with_a_bootstrap_of_rows():
    rng = np.random.default_rng(1)
    truth = rng.normal(size=400) * 10
    old, new = truth + rng.normal(1, 3, 400), truth + rng.normal(-2, 3.5, 400)
    measured = measure_pair(pair_of("number", truth, old, new), everyone(400))
    draws = rng.integers(0, 400, (4000, 400))
    for name, value in (
        ("rmse", lambda e: np.sqrt((e**2).mean(axis=-1))),
        ("bias", lambda e: np.abs(e.mean(axis=-1))),
    ):
        change = measured.forms[name].change(measured.joint, ONE, Settings())
        first, second = old - truth, new - truth
        assert change.value[0] == pytest.approx(value(second) - value(first))
        spread = np.std(value(second[draws]) - value(first[draws]))
        assert change.error[0] == pytest.approx(spread, rel=0.06)


def test_a_bias_that_changes_sides_is_compared_by_size():
    truth = np.zeros(50)
    rng = np.random.default_rng(2)
    noise = rng.normal(size=50) - rng.normal(size=50).mean()
    measured = measure_pair(pair_of("number", truth, 3 + noise, -1 + noise), everyone(50))
    change = measured.forms["bias"].change(measured.joint, ONE, Settings())
    expected = abs((-1 + noise).mean()) - abs((3 + noise).mean())
    assert change.value[0] == pytest.approx(expected)
    assert change.high[0] < 0


def joint(truth, old, new):
    return np.bincount(truth * 4 + old * 2 + new, minlength=8).astype(float)[None]


def binary(seed, n, flip=0.15):
    rng = np.random.default_rng(seed)
    truth = (rng.random(n) < 0.4).astype(int)
    old = np.where(rng.random(n) < 0.2, 1 - truth, truth)
    return truth, old, np.where(rng.random(n) < flip, 1 - old, old)


@pytest.mark.parametrize(
    ("statistic", "reference"),
    [(ppv, sk.precision_score), (f1, sk.f1_score), (balanced_accuracy, sk.balanced_accuracy_score)],
)
def test_functions_of_counts_are_scikit_learns_and_their_interval_scipys_paired_bootstrap(
    statistic, reference
):
    truth, old, new = binary(3, 300)
    form = JointCounts(cells=tuple(range(8)), statistic=statistic, n_of=((1, 3, 5, 7),))
    change = form.change(joint(truth, old, new), ONE, Settings(replicates=4000))
    assert change.old[0] == pytest.approx(reference(truth, old))
    assert change.new[0] == pytest.approx(reference(truth, new))

    def difference(t, a, b):
        return reference(t, b) - reference(t, a)

    fast = {
        sk.precision_score: lambda t, a: (t * a).sum(-1) / a.sum(-1),
        sk.f1_score: lambda t, a: 2 * (t * a).sum(-1) / (t.sum(-1) + a.sum(-1)),
        sk.balanced_accuracy_score: lambda t, a: (
            ((t * a).sum(-1) / t.sum(-1) + ((1 - t) * (1 - a)).sum(-1) / (1 - t).sum(-1)) / 2
        ),
    }[reference]
    assert difference(truth, old, new) == pytest.approx(fast(truth, new) - fast(truth, old))
    drawn = stats.bootstrap(
        (truth, old, new),
        lambda t, a, b, axis=-1: fast(t, b) - fast(t, a),
        paired=True,
        vectorized=True,
        n_resamples=4000,
        method="percentile",
        rng=np.random.default_rng(0),
    ).confidence_interval
    assert (change.low[0], change.high[0]) == pytest.approx((drawn.low, drawn.high), abs=0.006)


def test_the_exchange_test_sums_every_way_to_swap_the_changed_rows():
    truth = np.array([1, 1, 1, 1, 0, 0, 0, 0, 1, 0, 1, 1, 0, 0, 1, 0])
    old = np.array([1, 1, 1, 0, 0, 1, 0, 0, 1, 0, 1, 0, 1, 0, 1, 1])
    new = np.array([1, 0, 0, 1, 0, 0, 1, 1, 1, 1, 1, 0, 1, 0, 0, 1])
    form = JointCounts(cells=tuple(range(8)), statistic=ppv, n_of=((1, 3, 5, 7),))
    moved = np.flatnonzero(old != new)
    seen = abs(studentised(joint(truth, old, new)[0], form.difference))
    as_far = []
    for swaps in itertools.product([False, True], repeat=len(moved)):
        at = moved[list(swaps)]
        a, b = old.copy(), new.copy()
        a[at], b[at] = new[at], old[at]
        as_far.append(abs(studentised(joint(truth, a, b)[0], form.difference)) >= seen * (1 - 1e-9))
    assert exchange_p(joint(truth, old, new), form.difference)[0] == pytest.approx(np.mean(as_far))


@pytest.mark.parametrize("seed", range(4))
def test_the_exchange_test_of_accuracy_is_mcnemars(seed):
    truth, old, new = binary(seed, 120)
    form = JointCounts(
        cells=tuple(range(8)),
        statistic=lambda c: (c[..., 0] + c[..., 3]) / c.sum(-1),
        n_of=(tuple(range(8)),),
    )
    b = int(np.sum((old == truth) & (new != truth)))
    c = int(np.sum((old != truth) & (new == truth)))
    assert exchange_p(joint(truth, old, new), form.difference)[0] == pytest.approx(
        mcnemar([[0, b], [c, 0]], exact=True).pvalue
    )


def test_few_changed_rows_never_give_a_small_p_for_ppv():
    """A bootstrap p of five rows that all changed for the worse is .01; chance does it one time in 16."""
    counts = np.array([[60.0, 5, 0, 0, 0, 0, 0, 20]])
    assert exchange_p(counts, JointCounts(cells=(), statistic=ppv, n_of=((0,),)).difference)[0] >= 2 * 0.5**5


def test_macro_f1_of_classes_is_scikit_learns_with_a_bootstraps_error():
    rng = np.random.default_rng(4)
    truth, noise = rng.integers(0, 4, 500), rng.integers(0, 4, (2, 500))
    old = np.where(rng.random(500) < 0.4, noise[0], truth)
    new = np.where(rng.random(500) < 0.1, noise[1], old)  # alike, so that what they share cancels
    measured = measure_pair(pair_of("classes", truth, old, new), everyone(500))
    change = measured.forms["macro_f1"].change(measured.joint, ONE, Settings())
    assert change.old[0] == pytest.approx(sk.f1_score(truth, old, average="macro"))
    assert change.new[0] == pytest.approx(sk.f1_score(truth, new, average="macro"))
    draws = rng.integers(0, 500, (150, 500))
    moved = [
        sk.f1_score(truth[d], new[d], average="macro") - sk.f1_score(truth[d], old[d], average="macro")
        for d in draws
    ]
    assert change.error[0] == pytest.approx(np.std(moved), rel=0.2)


def test_micro_f1_of_labels_is_scikit_learns_with_a_bootstraps_error():
    rng = np.random.default_rng(5)
    truth = (rng.random((400, 3)) < 0.3).astype(np.int8)
    old = np.where(rng.random((400, 3)) < 0.2, 1 - truth, truth).astype(np.int8)
    new = np.where(rng.random((400, 3)) < 0.05, 1 - old, old).astype(np.int8)
    measured = measure_pair(pair_of("labels", truth, old, new), everyone(400))
    change = measured.forms["micro_f1"].change(measured.joint, ONE, Settings())
    assert change.old[0] == pytest.approx(sk.f1_score(truth, old, average="micro"))
    assert change.new[0] == pytest.approx(sk.f1_score(truth, new, average="micro"))
    draws = rng.integers(0, 400, (1000, 400))

    def micro(t, d):
        return 2 * (t & d).sum((-1, -2)) / (t.sum((-1, -2)) + d.sum((-1, -2)))

    moved = micro(truth[draws], new[draws]) - micro(truth[draws], old[draws])
    assert change.error[0] == pytest.approx(np.std(moved), rel=0.1)
    exact = measured.forms["exact_match"].change(measured.joint, ONE, Settings())
    assert exact.new[0] == pytest.approx((truth == new).all(axis=1).mean())


def test_every_yes_no_metric_of_every_slice_equals_scikit_learn():
    truth, old, new = binary(6, 400)
    group = build_attribute("team", ["a" if i % 3 else "b" for i in range(400)])
    slices = slice_set({"team": group}, np.arange(400), 1, {}, 30)
    measured = measure_pair(pair_of("yes_no", truth, old, new), slices)
    for k, s in enumerate(slices.slices):
        rows = np.ones(400, bool) if not s.of else group.codes == group.values.index(s.of[0][1])
        for name, reference in (
            ("error_rate", lambda t, d: 1 - sk.accuracy_score(t, d)),
            ("fnr", lambda t, d: 1 - sk.recall_score(t, d)),
            ("fpr", lambda t, d: 1 - sk.recall_score(t, d, pos_label=0)),
            ("ppv", sk.precision_score),
            ("f1", sk.f1_score),
        ):
            change = measured.forms[name].change(measured.joint, np.ones(3), Settings(replicates=10))
            assert change.old[k] == pytest.approx(reference(truth[rows], old[rows]))
            assert change.new[k] == pytest.approx(reference(truth[rows], new[rows]))


def test_nothing_that_differs_is_a_change_of_nothing():
    truth, old, _ = binary(7, 60)
    measured = measure_pair(pair_of("yes_no", truth, old, old), everyone(60))
    for name, form in measured.forms.items():
        change = form.change(measured.joint, ONE, Settings(replicates=10))
        assert (change.value[0], change.p[0], bool(change.identical[0])) == (0, 1, True), name


def test_decisions_that_did_not_change_say_little_of_few_rows():
    """Ten rows in which nothing changed bound the change of PPV no better than that of accuracy."""
    truth = np.array([1, 1, 1, 1, 0, 0, 0, 0, 0, 0])
    same = np.array([1, 1, 1, 0, 1, 0, 0, 0, 0, 0])
    measured = measure_pair(pair_of("yes_no", truth, same, same), everyone(10))
    widths = {}
    for name in ("ppv", "f1", "balanced_accuracy", "error_rate"):
        change = measured.forms[name].change(measured.joint, ONE, Settings())
        assert change.low[0] < 0 < change.high[0]
        widths[name] = change.high[0] - change.low[0]
    assert widths["ppv"] > widths["error_rate"]  # of four rows, not of ten


def test_errors_that_all_grow_alike_have_no_interval():
    truth = np.arange(40.0)
    measured = measure_pair(pair_of("number", truth, truth + 1, truth + 2), everyone(40))
    change = measured.forms["mae"].change(measured.joint, ONE, Settings())
    assert change.value[0] == 1
    assert np.isnan([change.low[0], change.high[0], change.p[0]]).all()


def test_half_the_effective_rows_widen_every_interval():
    truth, old, new = binary(8, 300)
    measured = measure_pair(pair_of("yes_no", truth, old, new), everyone(300))
    for name, form in measured.forms.items():
        full = form.change(measured.joint, ONE, Settings())
        half = form.change(measured.joint, ONE / 2, Settings())
        assert half.high[0] - half.low[0] > 1.2 * (full.high[0] - full.low[0]), name
        assert half.p[0] >= full.p[0], name
        assert half.value[0] == full.value[0]
