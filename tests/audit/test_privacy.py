"""Membership inference: equal to scikit-learn and closed forms, right in coverage, and silent on chance."""

from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from scipy.stats import norm
from sklearn.datasets import make_classification
from sklearn.metrics import log_loss, roc_auc_score, roc_curve
from sklearn.tree import DecisionTreeClassifier

from audit.core import Attribute, Examples, Predictions, Reason, Source, Status, Task, TaskKind
from audit.executors import Serial
from audit.privacy.probe import Privacy
from audit.privacy.rates import tpr_at_fpr
from audit.protocols import Context
from audit.spec import Spec

TRAIN, VALIDATION, TEST = 0, 1, 2


def _context(split: np.ndarray, predictions: list[Predictions], group: np.ndarray | None = None) -> Context:
    n = split.size
    attributes = {}
    if group is not None:
        attributes["group"] = Attribute(name="group", values=("a", "b"), codes=group.astype(np.int32))
    examples = Examples(
        ids=pa.array([f"row{k}" for k in range(n)]),
        split=split.astype(np.int8),
        attributes=attributes,
        identities={},
        clusters=None,
        images=None,
        source=Source(path="x.csv", sha256="", data_root=""),
    )
    return Context(
        examples=examples,
        predictions={one.output: one for one in predictions},
        audited=split == TEST,
        spec=Spec(),
        seed=0,
        executor=Serial(),
        cache=Path("unused"),
    )


def _binary(truth: np.ndarray, scores: np.ndarray) -> Predictions:
    return Predictions(
        output="y",
        task=Task(kind=TaskKind.BINARY, classes=("no", "yes")),
        rows=np.arange(truth.size),
        truth=truth.astype(np.int8),
        scores=scores,
        decision=(scores >= 0.5).astype(np.int8),
        thresholds=(0.5,),
    )


def _rows(section, table: str = "membership") -> dict[tuple[str, str, str], dict]:
    return {(r["output"], r["signal"], r["slice"]): r for r in section.tables[table].to_pylist()}


@pytest.fixture(scope="module")
def overfitted():
    """A tree grown until it knows every row of training, on labels with noise."""
    x, y = make_classification(n_samples=1200, flip_y=0.3, random_state=0)
    split = np.repeat([TRAIN, TEST], 600)
    tree = DecisionTreeClassifier(random_state=0).fit(x[:600], y[:600])
    return split, y, tree.predict_proba(x)[:, 1]


def test_membership_of_an_overfitted_tree_equals_the_reference(overfitted) -> None:
    split, truth, scores = overfitted
    section = Privacy().run(_context(split, [_binary(truth, scores)]))
    losses = [log_loss([t], [s], labels=[0, 1]) for t, s in zip(truth, scores, strict=True)]
    rows = _rows(section)
    assert rows["y", "loss", "all"]["auc"] == pytest.approx(
        roc_auc_score(split == TRAIN, -np.array(losses)), abs=1e-12
    )
    # the tree is right on every row of training: the AUC is half of 1 + its error on the others
    error = np.mean((scores >= 0.5)[600:] != truth[600:])
    assert rows["y", "loss", "all"]["auc"] == pytest.approx(0.5 + error / 2, abs=1e-12)
    assert rows["y", "confidence", "all"]["auc"] == 0.5
    assert [f.metric for f in section.findings] == ["membership_auc_loss"]
    assert section.findings[0].severity.score > 0
    assert section.summary["tests_everyone"] == 2


def test_membership_of_shuffled_splits_holds_one_half(overfitted) -> None:
    _, truth, scores = overfitted
    rng = np.random.default_rng(1)
    held = 0
    for _ in range(200):
        split = np.where(rng.permutation(truth.size) < 600, TRAIN, TEST)
        row = _rows(Privacy().run(_context(split, [_binary(truth, scores)])))["y", "loss", "all"]
        held += row["low"] <= 0.5 <= row["high"]
    # 95 % of 200, within the 99.9 % range of that binomial
    assert 179 <= held <= 199


def test_membership_auc_of_normal_signals_has_its_closed_form() -> None:
    rng = np.random.default_rng(2)
    n = 40_000
    split = np.repeat([TRAIN, TEST], n // 2)
    error = np.exp(rng.normal(size=n) - 0.8 * (split == TRAIN))
    numbers = Predictions(
        output="age",
        task=Task(kind=TaskKind.REGRESSION, unit="years"),
        rows=np.arange(n),
        truth=np.zeros(n),
        scores=None,
        decision=error * rng.choice([-1, 1], n),
    )
    row = _rows(Privacy().run(_context(split, [numbers])))
    assert row["age", "loss", "all"]["auc"] == pytest.approx(norm.cdf(0.8 / np.sqrt(2)), abs=0.01)
    assert row["age", "confidence", "all"]["reason"] == Reason.NO_SCORES.value


def test_tpr_at_fpr_is_that_of_the_roc_curve() -> None:
    rng = np.random.default_rng(3)
    members, others = rng.normal(1, 1, 700).round(2), rng.normal(0, 1, 950).round(2)
    found = tpr_at_fpr(members, others)
    assert found is not None
    fpr, tpr, _ = roc_curve(
        np.repeat([1, 0], [700, 950]), np.concatenate([members, others]), drop_intermediate=False
    )
    assert found.value == tpr[fpr <= 0.01].max()
    assert found.fpr == fpr[fpr <= 0.01].max()
    assert tpr_at_fpr(members, others[:99]) is None
    tied = tpr_at_fpr(np.zeros(200), np.zeros(200))
    assert tied is not None
    assert (tied.value, tied.low, tied.high, tied.fpr) == (0.0, 0.0, 1.0, 0.0)


@pytest.mark.parametrize(("shift", "n"), [(0.0, 400), (1.0, 400), (2.0, 3000)])
def test_tpr_interval_covers_the_true_rate(shift: float, n: int) -> None:
    rng = np.random.default_rng(4)
    true = norm.sf(norm.isf(0.01) - shift)
    found = [tpr_at_fpr(rng.normal(shift, 1, n), rng.normal(0, 1, n)) for _ in range(400)]
    held = sum(one is not None and one.low <= true <= one.high for one in found)
    # at least 95 % of 400, less 3 standard errors
    assert held >= 367


def test_privacy_finds_the_group_that_was_learnt_by_heart() -> None:
    rng = np.random.default_rng(5)
    n = 8000
    split, group, truth = rng.choice([TRAIN, TEST], n), rng.integers(0, 2, n), rng.integers(0, 2, n)
    right = norm.cdf(rng.normal(0.5 + 1.0 * ((split == TRAIN) & (group == 1)), 1.0, n))
    section = Privacy().run(_context(split, [_binary(truth, np.where(truth == 1, right, 1 - right))], group))
    rows = _rows(section)
    for name, code in (("a", 0), ("b", 1)):
        of = group == code
        row = rows["y", "loss", f"group={name}"]
        assert row["auc"] == pytest.approx(roc_auc_score(split[of] == TRAIN, right[of]), abs=1e-12)
        assert (row["n_training"], row["n_held_out"]) == (np.sum(split[of] == 0), np.sum(split[of] == 2))
    found = {(f.metric, f.slice.key) for f in section.findings if f.severity.score > 0}
    assert ("membership_auc_loss", "group=b") in found
    assert ("membership_auc_loss", "group=a") not in found


def test_privacy_measures_labels_and_the_joint_signal() -> None:
    rng = np.random.default_rng(6)
    n = 600
    split = rng.choice([TRAIN, TEST], n)
    truth = rng.integers(0, 2, (n, 2)).astype(np.int8)
    scores = np.clip(rng.uniform(size=(n, 2)), 0.01, 0.99)
    truth[:20, 1], scores[:20, 1] = -1, np.nan
    joint = Predictions(
        output="t",
        task=Task(kind=TaskKind.MULTILABEL, classes=("p", "q")),
        rows=np.arange(n),
        truth=truth,
        scores=scores,
        decision=np.where(truth < 0, -1, scores >= 0.5).astype(np.int8),
        thresholds=(0.5, 0.5),
    )
    rows = _rows(Privacy().run(_context(split, [joint])))
    loss = np.nanmean(-np.log(np.where(truth == 1, scores, 1 - scores)), axis=1)
    assert rows["t", "loss", "all"]["auc"] == pytest.approx(roc_auc_score(split == TRAIN, -loss), abs=1e-12)
    q = rows["t/q", "loss", "all"]
    assert q["n_training"] + q["n_held_out"] == n - 20


def test_privacy_of_many_classes() -> None:
    rng = np.random.default_rng(7)
    n = 400
    split, truth = rng.choice([TRAIN, TEST], n), rng.integers(0, 3, n).astype(np.int32)
    scores = rng.dirichlet(np.ones(3), n)
    many = Predictions(
        output="genus",
        task=Task(kind=TaskKind.MULTICLASS, classes=("a", "b", "c")),
        rows=np.arange(n),
        truth=truth,
        scores=scores,
        decision=scores.argmax(axis=1).astype(np.int32),
    )
    rows = _rows(Privacy().run(_context(split, [many])))
    losses = [log_loss([t], [s], labels=[0, 1, 2]) for t, s in zip(truth, scores, strict=True)]
    assert rows["genus", "loss", "all"]["auc"] == pytest.approx(roc_auc_score(split == 0, -np.array(losses)))
    assert rows["genus", "confidence", "all"]["auc"] == pytest.approx(
        roc_auc_score(split == 0, scores.max(axis=1))
    )


def test_privacy_control_between_held_out_splits(overfitted) -> None:
    _, truth, scores = overfitted
    split = np.where(
        np.arange(truth.size) < 400, TRAIN, np.where(np.arange(truth.size) < 700, VALIDATION, TEST)
    )
    section = Privacy().run(_context(split, [_binary(truth, scores)]))
    assert section.status is Status.OK
    expected = roc_auc_score(split[400:] == VALIDATION, np.where(truth == 1, scores, 1 - scores)[400:])
    assert _rows(section, "control")["y", "loss", "all"]["auc"] == pytest.approx(expected)
    assert section.summary["control_tests"] == 2
    # rows 400 to 600 were in the tree's training, and are called validation here
    assert section.summary["control_differs"] >= 1


def test_privacy_says_why_it_does_not_apply() -> None:
    truth, scores = np.arange(50) % 2, np.full(50, 0.5)
    whole = _context(np.full(50, TEST), [_binary(truth, scores)])
    assert Privacy().applies(whole) is Reason.NO_TRAINING
    few = _context(np.repeat([TRAIN, TEST], [40, 10]), [_binary(truth, scores)])
    assert Privacy().applies(few) is None
    assert _rows(Privacy().run(few))["y", "loss", "all"]["reason"] == Reason.TOO_FEW.value
