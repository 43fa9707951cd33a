"""All cells of an audit tested as one family, and ranked on the house scale."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit import multiplicity
from audit.group_error.severity import (
    Ranks,
    harm_sign,
    rank,
    smallest_gap_from_error,
    smallest_rate_gap,
)
from audit.identity_terms.cells import Cells
from audit.identity_terms.order import Floats
from audit.intervals import normal_quantile
from audit.spec import Spec

FAMILY = "identity terms"
ADJUSTMENT = "Holm"


@dataclass(frozen=True, kw_only=True)
class RankedCells:
    """Cells with adjusted p and severity; (K,) each."""

    cells: Cells
    p: Floats
    """NaN where not tested."""
    p_adjusted: Floats
    tests: int
    """Size of the family."""
    ranks: Ranks
    margin: float
    smallest: Floats
    """Smallest harmful difference that the cell would have shown with 80 % probability."""

    @property
    def harmful(self) -> NDArray[np.bool_]:
        """(K,) tested, and worse than without bias."""
        return np.asarray(self.ranks.harmful & ~np.isnan(self.p))


def rank_cells(cells: Sequence[Cells], spec: Spec) -> list[RankedCells]:
    """Adjust every tested cell of every label together and rank them.

    Holm, not Benjamini-Hochberg: with two identities truly harmed, a false discovery rate would let one audit
    in ten or more name a third that is not. Holm keeps the chance of a single false name at 5 %.

    Args:
        cells: all metrics of all labels.
        spec: level and margins.
    """
    ps = [np.where(c.untested == "", c.p, np.nan) for c in cells]
    flat = np.concatenate(ps) if ps else np.empty(0)
    tests = int(np.count_nonzero(~np.isnan(flat)))
    cuts = np.cumsum([p.size for p in ps])[:-1]
    adjusted = np.split(multiplicity.holm(flat), cuts) if ps else []
    return [_ranked(c, p, q, tests, spec) for c, p, q in zip(cells, ps, adjusted, strict=True)]


def _ranked(cells: Cells, p: Floats, adjusted: Floats, tests: int, spec: Spec) -> RankedCells:
    metric = cells.metric
    margin = float(spec.margins.get(metric.name, spec.margins.get(metric.margin, 0.05)))
    gap = cells.difference
    return RankedCells(
        cells=cells,
        p=p,
        p_adjusted=adjusted,
        tests=tests,
        ranks=rank(metric, cells.own.value, cells.expected, gap.low, gap.high, adjusted, margin),
        margin=margin,
        smallest=_smallest(cells, tests, spec.level),
    )


def _smallest(cells: Cells, tests: int, level: float) -> Floats:
    if not cells.metric.finding:
        return np.full(cells.n.size, np.nan)
    if cells.metric.unit == "rate":
        sign = harm_sign(cells.metric, cells.own.value)
        with np.errstate(invalid="ignore", divide="ignore"):
            own, other = cells.effective
            return smallest_rate_gap(cells.background.value, own, other, sign, tests)
    error = (cells.difference.high - cells.difference.low) / (2 * normal_quantile(level))
    return smallest_gap_from_error(error, tests)
