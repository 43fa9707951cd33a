"""Columns and specs that can't be understood, with the exact words that the auditor reads."""

import pytest

from audit.core import TaskKind
from audit.errors import InputError, SpecError
from audit.inputs.load import load
from audit.spec import AttributeSpec, OutputSpec, Primary, Spec

HEAD = "id,true.x,score.x,group.g\n"
CLASSES = "id,true.x,score.x.a,score.x.b\n"
SEX = "id,true.sex,score.sex\n1,Male,.5\n2,Female,.3\n"
RENAME = "Rename a column, or map it under [columns] in the spec."


def output(**settings):
    return Spec(outputs={"x": OutputSpec(**settings)})


@pytest.fixture
def put(tmp_path):
    def write(content, name="p.csv"):
        path = tmp_path / name
        path.write_bytes(content if isinstance(content, bytes) else content.encode())
        return path

    return write


COLUMNS = {
    "no id": (
        "ID,true.x,score.x\na,1,.5\n",
        "p.csv: there is no id column. The columns are true.x, score.x, ID. Did you mean id for ID? "
        f"{RENAME}",
    ),
    "no output": (
        "id,labels,score_gender,Score.Age,text\na,1,.5,3,x\n",
        "p.csv: there is no output: expected a column score.OUT, score.OUT.CLASS or pred.OUT. The "
        "columns are id, "
        "text, labels, score_gender, Score.Age. Did you mean true.OUT for labels, score.gender for "
        "score_gender, "
        f"score.Age for Score.Age? {RENAME}",
    ),
    "no name is known": ("a,b\n1,2\n", f"p.csv: there is no id column. The columns are a, b. {RENAME}"),
    "a name twice": (
        "id,score.x,score.x\n1,.5,.5\n",
        "p.csv: expected every column name once, came twice: score.x. Rename or drop one.",
    ),
    "weights": (
        "id,score.x,weight\n1,.5,2\n",
        "p.csv, column weight: weights are not supported yet, and figures that ignore them would mislead. "
        "Drop or rename the column to audit every row with the same weight.",
    ),
    "a dot too many": (
        "id,score.x,group.a.b\n1,.5,c\n",
        "p.csv, column group.a.b: expected group.ATTR with no dot in ATTR, came group.a.b. "
        'Rename it, or map it in the spec: [columns] "group.a.b" = "group.a_b"',
    ),
    "yes/no and classes": (
        "id,score.x,score.x.a\n1,.5,.5\n",
        "p.csv: expected score.x (yes/no) or score.x.CLASS, came both. Rename one, so that they are "
        "two outputs.",
    ),
    "one truth and labels": (
        "id,true.x,true.x.a,score.x.a\n1,1,1,.5\n",
        "p.csv: expected true.x (one class a record) or true.x.LABEL (labels), came both. Drop or "
        "rename one.",
    ),
    "logits": (
        HEAD + "a,1,3.2,c\nb,0,-2.1,c\n",
        "p.csv, column score.x: none of its 2 values can be used; the first (record 1): expected a "
        "number in [0, 1], "
        "came 3.2. These look like logits: write probabilities (sigmoid for yes/no, softmax for classes).",
    ),
    "percentages": (
        HEAD + "a,1,32,c\nb,0,21,c\n",
        "p.csv, column score.x: none of its 2 values can be used; the first (record 1): expected a "
        "number in [0, 1], "
        "came 32. Divide percentages by 100.",
    ),
    "text for numbers": (
        HEAD + "a,1,high,c\nb,0,low,c\n",
        "p.csv, column score.x: none of its 2 values can be used; the first (record 1): expected a "
        "number, came 'high'.",
    ),
    "decimal commas": (
        HEAD + 'a,1,"0,5",c\nb,0,"0,2",c\n',
        "p.csv, column score.x: none of its 2 values can be used; the first (record 1): expected a "
        "number, came '0,5'. "
        "Write numbers with a decimal point, without separators.",
    ),
    "scores that never add up": (
        CLASSES + "1,a,.5,.9\n2,b,.5,.7\n",
        "p.csv, columns score.x.*: in none of its 2 records do the class scores add up to 1; the "
        "first (record 1): "
        "expected class scores that add up to 1 within 0.001, came 1.4. Write softmax probabilities, "
        "or say that "
        'they are labels: [outputs.x] type = "multilabel"',
    ),
    "no label is known": (
        CLASSES + "1,0,.5,.5\n2,1,.5,.5\n",
        "p.csv, column true.x: none of its 2 values can be used; the first (record 1): expected one "
        "of a, b, came '0'. "
        "Write the names of the classes, as they stand in the score columns.",
    ),
    "no score at all": (
        HEAD + "a,1,,c\n",
        "p.csv, column score.x: every field is empty. Drop the column, or fill it.",
    ),
    "two values and none known to be yes": (
        SEX,
        "p.csv, column true.sex: expected 0/1 or true/false, came the two values Female and Male. "
        'Say in the spec which one score.sex is for, e.g. [outputs.sex] positive = "Male"',
    ),
    "one value, not known to be yes": (
        "id,true.sex,score.sex\n1,Male,.5\n",
        "p.csv, column true.sex: expected 0/1 or true/false, came Male alone. "
        'Say in the spec which value is yes, e.g. [outputs.sex] positive = "Male"',
    ),
    "three values for yes and no": (
        SEX + "3,X,.1\n",
        "p.csv, column true.sex: expected the two values of a yes/no output, came 3: Female, Male, "
        "X. An output of "
        "many classes has a score column a class: score.sex.Female, score.sex.Male …",
    ),
    "truth is text, prediction numbers": (
        "id,true.x,pred.x\na,cat,1\nb,dog,2\n",
        "p.csv, column true.x: none of its 2 values can be used; the first (record 1): expected a "
        "number, came 'cat'. "
        'If the numbers of pred.x are classes: [outputs.x] type = "multiclass"',
    ),
    "unknown split": (
        "id,split,score.x\na,dev,.5\nb,holdout,.2\n",
        "p.csv, record 2, column split: expected one of train, validation, val, valid, dev, test, "
        "came 'holdout'.",
    ),
    "no record can be used": (
        HEAD + ",1,.5,c\n,0,.4,c\n",
        "p.csv, record 1, column id: none of the 2 records can be used; the first: the id is empty.",
    ),
}


@pytest.mark.parametrize(("content", "words"), COLUMNS.values(), ids=COLUMNS)
def test_columns_that_cannot_be_read(put, content, words):
    with pytest.raises(InputError) as raised:
        load(put(content), Spec())
    assert str(raised.value) == words


SPECS = {
    "unknown output": (
        Spec(outputs={"y": OutputSpec()}),
        "spec, [outputs.y]: p.csv has no output y. There are: x.",
    ),
    "wrong type": (
        output(type=TaskKind.REGRESSION),
        "spec, [outputs.x] type: its columns true.x, score.x make it binary, came regression.",
    ),
    "unknown label": (
        Spec(outputs={"both": OutputSpec(labels=("x", "xx"))}),
        "spec, [outputs.both] labels: p.csv has no output xx. Did you mean x?",
    ),
    "threshold of an unknown label": (
        Spec(outputs={"all": OutputSpec(labels=("x",), threshold={"y": 0.1})}),
        "spec, [outputs.all] threshold: it has no label y. There are: x.",
    ),
    "a table of thresholds": (
        output(threshold={"x": 0.1}),
        "spec, [outputs.x] threshold: expected one number for a yes/no output, came a table.",
    ),
    "unknown attribute": (
        Spec(attributes={"gg": AttributeSpec()}),
        "spec, [attributes.gg]: p.csv has no column group.gg. Did you mean g?",
    ),
    "unknown reference": (
        Spec(attributes={"g": AttributeSpec(reference="c")}),
        "spec, [attributes.g] reference: expected one of C, D, came c. There are: C, D.",
    ),
    "unknown attribute of a comparison": (
        Spec(primary=(Primary(output="x", attribute="sex", metric="fpr"),)),
        "spec, [[primary]] number 1, attribute: p.csv has no column group.sex. There are: g.",
    ),
    "unknown output of a comparison": (
        Spec(primary=(Primary(output="y", attribute="g", metric="fpr"),)),
        "spec, [[primary]] number 1, output: p.csv has no output y. There are: x.",
    ),
    "unknown attribute to compose by": (
        Spec(compose_by="age"),
        "spec, compose_by: p.csv has no column group.age. There are: g.",
    ),
    "unknown column": (
        Spec(columns={"scor.x": "score.y"}),
        'spec, [columns] "scor.x": p.csv has no such column. Did you mean score.x?',
    ),
    "unknown name": (
        Spec(columns={"score.x": "scores.x"}),
        'spec, [columns] "score.x": expected one of id, split, true.OUT, true.OUT.LABEL, score.OUT, '
        "score.OUT.CLASS, "
        "pred.OUT, group.ATTR, identity.NAME, text, image, cluster, came 'scores.x'.",
    ),
    "two columns with one name": (
        Spec(columns={"score.x": "true.x"}),
        'spec, [columns] "score.x": two columns of p.csv would be true.x.',
    ),
    "positive that no row has": (
        Spec(columns={"group.g": "true.x", "true.x": "group.g"}, outputs={"x": OutputSpec(positive="c")}),
        "spec, [outputs.x] positive: expected one of C, D (the values in p.csv, column group.g), came c.",
    ),
}


@pytest.mark.parametrize(("spec", "words"), SPECS.values(), ids=SPECS)
def test_specs_that_do_not_fit_the_file(put, spec, words):
    with pytest.raises(SpecError) as raised:
        load(put(HEAD + "a,1,.5,C\nb,0,.4,D\n"), spec)
    assert str(raised.value) == words


def test_bins_for_text(put):
    with pytest.raises(InputError) as raised:
        load(put(HEAD + "a,1,.5,m\n"), Spec(attributes={"g": AttributeSpec(bins=(18, 30))}))
    assert str(raised.value) == (
        "p.csv, column group.g: none of its 1 values can be used; the first (record 1): expected a "
        "number, came 'm'. "
        "Bins are for numbers: drop bins from [attributes.g]."
    )
