"""Impact ratios: selection rate ÷ that of the most selected category (New York's Local Law 144).

The law sets no pass mark; 0.8 is the EEOC's rule of thumb, and with small groups it fires by chance.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit import intervals

FOUR_FIFTHS = 0.8
DRAWS = 4_999


class Impact(NamedTuple):
    """K categories of one attribute; arrays (K,)."""

    reference: int
    """Position of the most selected category among those with enough rows; -1: nobody is selected."""
    ratio: NDArray[np.float64]
    low: NDArray[np.float64]
    high: NDArray[np.float64]
    """Given that reference."""
    expected: NDArray[np.float64]
    """Mean ratio of each category if all selection rates were equal."""
    fires: float
    """Probability that at least one category would fall below 0.8 if all selection rates were equal."""


def impact(
    selected: NDArray[np.float64], n: NDArray[np.float64], minimum_share: float, level: float, seed: int
) -> Impact:
    """Compare each category's selection rate with the highest.

    Args:
        selected: (K,).
        n: (K,) rows, all > 0.
        minimum_share: smallest share of all rows of a category that can be the reference.
        level: of the intervals.
        seed: of the draws under equality.
    """
    eligible = n >= minimum_share * n.sum()
    rate = np.where(eligible, selected / n, -1.0)
    nothing = np.full(len(n), np.nan)
    if selected.sum() == 0 or not eligible.any():
        return Impact(-1, nothing, nothing, nothing, nothing, np.nan)
    best = int(np.argmax(rate))
    found = intervals.ratio(selected, n, np.full(len(n), selected[best]), np.full(len(n), n[best]), level)
    value, low, high = (np.where(np.arange(len(n)) == best, 1.0, x) for x in found)
    draws = (
        np.random.default_rng(seed).binomial(
            n.astype(np.int64), selected.sum() / n.sum(), size=(DRAWS, len(n))
        )
        / n
    )
    top = draws[:, eligible].max(axis=1)
    with np.errstate(invalid="ignore", divide="ignore"):
        null = draws / top[:, None]
    fires = (null < FOUR_FIFTHS).any(axis=1)
    return Impact(best, value, low, high, np.nanmean(null, axis=0), float(fires[top > 0].mean()))
