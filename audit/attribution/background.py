"""How much of an attribution lies outside the centre of the picture, or outside a given region, by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.attribution.group_means import GroupMeans, group_means
from audit.attribution.maps import pooled
from audit.core import Attribute

Array = NDArray[np.float64]
CENTRE = 0.7
"""Sides of the centre, as a share of the picture's: 49 % of its area."""
GRID = 28
"""Side of the mean maps."""


@dataclass(frozen=True, kw_only=True)
class Background:
    """Attributions of n pictures for one column."""

    outside: Array
    """(n,) share of the absolute attribution outside the region; NaN where there is no attribution."""
    expected: float
    """That share for an even map: the region's complement by area."""


def centre(height: int, width: int, side: float = CENTRE) -> Array:
    """(H, W) 1 inside the centre of a picture, a part of 1 where its edge cuts a pixel."""
    edges = [(length * (1 - side) / 2, length * (1 + side) / 2) for length in (height, width)]
    inside = [
        np.clip(np.minimum(stop, np.arange(length) + 1) - np.maximum(start, np.arange(length)), 0, 1)
        for length, (start, stop) in zip((height, width), edges, strict=True)
    ]
    return np.asarray(np.outer(*inside))


def outside_share(density: Array, region: Array | None = None) -> float:
    """Share of the absolute attribution that lies outside a region.

    Args:
        density: (H, W) attribution of each pixel.
        region: (H, W) in [0, 1], 1 inside; None: the centre.

    Returns:
        NaN for a map of zeros.
    """
    size = np.abs(density)
    total = size.sum()
    if total == 0:
        return float("nan")
    inside = centre(*density.shape) if region is None else region
    return float((size * (1 - inside)).sum() / total)


def background(densities: list[Array], region: Array | None = None) -> Background:
    """Measure n pictures.

    Args:
        densities: maps, each of its own size.
        region: on a grid of any size, stretched over every picture; None: the centre.
    """
    if region is None:
        shares = [outside_share(density) for density in densities]
        return Background(outside=np.array(shares), expected=1 - CENTRE**2)
    grids = [pooled(np.abs(density), *region.shape) for density in densities]
    shares = [outside_share(grid, region) for grid in grids]
    return Background(outside=np.array(shares), expected=float(1 - region.mean()))


def mean_maps(densities: list[Array], codes: NDArray[np.int32], groups: int) -> Array:
    """(G, GRID, GRID) mean of the maps of each group, each map first divided by its absolute sum.

    So every picture counts alike, however far its score moved. Maps of zeros and codes below 0 are left out.
    """
    sums, counts = np.zeros((groups, GRID, GRID)), np.zeros(groups)
    for density, code in zip(densities, codes.tolist(), strict=True):
        total = np.abs(density).sum()
        if code >= 0 and total > 0:
            sums[code] += pooled(density / total, GRID, GRID)
            counts[code] += 1
    return sums / np.maximum(counts, 1)[:, None, None]


def by_group(
    shares: Array,
    rows: NDArray[np.int64],
    attributes: Mapping[str, Attribute],
    clusters: NDArray[np.int32] | None,
    level: float,
) -> list[GroupMeans]:
    """Mean share outside of every group of every attribute, with intervals and tests against everyone else.

    Args:
        shares: (n,) from `Background.outside`.
        rows: (n,) positions of the pictures in the examples.
        attributes: by name.
        clusters: (N,) of the examples, or none.
        level: of the intervals.
    """
    return [
        group_means(
            shares, attribute.codes[rows], attribute, None if clusters is None else clusters[rows], level
        )
        for attribute in attributes.values()
    ]
