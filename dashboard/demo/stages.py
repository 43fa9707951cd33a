"""The demo's pieces of work in their order, and what came of them."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dashboard.demo import pool, work
from dashboard.demo.plan import KINDS, Demo
from dashboard.demo.pool import Done, Result, Task
from dashboard.demo.work import Places
from training.data.records import Kind

PROCESSES = 2
STAGES = ("synthesise", "train", "audit", "compare")


@dataclass(frozen=True, kw_only=True)
class Finished:
    """Everything that was made."""

    runs: dict[tuple[Kind, str], Path]
    """(kind, version) -> folder of the run."""
    comparisons: dict[Kind, Path]
    seconds: dict[str, float]
    """Of each piece of work; those of two pieces overlap."""


def tasks(demo: Demo) -> list[Task]:
    """Every piece of work; the longest first."""
    made: dict[str, list[Task]] = {stage: [] for stage in STAGES}

    def task(name: str, call: Callable[..., Any], *arguments: Any, after: list[str], kind: Kind) -> None:
        log = Places(demo=demo, kind=kind).log(name)
        made[name.partition(" ")[0]].append(
            Task(name=name, call=call, arguments=(demo, *arguments), log=log, after=tuple(after))
        )

    for kind in KINDS:
        places = Places(demo=demo, kind=kind)
        drawn: dict[frozenset[str], str] = {}
        audits = []
        for faults in (demo.audited(kind), *(v.faults for v in demo.versions(kind))):
            if faults not in drawn:
                drawn[faults] = f"synthesise {places.data(faults).name}"
                task(drawn[faults], work.synthesise, kind, faults, after=[], kind=kind)
        for version in demo.versions(kind):
            trained, audited = (f"{stage} {kind} {version.version}" for stage in ("train", "audit"))
            task(trained, work.train, version, after=[drawn[version.faults]], kind=kind)
            task(audited, work.audit, version, after=[trained, drawn[demo.audited(kind)]], kind=kind)
            audits.append(audited)
        results = [Result(of=name) for name in audits]
        task(f"compare {kind}", work.compare, kind, results, after=audits, kind=kind)
    return [one for stage in STAGES for one in made[stage]]


def run(demo: Demo, told: Callable[[Done | tuple[Task, ...]], None] = lambda _: None) -> Finished:
    """Do all that is not done yet.

    Args:
        demo: what to make.
        told: of each finished piece, and of what runs now.

    Raises:
        PlumblineError: a piece of work failed; its log is named.
    """
    done: dict[str, Done] = {}
    for event in pool.run(tasks(demo), PROCESSES):
        told(event)
        if isinstance(event, Done):
            done[event.task] = event
    return Finished(
        runs={
            (kind, v.version): done[f"audit {kind} {v.version}"].value
            for kind in KINDS
            for v in demo.versions(kind)
        },
        comparisons={kind: done[f"compare {kind}"].value for kind in KINDS},
        seconds={name: one.seconds for name, one in done.items()},
    )
