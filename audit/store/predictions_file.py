"""predictions.parquet: what was audited, in the columns of the contract, so that it can be audited again."""

from __future__ import annotations

from collections.abc import Iterable, Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import SPLITS, Attribute, Examples, Predictions, TaskKind
from audit.errors import RunError
from audit.store.atomic import ROWS, parquet_writer, replacing

TEXT_BYTES = 64 << 20
"""Text of a row group at most, roughly: what is held of a payload that may be larger than the memory."""
WORD = pa.dictionary(pa.int32(), pa.string())


def write_predictions(
    path: Path,
    examples: Examples,
    predictions: Iterable[Predictions],
    texts: Iterable[pa.Array] | None = None,
) -> None:
    """Write every audited row.

    Args:
        path: the file to make.
        examples: the rows.
        predictions: one for each output.
        texts: the text of every row, in the rows' order, in pieces of any length; None: no such payload.

    Raises:
        RunError: the pieces of text do not add up to the rows.
    """
    base = base_table(examples, predictions)
    with replacing(path) as beside:
        if texts is None:
            with parquet_writer(beside, base.schema) as writer:
                writer.write_table(base, row_group_size=ROWS)
            return
        schema = base.schema.append(pa.field("text", pa.string()))
        with parquet_writer(beside, schema) as writer:
            done = 0
            for group in _groups(texts):
                if done + len(group) > examples.n:
                    done += len(group)
                    break
                table = base.slice(done, len(group)).append_column("text", group)
                writer.write_table(table, row_group_size=ROWS)
                done += len(group)
        if done != examples.n:
            raise RunError(
                f"{path.name}: the second pass over the text did not give the {examples.n:,} rows again."
            )


def base_table(examples: Examples, predictions: Iterable[Predictions]) -> pa.Table:
    """All columns but the text: id, split, groups, identities, cluster, image, and each output's columns."""
    columns: dict[str, pa.Array] = {
        "id": examples.ids.cast(pa.string()),
        "split": _words(examples.split, SPLITS),
    }
    for name, attribute in examples.attributes.items():
        columns[f"group.{name}"] = _attribute(attribute)
    for name, membership in examples.identities.items():
        columns[f"identity.{name}"] = pa.array(membership, from_pandas=True)
    if examples.clusters is not None:
        columns["cluster"] = pa.array(examples.clusters)
    for prediction in predictions:
        columns.update(_output(prediction, examples.n))
    if examples.images is not None:
        columns["image"] = examples.images.cast(pa.string())
    return pa.table(columns)


def _groups(texts: Iterable[pa.Array]) -> Iterator[pa.ChunkedArray]:
    """Gather pieces of text into row groups of at most ROWS rows and about TEXT_BYTES bytes."""
    held: list[pa.Array] = []
    rows = size = 0
    for piece in texts:
        for start in range(0, len(piece), ROWS):
            part = piece.slice(start, ROWS)
            if held and (rows + len(part) > ROWS or size + part.nbytes > TEXT_BYTES):
                yield pa.chunked_array(held, pa.string())
                held, rows, size = [], 0, 0
            held.append(part.cast(pa.string()))
            rows += len(part)
            size += part.nbytes
    if rows:
        yield pa.chunked_array(held, pa.string())


def _output(prediction: Predictions, n: int) -> dict[str, pa.Array]:
    kind, name = prediction.task.kind, prediction.output
    place = None if len(prediction.rows) == n else prediction.rows
    if kind is TaskKind.REGRESSION:
        columns = {f"pred.{name}": _floats(prediction.decision)}
        if prediction.truth is not None:
            columns = {f"true.{name}": _floats(prediction.truth), **columns}
    elif kind is TaskKind.MULTILABEL:
        columns = _labels(prediction)
    else:
        columns = _classes(prediction)
    return columns if place is None else {key: _spread(value, place, n) for key, value in columns.items()}


def _classes(prediction: Predictions) -> dict[str, pa.Array]:
    name, classes = prediction.output, prediction.task.classes
    columns: dict[str, pa.Array] = {}
    if prediction.truth is not None:
        columns[f"true.{name}"] = _words(prediction.truth, classes)
    if prediction.scores is not None and prediction.scores.ndim == 1:
        columns[f"score.{name}"] = _floats(prediction.scores)
    elif prediction.scores is not None:
        for code, label in enumerate(classes):
            columns[f"score.{name}.{label}"] = _floats(prediction.scores[:, code])
    columns[f"pred.{name}"] = _words(prediction.decision, classes)
    return columns


def _labels(prediction: Predictions) -> dict[str, pa.Array]:
    name = prediction.output
    columns: dict[str, pa.Array] = {}
    for code, label in enumerate(prediction.task.classes):
        if prediction.truth is not None:
            columns[f"true.{name}.{label}"] = _flags(prediction.truth[:, code])
        if prediction.scores is not None:
            columns[f"score.{name}.{label}"] = _floats(prediction.scores[:, code])
        columns[f"pred.{name}.{label}"] = _flags(prediction.decision[:, code])
    return columns


def _floats(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(np.ascontiguousarray(values, dtype=np.float64), from_pandas=True)


def _flags(values: NDArray[np.int8]) -> pa.Array:
    return pa.array(np.ascontiguousarray(values, dtype=np.int8), mask=values < 0)


def _words(codes: NDArray[np.int8], words: tuple[str, ...]) -> pa.Array:
    """Codes as a dictionary of words; a negative code is missing."""
    indices = pa.array(np.ascontiguousarray(codes, dtype=np.int32), mask=codes < 0)
    return pa.DictionaryArray.from_arrays(indices, pa.array(words, pa.string()))


def _attribute(attribute: Attribute) -> pa.Array:
    return pa.DictionaryArray.from_arrays(pa.array(attribute.codes), pa.array(attribute.values, pa.string()))


def _spread(values: pa.Array, rows: NDArray[np.int64], n: int) -> pa.Array:
    """Put the values of some rows at their places among all rows; the others are null."""
    source = np.zeros(n, dtype=np.int64)
    source[rows] = np.arange(len(rows))
    absent = np.ones(n, dtype=np.bool_)
    absent[rows] = False
    return values.take(pa.array(source, mask=absent))
