"""Metrics that are functions of additive moments: their values, intervals and tested differences.

A form reads columns of a moment matrix (S, m). Because moments add up, the same form gives the metric of a
slice, of everyone else (total less slice) and of the rest of a crossing's parent (parent less slice). With
clusters the moments are multiplied by the slice's effective share of rows first: values stay, intervals
widen.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

from audit import intervals, means, significance
from audit.core import Reason
from audit.intervals import Interval

Array = NDArray[np.float64]


class Summary(NamedTuple):
    """A metric of S sets of rows."""

    value: Array
    low: Array
    high: Array
    n: Array
    """Denominator, not effective."""
    events: Array
    """Numerator of rates, NaN elsewhere."""
    spread: Array
    """Standard deviation of one row, for power; NaN where power has no closed form."""


class Difference(NamedTuple):
    """First less second, of S pairs of sets of rows."""

    value: Array
    low: Array
    high: Array
    p: Array
    """NaN where the metric is shown and not tested."""
    test: NDArray[np.object_]
    """(S,) name of the test."""


class Form(Protocol):
    """How one metric is made of moments."""

    @property
    def method(self) -> str:
        """Name of the interval."""
        ...

    @property
    def empty(self) -> Reason:
        """Why there is no value where the denominator is 0."""
        ...

    def summary(self, moments: Array, share: Array, level: float) -> Summary:
        """Value and interval from moments (S, m); `share` (S,) in (0, 1] is effective n / n."""
        ...

    def difference(
        self, first: Array, first_share: Array, second: Array, second_share: Array, level: float
    ) -> Difference:
        """Interval and p of first - second."""
        ...


def untested(interval: Interval) -> Difference:
    """A difference with an interval and no test."""
    return Difference(
        *interval,
        p=np.full(len(interval.value), np.nan),
        test=np.full(len(interval.value), "", dtype=object),
    )


@dataclass(frozen=True)
class Rate:
    """events / n, both sums of moments: Wilson; Newcombe; score test or mid-p Fisher."""

    events: tuple[int, ...]
    of: tuple[int, ...]
    empty: Reason = Reason.NO_ROWS
    method: str = "Wilson score"
    transform: Callable[[Array], Array] | None = None
    """A monotone function of the rate, e.g. F1 = 2J / (1 + J) of the Jaccard share J."""

    def _counts(self, moments: Array) -> tuple[Array, Array]:
        return moments[:, list(self.events)].sum(axis=1), moments[:, list(self.of)].sum(axis=1)

    def _interval(self, moments: Array, share: Array, level: float) -> Interval:
        events, n = self._counts(moments)
        raw = intervals.wilson(events * share, n * share, level)
        return raw if self.transform is None else Interval(*(self.transform(x) for x in raw))

    def summary(self, moments: Array, share: Array, level: float) -> Summary:
        """See `Form`."""
        events, n = self._counts(moments)
        value, low, high = self._interval(moments, share, level)
        return Summary(value, low, high, n, events, np.sqrt(value * (1 - value)))

    def difference(
        self, first: Array, first_share: Array, second: Array, second_share: Array, level: float
    ) -> Difference:
        """See `Form`; a transformed rate is tested as the rate it comes from, the null being the same."""
        gap = intervals.mover_difference(
            self._interval(first, first_share, level), self._interval(second, second_share, level)
        )
        (e1, n1), (e2, n2) = self._counts(first), self._counts(second)
        tested = significance.rate_difference_p(
            e1 * first_share, n1 * first_share, e2 * second_share, n2 * second_share
        )
        return Difference(*gap, p=tested.p, test=np.asarray(tested.method, dtype=object))


@dataclass(frozen=True)
class HalfSum:
    """Mean of two rates over different rows, as balanced accuracy is: MOVER on Wilson limits."""

    one: Rate
    other: Rate
    empty: Reason = Reason.ONE_CLASS
    method: str = "MOVER on Wilson"

    def _interval(self, moments: Array, share: Array, level: float) -> Interval:
        return intervals.mover_half_sum(
            self.one._interval(moments, share, level), self.other._interval(moments, share, level)
        )

    def summary(self, moments: Array, share: Array, level: float) -> Summary:
        """See `Form`; n is the smaller of the two denominators."""
        n = np.minimum(self.one._counts(moments)[1], self.other._counts(moments)[1])
        nothing = np.full(len(n), np.nan)
        return Summary(*self._interval(moments, share, level), n, nothing, nothing)

    def difference(
        self, first: Array, first_share: Array, second: Array, second_share: Array, level: float
    ) -> Difference:
        """See `Form`."""
        one = self._interval(first, first_share, level)
        return untested(intervals.mover_difference(one, self._interval(second, second_share, level)))


@dataclass(frozen=True)
class Mean:
    """sum / n of a per-row number with its sum of squares: t interval; Welch."""

    n: tuple[int, ...]
    total: int
    total_sq: int
    total_cu: int = -1
    """Sum of cubes, for the skewness that marks an interval as approximate; -1: not kept."""
    empty: Reason = Reason.NO_ROWS
    method: str = "t"
    root: bool = False
    """RMSE: the square root of the mean and of its limits."""

    def _sums(self, moments: Array, share: Array) -> tuple[Array, Array, Array]:
        n = moments[:, list(self.n)].sum(axis=1)
        return n * share, moments[:, self.total] * share, moments[:, self.total_sq] * share

    def _interval(self, moments: Array, share: Array, level: float) -> Interval:
        raw = means.mean_t(*self._sums(moments, share), level=level)
        if not self.root:
            return raw
        return Interval(*(np.sqrt(np.maximum(x, 0)) for x in raw))

    def summary(self, moments: Array, share: Array, level: float) -> Summary:
        """See `Form`."""
        n, total, total_sq = self._sums(moments, np.ones(len(moments)))
        with np.errstate(invalid="ignore", divide="ignore"):
            variance = np.maximum(total_sq - total**2 / n, 0) / (n - 1)
        spread = np.full(len(n), np.nan) if self.root else np.where(n > 1, np.sqrt(variance), np.nan)
        return Summary(*self._interval(moments, share, level), n, np.full(len(n), np.nan), spread)

    def difference(
        self, first: Array, first_share: Array, second: Array, second_share: Array, level: float
    ) -> Difference:
        """See `Form`; the root form has an interval by MOVER and no test of its own."""
        if self.root:
            one = self._interval(first, first_share, level)
            return untested(intervals.mover_difference(one, self._interval(second, second_share, level)))
        one_sums, other_sums = self._sums(first, first_share), self._sums(second, second_share)
        gap = means.welch_difference(*one_sums, *other_sums, level=level)
        tested = significance.welch_t(*one_sums, *other_sums)
        p = np.asarray(tested.p, dtype=np.float64)
        return Difference(*gap, p=p, test=np.where(np.isnan(p), "", "Welch t").astype(object))


@dataclass(frozen=True)
class Linearised:
    """A smooth function of moments by the delta method, on a scale where the normal holds better."""

    statistic: Callable[[Array], tuple[Array, Array, Array]]
    """moments (S, m) -> value, standard error, n."""
    empty: Reason = Reason.NO_ROWS
    method: str = "delta method, t"
    bounds: tuple[float, float] = (0.0, 1.0)

    def _interval(self, moments: Array, share: Array, level: float) -> tuple[Interval, Array]:
        value, error, n = self.statistic(moments)
        with np.errstate(invalid="ignore"):
            error = np.where(n > 1, error / np.sqrt(share), np.nan)
        half = means.t_quantile(np.maximum(n * share - 1, 1), level) * error
        low, high = (np.clip(x, *self.bounds) for x in (value - half, value + half))
        return Interval(value, low, high), n

    def summary(self, moments: Array, share: Array, level: float) -> Summary:
        """See `Form`."""
        found, n = self._interval(moments, share, level)
        nothing = np.full(len(n), np.nan)
        return Summary(*found, n, nothing, nothing)

    def difference(
        self, first: Array, first_share: Array, second: Array, second_share: Array, level: float
    ) -> Difference:
        """See `Form`."""
        one, _ = self._interval(first, first_share, level)
        return untested(intervals.mover_difference(one, self._interval(second, second_share, level)[0]))
