"""Scores beside what is known of the rows, in the columns of the predictions contract."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
import pytest

from audit.core import Task, TaskKind
from audit.errors import InputError
from audit.predicted import predictions_table

GENDER = Task(kind=TaskKind.BINARY, classes=("Female", "Male"))
AGE = Task(kind=TaskKind.REGRESSION, unit="years")
GENUS = Task(kind=TaskKind.MULTICLASS, classes=("Amanita", "Boletus"))
REMARK = Task(kind=TaskKind.MULTILABEL, classes=("toxic", "insult"))


class Promises:
    payload = "text"

    def __init__(self, tasks: Mapping[str, Task]) -> None:
        self.tasks = tasks

    def predict(self, batch: Any) -> dict[str, np.ndarray]:
        raise AssertionError("nothing is scored here")


class Decided(Promises):
    def decide(self, scores: Mapping[str, np.ndarray]) -> dict[str, np.ndarray]:
        return {"gender": (scores["gender"] >= 0.9).astype(np.int8)}


def known(**columns: list[Any]) -> pa.Table:
    n = len(next(iter(columns.values())))
    return pa.table({"id": [f"r{i}" for i in range(n)], "split": ["test"] * n, **columns})


def test_numbers_and_classes_of_faces() -> None:
    rows = known(
        **{
            "true.age": [30.0, None, 5.0],
            "true.gender": ["Male", "Female", None],
            "true.mood": ["sad", "sad", "sad"],
            "group.band": ["a", "b", "unknown"],
            "cluster": ["1", "1", "2"],
            "image": ["a.jpg", "b.jpg", "c.jpg"],
        }
    )
    scores = {
        "age": np.array([31.0, 2.0, 4.0]),
        "gender": np.array([0.75, 0.5, 0.25]),
        "age_spread": np.array([1.0, 2.0, 3.0]),
    }
    assert predictions_table(Promises({"age": AGE, "gender": GENDER}), rows, scores).to_pydict() == {
        "id": ["r0", "r1", "r2"],
        "split": ["test"] * 3,
        "true.age": [30.0, None, 5.0],
        "pred.age": [31.0, 2.0, 4.0],
        "true.gender": [1, 0, None],
        "score.gender": [0.75, 0.5, 0.25],
        "spread.age": [1.0, 2.0, 3.0],
        "group.band": ["a", "b", "unknown"],
        "cluster": ["1", "1", "2"],
        "image": ["a.jpg", "b.jpg", "c.jpg"],
    }


def test_a_model_with_thresholds_of_its_own_decides() -> None:
    made = predictions_table(Decided({"gender": GENDER}), known(x=[1, 2]), {"gender": np.array([0.8, 0.95])})
    assert made["pred.gender"].to_pylist() == [0, 1]


def test_a_single_truth_and_a_single_output_belong_together() -> None:
    rows = known(**{"true.label": ["Boletus", "unknown"], "group.place": ["a", "b"]})
    made = predictions_table(Promises({"genus": GENUS}), rows, {"genus": np.array([[0.25, 0.75], [1, 0]])})
    assert made.column_names == [
        "id", "split", "true.genus", "score.genus.Amanita", "score.genus.Boletus", "group.place",
    ]  # fmt: skip
    assert made["true.genus"].to_pylist() == ["Boletus", None]
    assert made["score.genus.Boletus"].to_pylist() == [0.75, 0]


def test_labels_of_a_multilabel_output() -> None:
    rows = known(**{"true.remark.toxic": [1, 0], "true.remark.insult": [None, 1]})
    made = predictions_table(Promises({"remark": REMARK}), rows, {"remark": np.array([[1, 0.5], [0, 0.25]])})
    assert made["true.remark.insult"].to_pylist() == [None, 1]
    assert made["score.remark.insult"].to_pylist() == [0.5, 0.25]


def test_truth_in_numbers_stays_as_it_is() -> None:
    made = predictions_table(
        Promises({"gender": GENDER}), known(**{"true.gender": [1, 0]}), {"gender": np.array([0.5, 0.5])}
    )
    assert made["true.gender"].to_pylist() == [1, 0]


def test_truth_that_knows_none_of_the_classes_is_refused() -> None:
    rows = known(**{"true.gender": ["man", "woman"]})
    with pytest.raises(
        InputError,
        match=r"data, true\.gender: one of the model's classes Female, Male was expected, came man, woman\.",
    ):
        predictions_table(Promises({"gender": GENDER}), rows, {"gender": np.array([0.5, 0.5])})
