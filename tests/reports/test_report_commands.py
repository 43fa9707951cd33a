"""`plumbline report`, `card` and `verify` of a PDF, as a person calls them."""

from __future__ import annotations

from pathlib import Path

import pytest

from dashboard.cli import main as cli


def test_a_report_is_written_and_verified(
    planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    runs, out = str(planted.parents[2]), tmp_path / "report.pdf"
    assert cli.main(["report", "planted/v1", "--runs", runs, "-o", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert cli.main(["verify", str(out), "--runs", runs]) == 0
    assert f"{out}: genuine: it is what its run says. Content hash" in capsys.readouterr().out
    held = bytearray(out.read_bytes())
    held[len(held) // 2] ^= 1
    out.write_bytes(held)
    assert cli.main(["verify", str(out), "--runs", runs]) == 1
    assert "NOT genuine: it differs from what this version" in capsys.readouterr().out


def test_a_pdf_of_something_else_is_named(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    other = tmp_path / "other.pdf"
    other.write_bytes(b"%PDF-1.7")
    assert cli.main(["verify", str(other), "--runs", str(tmp_path)]) == 1
    assert "this is no report of Plumbline's: it names no run" in capsys.readouterr().err


def test_a_card_is_written(planted: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    out = tmp_path / "deep" / "MODEL_CARD.md"
    assert cli.main(["card", "planted/v1", "--runs", str(planted.parents[2]), "-o", str(out)]) == 0
    assert capsys.readouterr().out.strip() == str(out)
    assert out.read_text(encoding="utf-8").startswith("# Model card: planted v1")
