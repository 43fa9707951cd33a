"""Lays one small picture over another before they are compared: a 2 % crop moves edges by a pixel.

Scale and shift along both sides are fitted by least squares with brightness and contrast (Lucas and Kanade),
all pairs of a batch at once, within narrow bounds: enough for a crop, too little to turn one face into
another.

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
Floats = NDArray[np.float32]


def aligned_correlation(first: NDArray[np.uint8], second: NDArray[np.uint8]) -> Floats:
    """Correlate pictures after the first is laid over the second.

    Args:
        first: (p, s, s) grey levels.
        second: (p, s, s).

    Returns:
        (p,) Pearson correlation over the pixels that both have; NaN where one of the two is one grey all
        over.
    """
    pairs, side = first.shape[0], first.shape[1]
    a, b = _smooth(first), _smooth(second).reshape(pairs, -1)
    axis = (np.arange(side, dtype=np.float32) + 0.5) * 2 / side - 1
    u, v = np.tile(axis, side).astype(np.float32), np.repeat(axis, side).astype(np.float32)
    moved = np.zeros((pairs, 4), dtype=np.float32)  # scale and shift across, scale and shift down
    down, across = (np.asarray(slope, dtype=np.float32) for slope in np.gradient(a, 2 / side, axis=(1, 2)))
    best = np.full(pairs, -np.inf, dtype=np.float32)
    for step in range(STEPS + 1):
        value, inside = _sample(a, u, v, moved)
        correlation = _weighted(value, b, inside)
        best = np.fmax(best, correlation)
        if step == STEPS:
            break
        slope_u, slope_v = _sample(across, u, v, moved)[0], _sample(down, u, v, moved)[0]
        moved += _solve(value, slope_u, slope_v, u, v, b, inside)
        np.clip(moved[:, ::2], -MOST_SCALE, MOST_SCALE, out=moved[:, ::2])
        np.clip(moved[:, 1::2], -MOST_SHIFT, MOST_SHIFT, out=moved[:, 1::2])
    return np.where(np.isneginf(best), np.nan, best).astype(np.float32)


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
    """Read (p, s, s) pictures at moved places by linear interpolation; (p, s²) values, and 1 where inside."""
    side = picture.shape[1]
    x = ((u * (1 + moved[:, :1]) + moved[:, 1:2]) + 1) * side / 2 - 0.5
    y = ((v * (1 + moved[:, 2:3]) + moved[:, 3:4]) + 1) * side / 2 - 0.5
    inside = ((x >= -0.5) & (x <= side - 0.5) & (y >= -0.5) & (y <= side - 0.5)).astype(np.float32)
    x, y = np.clip(x, 0, side - 1.001), np.clip(y, 0, side - 1.001)
    left, top = x.astype(np.int32), y.astype(np.int32)
    right, low = x - left, y - top
    flat, corner = picture.reshape(picture.shape[0], -1), top * side + left
    upper = _pick(flat, corner) * (1 - right) + _pick(flat, corner + 1) * right
    lower = _pick(flat, corner + side) * (1 - right) + _pick(flat, corner + side + 1) * right
    return (upper * (1 - low) + lower * low).astype(np.float32), inside


def _pick(flat: Floats, index: NDArray[np.int32]) -> Floats:
    return np.take_along_axis(flat, index, axis=1)


def _smooth(pictures: NDArray[np.uint8]) -> Floats:
    """Mean of 3 x 3 pixels: what is left of an edge a third of a pixel away."""
    padded = np.pad(pictures.astype(np.float32), ((0, 0), (1, 1), (1, 1)), mode="edge")
    rows = padded[:, :-2] + padded[:, 1:-1] + padded[:, 2:]
    return np.asarray((rows[:, :, :-2] + rows[:, :, 1:-1] + rows[:, :, 2:]) / 9, dtype=np.float32)


def _weighted(value: Floats, target: Floats, inside: Floats) -> Floats:
    weight = inside / np.maximum(inside.sum(axis=1, keepdims=True), 1)
    x = value - (value * weight).sum(axis=1, keepdims=True)
    y = target - (target * weight).sum(axis=1, keepdims=True)
    norm = np.sqrt((weight * x * x).sum(axis=1) * (weight * y * y).sum(axis=1))
    with np.errstate(invalid="ignore", divide="ignore"):
        return np.where(norm > 1e-3, (weight * x * y).sum(axis=1) / norm, -np.inf).astype(np.float32)
