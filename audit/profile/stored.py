"""The columns of a run's predictions.parquet as arrays, one read at a time and only when asked for."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from audit.core import SPLITS, Attribute, TaskKind
from audit.store.columns import codes, numbers
from audit.store.layout import PREDICTIONS
from audit.store.payload_rows import PayloadRows


@dataclass(frozen=True, kw_only=True)
class Truth:
    """What is true of every row for one question; exactly one of the two is set."""

    classes: Attribute | None = None
    """(n,) codes into the classes; -1 where the truth is not known."""
    number: NDArray[np.float64] | None = None
    """(n,) NaN where the truth is not known."""


@dataclass(frozen=True, kw_only=True)
class Question:
    """One yes/no question of a run: a yes/no output, or one label of an output with several."""

    name: str
    """``output`` or ``output/label``."""
    suffix: str
    """Of its columns: ``output`` or ``output.label``."""
    words: tuple[str, ...]
    """(negative, positive) as the file has them; empty for a label, whose column holds 0 and 1."""


def columns(folder: Path) -> list[str]:
    """Names of the columns that the run's rows have; none where it holds no rows, as a comparison does."""
    path = folder / PREDICTIONS
    return list(pq.read_schema(path).names) if path.is_file() else []


def splits(folder: Path) -> NDArray[np.int8]:
    """(n,) codes into SPLITS."""
    return codes(_column(folder, "split"), SPLITS).astype(np.int8)


def attribute(folder: Path, name: str, values: tuple[str, ...]) -> Attribute:
    """A declared attribute of every row.

    Args:
        folder: the run's folder.
        name: of the attribute.
        values: in the order of the run's manifest.
    """
    return Attribute(name=name, values=values, codes=codes(_column(folder, f"group.{name}"), values))


def clusters(folder: Path) -> NDArray[np.int64]:
    """(n,) codes of rows that belong together."""
    return numbers(_column(folder, "cluster")).astype(np.int64)


def questions(outputs: Mapping[str, Any]) -> list[Question]:
    """The yes/no questions of a run, in its order.

    Args:
        outputs: `AuditRun.data["outputs"]`.
    """
    found = []
    for name, about in outputs.items():
        if about["kind"] == TaskKind.BINARY:
            found.append(Question(name=name, suffix=name, words=tuple(about["classes"])))
        elif about["kind"] == TaskKind.MULTILABEL:
            found += [Question(name=f"{name}/{c}", suffix=f"{name}.{c}", words=()) for c in about["classes"]]
    return found


def positive(folder: Path, question: Question, role: str = "true") -> NDArray[np.int8]:
    """(n,) 1 yes, 0 no, -1 not known: the truth, or what the model decided.

    Args:
        folder: the run's folder.
        question: one of `questions`.
        role: "true" or "pred".
    """
    column = _column(folder, f"{role}.{question.suffix}")
    if question.words:
        return codes(column, question.words).astype(np.int8)
    return np.nan_to_num(numbers(column), nan=-1).astype(np.int8)


def truth(folder: Path, output: str, about: Mapping[str, Any]) -> Truth:
    """The truth of an output of classes or of a number; one with several labels has a truth a label.

    Args:
        folder: the run's folder.
        output: its name.
        about: its entry in the manifest.
    """
    column = _column(folder, f"true.{output}")
    if about["kind"] == TaskKind.REGRESSION:
        return Truth(number=numbers(column))
    classes = tuple(about["classes"])
    return Truth(classes=Attribute(name=output, values=classes, codes=codes(column, classes)))


def dropped(folder: Path, output: str, about: Mapping[str, Any]) -> NDArray[np.bool_]:
    """(n,) rows that could not be used for an output: they lack its truth or its score."""
    if about["kind"] != TaskKind.MULTILABEL:
        return _null(folder, f"pred.{output}")
    labels = [_null(folder, f"pred.{output}.{label}") for label in about["classes"]]
    return np.asarray(np.logical_and.reduce(labels), dtype=bool)


def payloads(folder: Path, rows: NDArray[np.int64], column: str) -> list[str | None]:
    """Texts or image paths of some rows, in their order; None where there is none.

    Args:
        folder: the run's folder.
        rows: (k,) positions.
        column: "text" or "image".
    """
    return list(PayloadRows(folder / PREDICTIONS)(column, rows))


def _column(folder: Path, name: str) -> pa.ChunkedArray:
    return pq.read_table(folder / PREDICTIONS, columns=[name]).column(0)


def _null(folder: Path, name: str) -> NDArray[np.bool_]:
    return np.asarray(_column(folder, name).is_null().to_numpy(), dtype=bool)
