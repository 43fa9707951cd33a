"""Predictions in JSON Lines: names, audited columns, one streamed column."""

from __future__ import annotations

import json
from collections.abc import Collection, Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.json as arrow_json
from numpy.typing import NDArray

from audit.errors import InputError
from audit.inputs.files import PredictionsFile, Survey, lines_of_text
from audit.inputs.raw import Raw, plain, record_numbers

SNIFFED = 1000
"""Records whose keys are taken for the file's columns."""
BLOCK = 1 << 24
BATCH = 8192
NOT_AN_OBJECT = "expected one JSON object a line"


def header(file: PredictionsFile) -> list[str]:
    """Keys of the first records, in order of appearance.

    Raises:
        InputError: there are no records, or none of the first is an object.
    """
    names: dict[str, None] = {}
    first: str | None = None
    for _, line in islice(_records(file), SNIFFED):
        first = line if first is None else first
        names.update(dict.fromkeys(_object(line) or ()))
    if first is None:
        raise InputError(file.name, "the file is empty: it holds no records.")
    if not names:
        raise InputError(
            f"{file.name}, record 1",
            f"{NOT_AN_OBJECT}, came {first[:40].strip()!r}.",
            'Write every example on a line of its own: {"id": "a1", "true.toxic": 0, "score.toxic": 0.12}',
        )
    return list(names)


def read(file: PredictionsFile, names: Sequence[str], categories: Collection[str], told: Survey) -> Raw:
    """Read some keys of every record: by Arrow where each key has one type, else record by record.

    Args:
        file: the file.
        names: keys to read.
        categories: not needed for this format.
        told: not needed for this format.
    """
    schema = _schema(file, names)
    if schema is not None:
        try:
            table = arrow_json.read_json(
                file.path,
                read_options=arrow_json.ReadOptions(block_size=BLOCK),
                parse_options=arrow_json.ParseOptions(
                    explicit_schema=schema, unexpected_field_behavior="ignore"
                ),
            )
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError):
            pass  # a key with two types, or a line that is no object: told record by record below
        else:
            columns = {name: plain(table.column(name), f"{file.name}, column {name}") for name in names}
            return Raw(columns=columns, records=record_numbers(table.num_rows, []))
    return _by_record(file, names)


def stream(file: PredictionsFile, name: str) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
    """Yield (record numbers, values) of one key, batch by batch; lines that are no object are left out."""
    records = _records(file)
    while batch := list(islice(records, BATCH)):
        found = [(number, _object(line)) for number, line in batch]
        kept = [(number, _text(values.get(name))) for number, values in found if values is not None]
        if kept:
            yield (
                np.array([number for number, _ in kept], dtype=np.int64),
                pa.array([value for _, value in kept], pa.string()),
            )


def _by_record(file: PredictionsFile, names: Sequence[str]) -> Raw:
    values: dict[str, list[str | None]] = {name: [] for name in names}
    refused: list[tuple[int, str]] = []
    rows = 0
    for number, line in _records(file):
        found = _object(line)
        if found is None:
            refused.append((number, f"{NOT_AN_OBJECT}, came {line[:40].strip()!r}"))
            continue
        rows += 1
        for name in names:
            values[name].append(_text(found.get(name)))
    columns = {
        name: plain(pa.chunked_array([pa.array(column, pa.string())]), f"{file.name}, column {name}")
        for name, column in values.items()
    }
    return Raw(
        columns=columns,
        records=record_numbers(rows, [number for number, _ in refused]),
        refused=tuple(refused),
    )


def _schema(file: PredictionsFile, names: Sequence[str]) -> pa.Schema | None:
    """Arrow types of the keys, from the first records; None where a key has none or several."""
    seen: dict[str, set[type]] = {name: set() for name in names}
    for _, line in islice(_records(file), SNIFFED):
        found = _object(line) or {}
        for name in names:
            if found.get(name) is not None:
                seen[name].add(type(found[name]))
    fields = []
    for name, types in seen.items():
        kind = _arrow_type(name, types)
        if kind is None:
            return None
        fields.append((name, kind))
    return pa.schema(fields)


def _arrow_type(name: str, types: set[type]) -> pa.DataType | None:
    if types == {str}:
        return pa.string()
    if types == {bool}:
        return pa.bool_()
    if types == {int}:
        return pa.float64() if name.startswith(("score.", "pred.", "true.", "identity.")) else pa.int64()
    return pa.float64() if types in ({float}, {int, float}) else None


def _records(file: PredictionsFile) -> Iterator[tuple[int, str]]:
    """Yield (number from 1, line) of every line that is not blank."""
    return enumerate((line for line in lines_of_text(file) if not line.isspace()), start=1)


def _object(line: str) -> dict[str, Any] | None:
    try:
        found = json.loads(line)
    except (ValueError, RecursionError):
        return None
    return found if isinstance(found, dict) else None


def _text(value: Any) -> str | None:
    if value is None:
        return None
    if isinstance(value, str):
        return (
            value if value.isascii() else value.encode("utf-8", "replace").decode()
        )  # half a surrogate pair
    return json.dumps(value, ensure_ascii=False)
