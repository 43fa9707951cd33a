"""Change of the calibration error on the same rows: a bootstrap of joint bins draws both versions together.

A row lies in a bin of the old scores and in one of the new ones. Rows are resampled as multinomial counts
over the joint cells (old bin, new bin, outcomes), with jointly normal sums of both scores inside a cell. As
in `audit.calibration`, a resample's debiased error has the sample's plain error as its expectation: the
resamples are shifted by the difference, on the squared scale, before the root is taken. Simulated
(benchmarks/gate_scores.py) the interval errs on the wide side where the versions are equally calibrated.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.special import ndtr

from audit.calibration import DRAWS, CalibrationCells, bin_edges, squared_errors
from audit.clusters import design_effect
from audit.counts import value_sums
from audit.group_error.calibrated import Scored, scored
from audit.slices import Partition, SliceSet
from audit.versions.join import Pair
from audit.versions.paired import Array, Change, Settings

METHOD = "paired bootstrap of bins"
TEST = "bootstrap z"
OUTSIDE_DRAWS = 400
"""Of everyone outside a slice, whose limits only serve the gap of gaps."""
_Codes = NDArray[np.int64]


class _Cells(NamedTuple):
    """Joint cells of K slices that occur, U of them.

    Attributes:
        bins: (2, U) bin of the old and of the new scores.
        outcomes: (2, U) what is counted as the event of each version.
        sums: (6, K, U) rows, old scores, new scores, their squares, their product.
    """

    bins: _Codes
    outcomes: _Codes
    sums: Array


def calibration_change(
    pair: Pair, slices: SliceSet, clusters: NDArray[np.int32] | None, settings: Settings
) -> tuple[Change, Change] | None:
    """Change of the debiased calibration error of everyone and of single attributes, and outside each slice.

    Args:
        pair: n rows, both versions with scores.
        slices: S slices of the rows; crossings are NaN, as they are in an audit.
        clusters: (n,) codes of rows that belong together, or None: cells are divided by a design effect.
        settings: level, seed.

    Returns:
        Two changes, (S,) each; None where the output has no probability to be right or wrong.
    """
    old, new = scored(pair.old), scored(pair.new)
    if old is None or new is None:
        return None
    own, outside = _nothing(len(slices)), _nothing(len(slices))
    joint = _joint((old, new))
    for part in slices.partitions:
        if len(part.attributes) > 1:
            continue
        cells = _cells((old, new), joint, part)
        effects = _effects((old, new), clusters, part)
        for k in range(part.size):
            _put(own, part.first + k, _one(cells, cells.sums[:, k], effects[0][k], settings, (part.first, k)))
        if len(part.attributes) == 1 and part.size > 1:
            total = cells.sums[:, part.known].sum(axis=1)
            for other in np.flatnonzero(part.known).tolist():
                rest = total - cells.sums[:, other]
                stream = (part.first, other, 1)
                found = _one(cells, rest, effects[1][other], settings, stream, OUTSIDE_DRAWS)
                _put(outside, part.first + other, found)
    differs = ((old.score != new.score) | (old.happened != new.happened)).astype(np.float64)
    still = (value_sums(slices, (differs,))[:, 0] == 0) & ~np.isnan(own.value)
    for field, certain in ((own.low, 0.0), (own.high, 0.0), (own.error, 0.0), (own.p, 1.0)):
        field[still] = certain  # equal draws differ by rounding
    return own._replace(identical=still), outside


def _effects(
    sides: tuple[Scored, Scored], clusters: NDArray[np.int32] | None, part: Partition
) -> tuple[Array, Array]:
    """Design effects (K,) inside and outside each slice, of how much worse each row's score became."""
    if clusters is None:
        return np.ones(part.size), np.ones(part.size)
    old, new = (np.abs(side.score - side.happened) for side in sides)
    found = design_effect(new - old, clusters, part.codes, part.size)
    return np.nan_to_num(found.deff, nan=1.0), np.nan_to_num(found.deff_outside, nan=1.0)


class _Joint(NamedTuple):
    """Joint cells that occur among all rows.

    Attributes:
        bins: (2, U) bin of the old and of the new scores.
        outcomes: (2, U) event of each version.
        place: (n,) cell of each row.
    """

    bins: _Codes
    outcomes: _Codes
    place: _Codes


def _joint(sides: tuple[Scored, Scored]) -> _Joint:
    """Bins are those of all rows together, shared by every slice, as in an audit."""
    edges = [bin_edges(side.score) for side in sides]
    bins = [np.searchsorted(edge, side.score, side="right") for edge, side in zip(edges, sides, strict=True)]
    width = edges[1].size + 1
    key = (bins[0].astype(np.int64) * width + bins[1]) * 4 + sides[0].happened * 2 + sides[1].happened
    seen, found = np.unique(key, return_inverse=True)
    return _Joint(
        bins=np.stack([seen // 4 // width, seen // 4 % width]),
        outcomes=np.stack([seen // 2 % 2, seen % 2]),
        place=found,
    )


def _cells(sides: tuple[Scored, Scored], joint: _Joint, part: Partition) -> _Cells:
    units = joint.bins.shape[1]
    inside = part.codes >= 0
    at = part.codes[inside].astype(np.int64) * units + joint.place[inside]
    u, v = (side.score[inside] for side in sides)
    columns = (None, u, v, u**2, v**2, u * v)
    size = part.size * units
    sums = np.stack([np.bincount(at, c, size).reshape(part.size, units) for c in columns])
    return _Cells(joint.bins, joint.outcomes, sums.astype(np.float64))


def _one(
    cells: _Cells,
    sums: Array,
    effect: float,
    settings: Settings,
    stream: tuple[int, ...],
    draws: int = DRAWS,
) -> tuple[Array, float] | None:
    """Values (old, new, change), their limits and the change's error, (4, 3), and n; None: too few rows."""
    occupied = np.flatnonzero(sums[0] > 0)
    own = sums[:, occupied] / effect
    n = sums[0].sum()
    if own.size == 0 or own[0].sum() < 2:
        return None
    kept = cells._replace(bins=cells.bins[:, occupied], outcomes=cells.outcomes[:, occupied])
    rng = np.random.default_rng([settings.seed, *stream])
    drawn = _draw(own, draws, rng)
    values, resampled = [], []
    for side in range(2):
        debiased, plain = _errors(kept, side, own[0][None], own[1 + side][None])
        again, _ = _errors(kept, side, drawn[0], drawn[1 + side])
        values.append(np.sqrt(np.maximum(debiased, 0.0))[0])
        resampled.append(np.sqrt(np.maximum(debiased + again - plain, 0.0)))
    seen = np.array([values[0], values[1], values[1] - values[0]])
    every = np.stack([resampled[0], resampled[1], resampled[1] - resampled[0]])
    tails = ((1 - settings.level) / 2, (1 + settings.level) / 2)
    low, high = np.quantile(every, tails, axis=1)
    table = np.stack([seen, np.minimum(low, seen), np.maximum(high, seen)])
    return np.vstack([table, np.full(3, every[2].std())]), float(n)


def _draw(own: Array, draws: int, rng: np.random.Generator) -> tuple[Array, Array, Array]:
    """Counts and sums of old and new scores, (draws, U) each, of rows drawn again."""
    n = own[0]
    mean_u, mean_v = own[1] / n, own[2] / n
    spread_u = np.sqrt(np.maximum(own[3] / n - mean_u**2, 0.0))
    spread_v = np.sqrt(np.maximum(own[4] / n - mean_v**2, 0.0))
    both = spread_u * spread_v
    tied = np.where(both > 0, (own[5] / n - mean_u * mean_v) / np.where(both > 0, both, 1.0), 0.0)
    tied = np.clip(tied, -1.0, 1.0)
    counts = rng.multinomial(max(round(n.sum()), 1), n / n.sum(), draws).astype(np.float64)
    root = np.sqrt(counts)
    first, other = (rng.standard_normal(counts.shape, dtype=np.float32) for _ in range(2))
    second = tied * first + np.sqrt(1 - tied**2) * other
    return counts, counts * mean_u + root * spread_u * first, counts * mean_v + root * spread_v * second


def _errors(cells: _Cells, side: int, counts: Array, sums: Array) -> tuple[Array, Array]:
    """Debiased and plain squared error of one version, (draws,), from (draws, U)."""
    bins, outcome = cells.bins[side], cells.outcomes[side]
    size, units = int(bins.max()) + 1, np.arange(len(bins))
    by_bin = np.zeros((len(bins), size))
    by_bin[units, bins] = 1.0
    events = by_bin * (outcome == 1)[:, None]
    n, happened, scores = counts @ by_bin, counts @ events, sums @ by_bin
    both = np.stack([n - happened, happened], axis=-1)
    halves = np.stack([scores, np.zeros_like(scores)], axis=-1)
    debiased, plain, _ = squared_errors(CalibrationCells(both, halves, np.zeros(0)))
    return debiased, plain


def _put(change: Change, at: int, found: tuple[Array, float] | None) -> None:
    """Write one slice's numbers into its place."""
    if found is None:
        return
    table, n = found
    value, low, high, error = table
    change.n[at] = n
    for field, number in (
        (change.old, value[0]),
        (change.old_low, low[0]),
        (change.old_high, high[0]),
        (change.new, value[1]),
        (change.new_low, low[1]),
        (change.new_high, high[1]),
        (change.value, value[2]),
        (change.low, low[2]),
        (change.high, high[2]),
        (change.error, error[2]),
    ):
        field[at] = number
    change.p[at] = 2 * ndtr(-abs(value[2]) / error[2]) if error[2] > 0 else np.nan


def _nothing(size: int) -> Change:
    columns: dict[str, Any] = {name: np.full(size, np.nan) for name in Change._fields}
    return Change(**columns | {"n": np.zeros(size), "identical": np.zeros(size, dtype=bool)})
