"""Inflation equals the two metrics counted apart, and its intervals hold what they claim."""

import numpy as np
import pytest
from sklearn.metrics import f1_score, roc_auc_score

from audit.core import Attribute, Reason, Slice, Task, TaskKind
from audit.group_error.targets import Target
from audit.leakage.inflation import BOOTSTRAP, _mean, inflation
from audit.leakage.weighted import auc, f1, macro_f1


def yes_no(rng, n, leaked, clean_error=0.3, leaked_error=0.05):
    truth = rng.integers(0, 2, n)
    wrong = rng.random(n) < np.where(leaked, leaked_error, clean_error)
    decision = np.where(wrong, 1 - truth, truth)
    scores = np.clip(np.where(decision == 1, 0.7, 0.3) + rng.normal(0, 0.1, n), 0, 1).round(2)
    return Target(
        name="toxic",
        task=Task(kind=TaskKind.BINARY, classes=("no", "yes")),
        rows=np.arange(n),
        truth=truth,
        scores=scores,
        decision=decision,
        threshold=None,
    )


def many(rng, n):
    truth, decision = rng.integers(0, 4, (2, n))
    decision = np.where(rng.random(n) < 0.6, truth, decision)
    task = Task(kind=TaskKind.MULTICLASS, classes=tuple("abcd"))
    return Target(
        name="genus",
        task=task,
        rows=np.arange(n),
        truth=truth,
        scores=None,
        decision=decision,
        threshold=None,
    )


def number(rng, n, leaked):
    truth = rng.uniform(0, 80, n)
    decision = truth + rng.normal(0, np.where(leaked, 2, 8), n)
    task = Task(kind=TaskKind.REGRESSION, unit="years")
    return Target(
        name="age", task=task, rows=np.arange(n), truth=truth, scores=None, decision=decision, threshold=None
    )


def measured(target, leaked, attributes=None, clusters=None):
    n = leaked.size
    found = inflation(
        target,
        leaked,
        np.arange(n, dtype=np.int32) if clusters is None else clusters,
        attributes or {},
        seed=0,
        level=0.95,
    )
    return {(one.slice.key, one.metric): one for one in found}


def groups(rng, n):
    return {
        "band": Attribute(
            name="band", values=("a", "b", "unknown"), codes=rng.integers(0, 3, n).astype(np.int32)
        )
    }


def test_yes_no_metrics_equal_counting():
    rng = np.random.default_rng(0)
    leaked = rng.random(1200) < 0.2
    target, attributes = yes_no(rng, 1200, leaked), groups(rng, 1200)
    made = measured(target, leaked, attributes)
    assert {key for key, _ in made} == {"all", "band=a", "band=b"}
    for key, inside in (("all", np.ones(1200, bool)), ("band=b", attributes["band"].codes == 1)):
        t, d, s = target.truth, target.decision, target.scores
        for part, rows in (("all", inside), ("clean", inside & ~leaked)):
            wanted = {
                "error_rate": np.mean((t != d)[rows]),
                "fpr": np.mean(d[rows & (t == 0)] == 1),
                "fnr": np.mean(d[rows & (t == 1)] == 0),
                "ppv": np.mean(t[rows & (d == 1)] == 1),
                "auc": roc_auc_score(t[rows], s[rows]),
                "f1": f1_score(t[rows], d[rows]),
            }
            for metric, value in wanted.items():
                one = made[key, metric]
                assert getattr(one, part) == pytest.approx(value), (key, metric)
                assert one.value == pytest.approx(one.all - one.clean)
                assert one.low <= one.value <= one.high
    assert made["all", "error_rate"].high < 0
    assert made["all", "auc"].low > 0
    assert made["all", "auc"].method == BOOTSTRAP
    assert made["all", "error_rate"].p < 1e-6


def test_numbers_and_classes():
    rng = np.random.default_rng(1)
    leaked = rng.random(800) < 0.3
    target = number(rng, 800, leaked)
    one = measured(target, leaked)["all", "mae"]
    error = np.abs(target.truth - target.decision)
    assert (one.all, one.clean) == (pytest.approx(error.mean()), pytest.approx(error[~leaked].mean()))
    assert one.high < 0
    classes = many(rng, 800)
    one = measured(classes, leaked)["all", "macro_f1"]
    assert one.all == pytest.approx(f1_score(classes.truth, classes.decision, average="macro"))
    assert one.low <= one.value <= one.high


@pytest.mark.parametrize("measure", [auc, f1, macro_f1])
def test_weights_are_repeated_rows(measure):
    rng = np.random.default_rng(2)
    target = many(rng, 60) if measure is macro_f1 else yes_no(rng, 60, np.zeros(60, bool))
    weights = rng.integers(0, 4, (5, 60)).astype(float)
    for row, value in zip(weights.astype(int), measure(target, weights), strict=True):
        t, d = np.repeat(target.truth, row), np.repeat(target.decision, row)
        if measure is auc:
            assert value == pytest.approx(roc_auc_score(t, np.repeat(target.scores, row)))
        else:
            assert value == pytest.approx(f1_score(t, d, average="binary" if measure is f1 else "macro"))


def test_what_cannot_be_computed_has_its_reason():
    rng = np.random.default_rng(3)
    none, everything = np.zeros(50, bool), np.ones(50, bool)
    one = measured(yes_no(rng, 50, none), none)["all", "error_rate"]
    assert (one.value, one.reason) == (0.0, Reason.TOO_FEW)
    one = measured(yes_no(rng, 50, none), everything)["all", "error_rate"]
    assert np.isnan(one.value)
    assert one.reason is Reason.NO_ROWS
    few = np.arange(50) < 2
    assert measured(yes_no(rng, 50, few), few)["all", "auc"].reason is Reason.TOO_FEW


@pytest.mark.parametrize("rows_a_cluster", [1, 4])
def test_closed_form_covers_what_it_claims(rows_a_cluster):
    """240 rows, 60 of them leaked, true error rates .3 and .1, so w = .25; clusters repeat a row."""
    held, trials = 0, 300
    truth_value = 0.25 * (0.1 - 0.3)
    leaked = np.repeat(np.arange(240 // rows_a_cluster) < 60 // rows_a_cluster, rows_a_cluster)
    clusters = np.repeat(np.arange(240 // rows_a_cluster), rows_a_cluster).astype(np.int32)
    for trial in range(trials):
        rng = np.random.default_rng(trial)
        once = yes_no(rng, leaked.size // rows_a_cluster, leaked[::rows_a_cluster], 0.3, 0.1)
        target = Target(
            name="x",
            task=once.task,
            rows=np.arange(240),
            truth=np.repeat(once.truth, rows_a_cluster),
            scores=None,
            decision=np.repeat(once.decision, rows_a_cluster),
            threshold=None,
        )
        wrong = (target.truth != target.decision).astype(float)
        one = _mean(target, Slice(), "error_rate", wrong, leaked, clusters, 0.95)
        held += one.low <= truth_value <= one.high
    assert held / trials >= 0.92
