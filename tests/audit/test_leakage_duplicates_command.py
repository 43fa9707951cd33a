"""`plumbline duplicates` writes its lists, deletes nothing and survives any folder."""

import csv
import os

import numpy as np
import pytest

from audit.leakage.folders import list_images
from audit.leakage.planted import KINDS, textured
from dashboard.cli.main import main


def table(path):
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


@pytest.fixture
def folders(tmp_path):
    rng = np.random.default_rng(0)
    for name in ("test", "train/deep"):
        (tmp_path / name).mkdir(parents=True)
    pictures = [textured(rng) for _ in range(12)]
    for number, picture in enumerate(pictures):
        picture.save(tmp_path / "train" / "deep" / f"{number:02}.png")
    pictures[0].save(tmp_path / "test" / "same.png")
    KINDS["re-encoded"](pictures[1], rng).save(tmp_path / "test" / "=HYPERLINK(1).png")
    textured(rng).save(tmp_path / "test" / "fresh.png")
    (tmp_path / "test" / "broken.jpg").write_bytes(b"nothing")
    (tmp_path / "test" / "notes.txt").write_text("not an image")
    (tmp_path / "test" / "loop").symlink_to(tmp_path / "test")
    (tmp_path / "test" / "self.png").symlink_to(tmp_path / "test" / "self.png")
    return tmp_path


def run(capsys, *words):
    code = main(["duplicates", *map(str, words)])
    return code, capsys.readouterr()


def snapshot(folder):
    return {
        path: path.read_bytes() for path in folder.rglob("*") if path.is_file() and "out" not in path.parts
    }


def test_lists(folders, capsys, monkeypatch):
    monkeypatch.chdir(folders)
    before = snapshot(folders)
    code, said = run(capsys, "test", "train", "--out", "out", "--planted", 3)
    assert code == 0
    assert said.out.splitlines()[-1] == "out"
    assert "16 images, 1 of them unusable, 0 blank; 1 other files not read." in said.out
    assert snapshot(folders) == before
    out = folders / "out"
    pairs = {(r["a"], r["b"]): r for r in table(out / "pairs.csv")}
    same = pairs["test/same.png", "train/deep/00.png"]
    assert (same["kind"], same["distance"], same["confirmed"]) == ("identical file", "0.0", "True")
    near = pairs["test/=HYPERLINK(1).png", "train/deep/01.png"]
    assert (near["kind"], near["confirmed"]) == ("near", "True")
    assert list(table(out / "pairs.csv")[0])[:5] == ["a", "b", "kind", "distance", "confirmed"]
    drops = {r["path"]: r for r in table(out / "drop.csv")}
    assert set(drops) == {"train/deep/00.png", "train/deep/01.png"}
    assert drops["train/deep/00.png"]["kept"] == "test/same.png"
    assert len(table(out / "keep.csv")) == 13
    rejected = {r["path"]: r["reason"] for r in table(out / "rejected.csv")}
    assert rejected["test/broken.jpg"] == "not an image that Pillow can identify"
    assert rejected["test/loop"] == "link to a folder that is already listed"
    assert rejected["test/self.png"] == "too many levels of symbolic links"
    assert {r["cluster"] for r in table(out / "clusters.csv")} == {"0", "1"}


def test_a_formula_in_a_name_is_text(folders, capsys, monkeypatch):
    monkeypatch.chdir(folders / "test")
    assert run(capsys, ".", "--out", "../out", "--planted", 0)[0] == 0
    os.chdir(folders)
    (folders / "=cmd").mkdir()
    (folders / "=cmd" / "a.jpg").write_bytes(b"")
    assert run(capsys, "=cmd", "--out", "out2", "--planted", 0)[0] == 0
    assert table(folders / "out2" / "rejected.csv")[0]["path"] == "'=cmd/a.jpg"


def test_bad_usage(folders, capsys):
    code, said = run(capsys, folders / "nowhere", "--out", folders / "out")
    assert code == 1
    assert "expected a folder, came nothing." in said.err
    code, said = run(capsys, folders, "--out", folders / "out", "--distance", 99)
    assert code == 1
    assert "--distance: expected 0 to 32 bits, came 99." in said.err


def test_an_empty_folder(tmp_path, capsys):
    (tmp_path / "empty").mkdir()
    code, said = run(capsys, tmp_path / "empty", "--out", tmp_path / "out")
    assert code == 0
    assert "No pair within" in said.out
    assert table(tmp_path / "out" / "pairs.csv") == []


def test_a_file_below_two_folders_belongs_to_the_first(folders):
    listing = list_images([str(folders / "train"), str(folders)])
    names = [os.path.basename(path) for path in listing.paths]
    assert len(names) == len(set(names))
    assert listing.folder[names.index("00.png")] == 0
    assert listing.folder[names.index("same.png")] == 1
    assert listing.others == 1


def test_names_that_are_no_text(tmp_path, capsys):
    folder = os.fsencode(tmp_path / "odd")
    os.mkdir(folder)
    textured(np.random.default_rng(0)).save(tmp_path / "a.png")
    os.rename(tmp_path / "a.png", folder + b"/\xff\n.png")
    assert run(capsys, tmp_path / "odd", "--out", tmp_path / "out", "--planted", 0)[0] == 0
    assert table(tmp_path / "out" / "keep.csv")[0]["path"].endswith("\\udcff\n.png")
