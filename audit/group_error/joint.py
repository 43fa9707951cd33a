"""Outputs of one network together: do the same people get both wrong?"""

from __future__ import annotations

from collections.abc import Sequence
from itertools import combinations

import numpy as np
import pyarrow as pa

from audit.counts import value_sums
from audit.group_error.targets import Target
from audit.intervals import normal_quantile
from audit.slices import SliceSet

SCHEMA = pa.schema(
    [("first", pa.string()), ("second", pa.string()), ("slice", pa.string()), ("n", pa.int64())]
    + [(name, pa.float64()) for name in ("correlation", "low", "high")]
)


def joint_errors(targets: Sequence[tuple[Target, SliceSet]], level: float) -> pa.Table:
    """Correlation of two targets' errors (0/1, or the absolute error of a number) in every slice.

    The interval is Fisher's z. Computed for pairs of targets with truth and the same rows.

    Returns:
        Columns first, second, slice, n, correlation, low, high; NaN where an error does not vary.
    """
    tables = [
        _pair(one, other, slices, level)
        for (one, slices), (other, _) in combinations(targets, 2)
        if one.truth is not None and other.truth is not None and np.array_equal(one.rows, other.rows)
    ]
    return pa.concat_tables(tables) if tables else SCHEMA.empty_table()


def _pair(one: Target, other: Target, slices: SliceSet, level: float) -> pa.Table:
    x, y = one.wrong, other.wrong
    assert x is not None
    assert y is not None
    x, y = x - x.mean(), y - y.mean()
    n, sx, sy, sxx, syy, sxy = value_sums(slices, (np.ones(len(x)), x, y, x * x, y * y, x * y)).T
    with np.errstate(invalid="ignore", divide="ignore"):
        cov = sxy / n - sx / n * sy / n
        spread = np.sqrt(np.maximum(sxx / n - (sx / n) ** 2, 0) * np.maximum(syy / n - (sy / n) ** 2, 0))
        r = np.clip(np.where(spread > 1e-12, cov / spread, np.nan), -1, 1)
        half = np.where(n > 3, normal_quantile(level) / np.sqrt(n - 3), np.nan)
        low, high = np.tanh(np.arctanh(r) - half), np.tanh(np.arctanh(r) + half)
    return pa.table(
        {
            "first": [one.name] * len(slices),
            "second": [other.name] * len(slices),
            "slice": [s.key for s in slices.slices],
            "n": n.astype(np.int64),
            "correlation": r,
            "low": low,
            "high": high,
        },
        schema=SCHEMA,
    )
