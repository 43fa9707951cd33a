"""`plumbline audit` with weights that `plumbline train` wrote: what `plumbline predict` says, it audits."""

from __future__ import annotations

import csv
import hashlib
import json
import sys
from pathlib import Path

import numpy as np
import pyarrow.parquet as pq
import pytest

from audit.store.find import list_runs
from audit.store.hashes import verify
from audit.store.read import open_run
from dashboard.cli.main import main

LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
WORDS = ["the", "tea", "rain", "page", "edit", "talk", "source", "please", "today", "article", "thanks"]


def write_comments(path: Path, rows: int = 240) -> Path:
    """Comments of a made-up language in which "zork" is toxic and "blarg" an insult."""
    chance = np.random.default_rng(0)
    with path.open("w", newline="") as stream:
        out = csv.writer(stream)
        out.writerow(["id", "comment_text", *LABELS, "split"])
        for row in range(rows):
            words = [*chance.choice(WORDS, chance.integers(3, 25)), f"n{row}"]
            bad = {"toxic": chance.random() < 0.4, "insult": chance.random() < 0.4}
            words += ["zork"] * bad["toxic"] + ["blarg"] * bad["insult"]
            split = ("train", "train", "validation", "test")[row % 4]
            out.writerow(
                [f"c{row}", " ".join(words), *(int(bad.get(label, False)) for label in LABELS), split]
            )
    return path


def audited(runs: Path) -> Path:
    (entry,) = list_runs(runs)
    assert verify(entry.folder).intact
    return entry.folder


def test_without_torch_the_extra_is_named(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setitem(sys.modules, "torch", None)
    for name in [name for name in sys.modules if name.startswith("models.text_")]:
        monkeypatch.delitem(sys.modules, name)
    weights = tmp_path / "w"
    weights.mkdir()
    (weights / "model.safetensors").write_bytes(b"x")
    card = {"format": 1, "model": "comments", "sha256": hashlib.sha256(b"x").hexdigest()}
    (weights / "model.json").write_text(json.dumps(card))
    words = ["--weights", weights, "--data", write_comments(tmp_path / "c.csv"), "--runs", tmp_path / "runs"]
    assert main(["audit", *map(str, words)]) == 1
    said = capsys.readouterr().err
    assert "plumbline audit needs an optional part of Plumbline: pip install 'plumbline[models]'" in said
    assert not list((tmp_path / "runs").rglob("*"))


@pytest.fixture(scope="module")
def trained(tmp_path_factory: pytest.TempPathFactory) -> Path:
    pytest.importorskip("torch", reason="needs the extra [models]")
    pytest.importorskip("lightning", reason="needs the extra [models]")
    pytest.importorskip("transformers", reason="needs the extra [models]")
    folder = tmp_path_factory.mktemp("audited-comments")
    data = write_comments(folder / "made-up.csv")
    words = ["--data", data, "--weights-out", folder / "w", "--epochs", 3, "--batch-size", 16]
    words += ["--accelerator", "cpu", "--learning-rate", 0.01]
    assert main(["train", "comments", *map(str, words)]) == 0
    return folder


@pytest.mark.models
def test_it_audits_what_predict_predicts(trained: Path, tmp_path: Path) -> None:
    given = ["--weights", str(trained / "w"), "--data", str(trained / "made-up.csv")]
    assert main(["predict", *given, "--out", str(tmp_path / "p.parquet")]) == 0
    assert main(["audit", *given, "--runs", str(tmp_path / "runs")]) == 0
    folder = audited(tmp_path / "runs")
    run = open_run(folder)
    digest = hashlib.sha256((trained / "w" / "model.safetensors").read_bytes()).hexdigest()
    assert run.hashes["weights"] == digest
    assert (run.model, run.version) == ("comments", digest[:8])
    assert run.data["model"]["data"]["splits"].startswith("as in the training, seed 0")
    assert run.data["splits"] == {"train": 120, "validation": 60, "test": 60}
    predicted, stored = (
        pq.read_table(tmp_path / "p.parquet"),
        pq.read_table(folder / "predictions.parquet"),
    )
    assert stored["text"].to_pylist() == predicted["text"].to_pylist()
    for label in ("toxic", "insult"):
        assert stored[f"score.{label}"].to_pylist() == predicted[f"score.{label}"].to_pylist()
        assert [int(x) for x in stored[f"pred.{label}"].to_pylist()] == predicted[f"pred.{label}"].to_pylist()
    leakage = next(section for section in run.sections if section.probe == "leakage")
    assert leakage.summary["similar"]["rows"] == 240

    file = ["--predictions", str(tmp_path / "p.parquet"), "--weights", str(trained / "w")]
    assert main(["audit", *file, "--runs", str(tmp_path / "beside")]) == 0
    beside = open_run(audited(tmp_path / "beside"))
    assert beside.data["model"]["agreement"] == {"rows": 64, "unreadable": 0, "largest_difference": 0.0}


@pytest.mark.models
def test_a_changed_threshold_in_the_card_is_another_run(trained: Path, tmp_path: Path) -> None:
    import shutil

    shutil.copytree(trained / "w", tmp_path / "w", ignore=shutil.ignore_patterns("work"))
    given = ["--data", str(trained / "made-up.csv"), "--probes", "group_error", "--only", "test"]
    for _ in range(2):
        assert main(["audit", "--weights", str(tmp_path / "w"), *given, "--runs", str(tmp_path / "r")]) == 0
        card = json.loads((tmp_path / "w" / "model.json").read_text())
        card["thresholds"]["toxic"] = 0.999
        (tmp_path / "w" / "model.json").write_text(json.dumps(card))
    first, second = (open_run(entry.folder) for entry in list_runs(tmp_path / "r"))
    assert first.hashes["weights"] == second.hashes["weights"]
    assert first.hashes["settings"] != second.hashes["settings"]


@pytest.mark.models
def test_weights_and_data_of_another_kind_are_refused(
    trained: Path, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    from tiny_pictures import make_mushrooms

    data = make_mushrooms(tmp_path / "pictures", 6)
    words = [
        "audit",
        "--weights",
        str(trained / "w"),
        "--data",
        str(data),
        "--runs",
        str(tmp_path / "runs"),
    ]
    assert main(words) == 1
    assert "pictures: is not a data set of comments." in capsys.readouterr().err
    words = ["--weights", str(trained / "w"), "--model", "faces", "--data", str(data)]
    assert main(["audit", *words, "--runs", str(tmp_path / "runs")]) == 1
    assert "these are weights of comments, not of faces." in capsys.readouterr().err
    assert not list((tmp_path / "runs").rglob("*"))


@pytest.mark.models
def test_faces_are_audited_with_their_pictures(tmp_path: Path, capsys: pytest.CaptureFixture[str]) -> None:
    """Weights without a training in their card: the splits are the data's own. A broken file is told of."""
    pytest.importorskip("torch", reason="needs the extra [models]")
    pytest.importorskip("torchvision", reason="needs the extra [models]")
    from tiny_pictures import make_faces

    from models.faces import FacesConfig, FacesNetwork, save

    data = make_faces(tmp_path / "faces", 60)
    (data / "003.png").write_bytes(b"no picture")
    config = FacesConfig(genders=("Female", "Male"), backbone="shufflenet_v2_x0_5", size=32)
    save(tmp_path / "w", FacesNetwork(config), {})
    given = ["--weights", str(tmp_path / "w"), "--data", str(data)]
    assert main(["predict", *given, "--out", str(tmp_path / "out" / "p.parquet")]) == 0
    assert main(["audit", *given, "--runs", str(tmp_path / "runs")]) == 0
    out = capsys.readouterr().out
    assert "1 rows or files of the data can't be used; `plumbline data faces DIR` lists them." in out
    folder = audited(tmp_path / "runs")
    run = open_run(folder)
    assert run.data["model"]["data"]["splits"] == "as declared"
    assert run.data["rows"] == 59
    assert str(tmp_path) not in (folder / "run.json").read_text()
    predicted = pq.read_table(tmp_path / "out" / "p.parquet")
    stored = pq.read_table(folder / "predictions.parquet")
    for column in ("pred.age", "score.gender"):
        assert stored[column].to_pylist() == predicted[column].to_pylist()
    assert stored["image"].to_pylist()[:2] == ["000.png", "001.png"]

    file = ["--predictions", str(tmp_path / "out" / "p.parquet"), "--weights", str(tmp_path / "w")]
    assert main(["audit", *file, "--runs", str(tmp_path / "beside"), "--probes", "group_error"]) == 0
    assert open_run(audited(tmp_path / "beside")).data["model"]["agreement"]["largest_difference"] == 0.0
