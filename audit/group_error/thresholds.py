"""What if: one common threshold for everybody over a grid, and each group's errors at it.

Thresholds of their own for groups are not offered: in hiring in the US they are unlawful.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit import intervals
from audit.counts import cell_counts
from audit.group_error.targets import Target
from audit.slices import SliceSet

GRID: NDArray[np.float64] = np.round(np.linspace(0.01, 0.99, 99), 2)


def grid(threshold: float | None) -> NDArray[np.float64]:
    """The thresholds tabled: 0.01 to 0.99, and the one in force."""
    return GRID if threshold is None else np.unique(np.append(GRID, threshold))


def what_if(target: Target, slices: SliceSet, level: float) -> pa.Table:
    """Errors of everyone and of each single-attribute slice at every threshold.

    Args:
        target: a yes/no question with truth and scores.
        slices: slices of its rows; crossings are not tabled.
        level: of the Wilson intervals.

    Returns:
        Columns output, slice, attribute, value, threshold, in_force, positives, negatives, fpr, fpr_low,
        fpr_high, fnr, fnr_low, fnr_high, selection_rate, error_rate.
    """
    assert target.truth is not None
    assert target.scores is not None
    cuts = grid(target.threshold)
    below = np.searchsorted(cuts, target.scores, side="right")  # how many thresholds the score reaches
    cells = below + (len(cuts) + 1) * target.truth.astype(np.int64)
    counts = cell_counts(slices, cells, 2 * (len(cuts) + 1)).reshape(len(slices), 2, len(cuts) + 1)
    reached = counts[:, :, ::-1].cumsum(axis=2)[:, :, ::-1][
        :, :, 1:
    ]  # (S, truth, threshold) with score >= it
    kept = np.flatnonzero(slices.depth <= 1)
    reached, total = reached[kept], counts[kept].sum(axis=2)
    negatives, positives = (np.repeat(total[:, t, None], len(cuts), axis=1) for t in (0, 1))
    fpr = intervals.wilson(reached[:, 0], negatives, level)
    fnr = intervals.wilson(positives - reached[:, 1], positives, level)
    chosen, wrong = reached.sum(axis=1), reached[:, 0] + positives - reached[:, 1]
    names = [slices.slices[i] for i in kept]
    every = len(cuts)
    return pa.table(
        {
            "output": [target.name] * (len(kept) * every),
            "slice": np.repeat([s.key for s in names], every),
            "attribute": np.repeat([s.of[0][0] if s.of else "" for s in names], every),
            "value": np.repeat([s.of[0][1] if s.of else "" for s in names], every),
            "threshold": np.tile(cuts, len(kept)),
            "in_force": np.tile(cuts == target.threshold, len(kept)),
            "positives": positives.ravel().astype(np.int64),
            "negatives": negatives.ravel().astype(np.int64),
            **{f"fpr{end}": x.ravel() for end, x in zip(("", "_low", "_high"), fpr, strict=True)},
            **{f"fnr{end}": x.ravel() for end, x in zip(("", "_low", "_high"), fnr, strict=True)},
            "selection_rate": (chosen / (positives + negatives)).ravel(),
            "error_rate": (wrong / (positives + negatives)).ravel(),
        }
    )
