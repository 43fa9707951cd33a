"""Point estimates by slice against fairlearn's MetricFrame and scikit-learn, on random tables."""

from __future__ import annotations

import warnings

import numpy as np
import pandas as pd
import pytest
from builders import binary_predictions, build_examples
from fairlearn.metrics import (
    MetricFrame,
    demographic_parity_difference,
    demographic_parity_ratio,
    equalized_odds_difference,
    false_negative_rate,
    false_positive_rate,
    selection_rate,
    true_positive_rate,
)
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st
from sklearn import metrics as sk

from audit.core import Predictions, Task, TaskKind
from audit.group_error.probe import GroupError

QUICK = {"minimum_n": 5, "draws": 99, "replicates": 20}
"""Point estimates do not depend on draws."""
RELAXED = settings(max_examples=8, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])


def random_groups(rng: np.random.Generator, n: int) -> dict[str, list[str]]:
    return {
        "sex": rng.choice(["f", "m", "unknown"], n, p=[0.5, 0.45, 0.05]).tolist(),
        "band": rng.choice(["0-18", "19-40", "41+"], n).tolist(),
    }


def values(section, metric: str, output: str = "out") -> dict[str, float | None]:
    table = section.tables["slices"].to_pandas()
    own = table[(table.metric == metric) & (table.output == output)]
    return dict(zip(own.slice, own.value, strict=True))


def assert_equal_by_group(section, metric, function, truth, decision, groups, output="out"):
    got = values(section, metric, output)
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # undefined rates of empty denominators warn in the reference
        for names in (["sex"], ["band"], ["sex", "band"]):
            frame = MetricFrame(
                metrics=function,
                y_true=truth,
                y_pred=decision,
                sensitive_features=pd.DataFrame(groups)[names],
            )
            for key, want in frame.by_group.items():
                key = key if isinstance(key, tuple) else (key,)
                name = " & ".join(f"{a}={v}" for a, v in zip(names, key, strict=True))
                if name not in got:  # an empty crossing: MetricFrame lists it as NaN
                    assert np.isnan(want)
                    continue
                if not np.isnan(got[name]):
                    assert got[name] == pytest.approx(want, abs=1e-12), (metric, name)
        assert got["all"] == pytest.approx(function(truth, decision), abs=1e-12)


@given(seed=st.integers(0, 10_000), n=st.integers(60, 400))
@RELAXED
def test_binary_rates_equal_fairlearn_and_sklearn(context, seed, n):
    rng = np.random.default_rng(seed)
    groups = random_groups(rng, n)
    truth = rng.integers(0, 2, n)
    scores = np.round(np.clip(truth * 0.3 + rng.random(n) * 0.7, 0, 1), 2)  # rounding makes ties
    section = GroupError().run(context(build_examples(n, groups), binary_predictions(truth, scores), **QUICK))
    decision = (scores >= 0.5).astype(int)
    for metric, function in {
        "selection_rate": selection_rate,
        "tpr": true_positive_rate,
        "fpr": false_positive_rate,
        "fnr": false_negative_rate,
        "accuracy": sk.accuracy_score,
        "ppv": sk.precision_score,
        "f1": sk.f1_score,
        "balanced_accuracy": sk.balanced_accuracy_score,
    }.items():
        assert_equal_by_group(section, metric, function, truth, decision, groups)
    for metric, function in {
        "auc": sk.roc_auc_score,
        "average_precision": sk.average_precision_score,
        "brier": sk.brier_score_loss,
    }.items():
        assert_equal_by_group(section, metric, function, truth, scores, groups)
    got = values(section, "log_loss")["all"]
    assert got == pytest.approx(sk.log_loss(truth, scores), abs=1e-12)


def test_criteria_equal_fairlearn(context):
    rng = np.random.default_rng(3)
    n = 3000
    groups = {"band": rng.choice(["a", "b", "c"], n).tolist()}
    truth = rng.integers(0, 2, n)
    scores = np.clip(truth * 0.3 + rng.random(n) * 0.7, 0, 1)
    section = GroupError().run(context(build_examples(n, groups), binary_predictions(truth, scores)))
    spread = section.tables["spread"].to_pandas().set_index("metric")
    decision = (scores >= 0.5).astype(int)
    common = {"y_true": truth, "y_pred": decision, "sensitive_features": groups["band"]}
    assert spread.gap["selection_rate"] == pytest.approx(demographic_parity_difference(**common), abs=1e-12)
    assert spread.ratio["selection_rate"] == pytest.approx(demographic_parity_ratio(**common), abs=1e-12)
    assert spread.gap["equalised_odds"] == pytest.approx(equalized_odds_difference(**common), abs=1e-12)


@given(seed=st.integers(0, 10_000), n=st.integers(80, 300), classes=st.integers(3, 7))
@RELAXED
def test_many_class_metrics_equal_sklearn(context, seed, n, classes):
    rng = np.random.default_rng(seed)
    groups = random_groups(rng, n)
    truth = rng.integers(0, classes, n)
    logits = rng.normal(size=(n, classes)) + 1.5 * np.eye(classes)[truth]
    scores = np.exp(logits) / np.exp(logits).sum(axis=1, keepdims=True)
    names = tuple("abcdefg"[:classes])
    predictions = Predictions(
        output="out",
        task=Task(kind=TaskKind.MULTICLASS, classes=names),
        rows=np.arange(n),
        truth=truth.astype(np.int32),
        scores=scores,
        decision=scores.argmax(axis=1).astype(np.int32),
    )
    section = GroupError().run(context(build_examples(n, groups), predictions, **QUICK))
    decision = scores.argmax(axis=1)
    assert_equal_by_group(section, "accuracy", sk.accuracy_score, truth, decision, groups)

    def macro(y, d):
        return sk.f1_score(y, d, average="macro")

    assert_equal_by_group(section, "macro_f1", macro, truth, decision, groups)
    assert values(section, "top_2")["all"] == pytest.approx(
        sk.top_k_accuracy_score(truth, scores, k=2, labels=range(classes)), abs=1e-12
    )
    assert values(section, "log_loss")["all"] == pytest.approx(
        sk.log_loss(truth, scores, labels=range(classes)), abs=1e-12
    )
    recall = sk.recall_score(truth, decision, average=None, labels=range(classes), zero_division=np.nan)
    for name, want in zip(names, recall, strict=True):
        if not np.isnan(want):
            assert values(section, f"recall/{name}")["all"] == pytest.approx(want, abs=1e-12)


@given(seed=st.integers(0, 10_000), n=st.integers(80, 300))
@RELAXED
def test_numbers_equal_sklearn(context, seed, n):
    rng = np.random.default_rng(seed)
    groups = random_groups(rng, n)
    truth = rng.uniform(0, 80, n)
    said = truth + rng.normal(1, 6, n)
    predictions = Predictions(
        output="out",
        task=Task(kind=TaskKind.REGRESSION, unit="years"),
        rows=np.arange(n),
        truth=truth,
        scores=None,
        decision=said,
    )
    section = GroupError().run(context(build_examples(n, groups), predictions, **QUICK))
    for metric, function in {
        "mae": sk.mean_absolute_error,
        "rmse": sk.root_mean_squared_error,
        "bias": lambda y, d: float(np.mean(np.asarray(d) - np.asarray(y))),
        "within_5": lambda y, d: float(np.mean(np.abs(np.asarray(d) - np.asarray(y)) <= 5)),
    }.items():
        assert_equal_by_group(section, metric, function, truth, said, groups)
    assert values(section, "r2")["all"] == pytest.approx(sk.r2_score(truth, said), abs=1e-10)


@given(seed=st.integers(0, 10_000), n=st.integers(60, 200), labels=st.integers(2, 6))
@RELAXED
def test_several_labels_equal_sklearn(context, seed, n, labels):
    rng = np.random.default_rng(seed)
    groups = random_groups(rng, n)
    truth = (rng.random((n, labels)) < 0.3).astype(np.int8)
    scores = np.clip(truth * 0.3 + rng.random((n, labels)) * 0.7, 0, 1)
    decision = (scores >= 0.5).astype(np.int8)
    names = tuple(f"l{j}" for j in range(labels))
    predictions = Predictions(
        output="out",
        task=Task(kind=TaskKind.MULTILABEL, classes=names),
        rows=np.arange(n),
        truth=truth,
        scores=scores,
        decision=decision,
        thresholds=(0.5,) * labels,
    )
    section = GroupError().run(context(build_examples(n, groups), predictions, **QUICK))
    want = sk.f1_score(truth, decision, average="micro")
    assert values(section, "micro_f1")["all"] == pytest.approx(want, abs=1e-12)
    want = sk.f1_score(truth, decision, average="macro", zero_division=0)
    assert values(section, "macro_f1")["all"] == pytest.approx(want, abs=1e-12)
    assert values(section, "exact_match")["all"] == pytest.approx(
        sk.accuracy_score(truth, decision), abs=1e-12
    )
    for j, name in enumerate(names):
        got = values(section, "fpr", f"out/{name}")
        inside = np.array(groups["sex"]) == "f"
        assert got["sex=f"] == pytest.approx(
            false_positive_rate(truth[inside, j], decision[inside, j]), abs=1e-12
        )
