"""`plumbline audit` with a model at hand: a stranger's model and reader, by ``package.module:name``."""

from __future__ import annotations

import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import fake_models
import pyarrow.parquet as pq
import pytest

from audit.store.find import list_runs
from audit.store.hashes import verify
from audit.store.read import open_run, read_times
from dashboard.cli.main import main

SUPPORT = Path(__file__).parents[1] / "support"
MODEL = ["--model", "fake_models:Lengths", "--reader", "fake_models:Folder"]
ROWS = 1200


@pytest.fixture
def data(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLUMBLINE_RUNS", raising=False)
    monkeypatch.setenv("FAKE_MODEL_LOG", str(tmp_path / "log"))
    folder = tmp_path / "letters"
    folder.mkdir()
    lines = [f"{'y' * (1 + i % 17)} {'zork' if i % 3 else 'tea'} n{i}" for i in range(ROWS)]
    (folder / "texts.txt").write_text("\n".join(lines) + "\n")
    return folder


def audit(*words: str | Path) -> int:
    return main(["audit", "--probes", "fake_probes:Count", *map(str, words)])


def scored() -> int:
    return sum(int(line) for line in Path("log").read_text().split()) if Path("log").exists() else 0


def only_run() -> Path:
    (entry,) = list_runs(Path("runs"))
    return entry.folder


def test_a_strangers_model_and_reader(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit("--data", data, *MODEL) == 0
    out = capsys.readouterr().out
    folder = Path(out.splitlines()[-1])
    assert folder == only_run()
    assert verify(folder).intact
    run = open_run(folder)
    digest = run.hashes["weights"]
    assert (run.model, run.version) == ("fake_models.Lengths", digest[:8])
    assert run.data["model"] == {
        "model": {"loader": "fake_models:Lengths", "weights": "none given: the hash is of the name"},
        "data": {"reader": "fake_models:Folder", "splits": "as declared", "only": ""},
        "outputs": ["toxic"],
    }
    assert run.data["file"] == "letters"
    assert run.data["splits"] == {"train": 300, "validation": 300, "test": 600}
    assert f"Predictions made by this audit with fake_models.Lengths, weights {digest[:8]}" in out
    stored = pq.read_table(folder / "predictions.parquet")
    assert stored["score.toxic"].to_pylist() == [
        fake_models.length_score(text) for text in stored["text"].to_pylist()
    ]
    assert str(data.parent) not in (folder / "run.json").read_text(), "no folder of this machine"
    assert read_times(folder)["source"]["data_root"] == str(data)


def test_the_same_audit_twice_asks_the_model_once(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit("--data", data, *MODEL)
    first = capsys.readouterr().out.splitlines()[-1]
    before = scored()
    assert audit("--data", data, *MODEL, "--batch-size", "7") == 0
    out = capsys.readouterr().out
    assert out.startswith("This audit was made before")
    assert out.splitlines()[-1] == first
    assert scored() == before == ROWS


def test_one_byte_of_the_data_makes_another_run(data: Path) -> None:
    audit("--data", data, *MODEL)
    text = (data / "texts.txt").read_text()
    (data / "texts.txt").write_text(text.replace("tea", "tee", 1))
    audit("--data", data, *MODEL)
    (data / "texts.txt").write_text(text)
    audit("--data", data, *MODEL)
    runs = [open_run(entry.folder) for entry in list_runs(Path("runs"))]
    assert len({run.hashes["data"] for run in runs}) == len(runs) == 2


def test_rows_of_one_split_and_weights_are_part_of_the_run(data: Path) -> None:
    weights = data.parent / "weights.txt"
    weights.write_text("length")
    loader = ["--model", "fake_models:weighted", "--reader", "fake_models:Folder", "--weights", weights]
    assert audit("--data", data, *loader) == 0
    assert audit("--data", data, *loader, "--only", "test") == 0
    first, second = (open_run(entry.folder) for entry in list_runs(Path("runs")))
    assert first.version == second.version
    assert first.hashes["weights"] == second.hashes["weights"]
    assert {run.data["rows"] for run in (first, second)} == {ROWS, ROWS // 2}


def test_killed_while_it_predicts_it_goes_on(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """512 rows are a part: killed in the second, the first is not scored again."""
    begun, go_on = data.parent / "begun", data.parent / "go_on"
    for name, value in {
        "FAKE_MODEL_BATCHES": "10",
        "FAKE_MODEL_BEGUN": str(begun),
        "FAKE_MODEL_GO_ON": str(go_on),
    }.items():
        monkeypatch.setenv(name, value)
    words = [sys.executable, "-m", "dashboard.cli.main", "audit", "--probes", "fake_probes:Count"]
    environment = os.environ | {"PYTHONPATH": str(SUPPORT)}
    with subprocess.Popen(
        [*words, "--data", str(data), *MODEL], env=environment, stderr=subprocess.DEVNULL
    ) as process:
        deadline = time.monotonic() + 60
        while not begun.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGKILL)
    (entry,) = list_runs(Path("runs"))
    assert not entry.finished
    assert scored() == 640
    go_on.touch()
    assert audit("--data", data, *MODEL) == 0
    assert only_run() == entry.folder
    assert verify(entry.folder).intact
    assert scored() == 640 + ROWS - 512
    said = pq.read_table(entry.folder / "predictions.parquet")
    assert said["score.toxic"].to_pylist() == [
        fake_models.length_score(text) for text in said["text"].to_pylist()
    ]
    assert not list(entry.folder.parent.glob(".*")), "nothing is left beside a finished run"


def predictions(data: Path) -> Path:
    """A file of what `Lengths` says, rounded."""
    lines = (data / "texts.txt").read_text().splitlines()
    rows = [f"r{i},{i % 2},{fake_models.length_score(line):.3f},{line}" for i, line in enumerate(lines)]
    file = data.parent / "answers.csv"
    file.write_text("id,true.toxic,score.toxic,text\n" + "\n".join(rows) + "\n")
    return file


def test_a_model_beside_a_file(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = predictions(data)
    assert audit("--predictions", file, "--model", "fake_models:Lengths") == 0
    out = capsys.readouterr().out
    assert "on 64 sampled rows its scores differ from the file's by less than 1e-6" in out
    run = open_run(only_run())
    assert run.model == "fake_models.Lengths"
    assert run.data["model"]["agreement"] == {"rows": 64, "unreadable": 0, "largest_difference": 0.0}
    assert scored() == 64


def test_a_model_that_says_something_else_needs_to_be_trusted(
    data: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    file = predictions(data)
    assert audit("--predictions", file, "--model", "fake_models:Shifted") == 1
    said = capsys.readouterr().err
    assert "answers.csv: the model does not say what the file says: toxic of row r" in said
    assert not Path("runs").exists() or not list(Path("runs").rglob("*"))
    words = ["--model", "fake_models:Shifted", "--trust-predictions"]
    assert audit("--predictions", file, *words) == 0
    assert "by at most 0.1 (toxic, row r" in capsys.readouterr().out
    assert open_run(only_run()).data["model"]["agreement"]["largest_difference"] == 0.1


@pytest.mark.parametrize(
    ("words", "message"),
    [
        ([], "--predictions: a file of predictions was expected, or --data DIR with --weights DIR"),
        (["--data", "letters"], "--data: needs a model: --weights DIR or --model NAME."),
        (["--data", "letters", *MODEL, "--predictions", "x.csv"], "--data: does not go with --predictions"),
        (["--data", "nowhere", *MODEL], "nowhere: there is no such folder."),
        (["--data", "letters", *MODEL[:2]], "--reader: a reader for the data was expected. Known: comments,"),
        (["--data", "letters", *MODEL[:2], "--reader", "tea"], "--reader: no reader is called 'tea'. Known:"),
        (
            ["--data", "letters", *MODEL[:2], "--reader", "fake_models:not_a_reader"],
            "gave no data set: it has neither `columns()` nor `rows(split)`.",
        ),
        (
            ["--data", "letters", *MODEL[:2], "--reader", "fake_models:Pictures"],
            "its rows are pictures: give it `columns()` with a column of image paths.",
        ),
        (
            ["--data", "letters", "--model", "fake_models:Brightness", *MODEL[2:]],
            "letters: the model reads images, and the data have no column image.",
        ),
        (
            ["--data", "letters", "--model", "fake_models:NoModel", *MODEL[2:]],
            "--model fake_models:NoModel: is no model: it has no tasks, predict.",
        ),
        (
            ["--data", "letters", "--model", "fake_models:SUCH", *MODEL[2:]],
            "'fake_models:SUCH' can't be imported: module 'fake_models' has no attribute 'SUCH'",
        ),
        (
            ["--data", "letters", "--model", "fake_models:Raises", *MODEL[2:]],
            "its predict failed on rows 1 to 512: ZeroDivisionError: planted",
        ),
        (
            [
                "--data",
                "letters",
                "--model",
                "fake_models:weighted",
                *MODEL[2:],
                "--weights",
                "letters/texts.txt",
            ],
            "failed when it was called with letters/texts.txt: ValueError: not the weights of a length.",
        ),
        (["--data", "letters", *MODEL, "--splits", "as-trained"], "is for Plumbline's own data"),
        (["--data", "letters", *MODEL, "--device", "cuda"], "--device: is for Plumbline's own models"),
        (
            ["--data", "letters", *MODEL, "--only", "train"],
            "no rows of split 'test' to measure on; it has: train 300.",
        ),
        (["--data", "letters", *MODEL, "--batch-size", "0"], "--batch-size: must be at least 1; got 0."),
        (["--data", "letters", "--model", "bert"], "--model: no model is called 'bert'. Known: comments,"),
        (["--data", "letters", "--model", "faces"], "--model faces: needs its weights: --weights DIR."),
        (["--data", "letters", "--weights", "letters"], "letters: no weights here: model.safetensors and"),
    ],
)
def test_wrong_use_is_one_line_and_leaves_nothing(
    data: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert audit(*words) == 1
    said = capsys.readouterr().err
    assert message in said
    assert len([line for line in said.splitlines() if line.startswith("plumbline audit:")]) == 1
    assert "Traceback" not in said
    assert not Path("runs").exists() or not list(Path("runs").rglob("*")), "nothing is left behind"


def test_outputs_that_are_not_those_of_the_file(data: Path, capsys: pytest.CaptureFixture[str]) -> None:
    file = predictions(data)
    assert audit("--predictions", file, "--model", "fake_models:Other") == 1
    assert "answers.csv: its output 'toxic' is none of the model's: angry." in capsys.readouterr().err
    assert audit("--predictions", file, "--trust-predictions") == 1
    assert "--trust-predictions: belongs to --predictions with a model" in capsys.readouterr().err


def test_a_reader_that_gives_payloads_only(data: Path) -> None:
    """Nothing is known of the rows but their texts: no truth, no groups; rates of selection are left."""
    words = ["--data", str(data), "--model", "fake_models:lengths", "--reader", "fake_models:Plain"]
    assert main(["audit", "--probes", "group_error", *words]) == 0
    run = open_run(only_run())
    assert run.data["outputs"]["toxic"]["truth"] is False
    assert run.data["rows"] == ROWS


def test_data_that_change_while_the_model_predicts(
    data: Path, monkeypatch: pytest.MonkeyPatch, capsys
) -> None:
    said = fake_models.Lengths.predict

    def predict(self, batch):
        (data / "texts.txt").write_text("something else\n")
        return said(self, batch)

    monkeypatch.setattr(fake_models.Lengths, "predict", predict)
    assert audit("--data", data, *MODEL) == 1
    assert "letters: it changed while it was being read. Run the audit again." in capsys.readouterr().err
    assert not list(Path("runs").rglob("*"))


def test_probes_are_given_the_model_and_its_rows(data: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    assert main(["audit", "--probes", "fake_probes:AsksModel", "--data", str(data), *MODEL]) == 0
    run = open_run(only_run())
    assert run.sections[0].summary == {"same": True, "rows": {"train": 300, "validation": 300, "test": 600}}
    assert re.fullmatch(r"[0-9a-f]{64}", run.hashes["settings"])
    assert json.loads((only_run() / "run.json").read_text())["hashes"]["settings"] == run.hashes["settings"]


def test_run_json_of_two_equal_audits_is_equal(data: Path) -> None:
    for place in ("one", "two"):
        assert audit("--data", data, *MODEL, "--runs", place) == 0
    (one,) = list_runs(Path("one"))
    (two,) = list_runs(Path("two"))
    assert (one.folder / "run.json").read_bytes() == (two.folder / "run.json").read_bytes()
