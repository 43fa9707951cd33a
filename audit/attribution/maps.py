"""Maps of attributions as small pictures of one byte a place, with the scale that turns them into numbers."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.attribution.segments import Labels

Array = NDArray[np.float64]
SIDE = 56
"""Longer side of a stored map: finer than superpixels are, coarser than a face is recognised by."""
MIDDLE, STEPS = 128, 127


class SmallMap(NamedTuple):
    """A stored map: value = (code - 128) ÷ 127 · scale."""

    height: int
    width: int
    scale: float
    """Largest absolute value; 0 for a map of zeros."""
    codes: bytes
    """height · width bytes, row by row."""


def pixel_map(weights: Array, labels: Labels | None, shape: tuple[int, int]) -> Array:
    """(H, W) density of an attribution: a superpixel's weight is shared by its pixels.

    Args:
        weights: (S,) of superpixels, or (H * W,) of pixels.
        labels: (H, W) superpixels; None: weights are of pixels.
        shape: (H, W).
    """
    if labels is None:
        return weights.reshape(shape)
    return np.asarray((weights / np.maximum(np.bincount(labels.ravel(), minlength=len(weights)), 1))[labels])


def pooled(values: Array, height: int, width: int) -> Array:
    """Sums of a map over a grid of equal cells; a pixel on an edge is divided among cells by area.

    Args:
        values: (H, W).
        height: of the grid.
        width: of the grid.
    """
    down = _cells(values.shape[0], height)
    across = _cells(values.shape[1], width)
    return np.asarray(down @ values @ across.T)


def small(values: Array, side: int = SIDE) -> SmallMap:
    """Store a map, at most `side` places long.

    Args:
        values: (H, W) density; stored values are sums over the places of the small map.
        side: longer side.
    """
    shrink = min(1.0, side / max(values.shape))
    height, width = (max(1, round(length * shrink)) for length in values.shape)
    sums = pooled(values, height, width)
    scale = float(np.abs(sums).max(initial=0.0))
    codes = np.rint(sums / scale * STEPS) + MIDDLE if scale > 0 else np.full(sums.shape, MIDDLE)
    return SmallMap(height, width, scale, codes.astype(np.uint8).tobytes())


def read(stored: SmallMap) -> Array:
    """(height, width) values of a stored map, to 1/254 of its scale."""
    codes = np.frombuffer(stored.codes, np.uint8).reshape(stored.height, stored.width)
    return (codes.astype(np.float64) - MIDDLE) / STEPS * stored.scale


def _cells(length: int, count: int) -> Array:
    """(count, length) share of each pixel that lies in each of equal cells."""
    edges = np.linspace(0, length, count + 1)
    start, stop = edges[:-1, None], edges[1:, None]
    pixel = np.arange(length)[None, :]
    return np.asarray(np.clip(np.minimum(stop, pixel + 1) - np.maximum(start, pixel), 0.0, 1.0))
