"""How often a label is positive in each group: does the mix of labels differ between groups?"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.clusters import design_effect, effective_n
from audit.core import Attribute
from audit.intervals import wilson


def base_rates(
    hit: NDArray[np.int8],
    group: Attribute,
    clusters: NDArray[np.integer] | None = None,
    level: float = 0.95,
) -> pa.Table:
    """The rate of positives among the rows of each value whose label is known.

    Args:
        hit: (n,) 1 positive, 0 not, -1 not known.
        group: (n,) codes; below 0: the row is left out.
        clusters: (n,) codes of rows that belong together; None: every row by itself.
        level: of the intervals.

    Returns:
        Columns value, n, events, rate, low, high, n_effective: Wilson's interval on n ÷ design effect. All
        but the counts are null where no row is known.
    """
    size = len(group.values)
    used = (hit >= 0) & (group.codes >= 0)
    codes, values = group.codes[used].astype(np.int64), hit[used]
    n = np.bincount(codes, minlength=size)
    events = np.bincount(codes[values == 1], minlength=size)
    share = np.ones(size)
    if clusters is not None and used.any():
        effect = design_effect(values.astype(np.float64), clusters[used], codes, size)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = effective_n(effect.rows, effect.deff, effect.df, level) / effect.rows
        share = np.where(np.isfinite(found), found, 1.0)
    rate, low, high = wilson(events * share, n * share, level)
    return pa.table(
        {
            "value": list(group.values),
            "n": n,
            "events": events,
            "rate": _known(rate, n),
            "low": _known(low, n),
            "high": _known(high, n),
            "n_effective": _known(n * share, n),
        }
    )


def _known(values: NDArray[np.float64], n: NDArray[np.int64]) -> pa.Array:
    return pa.array(values, mask=n == 0)
