"""The demo: what it makes in which order, and that audits of trained models show what was planted."""

from __future__ import annotations

import importlib.util
import os
from pathlib import Path

import pytest

from audit.core import Slice
from audit.errors import PlumblineError
from dashboard.cli import main as cli
from dashboard.demo import pool, sights, stages
from dashboard.demo.plan import FAST, KINDS, Demo
from training.data.faults import FAULTS, Sight


def demo(place: Path, twin: bool = False) -> Demo:
    return Demo(folder=place / "data", runs=place / "runs", size=FAST, twin=twin)


def test_without_torch_the_demo_names_the_extra(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(importlib.util, "find_spec", lambda name: None)
    assert cli.main(["demo", "--data", str(tmp_path / "demo")]) == 1
    assert "plumbline demo needs an optional part of Plumbline: pip install" in capsys.readouterr().err
    assert not (tmp_path / "demo").exists()


@pytest.mark.parametrize("flag", ["--data", "--runs"])
def test_a_file_where_a_folder_goes_is_refused(
    tmp_path: Path, capsys: pytest.CaptureFixture[str], flag: str
) -> None:
    (tmp_path / "taken").touch()
    assert cli.main(["demo", flag, str(tmp_path / "taken")]) == 1
    assert f"plumbline demo: {flag}: {tmp_path / 'taken'} is a file" in capsys.readouterr().err


def test_every_piece_comes_after_what_it_needs(tmp_path: Path) -> None:
    made = stages.tasks(demo(tmp_path))
    seen: set[str] = set()
    for task in made:
        assert set(task.after) <= seen
        seen.add(task.name)
    assert sum(name.startswith("train") for name in seen) == 2 * len(KINDS)
    assert sum(name.startswith("compare") for name in seen) == len(KINDS)


def test_every_fault_is_planted_somewhere_and_the_twin_has_none(tmp_path: Path) -> None:
    versions = [v for kind in KINDS for v in demo(tmp_path).versions(kind)]
    assert frozenset().union(*(v.planted for v in versions)) == frozenset(FAULTS)
    twins = [v for kind in KINDS for v in demo(tmp_path, twin=True).versions(kind)]
    assert not any(v.planted or v.repaired for v in twins)


def task(place: Path, name: str, call: object, *arguments: object, after: tuple[str, ...] = ()) -> pool.Task:
    return pool.Task(name=name, call=call, arguments=arguments, log=place / "log", after=after)  # type: ignore[arg-type]


def test_a_piece_takes_what_another_gave(tmp_path: Path) -> None:
    second = task(tmp_path, "second", max, [pool.Result(of="first"), 1], after=("first",))
    events = pool.run([second, task(tmp_path, "first", abs, -21)], 2)
    assert {e.task: e.value for e in events if isinstance(e, pool.Done)} == {"first": 21, "second": 21}


def test_a_failure_names_the_piece_and_its_log(tmp_path: Path) -> None:
    failing = task(tmp_path, "leap", os.listdir, str(tmp_path / "nowhere"))
    with pytest.raises(PlumblineError, match=r"leap: FileNotFoundError.*\(log: .*log\)"):
        list(pool.run([failing], 1))


def test_a_slice_touches_a_fault_unless_an_attribute_tells_them_apart() -> None:
    sight = Sight(probe="group_error", of=(("ground", "woven"),))

    class Found:
        probe = "group_error"

        def __init__(self, *of: tuple[str, str]) -> None:
            self.slice = Slice(of=of, n=9)

    assert sights.touches(Found(("ground", "woven")), sight)  # type: ignore[arg-type]
    assert sights.touches(Found(("tone", "dark")), sight)  # type: ignore[arg-type]
    assert not sights.touches(Found(("ground", "forest floor")), sight)  # type: ignore[arg-type]


SHOWN_WHEN_FAST = {
    ("faces", "1"): {"low_contrast", "few_examples", "face_copies"},
    ("comments", "1"): {"identity_term", "comment_copies"},
    ("comments", "2"): {"comment_copies"},
    ("mushrooms", "1"): {"mushroom_copies"},
    ("mushrooms", "2"): {"mushroom_copies"},
}
"""With 1,000 mushrooms and 1,200 faces the shortcut and the lost glasses are too small to be told; the full
demo shows them (docs/demo.md)."""


@pytest.mark.slow
@pytest.mark.models
def test_audits_of_trained_models_show_what_was_planted(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    pytest.importorskip("torch", reason="needs the extra [models]")
    pytest.importorskip("lightning", reason="needs the extra [models]")
    from audit.store.read import open_run

    assert cli.main(
        ["demo", "--fast", "--data", str(tmp_path / "data"), "--runs", str(tmp_path / "runs")]
    ) in (0, 1)
    out = capsys.readouterr().out
    made = demo(tmp_path)
    finished = stages.run(made)  # nothing is made again: the same folders
    assert all(seconds < 10 for name, seconds in finished.seconds.items() if name.startswith("train"))
    for (kind, number), names in SHOWN_WHEN_FAST.items():
        version = made.versions(kind)[int(number) - 1]  # type: ignore[arg-type]
        run = open_run(finished.runs[kind, number])  # type: ignore[index]
        found = {o.fault.name: o.state for o in sights.outcomes(run, version.faults, version.repaired)}
        assert names <= {name for name, state in found.items() if state is sights.State.FOUND}
    assert "2 against 1" in out
    assert str(finished.runs["faces", "1"]) in out
