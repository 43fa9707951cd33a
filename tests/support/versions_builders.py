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
