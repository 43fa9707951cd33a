"""The second, independent check of a pair of images: correlation of the fine detail of small grey pictures.

A hash keeps 64 bits of the broad shape of a picture; two aligned faces share them by chance. The check looks
at 4,096 pixels, by another reduction (area means of 64 x 64), and at the detail that the hash leaves out. It
is blind to brightness and contrast, and lays a crop over its original first.
"""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.leakage.align import aligned_correlation, detail_correlation
from audit.leakage.decode import UnusableImageError, grey_square
from audit.leakage.hashes import turned
from audit.leakage.reduced import CUT
from audit.protocols import NoProgress, Progress

SIDE = 64
CONFIRMED = 0.88
"""Correlation of detail from which a pair counts as the same picture. Copies that were re-encoded, resized,
brightened or cut by 2 % lie above .90; of 2,078 pairs of real faces up to 10 bits, those of two persons reach
.63, and other photographs of one person .83."""
SURE = 0.95
"""Correlation of detail as the pictures lie that needs no alignment."""
HOPELESS = 0.6
"""Correlation before alignment below which no crop of 2 % lies."""
FLAT = 1e-6
WHOLE = slice(None)
MIDDLE = slice(round(SIDE * CUT), SIDE - round(SIDE * CUT))
"""Rows of a small picture that a caption upon top or bottom leaves."""
CHUNK = 256
BATCH = 512


@dataclass(frozen=True, kw_only=True)
class Squares:
    """Small grey pictures of some rows."""

    place: NDArray[np.int64]
    """(n,) position of each row among `pixels`; -1: not wanted, or could not be read."""
    pixels: NDArray[np.uint8]
    """(k, 64, 64)."""


def read_squares(
    paths: Sequence[str],
    rows: NDArray[np.int64],
    *,
    exif: bool = True,
    inner: bool = False,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Squares:
    """Read the small grey pictures of the rows that occur in pairs.

    Args:
        paths: (n,) of all files.
        rows: those wanted, in any order, repeated or not.
        exif: as in `decode.Reading`.
        inner: the pictures within their borders.
        executor: where chunks of files are read; None: here.
        progress: told after each chunk.
    """
    wanted, progress = np.unique(rows), progress or NoProgress()
    chunks = [[paths[r] for r in wanted[start : start + CHUNK]] for start in range(0, wanted.size, CHUNK)]
    asked = ([exif] * len(chunks), [inner] * len(chunks))
    parts = (
        map(squares_of_chunk, chunks, *asked)
        if executor is None
        else executor.map(squares_of_chunk, chunks, *asked)
    )
    read, done = [], 0
    for part in parts:
        read.append(part)
        done += len(part[1])
        progress.step("second check", done, wanted.size)
    pixels = np.concatenate([p for p, _ in read]) if read else np.zeros((0, SIDE, SIDE), dtype=np.uint8)
    ok = np.concatenate([o for _, o in read]) if read else np.zeros(0, dtype=np.bool_)
    place = np.full(len(paths), -1, dtype=np.int64)
    place[wanted[ok]] = np.flatnonzero(ok)
    return Squares(place=place, pixels=pixels)


def join_squares(first: Squares, second: Squares) -> Squares:
    """Put the pictures of two disjoint sets of rows together."""
    later = second.place >= 0
    place = np.where(later, second.place + first.pixels.shape[0], first.place)
    return Squares(place=place, pixels=np.concatenate([first.pixels, second.pixels]))


def squares_of_chunk(
    paths: Sequence[str], exif: bool, inner: bool
) -> tuple[NDArray[np.uint8], NDArray[np.bool_]]:
    """Read a few files in this process: the unit of work of an executor.

    Args:
        paths: of the files.
        exif: as in `decode.Reading`.
        inner: the pictures within their borders.

    Returns:
        (k, 64, 64) pictures, and (k,) whether each could be read.
    """
    pixels = np.zeros((len(paths), SIDE, SIDE), dtype=np.uint8)
    ok = np.zeros(len(paths), dtype=np.bool_)
    for row, path in enumerate(paths):
        try:
            pixels[row] = grey_square(path, SIDE, exif, inner=inner)
            ok[row] = True
        except UnusableImageError:
            continue
    return pixels, ok


def correlate(
    squares: Squares, i: NDArray[np.integer], j: NDArray[np.integer], way: NDArray[np.integer] | None = None
) -> NDArray[np.float32]:
    """Correlate pairs of pictures.

    Args:
        squares: the pictures.
        i: (p,) rows.
        j: (p,) rows.
        way: (p,) how picture i is to be laid, an index into `hashes.ORIENTATIONS`; None: as it is.

    Returns:
        (p,) correlation in [-1, 1]; NaN where a picture is missing or one grey all over.
    """
    return correlate_between(squares, i, squares, j, way)


def correlate_between(
    first: Squares,
    i: NDArray[np.integer],
    second: Squares,
    j: NDArray[np.integer],
    way: NDArray[np.integer] | None = None,
    rows: slice = WHOLE,
) -> NDArray[np.float32]:
    """Correlate pairs of pictures, or the same rows of both, of two sets.

    Args:
        first: pictures of i.
        i: (p,) rows.
        second: pictures of j.
        j: (p,) rows.
        way: as in `correlate`.
        rows: of the small pictures that are compared.

    Returns:
        As `correlate`.
    """
    made = np.full(i.size, np.nan, dtype=np.float32)
    a, b = first.place[i], second.place[j]
    known = np.flatnonzero((a >= 0) & (b >= 0))
    for start in range(0, known.size, BATCH):
        batch = known[start : start + BATCH]
        laid = first.pixels[a[batch]]
        if way is not None and way[batch].any():
            laid = turned(laid)[np.arange(batch.size), way[batch]]
        made[batch] = best_correlation(laid[:, rows], second.pixels[b[batch]][:, rows])
    return made


def best_correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Correlate the detail of pictures as they lie, and after alignment where that can change the answer.

    Args:
        first: (p, s, s) grey levels.
        second: (p, s, s).

    Returns:
        (p,) the larger of the two; NaN where one of the two has no detail.
    """
    made = detail_correlation(first, second)
    open_cases = np.flatnonzero((correlation(first, second) >= HOPELESS) & (made < SURE))
    if open_cases.size:
        laid = aligned_correlation(first[open_cases], second[open_cases])
        made[open_cases] = np.fmax(made[open_cases], laid)
    return made


def correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> NDArray[np.float32]:
    """Correlate pictures one by one.

    Args:
        first: (p, s, s) grey levels.
        second: (p, s, s).

    Returns:
        (p,) Pearson correlation of the pixels; NaN where one of the two is one grey all over.
    """
    x, y = _centred(first), _centred(second)
    norm = np.sqrt(np.einsum("pk,pk->p", x, x) * np.einsum("pk,pk->p", y, y))
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.einsum("pk,pk->p", x, y) / norm
    return np.where(norm > FLAT, value, np.nan).astype(np.float32)


def _centred(pictures: NDArray[np.uint8]) -> NDArray[np.float32]:
    flat = pictures.reshape(pictures.shape[0], -1).astype(np.float32)
    return np.asarray(flat - flat.mean(axis=1, keepdims=True), dtype=np.float32)
