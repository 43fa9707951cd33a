"""A model beside a file: do they say the same?"""

from __future__ import annotations

import re
from dataclasses import replace
from pathlib import Path

import fake_models
import numpy as np
import pytest

from audit.agreement import Agreement, check_outputs, compare, refuse_difference, scores_like, sentence
from audit.core import Task, TaskKind
from audit.errors import InputError
from audit.executors import Serial
from audit.inputs.load import load
from audit.inputs.payloads import text_batches
from audit.protocols import Context
from audit.spec import OutputSpec, Spec
from audit.store.payload_rows import PayloadRows
from audit.store.predictions_file import write_predictions

ROWS = 500
YES_NO = Task(kind=TaskKind.BINARY, classes=("no", "yes"))


def context(folder: Path, rounded: int = 9, spec: Spec | None = None, wrong: str = "") -> Context:
    """A file with the scores of `Lengths`, rounded; the row `wrong` says .05 more."""
    spec = spec or Spec()
    lines = ["id,true.toxic,score.toxic,score.rude,text\n"]
    for i in range(ROWS):
        text = "y" * (1 + i % 13)
        said = fake_models.length_score(text) + 0.00004 + (0.05 if f"t{i}" == wrong else 0)
        lines.append(f"t{i},{i % 2},{round(said, rounded)},0.5,{text}\n")
    file = folder / "answers.csv"
    file.write_text("".join(lines))
    loaded = load(file, spec)
    stored = folder / "predictions.parquet"
    write_predictions(
        stored, loaded.examples, loaded.predictions.values(), text_batches(file, spec, loaded.records)
    )
    return Context(
        examples=loaded.examples,
        predictions={"toxic": loaded.predictions["toxic"]}
        if "toxic" in loaded.predictions
        else loaded.predictions,
        audited=np.ones(ROWS, bool),
        spec=spec,
        seed=0,
        executor=Serial(),
        cache=folder,
        payloads=PayloadRows(stored),
        model=fake_models.Lengths(),
    )


def test_rounding_is_no_difference(tmp_path: Path) -> None:
    made = context(tmp_path, rounded=4)
    found = compare(made, fake_models.Lengths())
    assert (found.rows, found.unreadable) == (64, 0)
    assert found.largest < 1e-4
    refuse_difference(found, "answers.csv")
    assert "its scores differ from the file's by" in sentence(found, "fake")


def test_the_largest_difference_is_found_and_named(tmp_path: Path) -> None:
    made = context(tmp_path)
    sample = np.sort(np.random.default_rng(0).permutation(ROWS)[:64])
    name = f"t{sample[17]}"
    made = context(tmp_path, wrong=name)
    found = compare(made, fake_models.Lengths())
    assert (found.output, found.row) == ("toxic", name)
    assert found.largest == pytest.approx(0.05004)
    with pytest.raises(
        InputError,
        match=re.escape(
            f"answers.csv: the model does not say what the file says: toxic of row {name} is "
            f"{found.file:.4g} in the file and {found.model:.4g} from the model, the largest difference "
            "among 64 rows; at most 0.001 is accepted. Give the weights that made the file; "
            "--trust-predictions audits the two together all the same."
        ),
    ):
        refuse_difference(found, "answers.csv")


def test_another_seed_asks_other_rows(tmp_path: Path) -> None:
    made = context(tmp_path)
    sample = np.random.default_rng(0).permutation(ROWS)[:64]
    outside = next(row for row in range(ROWS) if row not in set(sample))
    made = context(tmp_path, wrong=f"t{outside}")
    assert compare(made, fake_models.Lengths()).largest < 1e-3


def test_a_model_of_pictures_needs_pictures(tmp_path: Path) -> None:
    made = replace(context(tmp_path), model=fake_models.Brightness())
    with pytest.raises(InputError, match="the model reads images, and the file has no column image"):
        compare(made, fake_models.Brightness())


def test_labels_that_the_spec_joined_are_joined_in_the_model(tmp_path: Path) -> None:
    spec = Spec(outputs={"remark": OutputSpec(labels=("toxic", "rude"))})
    made = context(tmp_path, spec=spec)
    (given,) = made.predictions.values()
    scores = {"toxic": np.array([0.1, 0.2]), "rude": np.array([0.3, 0.4])}
    assert scores_like(given, scores).tolist() == [[0.1, 0.3], [0.2, 0.4]]
    with pytest.raises(InputError, match=r"its output 'rude' is none of the model's: toxic\."):
        check_outputs(fake_models.Lengths(), made.predictions, "answers.csv")


def test_outputs_of_another_kind_or_other_classes_are_refused(tmp_path: Path) -> None:
    made = context(tmp_path)
    other = fake_models.Lengths()
    other.tasks = {"toxic": Task(kind=TaskKind.REGRESSION)}
    with pytest.raises(InputError, match="its output 'toxic' is binary, the model's is regression"):
        check_outputs(other, made.predictions, "answers.csv")
    many = replace(made.predictions["toxic"], task=Task(kind=TaskKind.MULTICLASS, classes=("a", "b", "c")))
    other.tasks = {"toxic": Task(kind=TaskKind.MULTICLASS, classes=("a", "c", "b"))}
    with pytest.raises(
        InputError, match="the classes of its output 'toxic' are a, b, c, the model's a, c, b"
    ):
        check_outputs(other, {"toxic": many}, "answers.csv")


def test_a_file_without_scores_has_nothing_to_compare() -> None:
    nothing = Agreement(rows=5, unreadable=0, largest=None, output="", row="", file=None, model=None)
    refuse_difference(nothing, "answers.csv")
    assert sentence(nothing, "fake").endswith("The file has no scores to compare with the model's.")
