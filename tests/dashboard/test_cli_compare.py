"""`plumbline compare` and `plumbline policy`: exit codes, the last line, files, messages."""

from __future__ import annotations

import json
import shutil
from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.store.hashes import verify
from dashboard.cli import main as cli

SHARED = Path(__file__).parents[3] / "shared" / "data" / "predictions"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> Path:
    place = tmp_path_factory.mktemp("cli")
    rng = np.random.default_rng(0)
    n = 3000
    truth = rng.integers(0, 2, n)
    v1 = pd.DataFrame(
        {
            "id": np.arange(n),
            "true.ok": truth,
            "pred.ok": np.where(rng.random(n) < 0.1, 1 - truth, truth),
            "group.team": rng.choice(["a", "b"], n),
        }
    )
    worse = v1.copy()
    hit = (v1["group.team"] == "a") & (rng.random(n) < 0.2)
    worse.loc[hit, "pred.ok"] = 1 - truth[hit]
    for version, table in (
        ("1", v1),
        ("2", v1.sample(frac=1, random_state=1)),
        ("3", worse),
        ("tiny1", v1[:60]),
        ("tiny2", v1[:60].sample(frac=1, random_state=1)),
    ):
        file = place / f"{version}.csv"
        table.to_csv(file, index=False)
        words = ["audit", "--predictions", str(file), "--name", "m", "--version", version]
        assert cli.main([*words, "--runs", str(place / "runs"), "--probes", "fake_probes:NotApplicable"]) == 0
    return place / "runs"


def compare(runs: Path, *words: str) -> int:
    return cli.main(["compare", *words, "--runs", str(runs)])


@pytest.mark.parametrize(
    ("old", "new", "code", "words"),
    [
        ("m/1", "m/2", 0, "Passes: every demanded slice is shown not worse"),
        ("m/1", "m/3", 2, "FAILS: a gated slice regressed (exit code 2)."),
        ("m/tiny1", "m/tiny2", 3, "CAN'T BE TOLD: a demanded slice is not settled"),
    ],
)
def test_the_exit_code_is_the_verdict_and_the_last_line_the_folder(
    runs: Path, capsys: pytest.CaptureFixture[str], old: str, new: str, code: int, words: str
) -> None:
    assert compare(runs, old, new) == code
    lines = capsys.readouterr().out.splitlines()
    assert lines[-2].startswith(words)
    folder = Path(lines[-1])
    assert folder.parent.name == "compare"
    assert verify(folder).intact
    assert cli.main(["verify", str(folder)]) == 0


def test_the_table_has_the_worst_slice_first(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    compare(runs, "m/1", "m/3")
    lines = capsys.readouterr().out.splitlines()
    head = next(i for i, line in enumerate(lines) if line.startswith("verdict"))
    assert lines[head + 1].startswith("regressed  ok")
    assert "team=a" in lines[head + 1]
    assert any("flips: ok " in line and "0 positive" in line for line in lines)
    assert compare(runs, "m/1", "m/3") == 2
    assert "made before; nothing was computed again" in capsys.readouterr().out


def test_three_versions_say_when_it_got_worse(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(runs, "m/1", "m/2", "m/3") == 2
    out = capsys.readouterr().out
    assert "When did it get worse" in out
    assert "ok fpr team=a: most at 2 -> 3, worse since 3" in out


def test_runs_lists_comparisons_and_verify_takes_them_by_name(
    runs: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    compare(runs, "m/1", "m/3")
    compare(runs, "m/1", "m/2")
    capsys.readouterr()
    assert cli.main(["runs", "--runs", str(runs)]) == 0
    listed = capsys.readouterr().out.partition("Comparisons")[2].splitlines()
    columns = listed[1].split("  ")
    assert [c.strip() for c in columns if c.strip()][-1] == "exit code"
    (bad,) = (line.split() for line in listed if line.startswith("m/compare/1..3 "))
    assert (bad[1], bad[-1]) == ("paired", "2")
    assert int(bad[2]) > 0
    assert cli.main(["runs", "--json", "--runs", str(runs)]) == 0
    entries = json.loads(capsys.readouterr().out)
    (entry,) = (e for e in entries if e["kind"] == "comparison" and e["versions"] == ["1", "3"])
    assert (entry["exit_code"], entry["verdicts"]["regressed"]) == (2, int(bad[2]))
    assert entry["runs"] == [
        next(e["run_id"] for e in entries if e["kind"] == "run" and e["version"] == v) for v in ("1", "3")
    ]
    assert cli.main(["verify", "m/compare/1..3", "--runs", str(runs)]) == 0
    assert "intact" in capsys.readouterr().out
    damaged = runs / "m" / "compare" / "damaged"
    shutil.copytree(damaged.with_name("1..2"), damaged)
    (damaged / "run.json").write_text("{}")
    assert cli.main(["runs", "--runs", str(runs)]) == 0
    assert "m/compare/damaged can't be read" in capsys.readouterr().out
    shutil.rmtree(damaged)


def test_files_for_machines_are_written(runs: Path, tmp_path: Path) -> None:
    places = {name: tmp_path / f"gate.{name}" for name in ("json", "junit", "markdown")}
    words = [word for name, path in places.items() for word in (f"--{name}", str(path))]
    assert compare(runs, "m/1", "m/3", *words) == 2
    assert json.loads(places["json"].read_text())["exit_code"] == 2
    assert "<failure" in places["junit"].read_text()
    assert "fails: a gated slice regressed" in places["markdown"].read_text()


def test_a_policy_decides(runs: Path, tmp_path: Path) -> None:
    policy = tmp_path / "policy.toml"
    policy.write_text('[[gate]]\nmetric = "error_rate"\nwatch = ["all", "team=a"]\n')
    assert compare(runs, "m/1", "m/3", "--policy", str(policy)) == 0
    policy.write_text('[[gate]]\nmetric = "error_rate"\nmargin = 0.9\n')
    assert compare(runs, "m/1", "m/3", "--policy", str(policy)) == 0
    policy.write_text('cannot_tell = "pass"\n')
    assert compare(runs, "m/tiny1", "m/tiny2", "--policy", str(policy)) == 0


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["m/1"], "name two runs or more, the oldest first"),
        (["m/1", "m/1"], "a run is named twice"),
        (["m/1", "m/9"], "there is no run 'm/9'"),
        (["m/1", "m/tiny1"], "the policy allows 5.0% (most_unmatched)"),
        (["m/1", "m/2", "--policy", "none.toml"], "there is no such file"),
    ],
)
def test_what_cannot_be_compared_is_1_with_a_reason(
    runs: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert compare(runs, *words) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_different_data_are_called_unpaired(runs: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert compare(runs, "m/1", "m/3", "--unpaired") == 2
    assert "UNPAIRED: different data, which is weaker" in capsys.readouterr().out


def test_the_policy_command_prints_an_example_that_it_accepts(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert cli.main(["policy", "--example"]) == 0
    path = tmp_path / "policy.toml"
    path.write_text(capsys.readouterr().out)
    assert cli.main(["policy", str(path)]) == 0
    assert json.loads(capsys.readouterr().out)["family"] == "all"
    path.write_text("famly = 'all'\n")
    assert cli.main(["policy", str(path)]) == 1
    assert "policy.toml, line 1: " in capsys.readouterr().err


@pytest.mark.skipif(not SHARED.is_dir(), reason="the shared predictions are not on this machine")
def test_the_faces_damage_is_twelve_black_women(tmp_path: Path) -> None:
    for version in ("1", "2"):
        words = ["audit", "--predictions", str(SHARED / f"faces-linear-v{version}.csv"), "--name", "faces"]
        words += ["--version", version, "--runs", str(tmp_path), "--probes", "fake_probes:NotApplicable"]
        assert cli.main(words) == 0
    out = tmp_path / "gate.json"
    assert compare(tmp_path, "faces/1", "faces/2", "--json", str(out)) == 2
    found = json.loads(out.read_text())
    key = "gender=Female & ethnicity=Black"
    (flips,) = (r for r in found["flips"] if (r["output"], r["slice"]) == ("gender", key))
    assert (flips["negative"], flips["positive"], round(flips["p"], 4)) == (12, 0, 0.0005)
    verdicts = {(r["output"], r["metric"], r["slice"]): r for r in found["verdicts"]}
    assert verdicts["gender", "fpr", key]["verdict"] == "regressed"
    assert abs(verdicts["gender", "error_rate", "all"]["change"]) < 0.003
