"""The audited rows as a model takes them: texts as strings, images decoded."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.core import SPLITS
from audit.errors import InputError
from audit.pictures import decode
from audit.protocols import Context

BATCH = 64
"""Rows that `RunRows` holds at a time."""


def payload_column(context: Context) -> str | None:
    """Name the column that the model reads, or without a model the first one there is; None: no such column.

    Args:
        context: of the audit.
    """
    there = context.examples.source.payloads
    if context.model is not None:
        return context.model.payload if context.model.payload in there else None
    return there[0] if there else None


def inputs(context: Context, rows: NDArray[np.int64] | Sequence[int]) -> list[Any | None]:
    """Payloads of some rows, ready for `Model.predict`.

    Args:
        context: of the audit.
        rows: (k,) positions in its examples, in any order; all of them are held at once.

    Returns:
        (k,) strings, or (H, W, 3) uint8 arrays; None where a row has no payload or its picture can't be read.

    Raises:
        InputError: the rows name no payload of the kind that the model reads.
    """
    column = payload_column(context)
    if column is None or context.payloads is None:
        kind = "payload" if context.model is None else context.model.payload
        raise InputError("payloads", f"the rows have no {kind} column.")
    found = list(context.payloads(column, np.asarray(rows, dtype=np.int64)))
    if column == "text":
        return found
    root = Path(context.examples.source.data_root)
    return list(context.executor.map(_picture, [None if name is None else root / name for name in found]))


class RunRows:
    """An audit's rows as a data set (`audit.protocols.DataSet`), those without a usable payload left out."""

    def __init__(self, context: Context) -> None:
        """Look at a context's rows.

        Args:
            context: with payloads.
        """
        self.context = context

    def rows(self, split: str) -> Iterator[tuple[str, Any]]:
        """Yield (id, payload) of one split, in the order of the examples."""
        examples = self.context.examples
        at = np.flatnonzero(examples.split == SPLITS.index(split))
        for start in range(0, len(at), BATCH):
            part = at[start : start + BATCH]
            for row, payload in zip(part.tolist(), inputs(self.context, part), strict=True):
                if payload is not None:
                    yield examples.ids[row].as_py(), payload


def _picture(path: Path | None) -> NDArray[np.uint8] | None:
    try:
        return None if path is None else decode(path)
    except InputError:
        return None
