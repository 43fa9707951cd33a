"""Runs that the tests of reports share: made once, by the audit itself."""

from __future__ import annotations

import csv
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pytest

from audit.runner import audit_predictions
from audit.spec import Spec

HOSTILE = (
    "#set text(red)",
    "*bold*",
    "<img src=x>",
    "$x$",
    "@ref",
    "#panic(1)",
    "=1+1",
    "中文",
    "a" * 60,
)


def write_rows(path: Path, header: Sequence[str], rows: Sequence[Sequence[object]]) -> Path:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([header, *rows])
    return path


@pytest.fixture(scope="session")
def planted(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A yes/no output: the first team is missed more often, one group has seven rows, none of them right."""
    folder = tmp_path_factory.mktemp("planted")
    rng = np.random.default_rng(1)
    rows = []
    for i in range(1800):
        truth = int(rng.random() < 0.5)
        team = HOSTILE[i % len(HOSTILE)]
        score = np.clip(0.25 + 0.5 * truth + 0.2 * rng.normal() - 0.35 * truth * (team == HOSTILE[0]), 0, 1)
        tiny = i < 7
        shift = "tiny" if tiny else ("early", "late")[i % 2]
        rows.append([f"person-{i}", truth, f"{1 - truth if tiny else score:.4f}", team, shift])
    file = write_rows(
        folder / "planted.csv", ["id", "true.hired", "score.hired", "group.team", "group.shift"], rows
    )
    return audit_predictions(
        file, Spec(name="planted", version="v1", probes=("group_error",)), folder / "runs"
    )


@pytest.fixture(scope="session")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A number, no attributes."""
    folder = tmp_path_factory.mktemp("bare")
    rows = [[f"r{i}", 20 + i % 50, 22 + i % 47] for i in range(300)]
    file = write_rows(folder / "bare.csv", ["id", "true.age", "pred.age"], rows)
    return audit_predictions(file, Spec(name="bare", version="v1", probes=("group_error",)), folder / "runs")


@pytest.fixture(scope="session")
def truthless(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """Scores and groups, no truth."""
    folder = tmp_path_factory.mktemp("truthless")
    rows = [[f"r{i}", (i * 37 % 100) / 100, "FM"[i % 2]] for i in range(400)]
    file = write_rows(folder / "truthless.csv", ["id", "score.loan", "group.sex"], rows)
    return audit_predictions(
        file, Spec(name="truthless", version="v1", probes=("group_error",)), folder / "runs"
    )
