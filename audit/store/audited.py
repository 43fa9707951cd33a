"""The audited rows of a finished run as arrays again, for whoever compares runs."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from audit.core import Attribute, Predictions, Task, TaskKind
from audit.errors import RunError
from audit.store.columns import codes, numbers, whole
from audit.store.layout import PREDICTIONS
from audit.store.read import read_manifest


@dataclass(frozen=True, kw_only=True)
class AuditedRows:
    """What a run measured: the rows of the split that its metrics used."""

    folder: Path
    manifest: Mapping[str, Any]
    ids: pa.StringArray
    """(n,) unique."""
    attributes: Mapping[str, Attribute]
    clusters: NDArray[np.int64] | None
    predictions: Mapping[str, Predictions]
    """Output -> what the model said; `rows` are positions in `ids`."""
    identities: Mapping[str, NDArray[np.float32]] = field(default_factory=dict)
    """Identity -> (n,) share of annotators who say that the row names it; NaN: not annotated for it."""

    @property
    def label(self) -> str:
        """MODEL/VERSION."""
        return f"{self.manifest['model']}/{self.manifest['version']}"


def audited_rows(folder: Path) -> AuditedRows:
    """Read the audited rows of a finished run, texts and images left where they are.

    Args:
        folder: the run's folder.

    Raises:
        RunError: there is no finished run, or it holds no predictions.
    """
    manifest = read_manifest(folder)
    path = folder / PREDICTIONS
    if not path.is_file():
        raise RunError(f"{folder}: the run holds no {PREDICTIONS}; a comparison can't be compared.")
    names = [name for name in pq.read_schema(path).names if name not in ("text", "image")]
    table = pq.read_table(path, columns=names)
    split = manifest["data"]["audited"]["split"]
    table = table.filter(pc.equal(table["split"].cast(pa.string()), split)).combine_chunks()
    data = manifest["data"]
    return AuditedRows(
        folder=folder,
        manifest=manifest,
        ids=whole(table["id"]).cast(pa.string()),
        attributes={
            name: Attribute(name=name, values=tuple(values), codes=codes(table[f"group.{name}"], [*values]))
            for name, values in data["attributes"].items()
        },
        clusters=numbers(table["cluster"]).astype(np.int64) if "cluster" in names else None,
        predictions={name: _output(table, name, entry) for name, entry in data["outputs"].items()},
        identities={
            name.removeprefix("identity."): numbers(table[name]).astype(np.float32)
            for name in names
            if name.startswith("identity.")
        },
    )


def _output(table: pa.Table, name: str, entry: Mapping[str, Any]) -> Predictions:
    task = Task(kind=TaskKind(entry["kind"]), classes=tuple(entry["classes"]), unit=entry["unit"])
    read = {TaskKind.REGRESSION: _regression, TaskKind.MULTILABEL: _multilabel}.get(task.kind, _classes)
    truth, scores, decision, usable = read(table, name, task)
    return Predictions(
        output=name,
        task=task,
        rows=np.flatnonzero(usable).astype(np.int64),
        truth=None if truth is None else truth[usable],
        scores=None if scores is None else scores[usable],
        decision=decision[usable],
        thresholds=tuple(entry["thresholds"]),
        dropped=dict(entry["dropped"]),
        disagreements=entry["disagreements"],
    )


_Columns = tuple[NDArray[Any] | None, NDArray[np.float64] | None, NDArray[Any], NDArray[np.bool_]]


def _regression(table: pa.Table, name: str, task: Task) -> _Columns:
    decision = numbers(table[f"pred.{name}"])
    truth = numbers(table[f"true.{name}"]) if f"true.{name}" in table.column_names else None
    return truth, None, decision, ~np.isnan(decision)


def _classes(table: pa.Table, name: str, task: Task) -> _Columns:
    words, kind = list(task.classes), np.int8 if task.kind is TaskKind.BINARY else np.int32
    decision = codes(table[f"pred.{name}"], words)
    true, score = f"true.{name}", f"score.{name}"
    truth = codes(table[true], words).astype(kind) if true in table.column_names else None
    scores = None
    if score in table.column_names:
        scores = numbers(table[score])
    elif words and f"{score}.{words[0]}" in table.column_names:
        scores = np.stack([numbers(table[f"{score}.{word}"]) for word in words], axis=1)
    return truth, scores, decision.astype(kind), decision >= 0


def _multilabel(table: pa.Table, name: str, task: Task) -> _Columns:
    def flags(role: str) -> NDArray[np.int8] | None:
        columns = [f"{role}.{name}.{label}" for label in task.classes]
        if columns[0] not in table.column_names:
            return None
        return np.stack(
            [np.nan_to_num(numbers(table[column]), nan=-1).astype(np.int8) for column in columns], axis=1
        )

    decision = flags("pred")
    assert decision is not None
    scores = None
    if f"score.{name}.{task.classes[0]}" in table.column_names:
        scores = np.stack([numbers(table[f"score.{name}.{label}"]) for label in task.classes], axis=1)
    return flags("true"), scores, decision, np.asarray((decision >= 0).any(axis=1))
