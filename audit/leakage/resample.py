"""Pillow's Lanczos reduction of grey images to a few pixels, in vectorised machine code, equal bit for bit.

Half of the time of a perceptual hash of a small photograph goes into this reduction. Pillow works in fixed
point: coefficients are rounded to 22 bits, one direction is reduced and rounded to 8 bits, then the other.
The same integers are computed here. Which direction comes first is Pillow's own choice (rows, except in tall
images) and has changed between its versions, so it is asked: once for each tall shape, and once in each
process for the others. Where neither order gives Pillow's result, Pillow does the work: a future version
can't change a hash silently.

Source: Pillow, src/libImaging/Resample.c (precompute_coeffs, normalize_coeffs_8bpc,
ImagingResampleHorizontal_8bpc).
"""

from __future__ import annotations

from collections.abc import Sequence
from functools import lru_cache
from math import pi, sin
from typing import Literal

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from audit.leakage.compiled import HAVE_NUMBA, compiled

PRECISION = 22
SUPPORT = 3.0
LANES = 16
USUAL_SHAPE = (97, 61)
"""Width and height on which the order for square and wide images is asked."""
TRIALS = 6
"""Pictures of noise that tell the two orders apart: one alone now and then gives equal results by luck."""
SMALLEST_GAIN = 16
"""Sides below this are left to Pillow: nothing to gain."""
Grey = NDArray[np.uint8]
Order = Literal["rows", "columns"]


def reduce_grey(pixels: Grey, sizes: Sequence[tuple[int, int]]) -> list[Grey]:
    """Reduce a grey picture as Pillow's `resize((width, height), LANCZOS)` does.

    Args:
        pixels: (height, width) grey levels.
        sizes: (width, height) wanted, pixels.

    Returns:
        (height, width) grey levels for each size.
    """
    high, wide = pixels.shape
    if not HAVE_NUMBA or min(high, wide) < SMALLEST_GAIN:
        return [_by_pillow(pixels, width, height) for width, height in sizes]
    made = []
    shape = (wide, high) if high > wide else USUAL_SHAPE
    for width, height in sizes:
        order = None if width == wide or height == high else _order(*shape, width, height)
        if order is None:
            made.append(_by_pillow(pixels, width, height))
        else:
            made.append(_reduce(pixels, width, height, order))
    return made


def reduce_part(pixels: Grey, size: tuple[int, int]) -> Grey:
    """Reduce a part of a picture: as `reduce_grey`, but rows always first, whatever Pillow would do.

    Args:
        pixels: (height, width) grey levels.
        size: (width, height) wanted, pixels.
    """
    width, height = size
    if not HAVE_NUMBA or min(pixels.shape) < SMALLEST_GAIN or (height, width) == pixels.shape:
        return _by_pillow(pixels, width, height)
    return _reduce(pixels, width, height, "rows")


def reduce_with_part(pixels: Grey, size: tuple[int, int], rows: tuple[int, int]) -> tuple[Grey, Grey]:
    """Reduce a picture as `reduce_grey` does, and a band of its rows as `reduce_part` does.

    Where rows are reduced first the work on them is shared, so that the second picture costs little.

    Args:
        pixels: (height, width) grey levels.
        size: (width, height) wanted of both, pixels.
        rows: first row of the band, and the row after its last.

    Returns:
        (height, width) grey levels of the whole and of the band.
    """
    first, last = rows
    high, wide = pixels.shape
    usual = HAVE_NUMBA and high <= wide and min(wide, last - first) >= SMALLEST_GAIN
    if not usual or size[0] == wide or size[1] == high or _order(*USUAL_SHAPE, *size) != "rows":
        band = np.ascontiguousarray(pixels[first:last])
        return reduce_grey(pixels, [size])[0], reduce_part(band, size)
    across = _coefficients(wide, size[0])
    whole, part = _coefficients(high, size[1]), _coefficients(last - first, size[1])
    return _both(pixels, *across, *whole, *part, first, last)


def _by_pillow(pixels: Grey, width: int, height: int) -> Grey:
    return np.asarray(Image.fromarray(pixels).resize((width, height), Image.Resampling.LANCZOS))


def _reduce(pixels: Grey, width: int, height: int, order: Order) -> Grey:
    across, down = _coefficients(pixels.shape[1], width), _coefficients(pixels.shape[0], height)
    reduced: Grey
    if order == "rows":
        reduced = _passes(pixels, *across, *down)
    else:
        reduced = _passes(np.ascontiguousarray(pixels.T), *down, *across).T
    return reduced


@lru_cache(maxsize=65536)
def _order(from_width: int, from_height: int, width: int, height: int) -> Order | None:
    """Which direction this Pillow reduces first, seen on noise; None: it does something else."""
    noise = np.random.default_rng(0).integers(0, 2, (TRIALS, from_height, from_width), dtype=np.uint8) * 255
    theirs = [_by_pillow(trial, width, height) for trial in noise]
    orders: tuple[Order, ...] = ("rows", "columns")
    for order in orders:
        ours = (_reduce(trial, width, height, order) for trial in noise)
        if all(np.array_equal(a, b) for a, b in zip(ours, theirs, strict=True)):
            return order
    return None


@lru_cache(maxsize=4096)
def _coefficients(size: int, out: int) -> tuple[NDArray[np.uint64], NDArray[np.int32]]:
    """Weights of the input pixels of each output pixel.

    Args:
        size: pixels along the side.
        out: pixels wanted.

    Returns:
        (out,) first input pixel of each output pixel, and (out, taps) weights in units of 2**-22; taps are
        filled up with zeros to whole vectors of the processor.
    """
    scale = size / out
    stretch = max(scale, 1.0)
    support = SUPPORT * stretch
    taps = min(-(-(int(np.ceil(support)) * 2 + 1) // LANES) * LANES, size)
    begin = np.zeros(out, dtype=np.uint64)
    weights = np.zeros((out, taps), dtype=np.int32)
    for x in range(out):
        centre = (x + 0.5) * scale
        first = max(int(centre - support + 0.5), 0)
        last = min(int(centre + support + 0.5), size)
        made = [_lanczos((k + first - centre + 0.5) * (1.0 / stretch)) for k in range(last - first)]
        begin[x] = min(first, size - taps)
        total = 0.0
        for weight in made:
            total += weight
        for k, weight in enumerate(made):
            share = weight / total if total != 0.0 else weight
            weights[x, first - int(begin[x]) + k] = int(
                (-0.5 if share < 0 else 0.5) + share * (1 << PRECISION)
            )
    return begin, weights


def _lanczos(x: float) -> float:
    if not -SUPPORT <= x < SUPPORT:
        return 0.0
    return _sinc(x) * _sinc(x / SUPPORT)


def _sinc(x: float) -> float:
    if x == 0.0:
        return 1.0
    x *= pi
    return sin(x) / x


@compiled
def _passes(
    pixels: Grey,
    across: NDArray[np.uint64],
    across_weights: NDArray[np.int32],
    down: NDArray[np.uint64],
    down_weights: NDArray[np.int32],
) -> Grey:
    """Reduce rows, round, reduce columns, round."""
    narrow = np.empty(
        (across.size, pixels.shape[0]), dtype=np.uint8
    )  # transposed: both passes run along memory
    _weigh(pixels, across, across_weights, narrow)
    small = np.empty((down.size, across.size), dtype=np.uint8)
    _weigh(narrow, down, down_weights, small)
    return small


@compiled
def _both(
    pixels: Grey,
    across: NDArray[np.uint64],
    across_weights: NDArray[np.int32],
    whole: NDArray[np.uint64],
    whole_weights: NDArray[np.int32],
    part: NDArray[np.uint64],
    part_weights: NDArray[np.int32],
    first: int,
    last: int,
) -> tuple[Grey, Grey]:
    """Reduce rows once, then the columns of all rows and of some."""
    narrow = np.empty((across.size, pixels.shape[0]), dtype=np.uint8)
    _weigh(pixels, across, across_weights, narrow)
    made = np.empty((whole.size, across.size), dtype=np.uint8)
    _weigh(narrow, whole, whole_weights, made)
    band = np.empty((part.size, across.size), dtype=np.uint8)
    _weigh(narrow[:, first:last].copy(), part, part_weights, band)
    return made, band


@compiled
def _weigh(lines: Grey, begin: NDArray[np.uint64], weights: NDArray[np.int32], out: Grey) -> None:
    """Reduce each line into a column of `out`. Unsigned indices have no wraparound test: vectorised."""
    taps = np.uint64(weights.shape[1])
    for y in range(np.uint64(lines.shape[0])):
        for x in range(np.uint64(begin.size)):
            first = begin[x]
            total = np.int32(1 << 21)
            for k in range(taps):
                total = np.int32(total + np.int32(np.int32(lines[y, first + k]) * weights[x, k]))
            out[x, y] = min(max(int(total) >> 22, 0), 255)
