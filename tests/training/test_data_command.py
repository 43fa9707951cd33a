"""`plumbline data`: what it prints and writes, and its exit codes; real data where it is at hand."""

import csv
import os
from pathlib import Path

import pytest

from dashboard.cli.main import main
from training.data import synthesis_comments, synthesis_faces, synthesis_mushrooms

SHARED = os.environ.get("PLUMBLINE_SHARED", "")
"""Folder of real data, which the tests do without unless it is named."""


def run(*words):
    return main(["data", *map(str, words)])


def test_faces_with_a_broken_file(tmp_path, capsys):
    folder, rejected = tmp_path / "faces", tmp_path / "out" / "rejected.csv"
    synthesis_faces.make(folder, 40, 0, {"face_copies"}, size=32)
    (folder / "images" / "p00007.jpg").write_bytes(b"=cmd|' /C calc'!A0")
    assert run("faces", folder, "--workers", 0, "--rejected", rejected) == 0
    out = capsys.readouterr().out
    assert "39 rows can be used, 1 were refused" in out
    assert "is not an image that can be recognised" in out
    assert "gender by tone_band" in out
    assert "brightness by tone_band" in out
    rows = list(csv.DictReader(rejected.read_text().splitlines()))
    assert [(r["file"], r["id"], r["action"]) for r in rows if r["action"] == "refused"] == [
        ("images/p00007.jpg", "p00007", "refused")
    ]


def test_comments_and_mushrooms(tmp_path, capsys):
    synthesis_comments.make(tmp_path / "c", 200)
    assert run("comments", tmp_path / "c", "--rejected", tmp_path / "r.csv") == 0
    out = capsys.readouterr().out
    assert "200 rows can be used, 0 were refused" in out
    assert "co_occurrence" in out
    assert "lengths by toxic" in out
    assert (tmp_path / "r.csv").read_text().startswith("file,record,line,id,column,action,reason")
    synthesis_mushrooms.make(tmp_path / "m", 40)
    assert run("mushrooms", tmp_path / "m", "--workers", 0, "--rejected", tmp_path / "r.csv") == 0
    assert "label by split" in capsys.readouterr().out


def test_refused_cells_can_not_run_in_a_spreadsheet(tmp_path):
    (tmp_path / "t.csv").write_text("id,text,toxic\n=1+1,words,3\na,b,1\n")
    assert run("comments", tmp_path, "--rejected", tmp_path / "out.csv") == 0
    rows = list(csv.DictReader((tmp_path / "out.csv").read_text().splitlines()))
    assert [(r["record"], r["line"], r["id"], r["column"]) for r in rows] == [("1", "2", "'=1+1", "toxic")]


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["faces", "absent"], "there is no such folder"),
        (["faces", "."], "the folder is empty"),
        (
            ["faces", ".", "--layout", "jigsaw"],
            "'jigsaw' is no layout of faces; it has utkface, fairface, csv.",
        ),
        (["faces", ".", "--pixel-limit", "0"], "must be at least 1"),
        (["faces", ".", "--column", "age"], "ROLE=NAME was expected, not 'age'."),
    ],
)
def test_errors_are_one_line_and_exit_1(tmp_path, monkeypatch, capsys, words, message):
    monkeypatch.chdir(tmp_path)
    assert run(*words) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err


@pytest.mark.parametrize(
    ("kind", "folder", "usable", "across"),
    [
        ("faces", "fairface", 8268, 3),
        ("mushrooms", "mushrooms-genus", 370, 0),
        ("mushrooms", "mushrooms-edibility", 652, 73),
        ("comments", "jigsaw6", 14004, 0),
    ],
)
@pytest.mark.slow
def test_real_data(tmp_path, capsys, kind, folder, usable, across):
    if not SHARED or not Path(SHARED, folder).is_dir():
        pytest.skip(f"real data: PLUMBLINE_SHARED names no folder that holds {folder}")
    assert run(kind, Path(SHARED, folder), "--rejected", tmp_path / "r.csv") == 0
    out = capsys.readouterr().out
    assert f"{usable} rows can be used, 0 were refused" in out
    assert f"; {across} of them reach across declared splits" in out
