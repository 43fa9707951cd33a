"""The demo: what it plants is what its files hold, and it says so when an audit misses a fault."""

from __future__ import annotations

import csv
from collections import Counter
from pathlib import Path

import numpy as np
import pytest

from dashboard import demo_data
from dashboard.cli import demo
from dashboard.cli import main as cli

ROWS = 2_500


@pytest.fixture(scope="module")
def place(tmp_path_factory: pytest.TempPathFactory) -> Path:
    return tmp_path_factory.mktemp("demo")


def run(place: Path, monkeypatch: pytest.MonkeyPatch) -> int:
    monkeypatch.setattr(demo, "FAST_ROWS", ROWS)
    return cli.main(["demo", "--fast", "--data", str(place / "data"), "--runs", str(place / "runs")])


@pytest.mark.slow
def test_every_planted_fault_is_found_and_a_missed_one_is_said(
    place: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    assert run(place, monkeypatch) == 0
    out = capsys.readouterr().out
    planted = demo_data.FACE_FAULTS + demo_data.REMARK_FAULTS
    assert out.count("  found   ") == len(planted)
    assert "MISSED" not in out
    assert out.count("left    island: too few rows to say anything of") == 2
    assert out.count("3 refused") == 2

    never = demo_data.Fault(
        version="1", output="gender", of=(("ethnicity", "river"),), metrics=("fpr",), words="never planted"
    )
    monkeypatch.setattr(demo_data, "FACE_FAULTS", (never,))
    assert run(place, monkeypatch) == 1
    assert "  MISSED  never planted" in capsys.readouterr().out


def read(path: Path) -> list[dict[str, str]]:
    with path.open(newline="") as file:
        return list(csv.DictReader(file))


def test_the_faces_hold_what_the_table_says(tmp_path: Path) -> None:
    for version in ("1", "2"):
        demo_data.write_faces(tmp_path / version, version, 8_000)
    one, two = read(tmp_path / "1")[:8_000], read(tmp_path / "2")[:8_000]
    assert [row["true.age"] for row in one] == [row["true.age"] for row in two], "the same people"
    assert Counter(row["group.ethnicity"] for row in one)["island"] == demo_data.SMALL_ROWS

    def age_error(rows: list[dict[str, str]], planted: bool) -> float:
        chosen = [
            r
            for r in rows
            if (r["group.ethnicity"] == "highland" and r["group.gender"] == "female") == planted
        ]
        return float(np.mean([abs(float(r["pred.age"]) - float(r["true.age"])) for r in chosen]))

    # Mean absolute error of a normal error is sd * sqrt(2/pi); clipping at 0 takes a little off.
    assert age_error(one, planted=False) == pytest.approx(4 * np.sqrt(2 / np.pi), rel=0.05)
    assert age_error(one, planted=True) == pytest.approx(8 * np.sqrt(2 / np.pi), rel=0.08)
    assert age_error(two, planted=True) == pytest.approx(4 * np.sqrt(2 / np.pi), rel=0.08)


def test_the_remarks_hold_what_the_table_says(tmp_path: Path) -> None:
    demo_data.write_remarks(tmp_path / "r", "1", 6_000)
    rows = read(tmp_path / "r")

    def alarms(label: str, column: str, value: str) -> float:
        harmless = [r for r in rows if r[f"true.remark.{label}"] == "0" and r[column] == value]
        return float(np.mean([float(r[f"score.remark.{label}"]) >= 0.5 for r in harmless]))

    assert alarms("insult", "group.source", "forum_b") > 5 * alarms("insult", "group.source", "forum_a")
    assert alarms("toxic", "identity.northerners", "1") > 5 * alarms("toxic", "identity.southerners", "1")
    assert all(("northerners" in r["text"]) == (r["identity.northerners"] == "1") for r in rows)


def test_equal_seeds_give_equal_files(tmp_path: Path) -> None:
    for name in ("a", "b"):
        demo_data.write_faces(tmp_path / name, "1", 100)
    assert (tmp_path / "a").read_bytes() == (tmp_path / "b").read_bytes()
