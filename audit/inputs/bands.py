"""A numeric attribute cut into bands with readable names, and edges to propose where it has none."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray


def band_names(edges: Sequence[float], *, whole: bool) -> tuple[str, ...]:
    """Names of the bands below, between and above the edges.

    Args:
        edges: inner edges, increasing; each is the first value of the band that it opens.
        whole: the values are whole numbers, so that "18-29" can include both of its ends.
    """
    whole = whole and all(float(edge).is_integer() for edge in edges)
    first, last = f"under {_text(edges[0])}", f"{_text(edges[-1])}+"
    between = [_between(low, high, whole) for low, high in zip(edges[:-1], edges[1:], strict=True)]
    return (first, *between, last)


def bands(values: NDArray[np.float64], edges: Sequence[float]) -> NDArray[np.int32]:
    """Band of each value: its code into `band_names`."""
    return np.searchsorted(np.asarray(edges, dtype=np.float64), values, side="right").astype(np.int32)


def proposed_edges(values: NDArray[np.float64]) -> tuple[float, ...]:
    """Quartiles, rounded to two digits, as a first proposal for the spec; () where they coincide."""
    quartiles = np.quantile(values, (0.25, 0.5, 0.75))
    return tuple(sorted({float(f"{edge:.2g}") for edge in quartiles}))


def _between(low: float, high: float, whole: bool) -> str:
    if not whole:
        return f"{_text(low)} to under {_text(high)}"
    if high - low == 1:
        return _text(low)
    joint = " to " if low < 0 else "-"
    return f"{_text(low)}{joint}{_text(high - 1)}"


def _text(edge: float) -> str:
    return str(int(edge)) if float(edge).is_integer() else f"{edge:g}"
