"""What picture files are: size in pixels and bytes, and light; of the picture, not of who is in it."""

from __future__ import annotations

import io
from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from audit.leakage.decode import BROKEN, MAX_PIXELS, UnusableImageError, read_bytes, reason
from audit.protocols import NoProgress, Progress

DRAFT = 512
"""JPEGs are decoded at a reduced scale that keeps at least this many pixels a side: means stay, time goes."""
CHUNK = 16
"""Files that one worker takes at a time."""


@dataclass(frozen=True, kw_only=True)
class Pictures:
    """One entry a file, in the order asked for; numbers are NaN where `problem` is not empty."""

    problem: NDArray[np.object_]
    """(n,) why a file can't be used; empty: it can."""
    width: NDArray[np.float64]
    """(n,) pixels, as stored."""
    height: NDArray[np.float64]
    brightness: NDArray[np.float64]
    """(n,) mean luminance of all pixels, background included, in 0..1."""
    contrast: NDArray[np.float64]
    """(n,) standard deviation of the luminance, in 0..1."""
    size: NDArray[np.float64]
    """(n,) bytes of the file."""

    @property
    def usable(self) -> NDArray[np.bool_]:
        """(n,) files that decode."""
        return np.asarray(self.problem == "", dtype=bool)

    @property
    def aspect(self) -> NDArray[np.float64]:
        """(n,) width ÷ height: above 1 is wider than high."""
        return np.asarray(self.width / self.height)


def measure(path: str, max_pixels: int = MAX_PIXELS) -> tuple[str, float, float, float, float, float]:
    """Open one file. Never raises for what the file holds.

    Args:
        path: of the file.
        max_pixels: largest width x height that is decoded; judged by the header.

    Returns:
        The problem or "", then width, height, brightness, contrast, bytes; NaN where there is a problem.
    """
    nothing = (float("nan"),) * 5
    try:
        data = read_bytes(path)
        with Image.open(io.BytesIO(data)) as image:
            width, height = image.size
            if width * height > max_pixels:
                return (f"more than {max_pixels:,} pixels", *nothing)
            image.draft("L", (DRAFT, DRAFT))
            brightness, contrast = luminance(image)
    except UnusableImageError as error:
        return (str(error), *nothing)
    except BROKEN as error:
        return (reason(error), *nothing)
    return ("", float(width), float(height), brightness, contrast, float(len(data)))


def luminance(image: Image.Image) -> tuple[float, float]:
    """Mean and standard deviation of the luminance in 0..1, as ITU-R BT.601 weighs red, green and blue.

    A palette or transparency is resolved first; the colours below transparent pixels count.
    """
    grey = image.convert("L") if image.mode in ("L", "RGB") else image.convert("RGB").convert("L")
    pixels = np.asarray(grey, dtype=np.float32) / 255
    return float(pixels.mean()), float(pixels.std())


def measure_all(
    paths: Sequence[str], executor: Executor | None = None, progress: Progress | None = None
) -> Pictures:
    """Open many files.

    Args:
        paths: of the files.
        executor: where chunks of files run; None: here.
        progress: told after each chunk.
    """
    told = progress or NoProgress()
    chunks = [paths[start : start + CHUNK] for start in range(0, len(paths), CHUNK)]
    found: list[tuple[str, float, float, float, float, float]] = []
    for part in map(_measure_chunk, chunks) if executor is None else executor.map(_measure_chunk, chunks):
        found += part
        told.step("pictures", len(found), len(paths))
    problems, *columns = zip(*found, strict=True) if found else [()] * 6
    width, height, brightness, contrast, size = (np.array(column, dtype=np.float64) for column in columns)
    return Pictures(
        problem=np.array(problems, dtype=object),
        width=width,
        height=height,
        brightness=brightness,
        contrast=contrast,
        size=size,
    )


def _measure_chunk(paths: Sequence[str]) -> list[tuple[str, float, float, float, float, float]]:
    return [measure(path) for path in paths]
