"""Compares the fine detail of two small pictures, after one was laid over the other.

Two faces before a dark wall agree in their broad lights and shadows (correlation .98 was seen between two
persons), but not in detail; copies agree in both. Detail is what a mean over 5 x 5 pixels takes away. A crop
of 2 % moves edges by more than a pixel, so scale and shift along both sides are fitted first by least
squares with brightness and contrast (Lucas and Kanade), all pairs of a batch at once, within narrow bounds.

Source: Lucas and Kanade (1981), An iterative image registration technique; Baker and Matthews (2004),
Lucas-Kanade 20 years on.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

STEPS = 6
MOST_SCALE, MOST_SHIFT = 0.06, 0.06
"""Of the half side: a crop of 2 % at one side is a scale of .02 and a shift of .02."""
DAMPING = 1e-3
LEAST = 0.05
"""Product of two standard deviations of detail, in grey levels, below which there is nothing to compare."""
EDGE = 3
"""Pixels at each side that do not count: what was filled in there is no detail."""
Floats = NDArray[np.float32]


def detail_correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Floats:
    """Correlate the detail of pictures as they lie.

    Args:
        first: (p, h, w) grey levels.
        second: (p, h, w).

    Returns:
        (p,) Pearson correlation of the detail; NaN where one of the two has none.
    """
    a, b = _smooth(first), _smooth(second)
    return _detail(a, b, np.ones((a.shape[0], a.shape[1] * a.shape[2]), dtype=np.float32))


def aligned_correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Floats:
    """Correlate the detail of pictures after the first is laid over the second.

    Args:
        first: (p, h, w) grey levels.
        second: (p, h, w).

    Returns:
        (p,) Pearson correlation of the detail over the pixels of both; NaN where one of the two has none.
    """
    pairs, high, wide = first.shape
    a, target = _smooth(first), _smooth(second)
    b = target.reshape(pairs, -1)
    x, y = ((np.arange(size, dtype=np.float32) + 0.5) * 2 / size - 1 for size in (wide, high))
    u, v = np.tile(x, high).astype(np.float32), np.repeat(y, wide).astype(np.float32)
    moved = np.zeros((pairs, 4), dtype=np.float32)  # scale and shift across, scale and shift down
    best, place = np.full(pairs, -np.inf, dtype=np.float32), moved.copy()
    slopes = np.gradient(a, 2 / high, 2 / wide, axis=(1, 2))
    down, across = (np.asarray(slope, dtype=np.float32) for slope in slopes)
    for step in range(STEPS + 1):
        value, inside = _sample(a, u, v, moved)
        broad = _weighted(value, b, inside)
        better = broad > best
        best, place[better] = np.where(better, broad, best), moved[better]
        if step == STEPS:
            break
        slope_u, slope_v = _sample(across, u, v, moved)[0], _sample(down, u, v, moved)[0]
        moved += _solve(value, slope_u, slope_v, u, v, b, inside)
        np.clip(moved[:, ::2], -MOST_SCALE, MOST_SCALE, out=moved[:, ::2])
        np.clip(moved[:, 1::2], -MOST_SHIFT, MOST_SHIFT, out=moved[:, 1::2])
    value, inside = _sample(a, u, v, place)
    return _detail(value.reshape(a.shape), target, inside)


def _detail(a: Floats, b: Floats, inside: Floats) -> Floats:
    """(p,) correlation of what means over 5 x 5 pixels take away from (p, h, w) pictures."""
    weight = inside.reshape(a.shape).copy()
    for edge in (slice(None, EDGE), slice(-EDGE, None)):
        weight[:, edge] = 0
        weight[:, :, edge] = 0
    flat = (a.shape[0], -1)
    fine = [(picture - _mean(picture, 2)).reshape(flat) for picture in (a, b)]
    made = _weighted(fine[0], fine[1], weight.reshape(flat))
    return np.where(np.isneginf(made), np.nan, made).astype(np.float32)


def _mean(pictures: Floats, reach: int) -> Floats:
    """Mean over (2 reach + 1)² pixels."""
    padded = np.pad(pictures, ((0, 0), (reach, reach), (reach, reach)), mode="edge")
    width = 2 * reach + 1
    high, wide = pictures.shape[1:]
    rows = np.sum([padded[:, k : k + high] for k in range(width)], axis=0)
    columns = np.sum([rows[:, :, k : k + wide] for k in range(width)], axis=0)
    return np.asarray(columns / width**2, dtype=np.float32)


def _solve(
    value: Floats, slope_u: Floats, slope_v: Floats, u: Floats, v: Floats, target: Floats, inside: Floats
) -> Floats:
    """One step: the move that, with a gain and an offset, explains most of what is left."""
    columns = np.stack([slope_u * u, slope_u, slope_v * v, slope_v, value, np.ones_like(value)], axis=1)
    weighted = columns * inside[:, None]
    normal = weighted @ columns.transpose(0, 2, 1)
    diagonal = np.einsum("pkk->pk", normal)
    normal = normal + np.eye(6, dtype=np.float32) * (DAMPING * diagonal + 1e-3)[:, None, :]
    right = weighted @ target[:, :, None]
    found = np.linalg.solve(normal.astype(np.float64), right.astype(np.float64))[:, :, 0]
    gain = found[:, 4:5]
    usable = np.abs(gain) > 1e-2
    return np.where(usable, found[:, :4] / np.where(usable, gain, 1.0), 0.0).astype(np.float32)


def _sample(picture: Floats, u: Floats, v: Floats, moved: Floats) -> tuple[Floats, Floats]:
    """Read (p, h, w) pictures at moved places by linear interpolation: (p, h w), and 1 where inside."""
    high, wide = picture.shape[1:]
    x = ((u * (1 + moved[:, :1]) + moved[:, 1:2]) + 1) * wide / 2 - 0.5
    y = ((v * (1 + moved[:, 2:3]) + moved[:, 3:4]) + 1) * high / 2 - 0.5
    inside = ((x >= -0.5) & (x <= wide - 0.5) & (y >= -0.5) & (y <= high - 0.5)).astype(np.float32)
    x, y = np.clip(x, 0, wide - 1.001), np.clip(y, 0, high - 1.001)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, low = x - left, y - top
    flat, corner = picture.reshape(picture.shape[0], -1), top * wide + left
    upper = _pick(flat, corner) * (1 - right) + _pick(flat, corner + 1) * right
    lower = _pick(flat, corner + wide) * (1 - right) + _pick(flat, corner + wide + 1) * right
    return (upper * (1 - low) + lower * low).astype(np.float32), inside


def _pick(flat: Floats, index: NDArray[np.int32]) -> Floats:
    return np.take_along_axis(flat, index, axis=1)


def _smooth(pictures: NDArray[np.uint8]) -> Floats:
    """Mean of 3 x 3 pixels: what is left of an edge a third of a pixel away."""
    return _mean(pictures.astype(np.float32), 1)


def _weighted(value: Floats, target: Floats, inside: Floats) -> Floats:
    weight = inside / np.maximum(inside.sum(axis=1, keepdims=True), 1)
    x = value - (value * weight).sum(axis=1, keepdims=True)
    y = target - (target * weight).sum(axis=1, keepdims=True)
    norm = np.sqrt((weight * x * x).sum(axis=1) * (weight * y * y).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(norm > LEAST, (weight * x * y).sum(axis=1) / norm, -np.inf).astype(np.float32)
