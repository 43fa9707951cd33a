"""Texts and image paths of a run's rows, read from its predictions.parquet by position."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray


class PayloadRows:
    """Gives the payloads of any rows, and holds one row group of one column at most.

    Many small requests of neighbouring rows read each row group once. Safe to call from several threads.
    """

    def __init__(self, path: Path) -> None:
        """Read where the row groups begin.

        Args:
            path: a predictions.parquet.
        """
        self.path = path
        with pq.ParquetFile(path) as file:
            sizes = [file.metadata.row_group(group).num_rows for group in range(file.num_row_groups)]
        self.begin = np.concatenate([[0], np.cumsum(np.array(sizes, dtype=np.int64))])
        self._held: tuple[str, int, pa.ChunkedArray] | None = None

    def __call__(self, column: str, rows: NDArray[np.int64]) -> Iterator[str | None]:
        """Payloads of some rows, one row group after the other where the rows are in order.

        Args:
            column: "text" or "image".
            rows: (k,) positions, in any order.
        """
        order = np.argsort(rows, kind="stable")
        if np.array_equal(order, np.arange(len(rows))):
            return self._in_order(column, rows)
        values = list(self._in_order(column, rows[order]))
        back = np.empty_like(order)
        back[order] = np.arange(len(order))
        return (values[i] for i in back)

    def _in_order(self, column: str, rows: NDArray[np.int64]) -> Iterator[str | None]:
        for group in np.unique(np.searchsorted(self.begin, rows, side="right") - 1).tolist():
            first, last = np.searchsorted(rows, self.begin[group : group + 2])
            at = pa.array(rows[first:last] - self.begin[group])
            yield from self._group(column, group).take(at).to_pylist()

    def _group(self, column: str, group: int) -> pa.ChunkedArray:
        held = self._held
        if held is None or held[:2] != (column, group):
            with pq.ParquetFile(self.path) as file:
                held = (column, group, file.read_row_group(group, columns=[column]).column(0))
            self._held = held
        return held[2]
