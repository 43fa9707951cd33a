"""The image files of a folder, and a sealed look at each: size from the header, then pixels and hashes."""

from __future__ import annotations

import hashlib
import os
import signal
import stat
import threading
import warnings
from collections.abc import Iterator, Sequence
from concurrent.futures import Executor, ProcessPoolExecutor
from concurrent.futures.process import BrokenProcessPool
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing import active_children, get_context
from pathlib import Path

import imagehash
import numpy as np
from numpy.typing import NDArray
from PIL import Image, UnidentifiedImageError

from audit.profile.pictures import DRAFT, luminance
from audit.protocols import NoProgress, Progress

PIXEL_LIMIT = 50_000_000
"""Largest width x height that is decoded: 150 MB as RGB. Above it a file is refused from its header."""
SUFFIXES = (".jpg", ".jpeg", ".png", ".webp", ".bmp", ".gif", ".tif", ".tiff")
_FORMATS = {".jpg": "JPEG", ".jpeg": "JPEG", ".tif": "TIFF", ".tiff": "TIFF"}
_SAME = {"MPO": "JPEG"}
"""Formats that carry another's extension by custom: a camera's MPO is a JPEG with a preview behind it."""
_CHUNK = 64


@dataclass(frozen=True, kw_only=True)
class Look:
    """What one file turned out to be."""

    problem: str = ""
    """Why it can't be used; empty: it can."""
    remark: str = ""
    """What is odd about a usable file."""
    width: int = 0
    height: int = 0
    brightness: float = float("nan")
    """Mean luminance in 0..1."""
    contrast: float = float("nan")
    """Standard deviation of the luminance in 0..1."""
    sha256: str = ""
    phash: int = 0
    """64-bit perceptual hash (`imagehash.phash`)."""


@dataclass(frozen=True, kw_only=True)
class ImageFacts:
    """One entry a file, in the order asked for; meaningless where `problem` is not empty."""

    problem: NDArray[np.object_]
    remark: NDArray[np.object_]
    width: NDArray[np.int32]
    height: NDArray[np.int32]
    brightness: NDArray[np.float32]
    contrast: NDArray[np.float32]
    sha256: NDArray[np.object_]
    phash: NDArray[np.uint64]

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(n,) files that decode."""
        return np.asarray(self.problem == "", dtype=bool)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> ImageFacts:
        """Select files by positions or by a mask."""
        return ImageFacts(**{name: values[rows] for name, values in vars(self).items()})


def walk(root: Path) -> Iterator[tuple[Path, str]]:
    """Files below a folder in a fixed order, each with "" or the reason why it can't be followed.

    Links to folders are followed; a link back to a folder that is being walked is reported, not followed.
    Hidden files and folders are passed over.
    """
    yield from _walk(root, frozenset())


def _walk(folder: Path, above: frozenset[tuple[int, int]]) -> Iterator[tuple[Path, str]]:
    try:
        here = folder.stat()
        entries = sorted(os.scandir(folder), key=lambda e: os.fsencode(e.name))
    except OSError as error:
        yield folder, f"can't be opened: {error.strerror}"
        return
    mark = (here.st_dev, here.st_ino)
    if mark in above:
        yield folder, "a symbolic link that leads back to a folder above it"
        return
    for entry in entries:
        if entry.name.startswith("."):
            continue
        try:
            is_folder = entry.is_dir()
        except OSError:  # a link to itself
            is_folder = False
        if is_folder:
            yield from _walk(Path(entry.path), above | {mark})
        elif entry.is_symlink() and not os.path.exists(entry.path):
            yield Path(entry.path), "a symbolic link that leads nowhere, or to itself"
        else:
            yield Path(entry.path), ""


def is_image_name(name: str) -> bool:
    """Whether a file's extension is one of an image."""
    return name.lower().endswith(SUFFIXES)


def shown(path: Path, root: Path) -> str:
    """A path relative to the data folder, with forward slashes and nothing that is not text."""
    return os.fsencode(path.relative_to(root).as_posix()).decode("utf-8", errors="backslashreplace")


def look(path: str, pixel_limit: int = PIXEL_LIMIT) -> Look:
    """Open one file as an image. Never raises for what the file holds.

    Args:
        path: of the file.
        pixel_limit: largest width x height to decode; judged by the header, before any pixel is read.
    """
    try:
        entry = os.stat(path)
        if not stat.S_ISREG(entry.st_mode):
            return Look(problem="is no regular file")
        if entry.st_size == 0:
            return Look(problem="is empty (0 bytes)")
        with open(path, "rb") as stream:
            digest = hashlib.file_digest(stream, "sha256").hexdigest()
    except OSError as error:
        return Look(
            problem="no such file"
            if isinstance(error, FileNotFoundError)
            else f"can't be read: {error.strerror}"
        )
    before = Image.MAX_IMAGE_PIXELS
    Image.MAX_IMAGE_PIXELS = pixel_limit
    try:
        with warnings.catch_warnings():
            warnings.simplefilter("ignore")
            warnings.simplefilter("error", Image.DecompressionBombWarning)
            return _decoded(path, digest, pixel_limit)
    except (Image.DecompressionBombWarning, Image.DecompressionBombError) as error:
        return Look(
            problem=f"has more than the {pixel_limit} pixels allowed ({str(error).split(',')[0]})",
            sha256=digest,
        )
    except UnidentifiedImageError:
        return Look(problem="is not an image that can be recognised", sha256=digest)
    except MemoryError:
        return Look(problem="needs more memory than there is", sha256=digest)
    except Exception as error:  # a decoder may raise anything on a hostile file
        return Look(problem=f"can't be decoded: {str(error)[:120] or type(error).__name__}", sha256=digest)
    finally:
        Image.MAX_IMAGE_PIXELS = before


def _decoded(path: str, digest: str, pixel_limit: int) -> Look:
    with Image.open(path) as image:
        width, height = image.size
        if width * height > pixel_limit:
            problem = f"is {width} x {height}, more than the {pixel_limit} pixels allowed"
            return Look(problem=problem, width=width, height=height, sha256=digest)
        found = _SAME.get(image.format or "", image.format or "")
        image.draft("L", (DRAFT, DRAFT))
        grey = image.convert("RGB").convert("L") if image.mode not in ("L", "RGB") else image.convert("L")
    suffix = Path(path).suffix.lower()
    named = _FORMATS.get(suffix, suffix[1:].upper())
    brightness, contrast = luminance(grey)
    bits = np.packbits(imagehash.phash(grey).hash.ravel())
    return Look(
        remark="" if named == found else f"the extension says {named}, the content is {found}",
        width=width,
        height=height,
        brightness=brightness,
        contrast=contrast,
        sha256=digest,
        phash=int.from_bytes(bits.tobytes(), "big"),
    )


def look_all(
    paths: Sequence[str],
    *,
    pixel_limit: int = PIXEL_LIMIT,
    workers: int | None = None,
    progress: Progress | None = None,
) -> ImageFacts:
    """Look at many files in worker processes; a file that kills its worker is named and the rest goes on.

    Args:
        paths: files to look at.
        pixel_limit: largest width x height to decode.
        workers: number of processes; 0 looks in this process; None takes one a processor.
        progress: told after every chunk.
    """
    told = progress or NoProgress()
    chunks = [list(paths[i : i + _CHUNK]) for i in range(0, len(paths), _CHUNK)]
    looks: list[Look] = []
    if workers == 0 or not chunks:
        for chunk in chunks:
            looks += _look_chunk(chunk, pixel_limit)
            told.step("images", len(looks), len(paths))
        return _columns(looks)
    count = min(workers or os.cpu_count() or 1, len(chunks))
    others = set(active_children())
    with _pool(count) as pool:
        with _deaf_to_interrupts():
            futures = [pool.submit(_look_chunk, chunk, pixel_limit) for chunk in chunks]
        try:
            for chunk, future in zip(chunks, futures, strict=True):
                try:
                    looks += future.result()
                except BrokenProcessPool:
                    looks += _one_by_one(chunk, pixel_limit)
                told.step("images", len(looks), len(paths))
        except KeyboardInterrupt:
            pool.shutdown(wait=False, cancel_futures=True)
            for child in set(active_children()) - others:
                child.terminate()
            raise
    return _columns(looks)


@contextmanager
def _deaf_to_interrupts() -> Iterator[None]:
    """Processes started inside ignore Ctrl-C: this process stops them, without their tracebacks."""
    if threading.current_thread() is not threading.main_thread():
        yield
        return
    before = signal.signal(signal.SIGINT, signal.SIG_IGN)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)


def _pool(workers: int) -> Executor:
    return ProcessPoolExecutor(workers, mp_context=get_context("spawn"))


def _look_chunk(paths: list[str], pixel_limit: int) -> list[Look]:
    return [look(path, pixel_limit) for path in paths]


def _one_by_one(paths: list[str], pixel_limit: int) -> list[Look]:
    """Look again at a chunk whose worker died, so that only the file that killed it is lost."""
    looks: list[Look] = []
    pool = _pool(1)
    for path in paths:
        try:
            looks.append(pool.submit(look, path, pixel_limit).result())
        except BrokenProcessPool:
            looks.append(Look(problem="ended the process that looked at it"))
            pool.shutdown(wait=False)
            pool = _pool(1)
    pool.shutdown()
    return looks


def _columns(looks: list[Look]) -> ImageFacts:
    return ImageFacts(
        problem=np.array([one.problem for one in looks], dtype=object),
        remark=np.array([one.remark for one in looks], dtype=object),
        width=np.array([one.width for one in looks], dtype=np.int32),
        height=np.array([one.height for one in looks], dtype=np.int32),
        brightness=np.array([one.brightness for one in looks], dtype=np.float32),
        contrast=np.array([one.contrast for one in looks], dtype=np.float32),
        sha256=np.array([one.sha256 for one in looks], dtype=object),
        phash=np.array([one.phash for one in looks], dtype=np.uint64),
    )
