"""Change of ROC AUC by slice and outside each slice: paired DeLong on placements."""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.auc import AucTable, auc_by_slice, paired_auc_difference
from audit.counts import value_sums
from audit.intervals import normal_quantile
from audit.placements import Ranking, rank
from audit.slices import Partition, SliceSet
from audit.versions.join import Pair
from audit.versions.outside import outside_change
from audit.versions.paired import Change

METHOD = "paired DeLong"


class Ranked(NamedTuple):
    """Rows of both versions in order, with what every change of an AUC needs."""

    old: Ranking
    new: Ranking
    side: NDArray[np.int8]
    clusters: Ranking | None
    level: float


def auc_change(
    pair: Pair, slices: SliceSet, clusters: NDArray[np.int32] | None, level: float
) -> tuple[Change, Change]:
    """Change of AUC in every slice and in the known rows outside it.

    Where the variance is 0 though scores differ (AUC 0 or 1 in both), limits and p are not computed.

    Args:
        pair: n rows of a yes/no question with truth and two scores.
        slices: S slices of the rows.
        clusters: (n,) codes of rows that belong together, or None.
        level: of the intervals.

    Returns:
        Two changes, (S,) each; the second is NaN for everyone and for slices with an unknown value.
    """
    assert pair.old.scores is not None
    assert pair.new.scores is not None
    rows = ranked(pair, clusters, level)
    moved = value_sums(slices, ((pair.old.scores != pair.new.scores).astype(np.float64),))[:, 0]
    own = [change_of(rows, part.codes, part.size) for part in slices.partitions]
    outside = [_outside(rows, part) for part in slices.partitions]
    return _joined(own, moved == 0), _joined(outside, np.zeros(len(slices), dtype=bool))


def ranked(pair: Pair, clusters: NDArray[np.int32] | None, level: float) -> Ranked:
    """Sort both versions' scores once; `clusters` are codes of the pair's rows, or None."""
    assert pair.old.truth is not None
    assert pair.old.scores is not None
    assert pair.new.scores is not None
    return Ranked(
        rank(pair.old.scores),
        rank(pair.new.scores),
        pair.old.truth.astype(np.int8),
        None if clusters is None else rank(clusters),
        level,
    )


def change_of(rows: Ranked, codes: NDArray[np.int32], size: int) -> Change:
    """Change of the AUC of `size` sets of rows.

    Args:
        rows: n rows in order.
        codes: (n,) set of each row, -1 for none.
        size: number of sets.
    """
    old, new = (_table(ranking, rows, codes, size) for ranking in (rows.old, rows.new))
    gap = paired_auc_difference(
        rows.old, rows.new, rows.side, codes, size, clusters=rows.clusters, level=rows.level
    )
    nothing = np.full(size, np.nan)
    with np.errstate(invalid="ignore"):
        error = np.sqrt(np.where(gap.variance > 0, gap.variance, np.nan))
    return Change(
        old=old.value,
        new=new.value,
        value=new.value - old.value,
        low=gap.low,
        high=gap.high,
        p=gap.p,
        n=np.minimum(old.n_upper, old.n_lower).astype(np.float64),
        only_old=nothing,
        only_new=nothing,
        error=error,
        identical=np.zeros(size, dtype=bool),
        old_low=old.low,
        old_high=old.high,
        new_low=new.low,
        new_high=new.high,
    )


def _table(ranking: Ranking, rows: Ranked, codes: NDArray[np.int32], size: int) -> AucTable:
    """Each version's own AUC; its limits are for charts and take rows as independent."""
    return auc_by_slice(ranking, rows.side, codes, size, level=rows.level)[0]


def _outside(rows: Ranked, part: Partition) -> Change:
    """Change outside of each known slice; of two slices each is the other's outside. Values are left out."""
    found = _nothing(part.size)
    if not part.attributes or part.size < 2:
        return found
    if rows.clusters is None:
        value, variance = outside_change(rows.old, rows.new, rows.side, part)
        error = np.sqrt(np.where(variance > 0, variance, np.nan))
        half = normal_quantile(rows.level) * error
        return found._replace(
            value=value, low=np.maximum(value - half, -1.0), high=np.minimum(value + half, 1.0), error=error
        )
    member = np.concatenate([part.known, [False]])[part.codes]
    for k in np.flatnonzero(part.known):
        codes = np.where(member & (part.codes != k), 0, -1).astype(np.int32)
        gap = paired_auc_difference(
            rows.old, rows.new, rows.side, codes, 1, clusters=rows.clusters, level=rows.level
        )
        found.value[k], found.low[k], found.high[k] = gap.value[0], gap.low[0], gap.high[0]
    return found


def _nothing(size: int) -> Change:
    columns: dict[str, Any] = {name: np.full(size, np.nan) for name in Change._fields}
    return Change(**columns | {"identical": np.zeros(size, dtype=bool)})


def _joined(parts: list[Change], identical: NDArray[np.bool_]) -> Change:
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    whole = Change(*columns)
    still = identical & ~np.isnan(whole.value)
    return whole._replace(
        value=np.where(still, 0.0, whole.value),
        low=np.where(still, 0.0, whole.low),
        high=np.where(still, 0.0, whole.high),
        p=np.where(still, 1.0, whole.p),
        error=np.where(still, 0.0, whole.error),
        identical=still,
    )
