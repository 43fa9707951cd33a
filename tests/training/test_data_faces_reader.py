"""Readers of faces: UTKFace names, FairFace with dates for bands, and a generic CSV, row by row."""

import csv
import gzip
import math

import numpy as np
import pytest
from PIL import Image

from audit.errors import InputError
from training.data.faces import detect, parse_utkface, read_faces
from training.data.loading import load


def save(path, seed=0, size=(16, 16)):
    path.parent.mkdir(parents=True, exist_ok=True)
    pixels = np.random.default_rng(seed).integers(0, 256, (*size, 3), dtype=np.uint8)
    Image.fromarray(pixels).save(path)


def write(path, header, *rows):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows([header.split(","), *rows])


def words(group):
    return [group.values[code] for code in group.codes]


@pytest.mark.parametrize(
    ("name", "wanted"),
    [
        ("25_1_2_20170116174525125.jpg.chip.jpg", (25, "Female", "Asian")),
        ("1_0_0_20161219140623097.jpg", (1, "Male", "White")),
        ("116_1_4_1.PNG", (116, "Female", "Others")),
    ],
)
def test_utkface_names(name, wanted):
    assert parse_utkface(name) == wanted


@pytest.mark.parametrize(
    ("name", "reason"),
    [
        ("61_1_20170109150557335.jpg.chip.jpg", "the race or the date is missing"),
        ("61_1.jpg", "the race and date is missing"),
        ("24_0_1_2_20170116.jpg", "there are too many"),
        ("44_3_0_20170116.jpg", "the gender must be 0 (male) or 1 (female), not '3'"),
        ("44_1_7_20170116.jpg", "the race must be 0..4 (White, Black, Asian, Indian, Others), not '7'"),
        ("44__1_20170116.jpg", "the gender must be 0 (male) or 1 (female), not ''"),
        ("144_1_1_20170116.jpg", "an age must lie in 0..120, not '144'"),
        ("44_1_1_2017x.jpg", "the date must be digits, not '2017x'"),
        ("portrait.jpg", "a name age_gender_race_date.jpg was expected, not 'portrait.jpg'"),
    ],
)
def test_malformed_utkface_names_say_what_is_wrong(name, reason):
    with pytest.raises(ValueError) as caught:
        parse_utkface(name)
    assert reason in str(caught.value)


def test_a_utkface_folder(tmp_path):
    for i, name in enumerate(("train/4_0_3_2.jpg", "test/30_1_1_2.jpg", "train/61_1_2.jpg")):
        save(tmp_path / name, i)
    (tmp_path / "readme.txt").write_text("not a picture")
    read = read_faces(tmp_path)
    faces = read.data
    assert read.layout == "utkface"
    assert faces.ids.to_pylist() == ["test/30_1_1_2.jpg", "train/4_0_3_2.jpg"]
    assert faces.age.tolist() == [30, 4]
    assert words(faces.age_band) == ["30-39", "3-9"]
    assert words(faces.ethnicity) == ["Black", "Indian"]
    assert faces.split.tolist() == [2, 0]
    assert not faces.banded.any()
    assert [(r.file, r.action) for r in read.rejected] == [("train/61_1_2.jpg", "refused")]


def fairface(folder):
    for i in range(4):
        save(folder / "train" / f"{i}.jpg", i)
    save(folder / "val" / "1.jpg", 9)
    header = "file,age,gender,race,service_test"
    write(
        folder / "fairface_label_train.csv",
        header,
        ["train/0.jpg", "03-Sep", "Male", "East Asian", "True"],
        ["train/1.jpg", "Oct-19", "Female", "White", "False"],
        ["train/9.jpg", "20-29", "Female", "White", "False"],
        ["train/2.jpg", "twenty", "Female", "White", "False"],
        ["../x.jpg", "20-29", "Female", "White", "False"],
        ["train/0.jpg", "20-29", "Male", "White", "False"],
    )
    write(
        folder / "fairface_label_val.csv.gz", header, ["val/1.jpg", "more than 70", "Female", "Black", "True"]
    )


def test_a_fairface_folder_with_dates_for_bands(tmp_path):
    fairface(tmp_path)
    read = read_faces(tmp_path)
    faces = read.data
    assert read.layout == "fairface"
    assert faces.paths.to_pylist() == ["train/0.jpg", "train/1.jpg", "val/1.jpg"]
    assert words(faces.age_band) == ["3-9", "10-19", "more than 70"]
    assert faces.age_band.values == ("3-9", "10-19", "more than 70")
    assert faces.age.tolist() == [6, 14.5, 74.5]
    assert faces.banded.all()
    assert faces.split.tolist() == [0, 0, 1]
    assert words(faces.attributes["service_test"]) == ["True", "False", "True"]
    assert [(r.record, r.line, r.column, r.reason.split(",")[0]) for r in read.rejected] == [
        (3, 4, "file", "no such file"),
        (4, 5, "age", "an age is a number"),
        (5, 6, "file", "the path leaves the data folder"),
        (6, 7, "file", "the same id or file stands in an earlier record"),
    ]
    assert read.messages == (
        "1 image files have no row in a CSV file and were not read",
        "2 age bands had been turned into dates by a spreadsheet and were read as bands",
    )


def test_a_generic_csv_with_names_of_its_own(tmp_path):
    for i in range(5):
        save(tmp_path / f"{i}.png", i)
    write(
        tmp_path / "people.csv",
        "id,image,years,sex,split,person,group.tone,note",
        ["a", "0.png", "31", "F", "train", "p1", "dark", "x"],
        ["b", "1.png", "", "male", "dev", "p1", "", "x"],
        ["c", "2.png", "", "", "test", "p2", "light", "x"],
        ["d", "3.png", "7", "Male", "third", "", "light", "x"],
        ["e", "4.png", "8", "Male", "", "", "light", "x"],
    )
    read = read_faces(tmp_path, columns={"age": "years"})
    faces = read.data
    assert faces.ids.to_pylist() == ["a", "b", "e"]
    assert faces.age[0] == 31
    assert math.isnan(faces.age[1])
    assert words(faces.gender) == ["Female", "Male", "Male"]
    assert faces.split.tolist() == [0, 1, -1]
    assert words(faces.attributes["tone"]) == ["dark", "unknown", "light"]
    assert faces.attributes["tone"].values[-1] == "unknown"
    assert faces.cluster[0] == faces.cluster[1] != faces.cluster[2]
    assert [(r.id, r.column) for r in read.rejected] == [("c", "years"), ("d", "split")]
    assert "people.csv: columns not used: note" in read.messages
    assert set(faces.groups) == {"gender", "age_band", "tone"}


def test_what_is_no_set_of_faces_says_what_was_expected_and_found(tmp_path):
    save(tmp_path / "holiday.jpg")
    with pytest.raises(InputError) as caught:
        detect(tmp_path)
    assert "Found: 0 CSV files, 1 image files." in str(caught.value)
    with pytest.raises(InputError, match="there is no such folder; a folder of faces was expected"):
        load("faces", tmp_path / "absent")
    (tmp_path / "empty").mkdir()
    with pytest.raises(InputError, match="the folder is empty; faces were expected in it"):
        load("faces", tmp_path / "empty")


def test_broken_pictures_leave_and_copies_stay_with_a_remark(tmp_path):
    fairface(tmp_path)
    (tmp_path / "train" / "1.jpg").write_bytes(b"")
    (tmp_path / "val" / "1.jpg").write_bytes((tmp_path / "train" / "0.jpg").read_bytes())
    loaded = load("faces", tmp_path, workers=0)
    assert loaded.data.ids.to_pylist() == ["train/0.jpg", "val/1.jpg"]
    assert loaded.refused == 5
    remarks = [(r.id, r.reason, r.action) for r in loaded.rejected][-2:]
    assert remarks == [
        ("train/1.jpg", "is empty (0 bytes)", "refused"),
        ("val/1.jpg", "the same bytes as train/0.jpg with other labels in another split", "kept"),
    ]
    assert loaded.clusters.tolist() == [0, 0]
    assert len(loaded.facts.width) == 2
