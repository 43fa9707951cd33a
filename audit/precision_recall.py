"""Average precision by slice, from the sort that the AUCs share, with the logit interval.

Average precision is the sum over distinct scores, from the highest down, of (rise in recall) x (precision at
that score), as scikit-learn defines it; rows of one score enter together. It depends on the base rate, so
slices with different base rates do not compare: show the base rate beside it. Simulated with 20 to 300
positives, base rates .05 to .5 and normal scores, the nominal 95 % interval covers .94 to .99.
"""

from typing import NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray
from scipy.special import expit, logit

from audit.intervals import normal_quantile, wilson
from audit.placements import CodeArray, FloatArray, IntArray, Ranking, checked_columns

METHODS = ("not computed", "logit (Boyd, Eng and Page 2013)", "Wilson on the positives")
"""Names of the codes in `PrecisionTable.method`."""
_NONE, _LOGIT, _WILSON = 0, 1, 2


class PrecisionTable(NamedTuple):
    """Average precision of K samples; every field is (K,).

    Attributes:
        value: average precision, in (0, 1]; higher is better. NaN: no positive.
        low: lower limit, in [0, 1].
        high: upper limit, in [0, 1].
        n_positive: positives, the denominator.
        n: rows of either truth.
        method: index into METHODS.
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    n_positive: IntArray
    n: IntArray
    method: NDArray[np.int8]


@njit(cache=True, nogil=True)
def _add_precision(rise: IntArray, seen: IntArray, unknown: int, sums: FloatArray) -> None:
    """Add (positives that entered) x (precision so far) of each slice and of its outside, pool less slice."""
    pool_rise, pool_positives, pool_rows = rise[-1], seen[1, -1], seen[0, -1] + seen[1, -1]
    for k in range(sums.shape[1]):
        positives, rows = seen[1, k], seen[0, k] + seen[1, k]
        if rise[k] > 0:
            sums[0, k] += rise[k] * (positives / rows)
        if k == unknown:
            if pool_rise > 0:
                sums[1, k] += pool_rise * (pool_positives / pool_rows)
        elif pool_rise > rise[k]:
            sums[1, k] += (pool_rise - rise[k]) * ((pool_positives - positives) / (pool_rows - rows))


@njit(cache=True, nogil=True)
def _descend(
    order: IntArray,
    starts: IntArray,
    truth: NDArray[np.int8],
    codes: NDArray[np.int32],
    n_slices: int,
    unknown: int,
) -> tuple[IntArray, FloatArray]:
    """Walk the groups of equal scores downwards; the last column of the counts is all known rows together."""
    seen = np.zeros((2, n_slices + 1), np.int64)
    rise = np.zeros(n_slices + 1, np.int64)
    sums = np.zeros((2, n_slices))
    for group in range(starts.size - 2, -1, -1):
        entered = False
        for i in range(starts[group], starts[group + 1]):
            k, t = codes[order[i]], truth[order[i]]
            if k < 0 or t < 0:
                continue
            in_pool = k != unknown
            seen[t, k] += 1
            seen[t, -1] += in_pool
            rise[k] += t
            rise[-1] += t * in_pool
            entered |= t == 1
        if entered:
            _add_precision(rise, seen, unknown, sums)
            rise[:] = 0
    return seen, sums


def _table(
    sums: FloatArray, n_positive: IntArray, n: IntArray, effect: ArrayLike, level: float
) -> PrecisionTable:
    z = normal_quantile(level)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = np.where(n_positive > 0, sums / n_positive, np.nan)
        units = n_positive / np.asarray(effect, dtype=np.float64)
        value = np.minimum(value, 1.0)
        centre, half = logit(value), z / np.sqrt(units * value * (1.0 - value))
        low, high = expit(centre - half), expit(centre + half)
    perfect = value == 1.0
    exact = wilson(np.where(perfect, units, 0.0), np.where(perfect, units, 0.0), level)
    method = np.where(np.isnan(value), _NONE, np.where(perfect, _WILSON, _LOGIT)).astype(np.int8)
    return PrecisionTable(
        value, np.where(perfect, exact.low, low), np.where(perfect, 1.0, high), n_positive, n, method
    )


def average_precision_by_slice(
    ranking: Ranking,
    truth: CodeArray,
    codes: CodeArray,
    n_slices: int,
    *,
    unknown: int = -1,
    design_effects: tuple[ArrayLike, ArrayLike] = (1.0, 1.0),
    level: float = 0.95,
) -> tuple[PrecisionTable, PrecisionTable]:
    """Average precision of every slice of one partition, and of everyone outside each slice.

    Interval: logit(value) +- z / sqrt(positives x value x (1 - value)). At a value of 1, where that has no
    width, the Wilson interval of that many successes among the positives. It takes O(n + K x distinct scores
    that a positive has).

    Args:
        ranking: `audit.placements.rank(scores)`, made once for each output.
        truth: (n,) 1 positive, 0 negative, -1 the row takes no part.
        codes: (n,) slice of each row, -1 for none.
        n_slices: K.
        unknown: a code left out of every outside, or -1.
        design_effects: of the positives of the slices and of the outsides, (K,) or one number each, at least
            1; the positives are divided by them (see `audit.clusters.design_effect`).
        level: confidence level.

    Returns:
        Tables of the K slices and of the K outsides.

    Source:
        Boyd, Eng & Page (2013), Area under the precision-recall curve, ECML PKDD, LNCS 8190, 451-466.
    """
    small_truth, small_codes = checked_columns(ranking, truth, codes, n_slices)
    seen, sums = _descend(ranking.order, ranking.starts, small_truth, small_codes, n_slices, unknown)
    inside, members = seen[:, :-1], seen[:, :-1].copy()
    if unknown >= 0:
        members[:, unknown] = 0
    outside = seen[:, -1:] - members
    return (
        _table(sums[0], inside[1], inside.sum(axis=0), design_effects[0], level),
        _table(sums[1], outside[1], outside.sum(axis=0), design_effects[1], level),
    )
