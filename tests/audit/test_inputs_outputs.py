"""Outputs that come through the door: tasks, codes, scores and decisions, by kind of output."""

import numpy as np
import pytest

from audit.core import TaskKind
from audit.inputs.load import load
from audit.spec import OutputSpec, Spec

HEAD = "id,true.x,score.x,group.g\n"
NO_GROUPS = "No attributes are declared (no column group.ATTR): overall metrics only."


@pytest.fixture
def loaded(tmp_path):
    def read(text, spec=None, name="p.csv"):
        path = tmp_path / name
        path.write_text(text, encoding="utf-8", newline="")
        return load(path, spec or Spec())

    return read


def output(**settings):
    return Spec(outputs={"x": OutputSpec(**settings)})


def messages(found):
    return [message for message in found.examples.source.messages if message != NO_GROUPS]


def test_yes_no(loaded):
    found = loaded("id,true.x,score.x\na,1,.5\nb,0,.49\nc,TRUE,1\nd,false,0\ne,1.0, 0.7 \n")
    x = found.predictions["x"]
    assert (x.task.kind, x.task.classes) == (TaskKind.BINARY, ("0", "1"))
    assert x.truth.tolist() == [1, 0, 1, 0, 1]
    assert x.truth.dtype == np.int8
    assert x.scores.tolist() == [0.5, 0.49, 1, 0, 0.7]
    assert x.decision.tolist() == [1, 0, 1, 0, 1]
    assert x.thresholds == (0.5,)
    assert x.rows.tolist() == [0, 1, 2, 3, 4]
    assert messages(found) == []


def test_the_threshold_of_the_spec_is_reached_by_equality(loaded):
    x = loaded(HEAD + "a,1,.3,c\nb,0,.29999,c\n", output(threshold=0.3)).predictions["x"]
    assert x.decision.tolist() == [1, 0]
    assert x.thresholds == (0.3,)


@pytest.mark.parametrize(
    ("positive", "classes", "truth"),
    [("Male", ("Female", "Male"), [1, 0]), ("Female", ("Male", "Female"), [0, 1])],
)
def test_yes_no_with_words(loaded, positive, classes, truth):
    x = loaded("id,true.x,score.x,pred.x\n1,Male,.9,Male\n2,Female,.2,Female\n", output(positive=positive))
    assert x.predictions["x"].task.classes == classes
    assert x.predictions["x"].truth.tolist() == truth
    assert x.predictions["x"].decision.tolist() == truth


def test_zero_may_be_the_positive_value(loaded):
    x = loaded(HEAD + "a,1,.2,c\nb,0,.9,c\n", output(positive="0")).predictions["x"]
    assert x.task.classes == ("1", "0")
    assert x.truth.tolist() == [0, 1]


def test_without_truth(loaded):
    x = loaded("id,score.x\na,.5\nb,.4\n").predictions["x"]
    assert x.truth is None
    assert x.decision.tolist() == [1, 0]


def test_an_empty_truth_is_no_truth(loaded):
    found = loaded(HEAD + "a,,.5,c\nb,,.6,c\n")
    assert found.predictions["x"].truth is None
    assert messages(found) == ["true.x is empty in every record: there is no truth."]


def test_one_class_only(loaded):
    found = loaded(HEAD + "a,1,.5,c\nb,1,.6,c\n")
    assert found.predictions["x"].truth.tolist() == [1, 1]
    assert messages(found) == [
        "x: the truth is 1 in every record; what needs both classes can't be computed."
    ]


def test_many_classes_in_the_order_of_their_columns(loaded):
    found = loaded(
        "id,score.x.no. 2,true.x,score.x.Größe ✓,score.x.a.b\n"
        "1,.4,a.b,.4,.2\n2,.2,no. 2,.2,.6\n3,0,Größe ✓,0.9995,0\n"
    )
    x = found.predictions["x"]
    assert (x.task.kind, x.task.classes) == (TaskKind.MULTICLASS, ("no. 2", "Größe ✓", "a.b"))
    assert x.truth.tolist() == [2, 0, 1]
    assert x.decision.tolist() == [0, 2, 1]  # a tie goes to the first column
    assert x.scores.shape == (3, 3)


def test_decisions_beside_class_scores_win(loaded):
    found = loaded("id,true.x,score.x.a,score.x.b,pred.x\n1,a,.4,.6,a\n2,b,.4,.6,b\n3,b,.4,.6,\n")
    assert found.predictions["x"].decision.tolist() == [0, 1, 1]
    assert found.predictions["x"].disagreements == 1
    assert messages(found) == ["x: the given decision differs from the score's in 1 record and wins."]


def test_several_labels(loaded):
    found = loaded("id,true.x.a,score.x.a,true.x.b,score.x.b\na,1,.5,0,.2\nb,,.4,1,.9\nc,0,2,1,.9\nd,,,,\n")
    x = found.predictions["x"]
    assert (x.task.kind, x.task.classes) == (TaskKind.MULTILABEL, ("a", "b"))
    assert x.rows.tolist() == [0, 1, 2]
    assert x.truth.tolist() == [[1, 0], [-1, 1], [-1, 1]]
    np.testing.assert_array_equal(x.scores, [[0.5, 0.2], [0.4, 0.9], [np.nan, 0.9]])
    assert x.decision.tolist() == [[1, 0], [0, 1], [-1, 1]]
    assert x.thresholds == (0.5, 0.5)
    assert dict(x.dropped) == {"missing truth": 1}
    assert messages(found) == [
        "x: labels missing in rows that have others: a 2.",
        "x: 1 record left out (missing truth 1).",
        "Refused: 1 of 4 records, listed in rejected.csv.",
    ]


def test_labels_joined_by_the_spec(loaded):
    spec = Spec(
        outputs={
            "all": OutputSpec(labels=("b", "a"), threshold={"b": 0.1}),
            "a": OutputSpec(positive="yes"),
        }
    )
    found = loaded("id,true.a,score.a,true.b,score.b,score.c\n1,yes,.5,0,.2,.1\n2,no,.5,1,.0,.1\n", spec)
    assert list(found.predictions) == ["all", "c"]
    x = found.predictions["all"]
    assert x.task.classes == ("b", "a")
    assert x.truth.tolist() == [[0, 1], [1, 0]]
    assert x.decision.tolist() == [[1, 1], [0, 1]]
    assert x.thresholds == (0.1, 0.5)


def test_labels_without_truth_are_declared(loaded):
    text = "id,score.x.a,score.x.b\n1,.5,.5\n"
    assert messages(loaded(text)) == [
        "x has no truth: its score columns are read as classes that exclude each other; "
        '[outputs.x] type = "multilabel" reads them as labels.'
    ]
    x = loaded(text, output(type=TaskKind.MULTILABEL)).predictions["x"]
    assert (x.task.kind, x.truth, x.decision.tolist()) == (TaskKind.MULTILABEL, None, [[1, 1]])


ALONE = {
    "whole numbers": (
        "a,3,4\nb,5,1\n",
        TaskKind.REGRESSION,
        ['pred.x holds whole numbers: read as a number; [outputs.x] type = "multiclass" reads classes.'],
    ),
    "numbers": ("a,3,4.5\nb,5,1\n", TaskKind.REGRESSION, []),
    "text": (
        "a,cat,dog\nb,dog,dog\n",
        TaskKind.MULTICLASS,
        ["pred.x holds text: read as classes without scores."],
    ),
    "0 and 1": (
        "a,1,1\nb,0,1\n",
        TaskKind.BINARY,
        [
            "pred.x holds only 0 and 1: read as yes/no without scores; "
            '[outputs.x] type = "regression" reads it as a number.'
        ],
    ),
    "true and false": (
        "a,1,True\nb,0,false\n",
        TaskKind.BINARY,
        ["pred.x holds only true and false: read as yes/no without scores."],
    ),
}


@pytest.mark.parametrize(("rows", "kind", "told"), ALONE.values(), ids=ALONE)
def test_a_prediction_alone_tells_its_kind(loaded, rows, kind, told):
    found = loaded("id,true.x,pred.x\n" + rows)
    assert found.predictions["x"].task.kind is kind
    assert found.predictions["x"].scores is None
    assert messages(found) == told


def test_the_spec_decides_what_numbers_are(loaded):
    x = loaded("id,true.x,pred.x\na,3,10\nb,10,3\n", output(type=TaskKind.MULTICLASS)).predictions["x"]
    assert (x.task.classes, x.truth.tolist(), x.decision.tolist()) == (("3", "10"), [0, 1], [1, 0])
    x = loaded("id,true.x,pred.x\na,0,1\n", output(type=TaskKind.REGRESSION, unit="years")).predictions["x"]
    assert (x.task.kind, x.task.unit, x.truth.tolist(), x.decision.tolist()) == (
        TaskKind.REGRESSION,
        "years",
        [0.0],
        [1.0],
    )


def test_missing_values_drop_a_row_for_their_output_only_and_are_counted_by_group(loaded):
    found = loaded(
        "id,true.x,score.x,true.y,score.y,group.g\n"
        "a,,.5,1,.5,f\nb,1,,0,.5,m\nc,1,.4,1,.4,m\nd,,.4,,.4,\ne,0,.1,,,m\n"
    )
    assert found.examples.ids.to_pylist() == ["a", "b", "c", "e"]
    assert found.predictions["x"].rows.tolist() == [2, 3]
    assert found.predictions["y"].rows.tolist() == [0, 1, 2]
    assert dict(found.predictions["x"].dropped) == {"missing truth": 2, "missing score": 1}
    assert messages(found) == [
        "x: 3 records left out (missing truth 2, missing score 1). By g: unknown 1, f 1, m 1.",
        "y: 2 records left out (missing truth 2). By g: unknown 1, m 1.",
        "group.g: one example only for f.",
        "Refused: 1 of 5 records, listed in rejected.csv.",
    ]
