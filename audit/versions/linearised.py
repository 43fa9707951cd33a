"""Changes of F1 averages by the delta method: every row moves the metric, and moves are paired."""

from __future__ import annotations

from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from audit.core import Reason
from audit.means import t_interval
from audit.versions.paired import Array, Change, Settings

METHOD = "delta method, paired t"


class Moves(NamedTuple):
    """A metric of S sets of rows and the sum over rows of products of what each row moves it by.

    Attributes:
        value: (S,) metric of the old and of the new version.
        squares: (S,) summed squares of the old moves, of the new ones, and of their differences.
    """

    value: tuple[Array, Array]
    squares: tuple[Array, Array, Array]


def from_moves(
    moves: Moves,
    n: Array,
    share: Array,
    identical: NDArray[np.bool_],
    level: float,
    lowest: float = 0.0,
) -> Change:
    """Change with the t interval of a mean of row moves, which sum to 0.

    Args:
        moves: of S sets of rows.
        n: (S,) rows.
        share: (S,) effective n / n.
        identical: (S,) no row differs.
        level: of the intervals.
        lowest: value that the metric can have; the highest is 1.
    """
    old, new = moves.value
    df = np.maximum(n * share - 1, 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = np.where(n > 1, n / (n - 1), np.nan) / share
        errors = [np.sqrt(np.maximum(part, 0) * scale) for part in moves.squares]
        error = np.where(errors[2] > 0, errors[2], np.nan)
        p = 2 * stdtr(df, -np.abs((new - old) / error))
    found = t_interval(new - old, error, df, level)
    sides = [t_interval(v, e, df, level) for v, e in zip((old, new), errors[:2], strict=True)]
    nothing = np.full(len(n), np.nan)
    still = identical & ~np.isnan(new - old)
    return Change(
        old=old,
        new=new,
        value=found.value,
        low=np.where(still, 0.0, found.low),
        high=np.where(still, 0.0, found.high),
        p=np.where(still, 1.0, p),
        n=n,
        only_old=nothing,
        only_new=nothing,
        error=np.where(still, 0.0, error),
        identical=still,
        old_low=np.maximum(sides[0].low, lowest),
        old_high=np.minimum(sides[0].high, 1.0),
        new_low=np.maximum(sides[1].low, lowest),
        new_high=np.minimum(sides[1].high, 1.0),
    )


@dataclass(frozen=True, kw_only=True)
class MacroF1:
    """Mean F1 over the classes that a slice has in truth or decision, from the triples that occur.

    A row with truth y and decision d moves the mean by (2·[y = d]/D_y − F1_y/D_y − F1_d/D_d) / classes, D
    being true plus decided rows of a class.
    """

    first: int
    """Column of the first triple."""
    truth: NDArray[np.int64]
    """(k,) class of each triple."""
    old: NDArray[np.int64]
    new: NDArray[np.int64]
    classes: int
    empty: Reason = Reason.NO_ROWS
    method: str = METHOD
    test: str = "paired t"
    discrete: bool = False

    def change(self, joint: Array, share: Array, settings: Settings) -> Change:
        """See `PairedForm`."""
        counts = joint[:, self.first : self.first + len(self.truth)]
        old, old_moves = self._side(counts, self.old)
        new, new_moves = self._side(counts, self.new)
        a, b, c = ((counts * m**2).sum(axis=1) for m in (old_moves, new_moves, new_moves - old_moves))
        identical = (counts * (self.old != self.new)).sum(axis=1) == 0
        moves = Moves((old, new), (a, b, c))
        return from_moves(moves, counts.sum(axis=1), share, identical, settings.level)

    def _side(self, counts: Array, decision: NDArray[np.int64]) -> tuple[Array, Array]:
        hit = np.zeros((len(self.truth), self.classes))
        total = np.zeros_like(hit)
        rows = np.arange(len(self.truth))
        np.add.at(total, (rows, self.truth), 1.0)
        np.add.at(total, (rows, decision), 1.0)
        hit[rows, self.truth] = self.truth == decision
        totals, hits = counts @ total, counts @ hit
        with np.errstate(invalid="ignore", divide="ignore"):
            weight = np.where(totals > 0, 1 / totals, 0.0)
            each = 2 * hits * weight
            present = (totals > 0).sum(axis=1)
            value = each.sum(axis=1) / np.where(present > 0, present, np.nan)
            move = 2 * (self.truth == decision) * weight[:, self.truth]
            move = move - (each * weight)[:, self.truth] - (each * weight)[:, decision]
            return value, move / np.where(present > 0, present, np.nan)[:, None]


@dataclass(frozen=True, kw_only=True)
class MicroF1:
    """F1 over all labels, rows being the unit: a = 2·TP and d = 2·TP + FP + FN of a row, F1 = Σa / Σd.

    Columns: n, rows that differ, the four sums (a, d old; a, d new), and their sixteen products.
    """

    first: int
    empty: Reason = Reason.NO_POSITIVES
    method: str = METHOD
    test: str = "paired t"
    discrete: bool = False

    def change(self, joint: Array, share: Array, settings: Settings) -> Change:
        """See `PairedForm`."""
        own = joint[:, self.first : self.first + 22]
        sums, second = own[:, 2:6], own[:, 6:].reshape(-1, 4, 4)
        with np.errstate(invalid="ignore", divide="ignore"):
            before, after = 1 / sums[:, 1], 1 / sums[:, 3]
            old, new = sums[:, 0] * before, sums[:, 2] * after
        gradient = np.stack([-before, old * before, after, -new * after], axis=1)
        with np.errstate(invalid="ignore"):  # a slice without a yes in truth or decision has no F1
            part = [gradient * np.array(mask) for mask in ((1, 1, 0, 0), (0, 0, 1, 1), (1, 1, 1, 1))]
        a, b, c = (np.einsum("si,sij,sj->s", g, second, g) for g in part)
        moves = Moves((old, new), (a, b, c))
        return from_moves(moves, own[:, 0], share, own[:, 1] == 0, settings.level)
