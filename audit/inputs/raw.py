"""Columns as a file holds them, before anyone asks what they mean."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from audit.errors import InputError

WHOLE = 2.0**53
"""Floats of this size and more have no exact whole number."""


@dataclass(frozen=True, kw_only=True)
class Raw:
    """The columns that an audit reads, one value a record; records without the right fields are absent."""

    columns: Mapping[str, pa.Array]
    """Name in the file -> (n,) text, dictionary of text, number or boolean; null is an empty field."""
    records: NDArray[np.int64]
    """(n,) number of each record in the file, from 1."""
    refused: tuple[tuple[int, str], ...] = ()
    """(record, reason) of the records that could not be read at all."""

    @property
    def n(self) -> int:
        """Records that were read."""
        return len(self.records)

    @property
    def total(self) -> int:
        """Records in the file."""
        return self.n + len(self.refused)


def record_numbers(n: int, refused: Sequence[int], first: int = 0) -> NDArray[np.int64]:
    """Numbers, from 1, of the records that were read.

    Args:
        n: records that were read so far.
        refused: numbers of the refused ones, increasing; those after the n-th do not count.
        first: leave out this many.
    """
    rows = np.arange(first, n, dtype=np.int64)
    if not len(refused):
        return rows + 1
    read_before = np.asarray(refused, dtype=np.int64) - 1 - np.arange(len(refused))
    return rows + 1 + np.searchsorted(read_before, rows, side="right")


def plain(column: pa.ChunkedArray, place: str) -> pa.Array:
    """One contiguous array of text, dictionary of text, float, integer or boolean.

    Args:
        column: a column in any type that a file may hold.
        place: file and column, for the message.

    Raises:
        InputError: lists, structures or bytes that are no text.
    """
    try:
        column.validate(full=True)
    except pa.ArrowInvalid as error:
        raise InputError(place, "it holds text that is not UTF-8.", "Export it again as UTF-8.") from error
    if pa.types.is_dictionary(column.type):
        value_type = column.type.value_type
        if pa.types.is_string(value_type):
            return _one(column.unify_dictionaries().cast(pa.dictionary(pa.int32(), pa.string())))
        column = column.cast(value_type)
    kind = column.type
    if pa.types.is_nested(kind):
        raise InputError(place, f"expected one value a record, came {kind}.")
    if pa.types.is_float16(kind) or pa.types.is_decimal(kind):
        column = column.cast(pa.float64())
    elif not (pa.types.is_string(kind) or _is_number(kind) or pa.types.is_boolean(kind)):
        try:
            column = column.cast(pa.string())
        except (pa.ArrowInvalid, pa.ArrowNotImplementedError) as error:
            raise InputError(place, f"expected text, numbers or true/false, came {kind}.") from error
    return _without_empty(_one(column))


def text_of(column: pa.Array) -> pa.Array:
    """A column as text; whole floats lose their ".0": a whole column with gaps has become floats."""
    kind = column.type
    if pa.types.is_string(kind):
        return column
    if pa.types.is_floating(kind):
        numbers = np.asarray(column.to_numpy(zero_copy_only=False), dtype=np.float64)
        known = numbers[~np.isnan(numbers)]
        if np.all(known == np.floor(known)) and np.all(np.abs(known) < WHOLE):
            nan = pc.is_nan(column)
            whole = pc.if_else(nan, 0, column).cast(pa.int64()).cast(pa.string())
            return pc.if_else(nan, "nan", whole)
    return column.cast(pa.string())


def codes_of(column: pa.Array) -> tuple[NDArray[np.int32], list[str]]:
    """Code of every value, -1 for missing, and the distinct values as text in order of appearance."""
    encoded = column if pa.types.is_dictionary(column.type) else column.dictionary_encode()
    codes = pc.fill_null(encoded.indices, -1).to_numpy(zero_copy_only=False).astype(np.int32, copy=False)
    values = text_of(encoded.dictionary).to_pylist()
    if None in values:
        codes = np.where(codes == values.index(None), np.int32(-1), codes)
    return codes, ["" if value is None else value for value in values]


def _one(column: pa.ChunkedArray) -> pa.Array:
    if column.num_chunks == 1:
        return column.chunk(0)
    combined = column.combine_chunks()
    return combined if isinstance(combined, pa.Array) else pa.concat_arrays(combined.chunks)


def _is_number(kind: pa.DataType) -> bool:
    return bool(pa.types.is_integer(kind) or pa.types.is_floating(kind))


def _without_empty(column: pa.Array) -> pa.Array:
    """Empty text is a missing value in every format."""
    if not pa.types.is_string(column.type):
        return column
    empty = pc.equal(pc.binary_length(column), 0)
    return pc.if_else(empty, None, column) if pc.any(empty).as_py() else column
