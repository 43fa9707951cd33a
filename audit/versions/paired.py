"""Changes of metrics between two versions on the same rows, from additive moments.

A form reads columns of a moment matrix (S, m), as `audit.group_error.forms` does, but of the joint outcome of
both versions. Moments add up, so the change outside a slice is the total less the slice.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal, NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray
from scipy.special import stdtr

from audit.core import Reason
from audit.intervals import newcombe_paired, ratio_or_nan, wilson
from audit.means import Moments, moments, t_interval
from audit.significance import mcnemar_exact

Array = NDArray[np.float64]
NEWCOMBE, MCNEMAR = "Newcombe paired", "exact McNemar"


class Change(NamedTuple):
    """A metric of S sets of rows before and after; every field is (S,), NaN where not computed."""

    old: Array
    new: Array
    value: Array
    """new - old; for a metric that is best at zero, |new| - |old|."""
    low: Array
    high: Array
    p: Array
    """Two-sided, not adjusted."""
    n: Array
    """The metric's own denominator; of the new version where it differs between the two."""
    only_old: Array
    """Rates: rows with the event in the old version only."""
    only_new: Array
    error: Array
    """Standard error of the change, or what stands for it: how far the n at hand can tell."""
    identical: NDArray[np.bool_]
    """No row of the metric differs between the versions."""
    old_low: Array
    """Limits of each version by itself, for charts; they say nothing of the change."""
    old_high: Array
    new_low: Array
    new_high: Array


@dataclass(frozen=True, kw_only=True)
class Settings:
    """What every change is computed with."""

    level: float = 0.95
    replicates: int = 2000
    seed: int = 0
    tested: bool = True
    """False: intervals only, where a p costs more than it is worth."""


class PairedForm(Protocol):
    """How the change of one metric is made of joint moments."""

    @property
    def method(self) -> str:
        """Name of the interval."""
        ...

    @property
    def test(self) -> str:
        """Name of the test; empty where there is none."""
        ...

    @property
    def discrete(self) -> bool:
        """The test is an exact one on discordant counts."""
        ...

    @property
    def empty(self) -> Reason:
        """Why there is no value where the denominator is 0."""
        ...

    def change(self, joint: Array, share: Array, settings: Settings) -> Change:
        """Change from moments (S, m); `share` (S,) in (0, 1] is effective n / n, 1 without clusters."""
        ...


@dataclass(frozen=True, kw_only=True)
class PairedRate:
    """A rate on the same rows: Newcombe's paired interval and exact McNemar."""

    both: tuple[int, ...]
    """Columns of the rows with the event in both versions."""
    only_old: tuple[int, ...]
    only_new: tuple[int, ...]
    neither: tuple[int, ...]
    empty: Reason = Reason.NO_ROWS
    method: str = NEWCOMBE
    test: str = MCNEMAR
    discrete: bool = True

    def cells(self, joint: Array) -> tuple[Array, Array, Array, Array]:
        """(both, only old, only new, neither), (S,) each."""
        groups = (self.both, self.only_old, self.only_new, self.neither)
        a, b, c, d = (joint[:, list(columns)].sum(axis=1) for columns in groups)
        return a, b, c, d

    def change(self, joint: Array, share: Array, settings: Settings) -> Change:
        """See `PairedForm`. With clusters McNemar is on effective counts, rounded towards no difference."""
        both, old, new, neither = self.cells(joint)
        found = newcombe_paired(both, new, old, neither, settings.level, share)
        n = both + old + new + neither
        fewer, more = np.minimum(old, new), np.maximum(old, new)
        less = np.ceil(fewer * share - 1e-9)
        p = mcnemar_exact(less, np.maximum(np.floor(more * share + 1e-9), less))
        one, two = (wilson((both + own) * share, n * share, settings.level) for own in (old, new))
        return Change(
            old=ratio_or_nan(both + old, n),
            new=ratio_or_nan(both + new, n),
            value=found.value,
            low=found.low,
            high=found.high,
            p=np.where(n > 0, p, np.nan),
            n=n,
            only_old=old,
            only_new=new,
            error=np.sqrt(ratio_or_nan(old + new, n) / np.where(n > 0, n * share, np.nan)),
            identical=(old + new == 0),
            old_low=one.low,
            old_high=one.high,
            new_low=two.low,
            new_high=two.high,
        )


@dataclass(frozen=True, kw_only=True)
class PairedMean:
    """The mean of a per-row number: paired t on its change.

    Moments by row, with u the old and v the new number, d = v - u and s = u + v: u, v, d, d², s, s², d s.
    """

    n: tuple[int, ...]
    first: int
    """Column of u; the others follow."""
    kind: Literal["plain", "root", "absolute"] = "plain"
    """root: the square root of the mean (RMSE), by the delta method; absolute: |mean| (bias)."""
    empty: Reason = Reason.NO_ROWS
    method: str = "paired t"
    test: str = "paired t"
    discrete: bool = False

    def change(self, joint: Array, share: Array, settings: Settings) -> Change:
        """See `PairedForm`. Where every row changes by the same number, interval and p are not computed."""
        n = joint[:, list(self.n)].sum(axis=1)
        u, v, d, dd, s, ss, ds = (joint[:, self.first + j] for j in range(7))
        old, new = ratio_or_nan(u, n), ratio_or_nan(v, n)
        difference, total = moments(n, d, dd), moments(n, s, ss)
        with np.errstate(invalid="ignore", divide="ignore"):
            cross = (ratio_or_nan(ds, n) - difference.mean * total.mean) * n / (n - 1)
            spreads = [(total.variance + difference.variance + k * 2 * cross) / 4 for k in (-1, 1)]
        identical = (dd == 0) & (n > 0)
        row = difference
        if self.kind == "root":
            old, new = np.sqrt(np.maximum(old, 0)), np.sqrt(np.maximum(new, 0))
            row = self._root(old, new, difference, total, cross)
            with np.errstate(invalid="ignore", divide="ignore"):
                spreads = [one / (4 * root**2) for one, root in zip(spreads, (old, new), strict=True)]
        elif self.kind == "absolute":
            row = self._absolute(old, new, difference, total)
        df = np.maximum(n * share - 1, 1)
        with np.errstate(invalid="ignore", divide="ignore"):
            error = np.sqrt(row.variance / (n * share))
            error = np.where(error > 0, error, np.nan)
            found = t_interval(row.mean, error, df, settings.level)
            p = 2 * stdtr(df, -np.abs(row.mean / error))
            sides = [
                t_interval(value, np.sqrt(np.maximum(spread, 0) / (n * share)), df, settings.level)
                for value, spread in zip((old, new), spreads, strict=True)
            ]
        nothing = np.full(len(n), np.nan)
        return Change(
            old=old,
            new=new,
            value=row.mean,
            low=np.where(identical, 0.0, found.low),
            high=np.where(identical, 0.0, found.high),
            p=np.where(identical, 1.0, p),
            n=n,
            only_old=nothing,
            only_new=nothing,
            error=np.where(identical, 0.0, error),
            identical=identical,
            old_low=sides[0].low,
            old_high=sides[0].high,
            new_low=sides[1].low,
            new_high=sides[1].high,
        )

    @staticmethod
    def _root(old: Array, new: Array, d: Moments, s: Moments, cross: Array) -> Moments:
        """Linearise sqrt(mean v) - sqrt(mean u): each row counts v / 2 sqrt(mean v) - u / 2 sqrt(mean u)."""
        with np.errstate(invalid="ignore", divide="ignore"):
            a, b = 1 / (2 * new), 1 / (2 * old)
            along, across = (a + b) / 2, (a - b) / 2
            spread = along**2 * d.variance + across**2 * s.variance + 2 * along * across * cross
        return Moments(d.n, new - old, np.maximum(spread, 0.0))

    @staticmethod
    def _absolute(old: Array, new: Array, d: Moments, s: Moments) -> Moments:
        """|new| - |old| is ± the change where both have one sign, else ± the sum."""
        same = np.sign(old) * np.sign(new) >= 0
        side = np.where(np.sign(new) == 0, -np.sign(old), np.sign(new))
        side = np.where(side == 0, 1.0, side)
        mean = side * np.where(same, d.mean, s.mean)
        return Moments(d.n, mean, np.where(same, d.variance, s.variance))
