"""Where a picture's border ends: bands of one colour at its sides, a line of text in them allowed for.

A copy with a caption below, or between the bars of a letterbox, is found again once the band is cut away. A
band starts with a line of pixels of nearly one grey and goes on as long as some of that grey is left in each
line, up to the last line that is mostly of it: the letters of a caption leave most of a line as it is, a
photograph does not.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.leakage.compiled import compiled

TOLERANCE = 24
"""Grey levels around the median of the outermost line that still count as its colour: JPEG blurs letters."""
PLAIN = 0.8
"""Share of the outermost line that must be of its colour; letters that reach it are allowed for."""
TEXT = 0.15
"""Share of a line below which it can't be part of a band, not even with letters on it."""
CLOSING = 0.85
"""Share of the last line of a band."""
MOST, LEAST = 0.4, 0.04
"""Of a side: a band that reaches further is no border; one that is thinner moves no hash far."""
SMALLEST = 32
"""Sides below this have no border worth looking for."""


def inner_box(grey: NDArray[np.uint8]) -> tuple[int, int, int, int] | None:
    """The picture within its border as (left, top, right, bottom); None where there is no border.

    Args:
        grey: (height, width) grey levels.
    """
    high, wide = grey.shape
    if min(high, wide) < SMALLEST:
        return None
    found = _bands(grey)
    top, bottom, left, right = (int(k) for k in found)
    return None if not found.any() else (left, top, wide - right, high - bottom)


@compiled
def _bands(grey: NDArray[np.uint8]) -> NDArray[np.int64]:
    """Lines of the bands at top, bottom, left and right."""
    made = np.zeros(4, dtype=np.int64)
    high, wide = grey.shape
    for side in range(4):
        across = side >= 2
        count, length = (wide, high) if across else (high, wide)
        limit = int(count * MOST)
        seen = np.zeros(256, dtype=np.int64)
        for k in range(length):
            seen[_at(grey, side, 0, k)] += 1
        total, centre = 0, 0
        while total * 2 < length:
            total += seen[centre]
            centre += 1
        centre -= 1
        end = 0
        for line in range(limit):
            near = 0
            for k in range(length):
                if abs(_at(grey, side, line, k) - centre) <= TOLERANCE:
                    near += 1
            if near < TEXT * length or (line == 0 and near < PLAIN * length):
                break
            if near >= CLOSING * length:
                end = line + 1
        made[side] = end if LEAST * count <= end < limit else 0
    return made


@compiled
def _at(grey: NDArray[np.uint8], side: int, line: int, k: int) -> int:
    """Pixel k of the line that is `line` lines from a side: 0 top, 1 bottom, 2 left, 3 right."""
    if side == 0:
        return int(grey[line, k])
    if side == 1:
        return int(grey[grey.shape[0] - 1 - line, k])
    if side == 2:
        return int(grey[k, line])
    return int(grey[k, grey.shape[1] - 1 - line])
