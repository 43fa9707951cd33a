"""A run whose process was killed goes on where it stopped; two processes never write one run."""

from __future__ import annotations

import json
import os
import signal
import subprocess
import sys
import time
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

import pytest

from audit.core import Status
from audit.errors import RunError
from audit.resume import without_folders
from audit.runner import audit_predictions
from audit.spec import Spec
from audit.store.find import find_run, list_runs
from audit.store.hashes import verify
from audit.store.read import open_run, read_times

PROBES = ("fake_probes:Count", "fake_probes:Slow")
SUPPORT = Path(__file__).parents[1] / "support"
PROGRAM = """
import sys
from pathlib import Path
from audit.runner import audit_predictions
from audit.spec import Spec
print(audit_predictions(Path(sys.argv[1]), Spec(probes=tuple(sys.argv[3:])), Path(sys.argv[2])))
"""


class Place:
    """Files that the fake probes and the test talk through."""

    def __init__(self, folder: Path) -> None:
        self.file = folder / "answers.csv"
        self.runs, self.log = folder / "runs", folder / "log"
        self.begun, self.go_on = folder / "begun", folder / "go_on"
        self.file.write_text(
            "id,true.ok,score.ok,text\n" + "".join(f"r{i},{i % 2},0.7,t{i}\n" for i in range(10))
        )

    @property
    def environment(self) -> dict[str, str]:
        return {
            "FAKE_PROBE_LOG": str(self.log),
            "FAKE_PROBE_BEGUN": str(self.begun),
            "FAKE_PROBE_GO_ON": str(self.go_on),
            "PYTHONPATH": str(SUPPORT),
        }

    @property
    def ran(self) -> list[str]:
        return self.log.read_text().split()

    def audit(self) -> Path:
        return audit_predictions(self.file, Spec(probes=PROBES), self.runs)

    @contextmanager
    def another_process(self) -> Iterator[subprocess.Popen[bytes]]:
        """A process that is in the middle of its second probe."""
        words = [sys.executable, "-c", PROGRAM, str(self.file), str(self.runs), *PROBES]
        with subprocess.Popen(words, env=os.environ | self.environment, stdout=subprocess.DEVNULL) as process:
            try:
                deadline = time.monotonic() + 60
                while not self.begun.exists():
                    assert process.poll() is None, "the process ended before its second probe"
                    assert time.monotonic() < deadline
                    time.sleep(0.02)
                yield process
            finally:
                process.kill()


@pytest.fixture
def place(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Place:
    made = Place(tmp_path)
    for name, value in made.environment.items():
        monkeypatch.setenv(name, value)
    return made


def kill(place: Place) -> Path:
    """Kill a process in the middle of its run; returns the run's folder."""
    with place.another_process() as process:
        process.send_signal(signal.SIGKILL)
        process.wait()
    (entry,) = list_runs(place.runs)
    assert not entry.finished
    place.go_on.touch()
    return entry.folder


def test_a_killed_run_goes_on_where_it_stopped(place: Place) -> None:
    folder = kill(place)
    assert not verify(folder).finished
    with pytest.raises(RunError, match="the run is unfinished; run the same audit again and it goes on"):
        open_run(folder)
    stored = (folder / "predictions.parquet").stat().st_mtime_ns

    assert place.audit() == folder
    assert place.ran == ["count", "slow", "slow"], "the finished probe ran once, the killed one again"
    assert (folder / "predictions.parquet").stat().st_mtime_ns == stored, "the stored rows were reused"
    assert verify(folder).intact
    run = open_run(folder)
    assert [section.status for section in run.sections] == [Status.OK, Status.OK]
    times = read_times(folder)
    assert (times["resumed"], times["reused"]) == (1, ["count"])
    assert sorted(p.name for p in folder.parent.iterdir()) == [folder.name]


def test_a_resumed_run_equals_one_that_was_never_killed(place: Place, tmp_path: Path) -> None:
    folder = kill(place)
    place.audit()
    whole = audit_predictions(place.file, Spec(probes=PROBES), tmp_path / "others")
    assert (whole / "run.json").read_bytes() == (folder / "run.json").read_bytes()


@pytest.mark.parametrize(
    "damaged", ["tables/count.rows.parquet", "sections/count.json", "predictions.parquet"]
)
def test_what_was_kept_is_checked_before_it_is_used(place: Place, damaged: str) -> None:
    folder = kill(place)
    work = folder.with_name(f".{folder.name}.work")
    path = work / damaged if damaged.startswith("sections") else folder / damaged
    content = bytearray(path.read_bytes())
    middle = len(content) // 2 if path.suffix == ".parquet" else content.index(b"planted")
    content[middle] ^= 1  # of JSON a letter inside a text, so that it is still JSON
    path.write_bytes(content)
    place.audit()
    again = (
        ["count", "slow", "slow"] if damaged == "predictions.parquet" else ["count", "slow", "count", "slow"]
    )
    assert place.ran == again
    assert verify(folder).intact
    assert open_run(folder).sections[0].tables["rows"].to_pylist() == [{"wrong": 5, "n": 10}]


def test_half_written_files_are_swept_away(place: Place) -> None:
    folder = kill(place)
    (folder / "tables" / ".tmp-1-count.rows.parquet").write_bytes(b"half")
    (folder / "tables" / "slow.stale.parquet").write_bytes(b"stale")
    place.audit()
    assert verify(folder).intact
    assert sorted(p.name for p in (folder / "tables").glob("slow*")) == ["slow.t.parquet"]
    assert not list(folder.rglob(".tmp-*"))


def test_two_processes_do_not_write_one_run(place: Place) -> None:
    with place.another_process() as process:
        holder = f"another process is writing this run \\(process {process.pid} on "
        with pytest.raises(RunError, match=holder):
            place.audit()
        place.go_on.touch()
        assert process.wait(60) == 0
    assert verify(place.audit()).intact
    assert place.ran == ["count", "slow"]


def test_an_unfinished_run_is_found_by_its_id(place: Place) -> None:
    folder = kill(place)
    assert find_run(place.runs, folder.name[:5]) == folder


def test_failed_sections_are_tried_again(place: Place, monkeypatch: pytest.MonkeyPatch) -> None:
    import fake_probes

    def fail(*_: object) -> None:
        raise MemoryError("planted")

    def interrupt(*_: object) -> None:
        raise KeyboardInterrupt

    with monkeypatch.context() as patch:
        patch.setattr(fake_probes.Count, "run", fail)
        patch.setattr(fake_probes.Slow, "run", interrupt)
        with pytest.raises(KeyboardInterrupt):
            place.audit()
    place.go_on.touch()
    folder = place.audit()
    assert json.loads((folder / "run.json").read_text())["sections"][0]["status"] == "ok"
    assert not (folder / "evidence" / "count.traceback.txt").exists()
    assert verify(folder).intact


@pytest.mark.parametrize(
    ("text", "kept"),
    [
        (
            "[Errno 2] No such file or directory: '/home/me/data/x/a.png'",
            "[Errno 2] No such file or directory: 'a.png'",
        ),
        ("C:\\Users\\me\\a.png is missing", "a.png is missing"),
        ("/srv/my data/pictures/a.png", "pictures/a.png"),
        ("a/b and/or http://x.org/y/z of rel/path", "a/b and/or http://x.org/y/z of rel/path"),
    ],
)
def test_a_sections_failure_names_files_without_the_machines_folders(text: str, kept: str) -> None:
    assert without_folders(text, "/srv/my data") == kept
