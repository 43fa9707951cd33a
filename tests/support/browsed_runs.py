"""Runs to browse in tests of the app, made once a process by the real door, probe and store."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from audit.runner import audit_predictions
from audit.spec import OutputSpec, Spec

HOSTILE = "<img src=x onerror=alert(1)>"
BOLD = "**bold**"
GROUPS = (HOSTILE, BOLD, "plain", "other")
FEW = {"draws": 199, "replicates": 50}
"""Random draws, few for speed: the tests compare pages with tables, not tables with truth."""


@cache
def folder_of_runs() -> Path:
    """A folder with one ordinary run and the odd ones; `ORDINARY` and others name their models."""
    runs = Path(tempfile.mkdtemp(prefix="plumbline-test-"))
    for name, make in MAKERS.items():
        header, rows = make()
        file = runs.parent / f"{runs.name}-{name}.csv"
        with file.open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle).writerows([header, *rows])
        outputs = {"age": OutputSpec(unit="years")} if name == ORDINARY else {}
        spec = Spec(name=name, version="1", outputs=outputs, **FEW)
        with ThreadPoolExecutor(2) as executor:
            audit_predictions(file, spec, runs, executor)
    return runs


def run_folder(name: str) -> Path:
    """The folder of the run of a model."""
    return next((folder_of_runs() / name / "1").iterdir())


Csv = tuple[Sequence[str], Iterable[Sequence[object]]]
ORDINARY, BARE, TRUTHLESS, LONELY, WIDE = "ordinary", "no-attributes", "no-truth", "one-group", "wide"


def _ordinary() -> Csv:
    rng = np.random.default_rng(3)
    rows = []
    for i in range(900):
        people, sex = GROUPS[i % 4], ("F", "M")[int(rng.random() < 0.5)]
        hired = int(rng.random() < 0.4)
        score = rng.normal(0.7 if hired else 0.3, 0.15) + (0.3 if people == HOSTILE else 0.0)
        age = rng.integers(10, 70)
        said = age + rng.normal(0, 6 if sex == "M" else 3)
        text = f"row {i} <b>x</b> you idiot"
        rows.append(
            [f"r{i}", hired, f"{np.clip(score, 0, 1):.4f}", age, f"{said:.2f}", people, sex, text, f"{i}.jpg"]
        )
    header = ["id", "true.hired", "score.hired", "true.age", "pred.age", "group.people", "group.sex"]
    return [*header, "text", "image"], rows


def _small(n: int, **more: Callable[[int], object]) -> Csv:
    rng = np.random.default_rng(4)
    truth = (rng.random(n) < 0.4).astype(int)
    score = np.clip(rng.normal(0.3 + 0.4 * truth, 0.2), 0, 1)
    rows = [[i, truth[i], f"{score[i]:.4f}", *(make(i) for make in more.values())] for i in range(n)]
    return ["id", "true.out", "score.out", *(f"group.{name}" for name in more)], rows


def _truthless() -> Csv:
    header, rows = _small(300, side=lambda i: "ab"[i % 2])
    return [name for name in header if name != "true.out"], [[r[0], *r[2:]] for r in rows]


MAKERS: dict[str, Callable[[], Csv]] = {
    ORDINARY: _ordinary,
    BARE: lambda: _small(200),
    TRUTHLESS: _truthless,
    LONELY: lambda: _small(200, site=lambda i: "only"),
    WIDE: lambda: _small(
        3000,
        region=lambda i: f"Région {i % 50:02d} – ein sehr langer Name, 很长的名字 {i % 50:02d}",
        job=lambda i: f"job {i % 3}",
    ),
}
