"""A read data set in the columns of the predictions contract."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pytest
from tiny_pictures import make_faces, make_mushrooms

from audit import registry
from audit.protocols import DataSet, Declares
from training.data import contract
from training.data.records import KINDS


def test_readers_are_registered_under_their_kinds() -> None:
    assert registry.names("data") == sorted(KINDS)
    assert registry.load("data", "mushrooms") is contract.mushrooms
    assert registry.names("model") == sorted(KINDS)


def test_comments_say_what_is_known_of_them(tmp_path: Path) -> None:
    (tmp_path / "c.csv").write_text(
        "id,text,split,toxic,insult,identity.women\n"
        "a,one text,train,1,,0.5\nb,another one,,0,,\nc,a third,dev,,,0\n"
    )
    made = contract.comments(tmp_path)
    assert isinstance(made, DataSet)
    assert isinstance(made, Declares)
    table = made.columns().drop_columns(["cluster"]).to_pydict()
    assert table == {
        "id": ["a", "b"],
        "split": ["train", "test"],
        "true.toxic": [1, 0],
        "identity.women": [0.5, None],
        "text": ["one text", "another one"],
    }, "labels that nobody gave have no column; without a split a row is measured on"
    assert made.messages[-1] == (
        "1 rows or files of the data can't be used; `plumbline data comments DIR` lists them."
    )
    assert list(made.rows("test")) == [("b", "another one")]
    assert list(made.rows("train")) == [("a", "one text")]
    assert list(made.rows("validation")) == []


def test_faces_carry_truth_groups_and_pictures(tmp_path: Path) -> None:
    root = make_faces(tmp_path / "d", 4)
    rows = (root / "faces.csv").read_text().splitlines()
    rows[1] = "000.png,,Female,A"
    rows[2] = "001.png,30,,B"
    (root / "faces.csv").write_text("\n".join(rows) + "\n")
    made = contract.faces(root)
    table = made.columns()
    assert table["true.age"].to_pylist()[:2] == [None, 30.0]
    assert table["true.gender"].to_pylist()[:2] == ["Female", None]
    assert table["group.gender"].to_pylist()[1] == "unknown"
    assert table["image"].to_pylist() == [f"{i:03d}.png" for i in range(4)]
    name, picture = next(iter(made.rows("test")))
    assert name == table["id"][0].as_py()
    assert (picture.shape, picture.dtype) == ((24, 24, 3), np.uint8)
    beside = contract.contract_table(made.data, beside=tmp_path / "elsewhere")
    assert beside["image"][0].as_py() == "../d/000.png"
    assert "cluster" not in beside.column_names


def test_mushrooms_call_their_truth_label(tmp_path: Path) -> None:
    table = contract.mushrooms(make_mushrooms(tmp_path / "d", 6)).columns()
    assert table["true.label"].to_pylist() == ["Blue", "Blue", "Green", "Green", "Red", "Red"]


@pytest.mark.parametrize("name", ["notes.txt", "rejected.csv", ".hidden.png", "model.bin"])
def test_what_no_reader_opens_does_not_count(tmp_path: Path, name: str) -> None:
    root = make_mushrooms(tmp_path / "d", 6)
    before = sorted(contract.read_files(root))
    (root / name).write_text("x")
    assert sorted(contract.read_files(root)) == before
    (root / "labels.csv").write_text("x")
    assert len(list(contract.read_files(root))) == len(before) + 1 == 7
