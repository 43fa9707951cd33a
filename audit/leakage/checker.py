"""The second check between distinct pictures: each is read once, and only where it is asked about."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor

import numpy as np
from numpy.typing import NDArray

from audit.leakage.confirm import (
    CONFIRMED,
    MIDDLE,
    Squares,
    correlate,
    correlate_between,
    join_squares,
    read_squares,
)
from audit.protocols import Progress

Places = NDArray[np.integer]


class Checker:
    """Small pictures of files, read when they are first asked for."""

    def __init__(
        self,
        paths: Sequence[str],
        rows: NDArray[np.int64],
        exif: bool,
        executor: Executor | None,
        progress: Progress,
    ) -> None:
        """Name the files; nothing is read yet.

        Args:
            paths: of all files.
            rows: (k,) rows of the distinct pictures; all places below are positions in it.
            exif: as in `decode.Reading`.
            executor: where files are read; None: here.
            progress: told how far it is.
        """
        self.paths, self.rows = paths, rows
        self._exif, self._executor, self._progress = exif, executor, progress
        self._read: dict[bool, Squares] = {}
        self._tried = {inner: np.zeros(len(paths), dtype=np.bool_) for inner in (False, True)}

    def scores(self, i: Places, j: Places, way: Places | None = None) -> NDArray[np.float32]:
        """(p,) correlation of pairs of distinct pictures, the first laid in the way given."""
        squares = self._squares(False, i, j)
        return correlate(squares, self.rows[i], self.rows[j], way)

    def confirms(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(p,) whether the pictures are the same."""
        return np.asarray(self.scores(i, j) >= CONFIRMED)

    def middles(self, i: Places, j: Places) -> NDArray[np.float32]:
        """(p,) correlation of the middle rows, which a caption upon the top or the bottom leaves."""
        squares = self._squares(False, i, j)
        return correlate_between(squares, self.rows[i], squares, self.rows[j], rows=MIDDLE)

    def within(
        self, i: Places, i_inner: NDArray[np.bool_], j: Places, j_inner: NDArray[np.bool_]
    ) -> NDArray[np.float32]:
        """(p,) correlation of pictures, of those marked what lies within their border."""
        made = np.full(i.size, np.nan, dtype=np.float32)
        for first in (False, True):
            for second in (False, True):
                own = np.flatnonzero((i_inner == first) & (j_inner == second))
                if own.size:
                    a, b = self.rows[i[own]], self.rows[j[own]]
                    one, other = self._squares(first, i[own]), self._squares(second, j[own])
                    made[own] = correlate_between(one, a, other, b)
        return made

    def _squares(self, inner: bool, *places: Places) -> Squares:
        """Small pictures of at least these places; those that were read before are kept."""
        wanted = np.unique(self.rows[np.concatenate(places)])
        fresh = wanted[~self._tried[inner][wanted]]
        if fresh.size or inner not in self._read:
            self._tried[inner][fresh] = True
            read = read_squares(
                self.paths,
                fresh,
                exif=self._exif,
                inner=inner,
                executor=self._executor,
                progress=self._progress,
            )
            self._read[inner] = join_squares(self._read[inner], read) if inner in self._read else read
        return self._read[inner]
