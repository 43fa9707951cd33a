"""Ranking measures by slice: ROC AUC and other Mann-Whitney shares, with intervals, gaps and paired changes.

A share is P(upper row scores above lower row) + half of P(tie). Positives above negatives is ROC AUC; the
background's positives above a group's negatives is BPSN; members above background inside a class is an AEG's
U. All come from one walk over one sort, see `audit.placements`. NaN: not computable, a side is empty.
"""

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit, ndtr

from audit.auc_table import DELONG, auc_table
from audit.auc_table import METHODS as METHODS
from audit.auc_table import AucTable as AucTable
from audit.auc_table import hanley_mcneil_variance as hanley_mcneil_variance
from audit.auc_table import newcombe_auc_interval as newcombe_auc_interval
from audit.intervals import Interval, mover_difference, normal_quantile
from audit.placements import (
    CodeArray,
    FloatArray,
    IntArray,
    PlacementVariance,
    Ranking,
    row_placements,
    slice_variances,
    sum_clusters,
)


class AucGap(NamedTuple):
    """Difference of two shares; every field is (K,) and in AUC units, but for the p-value.

    Attributes:
        value: first - second, or new - old.
        low: lower limit.
        high: upper limit.
        p: two-sided; NaN where it cannot be told.
        variance: of the difference (gaps of gaps add it up).
    """

    value: FloatArray
    low: FloatArray
    high: FloatArray
    p: FloatArray
    variance: FloatArray


def placement_variance(
    placements: FloatArray, side: CodeArray, codes: CodeArray, n_slices: int, clusters: Ranking | None = None
) -> PlacementVariance:
    """Mean of row placements by slice and its variance, with rows independent or in clusters.

    `placements` (n,) come from `row_placements`, or are differences of those of two scores of the same rows
    (paired DeLong); the rest is as in `auc_by_slice`. The variance is NaN with fewer than two units on a
    side. With every row in a cluster of its own the clustered variance is DeLong's.

    Source:
        DeLong et al. (1988), Biometrics 44, 837-845; clusters: Obuchowski (1997), Biometrics 53, 567-578.
    """
    used = (side >= 0) & (codes >= 0) & ~np.isnan(placements)
    key = np.where(used, side.astype(np.int64) * n_slices + codes, 2 * n_slices)
    values = np.where(used, placements, 0.0)
    size = 2 * n_slices + 1
    n = np.bincount(key, minlength=size)
    units, products = np.zeros((3, n_slices), np.int64), np.zeros((3, n_slices))
    with np.errstate(invalid="ignore", divide="ignore"):
        means = np.bincount(key, values, size) / n
        centred = np.where(used, values - means[key], 0.0)
        if clusters is None:
            units[:2] = n[:-1].reshape(2, n_slices)
            products[:2] = np.bincount(key, centred**2, size)[:-1].reshape(2, n_slices)
        else:
            small_side = np.where(used, side, -1).astype(np.int8)
            small_codes = np.ascontiguousarray(codes, dtype=np.int32)
            sum_clusters(*clusters, small_side, small_codes, centred, units, products)
        factors = np.where(units > 0, units / (units - 1.0), 0.0)
        parts = factors[:2] * products[:2] / n[:-1].reshape(2, n_slices) ** 2
        cross = 2.0 * factors[2] * products[2] / (n[:n_slices] * n[n_slices:-1])
    enough = (units[:2] >= 2).all(axis=0)
    variance = np.where(enough, np.maximum(parts.sum(axis=0) + cross, 0.0), np.nan)
    return PlacementVariance(means[n_slices:-1], variance, units[:2])


def _clustered(
    ranking: Ranking, side: CodeArray, codes: CodeArray, n_slices: int, clusters: Ranking
) -> tuple[PlacementVariance, IntArray, FloatArray]:
    """Moments, rows by side, independent units by side (rows / design effect; clusters at variance 0)."""
    placements = row_placements(ranking, side, codes, n_slices)
    robust = placement_variance(placements, side, codes, n_slices, clusters)
    rows = placement_variance(placements, side, codes, n_slices)
    with np.errstate(invalid="ignore", divide="ignore"):
        effect = np.maximum(robust.variance / rows.variance, 1.0)
        units = np.where(robust.variance > 0, rows.units / effect, robust.units)
    return robust, rows.units, units


def auc_by_slice(
    ranking: Ranking,
    side: CodeArray,
    codes: CodeArray,
    n_slices: int,
    *,
    unknown: int = -1,
    clusters: Ranking | None = None,
    level: float = 0.95,
) -> tuple[AucTable, AucTable]:
    """AUC of every slice of one partition, and of everyone outside each slice, with intervals.

    DeLong on the logit scale; smaller side < SMALL_CLASS independent rows: the wider of that and Newcombe's
    method 5; variance 0 or not computable: method 5 alone. With clusters, sizes are divided by the design
    effect (clustered variance / DeLong's, at least 1); where the variance is 0, clusters are counted.

    Args:
        ranking: `rank(scores)`, made once for each output.
        side: (n,) truth 1 or 0, or any upper and lower sample; -1: the row takes no part.
        codes: (n,) slice of each row, -1 for none.
        n_slices: K.
        unknown: a code left out of every outside, or -1.
        clusters: `rank(cluster codes)`, made once for all outputs; None: independent rows. Clusters cost one
            walk for each outside, O(n K), instead of one for all.
        level: confidence level.

    Returns:
        Tables of the K slices and of the K outsides. A slice and its outside share no row.
    """
    if clusters is None:
        inside, outside = (
            auc_table(moments, moments.units, moments.units.astype(np.float64), level)
            for moments in slice_variances(ranking, side, codes, n_slices, unknown)
        )
        return inside, outside
    known = (codes >= 0) & (codes != unknown)
    pools = (np.where(known & (codes != k), 0, -1) for k in range(n_slices))
    tables = [auc_table(*_clustered(ranking, side, pool, 1, clusters), level) for pool in pools]
    outside = AucTable(*(np.concatenate(column) for column in zip(*tables, strict=True)))
    return auc_table(*_clustered(ranking, side, codes, n_slices, clusters), level), outside


def mann_whitney(
    ranking: Ranking,
    upper: NDArray[np.bool_],
    lower: NDArray[np.bool_],
    *,
    clusters: Ranking | None = None,
    level: float = 0.95,
) -> AucTable:
    """P(upper row scores above lower row), ties half, of two disjoint samples; a table of one row.

    `upper` and `lower` are masks (n,); the rest as in `auc_by_slice`, which takes several pairs that
    share no row in one walk: the pair as the code, the sample as the side (BPSN with BNSP; AEG+ with AEG-).

    Raises:
        ValueError: a row is in both samples.
    """
    if np.any(upper & lower):
        raise ValueError(f"upper and lower must share no row, got {int(np.sum(upper & lower))} in both")
    side = np.where(upper, 1, np.where(lower, 0, -1)).astype(np.int8)
    codes = np.zeros(side.size, dtype=np.int32)
    return auc_by_slice(ranking, side, codes, 1, clusters=clusters, level=level)[0]


def auc_difference(
    first: AucTable, second: AucTable, level: float = 0.95, correlation: FloatArray | float = 0.0
) -> AucGap:
    """Gap of two shares, first - second, such as those of a slice and its outside.

    Interval: MOVER on the two intervals. p: z test on the logit scale; the standard error is DeLong's, or, of
    a share with Newcombe's interval, the distance to the limit that faces the other share, over z. Where a
    share is 0 or 1: the same on the plain scale, with both distances. Clusters with rows in both samples are
    taken as independent, which is conservative where they are positively correlated.

    Args:
        first: (K,) shares.
        second: (K,) shares.
        level: the level that both tables were made with.
        correlation: (K,) of the two shares, where they have a sample in common; 0: independent samples.
    """
    limits = [Interval(share.value, share.low, share.high) for share in (first, second)]
    gap = mover_difference(limits[0], limits[1], correlation)
    z = normal_quantile(level)
    over = gap.value > 0
    facing = (np.where(over, first.low, first.high), np.where(over, second.high, second.low))
    with np.errstate(invalid="ignore", divide="ignore"):
        errors = []
        for share, limit in zip((first, second), facing, strict=True):
            by_limit = np.abs(logit(share.value) - logit(limit)) / z
            delong = np.sqrt(share.variance) / (share.value * (1.0 - share.value))
            errors.append(np.where(share.method == DELONG, delong, by_limit))
        error = np.sqrt((errors[0] - errors[1]) ** 2 + 2.0 * (1.0 - correlation) * errors[0] * errors[1])
        on_logit = (logit(first.value) - logit(second.value)) / error
        distance = np.hypot(first.value - facing[0], second.value - facing[1]) / z
        on_plain = gap.value / distance
    edge = np.isin(first.value, (0.0, 1.0)) | np.isin(second.value, (0.0, 1.0))
    p = np.where(gap.value == 0, 1.0, 2.0 * ndtr(-np.abs(np.where(edge, on_plain, on_logit))))
    shared = 2.0 * correlation * np.sqrt(first.variance * second.variance)
    return AucGap(gap.value, gap.low, gap.high, p, first.variance + second.variance - shared)


def paired_auc_difference(
    old: Ranking,
    new: Ranking,
    side: CodeArray,
    codes: CodeArray,
    n_slices: int,
    *,
    clusters: Ranking | None = None,
    level: float = 0.95,
) -> AucGap:
    """Change of AUC by slice between two scores of the same rows, new - old: paired DeLong.

    The variance of the change is that of a mean of differences of placements: var + var - 2 cov of DeLong et
    al. (1988). Interval: value +- z standard errors, within [-1, 1]. Variance 0 or fewer than two rows on a
    side: limits and p are NaN, and the caller decides (identical scores: no change; else it cannot tell).
    Arguments as in `auc_by_slice`; `old` and `new` rank the same rows in the same order.
    """
    change = row_placements(new, side, codes, n_slices) - row_placements(old, side, codes, n_slices)
    moments = placement_variance(change, side, codes, n_slices, clusters)
    known = moments.variance > 0
    error = np.sqrt(np.where(known, moments.variance, np.nan))
    half = normal_quantile(level) * error
    low, high = np.maximum(moments.mean - half, -1.0), np.minimum(moments.mean + half, 1.0)
    return AucGap(moments.mean, low, high, 2.0 * ndtr(-np.abs(moments.mean / error)), moments.variance)
