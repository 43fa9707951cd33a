"""Which run a person means, names that become folders, and schemas from another time."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from audit.errors import RunError
from audit.store.find import find_run, list_runs
from audit.store.layout import safe_name
from audit.store.read import open_run, rows, table


def make(runs: Path, place: str, started: str, finished: bool = True, **manifest: object) -> Path:
    folder = runs / place
    folder.mkdir(parents=True)
    model, version, _ = place.split("/")
    (folder / "times.json").write_text(json.dumps({"model": model, "version": version, "started": started}))
    if finished:
        (folder / "run.json").write_text(json.dumps(manifest))
        (folder / "run.sha256").write_text("")
    return folder


@pytest.fixture
def runs(tmp_path: Path) -> Path:
    make(tmp_path, "faces/1/aaaa11112222", "2026-01-01T10:00:00")
    make(tmp_path, "faces/1/aabb11112222", "2026-01-03T10:00:00")
    make(tmp_path, "faces/1/cccc11112222", "2026-01-04T10:00:00", finished=False)
    make(tmp_path, "faces/2/dddd11112222", "2026-01-02T10:00:00")
    make(tmp_path, "faces/compare/1..2", "2026-01-05T10:00:00")
    (tmp_path / "faces/1/.eeee11112222.work").mkdir()
    (tmp_path / "notes.sqlite").touch()
    return tmp_path


def test_runs_are_listed_newest_first_and_unfinished_ones_marked(runs: Path) -> None:
    assert [(e.run_id[:4], e.finished) for e in list_runs(runs)] == [
        ("cccc", False),
        ("aabb", True),
        ("dddd", True),
        ("aaaa", True),
    ]
    assert list_runs(runs / "nowhere") == []


@pytest.mark.parametrize(
    ("word", "found"),
    [
        ("aaaa11112222", "aaaa"),
        ("aab", "aabb"),
        ("d", "dddd"),
        ("ccc", "cccc"),
        ("faces/1", "aabb"),
        ("faces/2", "dddd"),
    ],
)
def test_a_run_is_found(runs: Path, word: str, found: str) -> None:
    assert find_run(runs, word).name.startswith(found)


def test_a_run_is_found_by_its_folder(runs: Path) -> None:
    folder = runs / "faces/1/aaaa11112222"
    assert find_run(Path("nowhere"), str(folder)) == folder


def test_an_ambiguous_prefix_lists_the_candidates(runs: Path) -> None:
    with pytest.raises(RunError) as caught:
        find_run(runs, "aa")
    assert str(caught.value) == (
        "'aa' is the start of 2 run ids: \n  aabb11112222  faces/1\n  aaaa11112222  faces/1"
    )


@pytest.mark.parametrize("word", ["ffff", "faces/3", "faces", "compare", "faces/compare", "../faces/1"])
def test_an_unknown_run_lists_what_there_is(runs: Path, word: str) -> None:
    with pytest.raises(RunError, match="Name a folder, the start of a run id, or NAME/VERSION") as caught:
        find_run(runs, word)
    assert "cccc11112222  faces/1  (unfinished)" in str(caught.value)


def test_a_folder_without_runs_says_how_to_make_one(tmp_path: Path) -> None:
    with pytest.raises(RunError, match=r"holds no runs yet\. `plumbline audit` makes one"):
        find_run(tmp_path, "x")


def test_an_unknown_schema_is_refused_with_the_way_out(tmp_path: Path) -> None:
    folder = make(tmp_path, "m/1/aaaa11112222", "", schema_version=7, plumbline_version="3.2.1")
    with pytest.raises(RunError) as caught:
        open_run(folder)
    assert str(caught.value) == (
        f"{folder}: written by Plumbline 3.2.1, schema 7; this one reads schema 1. "
        "Update Plumbline, or run the audit again."
    )


@pytest.mark.parametrize("text", ["", "{", "[]", '{"schema_version": 1}'])
def test_a_damaged_manifest_is_an_error_with_a_way_out(tmp_path: Path, text: str) -> None:
    folder = make(tmp_path, "m/1/aaaa11112222", "")
    (folder / "run.json").write_text(text)
    with pytest.raises(RunError, match=r"`plumbline verify` says what was altered"):
        open_run(folder)


def test_missing_tables_and_columns_name_those_that_exist(tmp_path: Path) -> None:
    sections = [{"probe": "count", "tables": {"a": {}, "b": {}}}]
    folder = make(tmp_path, "m/1/aaaa11112222", "", schema_version=1, sections=sections)
    with pytest.raises(RunError, match=r"there is no section 'x'\. It has: count\."):
        table(folder, "x", "a")
    with pytest.raises(RunError, match=r"section 'count' has no table 'c'\. It has: a, b\."):
        table(folder, "count", "c")
    with pytest.raises(RunError, match=r"holds no predictions\.parquet"):
        rows(folder)


@pytest.mark.parametrize("name", ["faces", "v1.2", "a-b_c+d", "größe", "顔"])
def test_safe_names_stay(name: str) -> None:
    assert safe_name(name, "model") == name


@pytest.mark.parametrize(
    ("name", "start"),
    [
        ("a b", "a-b-"),
        ("org/model", "org-model-"),
        ("../../etc", "etc-"),
        (".hidden", "hidden-"),
        ("a\x00b\n", "a-b-"),
        ("x" * 300, "x" * 120 + "-"),
        ("顔" * 100, "顔" * 40 + "-"),
    ],
)
def test_other_names_are_cleaned_and_stay_apart(name: str, start: str) -> None:
    made = safe_name(name, "model")
    assert made.startswith(start)
    assert len(made.encode()) < 140
    assert "/" not in made
    assert made != safe_name(name + " ", "model")


@pytest.mark.parametrize("name", ["", "  ", ".", "..", "...", ". ."])
def test_names_of_nothing_are_refused(name: str) -> None:
    with pytest.raises(RunError, match="can't name a folder"):
        safe_name(name, "model")


def test_the_folder_of_comparisons_is_no_version() -> None:
    with pytest.raises(RunError, match="is the name of the folder for comparisons"):
        safe_name("Compare", "version")
    assert safe_name("compare", "model") == "compare"
