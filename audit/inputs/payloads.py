"""The payload of the examples, streamed from the file in a second pass: texts, or image paths."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.errors import InputError
from audit.inputs.columns import Role, layout
from audit.inputs.files import find, hash_file
from audit.inputs.load import FORMATS
from audit.inputs.raw import text_of
from audit.spec import Spec

__all__ = ["hash_file", "text_batches"]


def text_batches(
    path: Path, spec: Spec, records: NDArray[np.int64], column: str = "text"
) -> Iterator[pa.StringArray]:
    """Yield the payload of some records in order, in batches; the file is never held as a whole.

    Args:
        path: the predictions file.
        spec: for the names of its columns.
        records: (k,) numbers of the records wanted, increasing: `Loaded.records`, or a part of it.
        column: "text" or "image".

    Returns:
        Batches that hold k values in all; null where the field is empty.

    Raises:
        InputError: the file has no such column, or fewer records than it had.
    """
    file = find(path)
    reader = FORMATS[file.kind]
    found = layout(file.name, reader.header(file), spec.columns).one(Role(column))
    if found is None:
        raise InputError(file.name, f"there is no {column} column.")
    done = 0
    for numbers, values in reader.stream(file, found.source):
        if done == len(records):
            return
        end = done + int(np.searchsorted(records[done:], numbers[-1], side="right"))
        if end > done:
            at = np.searchsorted(numbers, records[done:end])
            yield text_of(values) if len(at) == len(values) else text_of(values.take(pa.array(at)))
            done = end
    if done < len(records):
        raise InputError(
            file.name,
            f"expected {records[-1]:,} records, as when it was first read, came fewer.",
            "It has changed.",
        )
