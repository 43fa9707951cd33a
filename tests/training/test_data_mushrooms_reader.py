"""Readers of mushrooms: folders of classes under splits or under one outer folder, and a CSV file."""

import pytest
from PIL import Image

from audit.errors import InputError
from training.data.loading import load
from training.data.mushrooms import read_mushrooms


def save(path, tone=0):
    path.parent.mkdir(parents=True, exist_ok=True)
    Image.new("RGB", (20, 20), (tone, 0, 0)).save(path)


def words(group):
    return [group.values[code] for code in group.codes]


def test_classes_under_splits(tmp_path):
    for name in (
        "train/Amanita/a.jpg",
        "Test/Boletus/b.png",
        "valid/amanita/c.jpg",
        "train/Amanita/d.jpg",
        "train/e.jpg",
    ):
        save(tmp_path / name)
    (tmp_path / "train" / "Amanita" / "notes.txt").write_text("x")
    read = read_mushrooms(tmp_path)
    assert read.layout == "folders"
    assert dict(zip(read.data.ids.to_pylist(), words(read.data.label), strict=True)) == {
        "Test/Boletus/b.png": "Boletus",
        "train/Amanita/a.jpg": "Amanita",
        "train/Amanita/d.jpg": "Amanita",
        "valid/amanita/c.jpg": "Amanita",
    }
    assert dict(zip(read.data.ids.to_pylist(), read.data.split.tolist(), strict=True)) == {
        "Test/Boletus/b.png": 2,
        "train/Amanita/a.jpg": 0,
        "train/Amanita/d.jpg": 0,
        "valid/amanita/c.jpg": 1,
    }
    assert [(r.file, r.reason) for r in read.rejected] == [("train/e.jpg", "lies in no folder of a class")]
    assert read.messages == (
        "class: spellings joined: 'amanita'",
        "1 files that are no images by their extension were not read",
    )


def test_an_outer_folder_is_passed_through(tmp_path):
    save(tmp_path / "images" / "Amanita" / "a.jpg")
    save(tmp_path / "images" / "Boletus" / "old" / "b.jpg")
    assert words(read_mushrooms(tmp_path).data.label) == ["Amanita", "Boletus"]


def test_a_csv_that_names_the_classes(tmp_path):
    for name in "abc":
        save(tmp_path / "images" / f"{name}.jpg", ord(name))
    rows = (
        "images/a.jpg,Amanita,train",
        "images/b.jpg,,train",
        "/c.jpg,Boletus,",
        "images/c.jpg,Boletus,test",
    )
    (tmp_path / "labels.csv").write_text("\n".join(("file,genus,split", *rows)))
    read = read_mushrooms(tmp_path)
    assert read.layout == "csv"
    assert words(read.data.label) == ["Amanita", "Boletus"]
    assert read.data.split.tolist() == [0, 2]
    assert [(r.record, r.column) for r in read.rejected] == [(2, "genus"), (3, "file")]


def test_one_class_is_no_data_set(tmp_path):
    save(tmp_path / "Amanita" / "a.jpg")
    with pytest.raises(InputError, match=r"Found: 1 image files in 1 folders: Amanita\."):
        read_mushrooms(tmp_path)


def test_plain_pictures_do_not_join_unless_alike(tmp_path):
    save(tmp_path / "Amanita" / "a.jpg", 10)
    save(tmp_path / "Amanita" / "b.jpg", 10)
    save(tmp_path / "Boletus" / "c.jpg", 10)
    loaded = load("mushrooms", tmp_path, workers=0)
    assert [(r.id, r.reason) for r in loaded.rejected] == [
        ("Amanita/b.jpg", "the same bytes as Amanita/a.jpg"),
        ("Boletus/c.jpg", "the same bytes as Amanita/a.jpg with other labels"),
    ]
