"""The command line: exit codes, messages, and that documentation does not lag."""

from __future__ import annotations

import argparse
import json
import os
import re
import signal
import subprocess
import sys
import time
from pathlib import Path

import pytest

from audit.store.hashes import verify
from audit.store.read import open_run
from dashboard.cli import main as cli
from dashboard.cli.dashboard import command

DOCS = Path(__file__).parents[2] / "docs"
SUPPORT = Path(__file__).parents[1] / "support"
COUNT = "fake_probes:Count"


@pytest.fixture
def file(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    monkeypatch.chdir(tmp_path)
    monkeypatch.delenv("PLUMBLINE_RUNS", raising=False)
    path = tmp_path / "answers.csv"
    path.write_text("id,true.ok,score.ok,group.team\nr1,1,0.9,a\nr2,0,0.2,b\nr3,0,0.8,b\n")
    return path


def audit(*more: str) -> int:
    return cli.main(["audit", "--predictions", "answers.csv", "--probes", COUNT, *more])


def test_the_last_line_of_an_audit_is_its_folder(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert audit() == 0
    folder = Path(capsys.readouterr().out.splitlines()[-1])
    assert folder.parts[:2] == ("runs", "answers")
    assert verify(folder).intact


def test_the_summary_names_the_finding_and_the_way_on(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit("--name", "m", "--version", "2")
    out = capsys.readouterr().out
    assert "Findings: 1 low" in out
    assert "ok: Error rate of team=a & shift=late" in out
    assert "33.3% against no rows (everyone else): +10.0 points [+5.0, +inf], n=3" in out
    assert "count: 3 comparisons: fewer rows than the minimum n" in out
    run_id = Path(out.splitlines()[-1]).name
    assert f"plumbline report {run_id} -o report.pdf" in out


def test_options_win_over_the_spec(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("audit.toml").write_text('name = "spec"\nversion = "s"\nseed = 3\n')
    assert audit("--spec", "audit.toml", "--version", "v", "--seed", "5", "--runs", "r") == 0
    run = open_run(Path(capsys.readouterr().out.splitlines()[-1]))
    assert (run.model, run.version, run.seed) == ("spec", "v", 5)


def test_the_second_time_nothing_is_computed(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setenv("FAKE_PROBE_LOG", str(file.parent / "log"))
    assert audit() == 0
    first = capsys.readouterr().out.splitlines()[-1]
    assert audit() == 0
    out = capsys.readouterr().out
    assert out.splitlines()[-1] == first
    assert "nothing was computed again" in out
    assert Path("log").read_text() == "count\n"


def test_a_failed_probe_is_told_and_costs_the_exit_code_only_alone(
    file: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    assert audit("--probes", f"fake_probes:Raises,{COUNT}") == 0
    assert "the probe raises failed: ZeroDivisionError: planted" in capsys.readouterr().err
    assert audit("--probes", "fake_probes:Raises") == 1


def test_runs_verify_and_a_flipped_byte(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    audit("--name", "m", "--version", "2")
    folder = Path(capsys.readouterr().out.splitlines()[-1])
    assert cli.main(["runs"]) == 0
    assert re.search(rf"^{folder.name}  m +2 .* finished$", capsys.readouterr().out, re.MULTILINE)
    assert cli.main(["runs", "--json"]) == 0
    (entry,) = json.loads(capsys.readouterr().out)
    assert (entry["run_id"], entry["finished"]) == (folder.name, True)
    assert cli.main(["verify", "m/2"]) == 0
    assert "intact. Content hash " in capsys.readouterr().out

    path = folder / "tables" / "count.rows.parquet"
    content = bytearray(path.read_bytes())
    content[7] ^= 4
    path.write_bytes(content)
    assert cli.main(["verify", folder.name[:6]]) == 1
    out = capsys.readouterr().out
    assert "altered  tables/count.rows.parquet\n" in out
    assert out.endswith("NOT as it was written (1 file).\n")

    (folder / "run.sha256").unlink()
    assert cli.main(["verify", "m/2"]) == 1
    assert "unfinished" in capsys.readouterr().out


@pytest.mark.parametrize(
    ("words", "message"),
    [
        (["audit"], "plumbline audit: --predictions: a file of predictions was expected, or --data DIR"),
        (["audit", "--pred", "x"], "unrecognized arguments: --pred x"),
        (["nonsense"], "invalid choice: 'nonsense'"),
        (["audit", "--predictions", "none.csv"], "plumbline audit: none.csv: there is no such file."),
        (["verify", "abc"], "plumbline verify: there is no run 'abc': runs holds no runs yet."),
        (["audit", "--predictions", "answers.csv", "--probes", "zzz"], "no probe is called 'zzz'. Known: "),
        (["audit", "--predictions", "answers.csv", "--workers", "0"], "must be 1 or more, came 0"),
        (["audit", "--predictions", "answers.csv", "--seed", "x"], "invalid int value: 'x'"),
        (["audit", "--predictions", "answers.csv", "--name", ".."], "the model '..' can't name a folder"),
        (["spec"], "one of the arguments --example FILE is required"),
    ],
)
def test_every_error_is_one_message_and_exit_code_1(
    file: Path, capsys: pytest.CaptureFixture[str], words: list[str], message: str
) -> None:
    assert cli.main(words) == 1
    err = capsys.readouterr().err
    assert message in err
    assert "Traceback" not in err


def test_a_fault_in_plumbline_leaves_its_traceback_in_a_file(
    file: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch, tmp_path: Path
) -> None:
    import tempfile

    monkeypatch.setattr(tempfile, "tempdir", str(tmp_path))
    monkeypatch.setattr("audit.store.find.list_runs", lambda _: 1 / 0)
    assert cli.main(["runs"]) == 1
    err = capsys.readouterr().err
    assert "this is a fault in Plumbline (ZeroDivisionError: division by zero)" in err
    (kept,) = tmp_path.glob("plumbline-*.txt")
    assert str(kept) in err
    assert "Traceback" in kept.read_text()


def test_a_disk_that_refuses_is_named(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    Path("taken").write_text("a file, not a folder")
    assert audit("--runs", "taken") == 1
    assert capsys.readouterr().err.splitlines()[-1].startswith("plumbline audit: taken/answers")


def test_help_lists_only_commands_that_exist(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["--help"]) == 0
    out = capsys.readouterr().out
    folder = Path(cli.__file__).parent
    for name, _ in cli.COMMANDS:
        assert (re.search(rf"^    {name} ", out, re.MULTILINE) is not None) == (
            folder / f"{name}.py"
        ).exists()


def test_without_a_command_the_help_is_shown(capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main([]) == 1
    assert "commands:" in capsys.readouterr().out
    assert cli.main(["--version"]) == 0
    assert re.fullmatch(r"plumbline \d+\.\d+\.\d+\n", capsys.readouterr().out)


def test_spec_example_is_a_spec(file: Path, capsys: pytest.CaptureFixture[str]) -> None:
    assert cli.main(["spec", "--example"]) == 0
    Path("audit.toml").write_text(capsys.readouterr().out)
    assert cli.main(["spec", "audit.toml"]) == 0
    assert "minimum_n" in json.loads(capsys.readouterr().out)


def test_the_dashboard_stays_on_this_machine_and_tells_nobody() -> None:
    words = command(8600)
    assert words[words.index("--server.address") + 1] == "localhost"
    assert words[words.index("--server.port") + 1] == "8600"
    assert words[words.index("--browser.gatherUsageStats") + 1] == "false"


@pytest.mark.parametrize("name", [name for name, _ in cli.available()])
def test_every_command_and_option_is_documented(name: str) -> None:
    text = "\n".join(page.read_text(encoding="utf-8") for page in sorted(DOCS.glob("*.md")))
    section = re.search(rf"^## plumbline {name}$(.*?)(?=^## |\Z)", text, re.MULTILINE | re.DOTALL)
    assert section is not None, f"no page of docs has a section `## plumbline {name}`"
    (subparsers,) = (a for a in cli.build(name)._actions if isinstance(a, argparse._SubParsersAction))
    options = {option for action in subparsers.choices[name]._actions for option in action.option_strings}
    absent = {
        o for o in options - {"-h", "--help"} if not re.search(rf"`{re.escape(o)}(?![\w-])", section[1])
    }
    assert absent == set()


def test_ctrl_c_leaves_a_run_that_goes_on(file: Path) -> None:
    begun, go_on = file.parent / "begun", file.parent / "go_on"
    environment = os.environ | {
        "PYTHONPATH": str(SUPPORT),
        "FAKE_PROBE_BEGUN": str(begun),
        "FAKE_PROBE_GO_ON": str(go_on),
    }
    words = [sys.executable, "-m", "dashboard.cli.main", "audit", "--predictions", "answers.csv"]
    words += ["--probes", f"{COUNT},fake_probes:Slow"]
    with subprocess.Popen(
        words, env=environment, stderr=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    ) as process:
        deadline = time.monotonic() + 60
        while not begun.exists():
            assert process.poll() is None
            assert time.monotonic() < deadline
            time.sleep(0.02)
        process.send_signal(signal.SIGINT)
        _, err = process.communicate(timeout=60)
    assert process.returncode == 130
    assert "plumbline audit: interrupted. The same command goes on where it stopped." in err
    assert "Traceback" not in err
    go_on.touch()
    done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
    assert done.returncode == 0, done.stderr
    assert verify(Path(done.stdout.splitlines()[-1])).intact


def test_a_reader_that_leaves_early_is_no_fault(file: Path) -> None:
    audit()
    line = f"{sys.executable} -m dashboard.cli.main spec --example | true; exit ${{PIPESTATUS[0]}}"
    done = subprocess.run(["bash", "-c", line], capture_output=True, text=True, check=False)
    assert "Traceback" not in done.stderr
    assert "fault" not in done.stderr
