"""The page "Bring your model": its model, its reader and its commands work as they stand."""

from __future__ import annotations

import re
import shlex
import shutil
import subprocess
import sys
from pathlib import Path

import pytest

from audit.store.find import list_runs
from audit.store.read import open_run
from dashboard.cli.main import main

PAGE = (Path(__file__).parents[2] / "docs" / "models.md").read_text(encoding="utf-8")
REVIEWS = """number,review,language,liked
1,a fine and moving film,en,yes
2,dull and badly made,en,no
3,a poor cast,en,yes
4,lovely songs,fr,yes
5,no story at all,fr,no
6,a fine cast,fr,no
"""


def blocks(language: str) -> list[str]:
    fenced = re.findall(r"^```(\w*)\n(.*?)^```$", PAGE, re.DOTALL | re.MULTILINE)
    return [text for spoken, text in fenced if spoken == language]


@pytest.fixture
def folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLUMBLINE_RUNS", raising=False)
    monkeypatch.setattr(sys, "path", [*sys.path])
    for name in ("my_model", "my_reader"):
        monkeypatch.delitem(sys.modules, name, raising=False)
    model, reader = blocks("python")
    Path("my_model.py").write_text(model)
    Path("my_reader.py").write_text(reader)
    Path("films").mkdir()
    Path("films/reviews.csv").write_text(REVIEWS)
    return tmp_path


def test_the_example_is_audited_as_it_stands(folder: Path, capsys: pytest.CaptureFixture[str]) -> None:
    words = shlex.split(blocks("")[0])
    assert words[:2] == ["plumbline", "audit"]
    assert main([*words[1:], "--probes", "group_error"]) == 0
    (entry,) = list_runs(Path("runs"))
    run = open_run(entry.folder)
    assert run.data["attributes"] == {"language": {"en": 3, "fr": 3}}
    assert run.data["outputs"]["liked"]["classes"] == ["0", "1"]
    assert run.data["rows"] == 6
    slices = run.sections[0].tables["slices"].to_pylist()
    rate = {row["slice"]: row["value"] for row in slices if row["metric"] == "error_rate"}
    assert rate == pytest.approx({"all": 1 / 3, "language=en": 1 / 3, "language=fr": 1 / 3})


@pytest.mark.skipif(shutil.which("sha256sum") is None, reason="needs sha256sum")
def test_the_hash_of_the_data_can_be_had_without_plumbline(folder: Path) -> None:
    said = subprocess.run(["bash", "-c", blocks("")[1]], capture_output=True, text=True, check=True)
    assert main([*shlex.split(blocks("")[0])[1:], "--probes", "group_error"]) == 0
    (entry,) = list_runs(Path("runs"))
    assert said.stdout.split()[0] == open_run(entry.folder).hashes["data"]
