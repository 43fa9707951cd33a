"""`plumbline demo`: synthesise data with planted faults, train, audit, compare, and say what was found."""

from __future__ import annotations

import argparse
import importlib.util
import time
from pathlib import Path
from typing import TYPE_CHECKING

from dashboard.cli.arguments import add_runs

if TYPE_CHECKING:
    from collections.abc import Callable

    from dashboard.cli.arguments import Subparsers
    from dashboard.demo.plan import Demo
    from dashboard.demo.pool import Done, Task
    from dashboard.demo.sights import Outcome
    from dashboard.demo.stages import Finished
    from training.data.records import Kind

NEEDED = ("torch", "torchvision", "transformers", "lightning")


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "demo",
        help="synthesise data, train two versions of three models, audit and compare them",
        description="Synthesise data with planted faults, train two versions of each of the three models on "
        "it, audit and compare them, and say fault by fault what was found. What is finished is not done "
        "again.",
    )
    parser.add_argument("--fast", action="store_true", help="fewer rows: quicker, and small groups tell less")
    parser.add_argument("--twin", action="store_true", help="no faults: every finding is a false alarm")
    parser.add_argument("--seed", type=int, default=0, metavar="N", help="of data and trainings (default 0)")
    parser.add_argument(
        "--data",
        type=Path,
        default=Path("demo"),
        metavar="DIR",
        help="where data, weights and logs go (default: ./demo)",
    )
    add_runs(parser)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Make everything that is not made yet, then compare with what was planted."""
    from audit.errors import InputError, MissingExtraError

    for flag, place in (("--data", arguments.data), ("--runs", arguments.runs)):
        if place.exists() and not place.is_dir():
            raise InputError(flag, f"{place} is a file; a folder is written there.")
    if any(importlib.util.find_spec(name) is None for name in NEEDED):
        raise MissingExtraError("plumbline demo", "models")
    from dashboard.demo import stages
    from dashboard.demo.plan import FAST, FULL, KINDS, Demo

    demo = Demo(
        folder=arguments.data,
        runs=arguments.runs,
        size=FAST if arguments.fast else FULL,
        seed=arguments.seed,
        twin=arguments.twin,
    )
    began = time.monotonic()
    finished = stages.run(demo, _teller(began))
    missed = sum(_say(demo, finished, kind) for kind in KINDS)
    _say_times(finished, time.monotonic() - began)
    where = "" if arguments.runs == Path("runs") else f" --runs {arguments.runs}"
    print("\nWhat was planted: docs/data.md, and planted.csv beside each data set.")
    print(f"Browse the runs:    plumbline dashboard{where}")
    print(f"One of them as PDF: plumbline report {demo.name('faces')}/1{where} -o report.pdf")
    print(f"The versions:       plumbline compare {demo.name('faces')}/1 {demo.name('faces')}/2{where}")
    print(finished.runs["faces", "1"])
    return 1 if missed else 0


def _teller(began: float) -> Callable[[Done | tuple[Task, ...]], None]:
    def tell(event: Done | tuple[Task, ...]) -> None:
        if not isinstance(event, tuple):
            print(f"{time.monotonic() - began:6.0f} s  {event.task} ({event.seconds:.0f} s)", flush=True)

    return tell


def _say(demo: Demo, finished: Finished, kind: Kind) -> int:
    """Print what became of each planted fault of one model; returns how many were missed."""
    from audit.store.read import open_run
    from dashboard.demo import sights

    missed = 0
    for version in demo.versions(kind):
        made = open_run(finished.runs[kind, version.version])
        print(f"\n{made.model} {made.version}: {made.data['audited']['rows']:,} audited rows")
        for outcome in sights.outcomes(made, version.faults, version.repaired):
            missed += _say_outcome(outcome, demo)
        every, apart = sights.established(made), sights.apart(made, demo.audited(kind))
        print(f"  {len(every)} findings in all, {len(apart)} of them on slices apart from the planted ones")
    folder = finished.comparisons[kind]
    made = open_run(folder)
    print(f"\n{demo.name(kind)} 2 against 1: {len(sights.regressed(folder))} metrics of slices regressed")
    for outcome in sights.regressions(made, folder, demo.versions(kind)[1].planted):
        missed += _say_outcome(outcome, demo)
    return missed


def _say_outcome(outcome: Outcome, demo: Demo) -> int:
    from dashboard.cli.summary import sentence
    from dashboard.demo.sights import State

    missed = outcome.state is State.MISSED
    excused = missed and outcome.fault.name in demo.size.too_small_for
    state = "too few rows" if excused else outcome.state
    print(f"  {state:<14} {outcome.fault.name}: {outcome.fault.what}")
    if outcome.finding is not None:
        print("                 " + sentence(outcome.finding))
    if outcome.regression is not None:
        row = outcome.regression
        print(f"                 {row['metric']} of {row['slice']}: {row['old']:.3g}, then {row['new']:.3g}")
    if outcome.note:
        print(f"                 {outcome.note}")
    return missed and not excused


def _say_times(finished: Finished, wall: float) -> None:
    from dashboard.demo.stages import PROCESSES, STAGES

    sums = {stage: sum(s for n, s in finished.seconds.items() if n.startswith(stage)) for stage in STAGES}
    parts = ", ".join(f"{stage} {seconds:.0f} s" for stage, seconds in sums.items())
    print(f"\n{wall:.0f} s by the clock in {PROCESSES} processes: {parts}")
