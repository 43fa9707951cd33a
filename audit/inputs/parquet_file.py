"""Predictions in Parquet: names, audited columns, one streamed column."""

from __future__ import annotations

from collections.abc import Collection, Iterator, Sequence

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from audit.errors import InputError
from audit.inputs.files import PredictionsFile, Survey
from audit.inputs.raw import Raw, plain, record_numbers

BATCH = 8192
SMALLEST = 12
"""Bytes of a file that can hold both marks and the length of its footer."""
UNREADABLE = (pa.ArrowException, OSError, UnicodeDecodeError)


def header(file: PredictionsFile) -> list[str]:
    """Column names.

    Raises:
        InputError: the file is cut off or damaged.
    """
    try:
        names: list[str] = pq.read_schema(file.path).names
    except UNREADABLE as error:
        raise _unreadable(file, error) from error
    return names


def read(file: PredictionsFile, names: Sequence[str], categories: Collection[str], told: Survey) -> Raw:
    """Read some columns in the types that they have.

    Args:
        file: the file.
        names: columns to read.
        categories: those of them to hold as dictionaries, where they are text.
        told: not needed for this format.

    Raises:
        InputError: the file is cut off or damaged, has no records, or a column of lists, say.
    """
    try:
        schema = pq.read_schema(file.path)
        as_dictionary = [name for name in categories if pa.types.is_string(schema.field(name).type)]
        with pq.ParquetFile(file.path, read_dictionary=as_dictionary) as parquet:
            table = parquet.read(columns=list(names))
    except UNREADABLE as error:
        raise _unreadable(file, error) from error
    if table.num_rows == 0:
        raise InputError(file.name, "the file has columns and no records.")
    columns = {name: plain(table.column(name), f"{file.name}, column {name}") for name in names}
    return Raw(columns=columns, records=record_numbers(table.num_rows, []))


def stream(file: PredictionsFile, name: str) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
    """Yield (record numbers, values) of one column, batch by batch."""
    done = 0
    try:
        with pq.ParquetFile(file.path) as parquet:
            for batch in parquet.iter_batches(batch_size=BATCH, columns=[name]):
                numbers = np.arange(done + 1, done + batch.num_rows + 1, dtype=np.int64)
                done += batch.num_rows
                yield numbers, plain(pa.chunked_array([batch.column(0)]), f"{file.name}, column {name}")
    except UNREADABLE as error:
        raise _unreadable(file, error) from error


def _unreadable(file: PredictionsFile, error: Exception) -> InputError:
    with file.path.open("rb") as raw:
        size = raw.seek(0, 2)
        raw.seek(max(0, size - 4))
        complete = size >= SMALLEST and raw.read(4) == b"PAR1"
    if not complete:
        return InputError(
            file.name,
            f"the Parquet file is cut off: its closing mark is missing after {size:,} bytes.",
            "Copy or export the file again.",
        )
    return InputError(
        file.name,
        f"the Parquet file is damaged ({str(error).splitlines()[0]}).",
        "Copy or export the file again.",
    )
