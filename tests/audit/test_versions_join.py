"""Rows laid side by side: order, classes, labels and attributes that differ between two runs."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from builders import build_attribute

from audit.core import Predictions, Task, TaskKind
from audit.store.audited import AuditedRows
from audit.versions.join import join


def rows(ids, *predictions, groups=None, clusters=None):
    return AuditedRows(
        folder=Path(),
        manifest={"model": "m", "version": "1"},
        ids=pa.array(ids),
        attributes={k: build_attribute(k, v) for k, v in (groups or {}).items()},
        clusters=None if clusters is None else np.asarray(clusters),
        predictions={p.output: p for p in predictions},
    )


def predicted(kind, truth, decision, at=None, name="out", classes=("0", "1"), scores=None, unit=""):
    truth = np.asarray(truth)
    return Predictions(
        output=name,
        task=Task(kind=kind, classes=classes, unit=unit),
        rows=np.arange(len(truth)) if at is None else np.asarray(at),
        truth=truth,
        scores=scores,
        decision=np.asarray(decision),
    )


def test_rows_meet_by_id_whatever_their_order_and_their_gaps():
    old = rows(["a", "b", "c", "d"], predicted(TaskKind.BINARY, [1, 0, 1], [1, 1, 0], at=[0, 1, 3]))
    new = rows(["d", "x", "b", "a"], predicted(TaskKind.BINARY, [1, 0, 0], [1, 0, 0], at=[0, 1, 2]))
    joined = join(old, new)
    (pair,) = joined.pairs
    named = new.ids.take(joined.at_new[pair.new.rows]).to_pylist()
    assert named == ["d", "b"]
    assert (pair.old.decision.tolist(), pair.new.decision.tolist()) == ([0, 1], [1, 0])
    assert pair.old.truth.tolist() == pair.new.truth.tolist() == [1, 0]
    assert old.ids.take(joined.at_old[pair.old.rows]).to_pylist() == named
    assert (joined.misfits.only_old, joined.misfits.only_new) == (1, 1)
    assert joined.misfits.ids["only_old"] == ("c",)
    assert joined.misfits.unmatched == pytest.approx(2 / 5)


def test_classes_in_another_order_are_the_same_classes():
    kind = TaskKind.MULTICLASS
    scores = np.array([[0.7, 0.2, 0.1], [0.1, 0.3, 0.6]])
    old = rows(["a", "b"], predicted(kind, [0, 2], [0, 1], classes=("x", "y", "z"), scores=scores))
    new = rows(["a", "b"], predicted(kind, [2, 0], [2, 0], classes=("z", "y", "x"), scores=scores[:, ::-1]))
    (pair,) = join(old, new).pairs
    assert pair.new.task.classes == ("x", "y", "z")
    assert pair.new.decision.tolist() == [0, 2]
    assert pair.new.scores.tolist() == scores.tolist()
    assert not join(old, new).misfits.changed_truths


@pytest.mark.parametrize(
    ("change", "why"),
    [
        ({"kind": TaskKind.MULTICLASS}, "it is binary in the old run and multiclass in the new one"),
        ({"classes": ("1", "0")}, "its classes differ: 0, 1 in the old run, 1, 0 in the new one"),
        ({"unit": "days"}, "its unit is '' in the old run and 'days' in the new one"),
    ],
)
def test_an_output_that_means_something_else_is_left_out_and_said(change, why):
    old = predicted(TaskKind.BINARY, [1, 0], [1, 0])
    new = replace(old, task=replace(old.task, **change))
    joined = join(rows(["a", "b"], old), rows(["a", "b"], new))
    assert joined.pairs == ()
    assert joined.misfits.left_out == {"out": why}


def test_a_label_that_one_version_lacks_drops_the_row_for_that_label_only():
    kind, truth = TaskKind.MULTILABEL, [[1, 0], [0, 1], [1, 1]]
    old = predicted(kind, truth, [[1, 0], [0, -1], [1, 1]], classes=("x", "y"))
    new = predicted(kind, truth, [[1, 1], [0, 1], [0, 1]], classes=("x", "y"))
    pairs = {p.name: p for p in join(rows(["a", "b", "c"], old), rows(["a", "b", "c"], new)).pairs}
    assert [pairs[k].old.n for k in ("out", "out/x", "out/y")] == [3, 3, 2]
    assert pairs["out/y"].new.decision.tolist() == [1, 1]
    assert pairs["out/y"].new.rows.tolist() == [0, 2]


def test_groups_of_either_run_are_used_and_the_new_ones_win():
    one = predicted(TaskKind.BINARY, [1, 0], [1, 0])
    old = rows(["a", "b"], one, groups={"sex": ["f", "m"], "site": ["x", "y"]}, clusters=[4, 5])
    new = rows(["b", "a"], one, groups={"sex": ["m", "unknown"]})
    joined = join(old, new)
    assert joined.misfits.changed_groups == {"sex": 1}
    assert joined.misfits.ids["group.sex"] == ("a",)
    values = {k: [a.values[c] for c in a.codes] for k, a in joined.attributes.items()}
    assert values == {"sex": ["m", "unknown"], "site": ["y", "x"]}
    assert joined.clusters.tolist() == [5, 4]
