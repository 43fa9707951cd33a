"""Fingerprints of many images: read once each, in any executor, kept between runs."""

from __future__ import annotations

import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, nullcontext
from dataclasses import dataclass
from multiprocessing import parent_process
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from audit.leakage.decode import Reading, UnusableImageError, decode
from audit.leakage.hashes import DHASH_SHAPE, ORIENTATIONS, PHASH_SIDE, dhash, phash, turned
from audit.protocols import NoProgress, Progress

CHUNK = 128
"""Files that one worker takes at a time."""
BLANK = 2.0
"""Standard deviation of the 32 x 32 grey picture below which nothing is in it: its hash is noise."""


@dataclass(frozen=True, kw_only=True)
class Fingerprints:
    """What is known of n files. Rows that could not be read have zeros and a reason."""

    paths: tuple[str, ...]
    used: NDArray[np.bool_]
    """(n,) could be read."""
    reasons: tuple[str, ...]
    """(n,) why not; or, where used, something odd about the file; empty: nothing."""
    file_sha: NDArray[np.uint8]
    """(n, 32) SHA-256 of the file."""
    pixel_sha: NDArray[np.uint8]
    """(n, 32) SHA-256 of the decoded pixels; zeros with JPEG draft mode."""
    phash: NDArray[np.uint64]
    """(n, 1) or (n, 8) in the order of `hashes.ORIENTATIONS`."""
    dhash: NDArray[np.uint64]
    """(n, 1) or (n, 8)."""
    parts: NDArray[np.uint64]
    """(n, 2) pHash of the middle rows, and of the picture within its border; 0, which no picture has: blank,
    not asked for, no border."""
    blank: NDArray[np.bool_]
    """(n,) one grey all over: found as duplicates by content alone."""
    width: NDArray[np.int32]
    """(n,) pixels, as stored."""
    height: NDArray[np.int32]
    algorithm: str

    @property
    def n(self) -> int:
        """Number of files, unusable ones included."""
        return len(self.paths)

    def take(self, rows: NDArray[np.int64]) -> Fingerprints:
        """Select files by position, in the order given."""
        arrays = {name: getattr(self, name)[rows] for name in ARRAYS}
        return Fingerprints(
            paths=tuple(self.paths[r] for r in rows),
            reasons=tuple(self.reasons[r] for r in rows),
            algorithm=self.algorithm,
            **arrays,
        )


ARRAYS = ("used", "file_sha", "pixel_sha", "phash", "dhash", "parts", "blank", "width", "height")


def fingerprint(
    paths: Sequence[str],
    reading: Reading | None = None,
    *,
    executor: Executor | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> Fingerprints:
    """Fingerprint files; a file that can't be read is a row with its reason.

    Args:
        paths: of the files.
        reading: how they are decoded; None: the defaults.
        executor: where chunks of files run; None: here.
        cache: folder in which fingerprints are kept by (path, size, time of change, algorithm).
        progress: told after each chunk.
    """
    reading, progress = reading or Reading(), progress or NoProgress()
    if cache is None or not paths:
        return _compute(paths, reading, executor, progress)
    from audit.leakage.hash_cache import HashCache

    store = HashCache(cache, reading.algorithm)
    hits, missing = store.look_up(paths)
    if missing.size == 0:
        return hits
    made = _compute([paths[r] for r in missing], reading, executor, progress)
    store.add(made)
    if missing.size == len(paths):
        return made
    place = np.empty(len(paths), dtype=np.int64)
    place[np.setdiff1d(np.arange(len(paths)), missing)] = np.arange(hits.n)
    place[missing] = hits.n + np.arange(missing.size)
    return join([hits, made]).take(place)


def join(parts: Sequence[Fingerprints]) -> Fingerprints:
    """Put fingerprints of the same algorithm one after the other."""
    arrays = {name: np.concatenate([getattr(part, name) for part in parts]) for name in ARRAYS}
    return Fingerprints(
        paths=tuple(path for part in parts for path in part.paths),
        reasons=tuple(reason for part in parts for reason in part.reasons),
        algorithm=parts[0].algorithm,
        **arrays,
    )


def empty(reading: Reading) -> Fingerprints:
    """Fingerprints of no file."""
    return fingerprint_chunk((), reading)


def fingerprint_chunk(paths: Sequence[str], reading: Reading) -> Fingerprints:
    """Fingerprint a few files in this process: the unit of work of an executor.

    Args:
        paths: of the files.
        reading: how.
    """
    n = len(paths)
    sha = np.zeros((2, n, 32), dtype=np.uint8)
    squares = np.zeros((n, PHASH_SIDE, PHASH_SIDE), dtype=np.uint8)
    oblongs = np.zeros((n, *DHASH_SHAPE), dtype=np.uint8)
    pieces = np.zeros((n, 2, PHASH_SIDE, PHASH_SIDE), dtype=np.uint8)
    sizes = np.zeros((2, n), dtype=np.int32)
    used = np.zeros(n, dtype=np.bool_)
    reasons = [""] * n
    with _quiet() if parent_process() is not None else nullcontext():
        for row, path in enumerate(paths):
            try:
                one = decode(path, reading)
            except UnusableImageError as error:
                reasons[row] = str(error)
                continue
            sha[0, row], sha[1, row] = (
                np.frombuffer(one.file_sha, np.uint8),
                np.frombuffer(one.pixel_sha, np.uint8),
            )
            squares[row], oblongs[row], sizes[:, row] = one.square, one.oblong, (one.width, one.height)
            pieces[row] = one.parts
            used[row], reasons[row] = True, one.note
    p, d = _hash(squares, oblongs, reading)
    p[~used], d[~used] = 0, 0
    return Fingerprints(
        paths=tuple(paths),
        used=used,
        reasons=tuple(reasons),
        file_sha=sha[0],
        pixel_sha=sha[1],
        phash=p,
        dhash=d,
        parts=hash_parts(pieces),
        blank=used & (squares.reshape(n, -1).std(axis=1) < BLANK) if n else used,
        width=sizes[0],
        height=sizes[1],
        algorithm=reading.algorithm,
    )


def _hash(
    squares: NDArray[np.uint8], oblongs: NDArray[np.uint8], reading: Reading
) -> tuple[NDArray[np.uint64], NDArray[np.uint64]]:
    """Hash reduced pictures; dHash is turned in the square, since 9 x 8 pixels can't be."""
    if not reading.orientations:
        return phash(squares)[:, None], dhash(oblongs)[:, None]
    ways = len(ORIENTATIONS)
    laid = turned(squares).reshape(-1, PHASH_SIDE, PHASH_SIDE)
    small = (
        np.stack([_oblong(picture) for picture in laid])
        if laid.size
        else np.zeros((0, *DHASH_SHAPE), np.uint8)
    )
    p, d = phash(laid).reshape(-1, ways), dhash(small).reshape(-1, ways)
    d[:, 0] = dhash(oblongs)
    return p, d


def hash_parts(pieces: NDArray[np.uint8]) -> NDArray[np.uint64]:
    """Hash parts of pictures.

    Args:
        pieces: (n, 2, 32, 32) grey levels.

    Returns:
        (n, 2) pHash; 0 where a part is one grey all over, as those are that are not there.
    """
    n = pieces.shape[0]
    flat = pieces.reshape(n * 2, PHASH_SIDE, PHASH_SIDE)
    found = np.flatnonzero(flat.reshape(n * 2, PHASH_SIDE**2).std(axis=1) >= BLANK)
    made = np.zeros(n * 2, dtype=np.uint64)
    made[found] = phash(flat[found])
    return made.reshape(n, 2)


def _oblong(picture: NDArray[np.uint8]) -> NDArray[np.uint8]:
    size = (DHASH_SHAPE[1], DHASH_SHAPE[0])
    return np.asarray(Image.fromarray(picture).resize(size, Image.Resampling.LANCZOS))


def _compute(
    paths: Sequence[str], reading: Reading, executor: Executor | None, progress: Progress
) -> Fingerprints:
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    made, done = [], 0
    with _quiet():
        for part in _run(chunks, reading, executor):
            made.append(part)
            done += part.n
            progress.step("fingerprints", done, len(paths))
    return join(made) if made else empty(reading)


@contextmanager
def _quiet() -> Iterator[None]:
    """Pillow's remarks on odd files are not for the user; a suspected bomb becomes an error.

    Filters are of the process, so threads share the one set by the caller, and worker processes set their
    own.
    """
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        warnings.simplefilter("error", Image.DecompressionBombWarning)
        yield


def _run(chunks: list[Sequence[str]], reading: Reading, executor: Executor | None) -> Iterator[Fingerprints]:
    if executor is None:
        return (fingerprint_chunk(chunk, reading) for chunk in chunks)
    return executor.map(fingerprint_chunk, chunks, [reading] * len(chunks))
