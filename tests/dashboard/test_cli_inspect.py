"""The command `plumbline inspect`: words, JSON and exit codes."""

import json
import os
import pickle
from pathlib import Path

import numpy as np
import pytest

from dashboard.cli.main import main


class Creates:
    """Creates a file when it is unpickled."""

    def __init__(self, path: Path) -> None:
        self.path = path

    def __reduce__(self) -> tuple[object, tuple[str]]:
        return os.system, (f"touch {self.path}",)


def test_inspect_command_refuses_and_names_code(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    path, mark = tmp_path / "evil.bin", tmp_path / "executed"
    path.write_bytes(pickle.dumps(Creates(mark)))
    assert main(["inspect", str(path)]) == 1
    out = capsys.readouterr().out
    assert f"it holds code that would run when loaded: {os.system.__module__}.system. Do not load it." in out
    assert main(["inspect", str(path), "--json"]) == 1
    said = json.loads(capsys.readouterr().out)
    assert said["verdict"] == "code"
    assert said["names"][0]["opcodes"] == ["STACK_GLOBAL"]
    assert said["opcodes"] == {"REDUCE": 1, "STACK_GLOBAL": 1}
    assert not mark.exists()


def test_inspect_command_passes_what_holds_no_code(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "w.npz"
    np.savez(path, a=np.zeros((2, 3)), b=np.ones(4, np.float32))
    assert main(["inspect", str(path)]) == 0
    out = capsys.readouterr().out
    assert "tensors   2 with 10 numbers (float32 4, float64 6)" in out
    assert "verdict: a form that can't hold code." in out


def test_inspect_command_shows_hostile_names_harmlessly(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    path = tmp_path / "odd.pkl"
    path.write_bytes(b"\x80\x02cmod\x1b[2J\nname\n.")
    assert main(["inspect", str(path)]) == 1
    out = capsys.readouterr().out
    assert "\x1b" not in out
    assert "mod\\x1b[2J.name" in out


def test_inspect_command_says_what_is_no_model(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert main(["inspect", str(tmp_path)]) == 1
    assert "is a folder. Name a file." in capsys.readouterr().err
