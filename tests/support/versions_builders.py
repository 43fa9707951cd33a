"""Builders of pairs and of stored runs of two versions."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import pandas as pd

from audit.core import Task, TaskKind
from audit.group_error.targets import Target
from audit.runner import audit_predictions
from audit.spec import Spec
from audit.versions.join import Pair

N = 2400
TASKS = {
    "yes_no": Task(kind=TaskKind.BINARY, classes=("0", "1")),
    "classes": Task(kind=TaskKind.MULTICLASS, classes=("a", "b", "c", "d")),
    "labels": Task(kind=TaskKind.MULTILABEL, classes=("x", "y", "z")),
    "number": Task(kind=TaskKind.REGRESSION, unit="years"),
}


def pair_of(kind: str, truth: Any, old: Any, new: Any, scores: tuple[Any, Any] | None = None) -> Pair:
    """One question answered twice; scores of both versions, or none."""
    sides = [
        Target(
            name="out",
            task=TASKS[kind],
            rows=np.arange(len(truth)),
            truth=np.asarray(truth),
            scores=None if scores is None else np.asarray(scores[i], float),
            decision=np.asarray(decision),
            threshold=None,
        )
        for i, decision in enumerate((old, new))
    ]
    return Pair(old=sides[0], new=sides[1])


def store_run(folder: Path, version: str, table: pd.DataFrame, name: str = "m", **spec: Any) -> Path:
    """Audit a table with a probe that costs nothing; returns the run's folder."""
    file = folder / f"{name}-{version}.csv"
    table.to_csv(file, index=False)
    asked = Spec(name=name, version=version, probes=("fake_probes:NotApplicable",), **spec)
    return audit_predictions(file, asked, folder / "runs")


def first_version() -> pd.DataFrame:
    """A yes/no output that is right in 80 % and a number, by sex and team."""
    rng = np.random.default_rng(0)
    truth = rng.integers(0, 2, N)
    right = rng.random(N) < 0.8
    return pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(N)],
            "true.ok": truth,
            "score.ok": np.round(np.where(right == (truth == 1), 0.6, 0.1) + rng.random(N) * 0.3, 4),
            "true.age": rng.integers(10, 80, N),
            "group.sex": rng.choice(["f", "m"], N),
            "group.team": rng.choice(["a", "b", "c"], N),
        }
    ).assign(**{"pred.age": lambda t: t["true.age"] + rng.normal(0, 4, N).round(2)})


def damaged(v1: pd.DataFrame, rows: pd.Series, share: float, seed: int = 1) -> pd.DataFrame:
    """The table in another order, with a share of the right answers of some rows made wrong."""
    rng = np.random.default_rng(seed)
    v2 = v1.sample(frac=1, random_state=2).copy()
    right = (v2["score.ok"] >= 0.5) == (v2["true.ok"] == 1)
    hit = rows.reindex(v2.index) & right & (rng.random(N) < share)
    v2.loc[hit, "score.ok"] = 1 - v2.loc[hit, "score.ok"]
    return v2


def planted_runs(v1: pd.DataFrame, place: Path) -> dict[str, Path]:
    """Runs 1, same (as 1), 2 and 3 (women of team a damaged), and the folder that holds them as "dir"."""
    hurt = (v1["group.sex"] == "f") & (v1["group.team"] == "a")
    return {
        "dir": place / "runs",
        "1": store_run(place, "1", v1),
        "same": store_run(place, "same", v1.sample(frac=1, random_state=5)),
        "2": store_run(place, "2", damaged(v1, hurt, 0.3)),
        "3": store_run(place, "3", damaged(v1, hurt, 0.35)),
    }
