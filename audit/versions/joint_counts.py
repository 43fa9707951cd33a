"""Changes of functions of yes/no counts, such as PPV and F1: bootstrap and exchange test on joint counts."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from functools import lru_cache

import numpy as np

from audit.bootstrap import multinomial_bootstrap
from audit.core import Reason
from audit.intervals import newcombe_paired, normal_quantile
from audit.versions.paired import Array, Change, Settings
from audit.versions.randomise import exchange_p

_NEW = np.array([[0, 1, 4, 5], [2, 3, 6, 7]])
"""Cells with the old decision no and yes, in the order (truth, new)."""
Statistic = Callable[[Array], Array]
"""Counts (..., 4) of (truth 0, decision 0), (0, 1), (1, 0), (1, 1) -> the metric (...)."""


@dataclass(frozen=True, kw_only=True)
class JointCounts:
    """A function of yes/no counts: bootstrap of the joint (truth, old, new) counts; exchange test."""

    cells: tuple[int, ...]
    """Columns of the eight counts, in the order truth, old, new as binary digits."""
    statistic: Statistic
    together: tuple[Statistic, ...] = ()
    """Functions of the same cells, this one among them: one bootstrap serves them all. Empty: alone."""
    n_of: tuple[tuple[int, ...], ...]
    """Which of the eight make the denominator; of several, the smallest counts."""
    empty: Reason = Reason.NO_SELECTED
    method: str = "paired bootstrap"
    test: str = "exact exchange"
    discrete: bool = False

    def sides(self, counts: Array) -> tuple[Array, Array]:
        """Metric of the old and of the new version from joint counts (..., 8)."""
        old, new = sides(counts)
        return self.statistic(old), self.statistic(new)

    def difference(self, counts: Array) -> Array:
        """New - old from joint counts (..., 8)."""
        old, new = self.sides(counts)
        return new - old

    def change(self, joint: Array, share: Array, settings: Settings) -> Change:
        """See `PairedForm`. With clusters counts are effective ones, rounded down.

        Where no row changed a bootstrap knows nothing; the interval is Newcombe's for a rate of this value.
        """
        counts = joint[:, list(self.cells)]
        old, new = self.sides(counts)
        value = new - old
        effective = np.floor(counts * share[:, None] + 1e-9)
        functions = self.together or (self.statistic,)
        found = _limits(effective.tobytes(), functions, settings.replicates, settings.seed, settings.level)
        low, high = (side[:, functions.index(self.statistic)] for side in found)
        p = exchange_p(effective, self.difference) if settings.tested else np.full(len(counts), np.nan)
        moved = counts[:, [1, 2, 5, 6]].sum(axis=1)
        identical = (moved == 0) & ~np.isnan(value)
        z = normal_quantile(settings.level)
        nothing = np.full(len(counts), np.nan)
        n = np.min([counts[:, list(columns)].sum(axis=1) for columns in self.n_of], axis=0)
        both = np.where(np.isnan(value), 0.0, np.nan_to_num(old) * n)
        still = newcombe_paired(both, 0, 0, np.maximum(n - both, 0.0), settings.level, share)
        spread = high[:, 0] - low[:, 0]
        flat = (spread == 0) & ~identical
        return Change(
            old=old,
            new=new,
            value=value,
            low=np.where(identical, still.low, np.where(flat, np.nan, low[:, 0])),
            high=np.where(identical, still.high, np.where(flat, np.nan, high[:, 0])),
            p=np.where(identical, 1.0, p),
            n=n,
            only_old=nothing,
            only_new=nothing,
            error=np.where(identical, 0.0, spread / (2 * z)),
            identical=identical,
            old_low=low[:, 1],
            old_high=high[:, 1],
            new_low=low[:, 2],
            new_high=high[:, 2],
        )


def sides(counts: Array) -> tuple[Array, Array]:
    """Counts (..., 4) of (truth, decision) of the old and of the new version from joint counts (..., 8)."""
    return counts[..., 0::2] + counts[..., 1::2], counts[..., _NEW[0]] + counts[..., _NEW[1]]


@lru_cache(maxsize=2)
def _limits(
    counts: bytes, functions: tuple[Statistic, ...], replicates: int, seed: int, level: float
) -> tuple[Array, Array]:
    """Limits of the change, the old and the new value of every function, (S, functions, 3) each.

    Remembered for the functions that ask next: they would draw the very same replicates again.

    Args:
        counts: joint counts (S, 8) as bytes of floats.
        functions: what to bootstrap.
        replicates: draws a slice.
        seed: of the draws.
        level: of the intervals.
    """

    def changes(drawn: Array) -> Array:
        old, new = sides(drawn)
        found = np.empty((*drawn.shape[:-1], 3 * len(functions)))
        for i, function in enumerate(functions):
            before, after = function(old), function(new)
            found[..., 3 * i], found[..., 3 * i + 1], found[..., 3 * i + 2] = after - before, before, after
        return found

    table = np.frombuffer(counts).reshape(-1, 8)
    drawn = multinomial_bootstrap(table, changes, replicates, seed, level)
    shape = (len(table), len(functions), 3)
    return drawn.low.reshape(shape), drawn.high.reshape(shape)


def _safe(top: Array, bottom: Array) -> Array:
    return np.asarray(top / np.where(bottom > 0, bottom, np.nan))


def ppv(counts: Array) -> Array:
    """Share of the selected that are positive; counts (..., 4) as `Statistic`."""
    return _safe(counts[..., 3], counts[..., 1] + counts[..., 3])


def f1(counts: Array) -> Array:
    """2 TP / (2 TP + FP + FN)."""
    double = 2 * counts[..., 3]
    return _safe(double, double + counts[..., 1] + counts[..., 2])


def balanced_accuracy(counts: Array) -> Array:
    """Mean of the true positive and the true negative rate."""
    positive = _safe(counts[..., 3], counts[..., 2] + counts[..., 3])
    return (positive + _safe(counts[..., 0], counts[..., 0] + counts[..., 1])) / 2
