"""A Mann-Whitney share with its interval: DeLong on the logit scale, Newcombe's method where it is small."""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import expit, logit

from audit.intervals import Interval, normal_quantile
from audit.placements import FloatArray, IntArray, PlacementVariance

SMALL_CLASS = 60  # rows of the smaller side below which DeLong's interval alone is not trusted
METHODS = ("not computed", "DeLong on the logit scale", "Newcombe 2006 method 5")
"""Names of the codes in `AucTable.method`."""
NONE, DELONG, NEWCOMBE = 0, 1, 2


class AucTable(NamedTuple):
    """Shares of K pairs of samples; every field is (K,).

    Attributes:
        value: the share, in [0, 1]: 1 where all of the upper sample scores higher. NaN: a side is empty.
        variance: of the share; NaN with fewer than two independent units on a side.
        low: lower limit, in [0, 1].
        high: upper limit, in [0, 1].
        n_upper: rows of the upper sample (positives).
        n_lower: rows of the lower sample (negatives).
        method: index into METHODS of the interval that was taken.
        small: the smaller side has fewer than SMALL_CLASS independent rows; to be shown with the interval.
    """

    value: FloatArray
    variance: FloatArray
    low: FloatArray
    high: FloatArray
    n_upper: IntArray
    n_lower: IntArray
    method: NDArray[np.int8]
    small: NDArray[np.bool_]


def hanley_mcneil_variance(value: FloatArray, n_upper: FloatArray, n_lower: FloatArray) -> FloatArray:
    """Variance of a share from its value alone (Hanley & McNeil 1982, Radiology 143, 29-36)."""
    q1, q2 = value / (2.0 - value), 2.0 * value**2 / (1.0 + value)
    spread = value * (1.0 - value) + (n_upper - 1.0) * (q1 - value**2) + (n_lower - 1.0) * (q2 - value**2)
    return np.asarray(spread / (n_upper * n_lower))


def newcombe_auc_interval(
    value: FloatArray, n_upper: FloatArray, n_lower: FloatArray, level: float = 0.95
) -> Interval:
    """Score-type interval of a share: the shares t with |value - t| <= z sqrt(V(t)); finite at 0 and 1.

    V is Hanley and McNeil's variance with both sample sizes in its bracket replaced by their mean.
    Arrays are (K,); sizes may be fractional (rows / design effect).

    Source:
        Newcombe (2006), Statistics in Medicine 25, 559-573, method 5.
    """
    z = normal_quantile(level)
    mean_size = (n_upper + n_lower) / 2.0

    def beyond(t: FloatArray) -> NDArray[np.bool_]:
        spread = hanley_mcneil_variance(t, mean_size, mean_size) * mean_size**2 / (n_upper * n_lower)
        return np.asarray((value - t) ** 2 > z**2 * spread)

    limits = []
    for end in (0.0, 1.0):
        outer, inner = np.full_like(value, end), np.array(value, dtype=np.float64)
        for _ in range(60):
            middle = (outer + inner) / 2.0
            out = beyond(middle)
            outer, inner = np.where(out, middle, outer), np.where(out, inner, middle)
        limits.append(np.where(value == end, end, inner))
    return Interval(np.asarray(value), limits[0], limits[1])


def auc_table(placements: PlacementVariance, n: IntArray, units: FloatArray, level: float) -> AucTable:
    """Interval of K shares.

    DeLong on the logit scale; smaller side < SMALL_CLASS independent units: the wider of that and Newcombe's
    method 5; variance 0 or not computable: method 5 alone.

    Args:
        placements: values and variances, (K,).
        n: (2, K) rows of the lower and of the upper sample.
        units: (2, K) independent units of the two; fractional where rows are divided by a design effect.
        level: confidence level.
    """
    z = normal_quantile(level)
    value, variance = placements.mean, placements.variance
    with np.errstate(invalid="ignore", divide="ignore"):
        centre, half = logit(value), z * np.sqrt(variance) / (value * (1.0 - value))
        low, high = expit(centre - half), expit(centre + half)
        score = newcombe_auc_interval(value, units[1], units[0], level)
        small = (units.min(axis=0) < SMALL_CLASS) & ~np.isnan(value)
        newcombe = ~(variance > 0) | (small & (score.high - score.low > high - low))
    method = np.where(np.isnan(value), NONE, np.where(newcombe, NEWCOMBE, DELONG)).astype(np.int8)
    return AucTable(
        value,
        variance,
        np.where(newcombe, score.low, low),
        np.where(newcombe, score.high, high),
        n[1],
        n[0],
        method,
        small,
    )
