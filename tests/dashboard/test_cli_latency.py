"""`plumbline audit --probes latency`: asked for by name, measured, recommended, and stored."""

from pathlib import Path

import pyarrow.parquet as pq
import pytest

from audit.store.hashes import verify
from audit.store.read import open_run
from dashboard.cli.main import main


def test_audit_with_latency_says_what_to_run(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("FAKE_MODEL_LOG", raising=False)
    folder = tmp_path / "letters"
    folder.mkdir()
    (folder / "texts.txt").write_text("\n".join("y" * (1 + i % 17) for i in range(120)) + "\n")
    words = ["--data", str(folder), "--model", "fake_models:Lengths", "--reader", "fake_models:Folder"]
    assert main(["audit", *words, "--probes", "latency"]) == 0
    out = capsys.readouterr().out
    assert "Speed:\n  Most examples a second: batch " in out
    assert "  Shortest wait for one example: batch 1, as given: " in out
    assert "The model can't be configured" in out
    run = Path(out.splitlines()[-1])
    assert verify(run).intact
    (section,) = open_run(run).sections
    assert section.summary["measured"] == 3
    table = pq.read_table(run / "tables" / "latency.latency.parquet")
    assert table["batch"].to_pylist() == [1, 8, 32]
    assert all(
        low <= p50 <= high
        for low, p50, high in zip(
            *(table[f"{name}_ms"].to_pylist() for name in ("p50_low", "p50", "p50_high")), strict=True
        )
    )
    # the same audit again is the stored run: nothing is timed anew
    assert main(["audit", *words, "--probes", "latency"]) == 0
    assert Path(capsys.readouterr().out.splitlines()[-1]) == run


def test_latency_without_a_model_says_that_it_needs_one(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.chdir(tmp_path)
    Path("p.csv").write_text("id,true.y,score.y\n" + "".join(f"{i},{i % 2},0.{i % 9}\n" for i in range(60)))
    assert main(["audit", "--predictions", "p.csv", "--probes", "latency,privacy"]) == 0
    out = capsys.readouterr().out
    assert "latency: needs a model, and only predictions were given" in out
    assert "privacy: no rows of training beside held-out ones" in out
