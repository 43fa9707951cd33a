"""A model's scores beside what is known of the rows: a table in the columns of the predictions contract."""

from __future__ import annotations

from collections.abc import Iterator, Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from audit.core import UNKNOWN, Task, TaskKind
from audit.errors import InputError
from audit.protocols import Decides, Model

FIRST = ("id", "split")


def predictions_table(model: Model, known: pa.Table, scores: Mapping[str, NDArray[np.float64]]) -> pa.Table:
    """Join rows and scores.

    Args:
        model: names the outputs; where it decides by thresholds of its own, the decisions are added.
        known: id, split, true.*, group.*, identity.*, cluster, text or image; a truth that the model has no
            output for is left out. A single truth and a single output of other names belong together.
        scores: from `audit.scoring.score`.

    Returns:
        id, split, truth and scores of each output, what else was measured (``spread.age``), and the rest.

    Raises:
        InputError: the truth of an output holds none of the model's classes.
    """
    truth = {name: known[name] for name in known.column_names if name.startswith("true.")}
    truth = _renamed(truth, model.tasks)
    decided = model.decide(scores) if isinstance(model, Decides) else {}
    columns: dict[str, pa.Array] = {name: known[name] for name in FIRST if name in known.column_names}
    for name, task in model.tasks.items():
        columns.update(_output(name, task, truth, scores[name], decided.get(name)))
    for name, values in scores.items():
        if name not in model.tasks and name.endswith("_spread"):
            columns[f"spread.{name.removesuffix('_spread')}"] = pa.array(values)
    for name in known.column_names:
        if name not in FIRST and not name.startswith("true."):
            columns[name] = known[name]
    return pa.table(columns)


def _renamed(truth: dict[str, pa.Array], tasks: Mapping[str, Task]) -> dict[str, pa.Array]:
    if len(truth) == len(tasks) == 1 and not any(_belongs(name, tasks) for name in truth):
        return {f"true.{next(iter(tasks))}": next(iter(truth.values()))}
    return truth


def _belongs(column: str, tasks: Mapping[str, Task]) -> bool:
    name = column.removeprefix("true.")
    return any(name == output or name.startswith(f"{output}.") for output in tasks)


def _output(
    name: str,
    task: Task,
    truth: Mapping[str, pa.Array],
    scores: NDArray[np.float64],
    decided: NDArray[np.int8] | None,
) -> Iterator[tuple[str, pa.Array]]:
    """Columns of one output."""
    true = truth.get(f"true.{name}")
    if task.kind is TaskKind.REGRESSION:
        yield from _given(f"true.{name}", true)
        yield f"pred.{name}", pa.array(scores)
    elif task.kind is TaskKind.BINARY:
        yield from _given(f"true.{name}", None if true is None else _codes(f"true.{name}", true, task))
        yield f"score.{name}", pa.array(scores)
        if decided is not None:
            yield f"pred.{name}", pa.array(decided)
    elif task.kind is TaskKind.MULTICLASS:
        yield from _given(f"true.{name}", None if true is None else _words(true))
        for code, word in enumerate(task.classes):
            yield f"score.{name}.{word}", pa.array(scores[:, code])
    else:
        for code, word in enumerate(task.classes):
            yield from _given(f"true.{name}.{word}", truth.get(f"true.{name}.{word}"))
            yield f"score.{name}.{word}", pa.array(scores[:, code])


def _given(name: str, column: pa.Array | None) -> Iterator[tuple[str, pa.Array]]:
    if column is not None:
        yield name, column


def _codes(name: str, column: pa.ChunkedArray, task: Task) -> pa.Array:
    """Words as 0/1 in the order of the model's classes, others as missing; numbers as they are."""
    if not pa.types.is_string(column.type):
        return column
    found = pc.index_in(column, pa.array(task.classes, pa.string())).cast(pa.int8())
    if column.null_count < len(column) and found.null_count == len(found):
        seen = [value for value in pc.unique(column).to_pylist() if value][:6]
        raise InputError(
            f"data, {name}",
            f"one of the model's classes {', '.join(task.classes)} was expected, came {', '.join(seen)}.",
        )
    return found


def _words(column: pa.ChunkedArray) -> pa.Array:
    """Class names, the unknown ones as missing."""
    if not pa.types.is_string(column.type):
        return column
    return pc.if_else(pc.equal(column, UNKNOWN), None, column)
