"""Seeded samples of rows: the same seed and rows give the same sample."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.core import Attribute


def simple(rows: NDArray[np.int64], size: int, seed: int) -> NDArray[np.int64]:
    """A simple random sample without replacement, in the rows' order; all of them where there are no more.

    Args:
        rows: (n,) positions.
        size: most rows to draw.
        seed: of the draw.
    """
    if len(rows) <= size:
        return rows
    drawn = np.random.default_rng(seed).choice(len(rows), size, replace=False)
    return rows[np.sort(drawn)]


def stratified(group: Attribute, size: int, seed: int) -> dict[str, NDArray[np.int64]]:
    """The same number of rows from every value, so that a small group is seen as well as a large one.

    Args:
        group: (n,) codes; below 0: the row is in no stratum.
        size: most rows of each value.
        seed: of the draw.

    Returns:
        Value -> positions in random order, at most `size`; values without rows are left out.
    """
    keys = np.random.default_rng(seed).random(len(group.codes))
    order = np.lexsort((keys, group.codes))
    starts = np.searchsorted(group.codes[order], np.arange(len(group.values) + 1))
    return {
        name: order[starts[code] : min(starts[code] + size, starts[code + 1])]
        for code, name in enumerate(group.values)
        if starts[code + 1] > starts[code]
    }
