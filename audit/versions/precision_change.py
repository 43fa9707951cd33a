"""Change of average precision on the same rows: what each row moves it by, paired, as DeLong does for AUC.

With prec(s) the precision among rows that score s or more, average precision is the mean of prec over the
positives. A row with truth y and score s moves it by (y (prec(s) - AP) + the sum over positives that score
S <= s of (y - prec(S)) / N(S)) / positives, N(S) being the number of rows that score S or more: its own
precision, and what it does to that of the positives below it. The variance of a change is that of the
difference of two versions' moves (infinitesimal jackknife: Efron 1982, chapter 6).
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import NDArray

from audit.counts import value_sums
from audit.placements import Ranking, rank
from audit.slices import Partition, SliceSet
from audit.versions.join import Pair
from audit.versions.linearised import Moves, from_moves
from audit.versions.paired import Array, Change

METHOD = "infinitesimal jackknife, paired t"
_Ints = NDArray[np.int64]


class _Moved(NamedTuple):
    """Average precision (K,) of a partition's slices, and what each row moves its own slice's by, (n,)."""

    value: Array
    moves: Array


def precision_change(
    pair: Pair, slices: SliceSet, clusters: NDArray[np.int32] | None, level: float
) -> tuple[Change, Change]:
    """Change of average precision in every slice and, for single attributes, in the known rows outside it.

    Args:
        pair: n rows of a yes/no question with truth and two scores.
        slices: S slices of the rows.
        clusters: (n,) codes of rows that belong together: their moves are added up; or None.
        level: of the intervals.

    Returns:
        Two changes, (S,) each; the second is NaN for everyone, crossings and slices with an unknown value.
    """
    assert pair.old.truth is not None
    assert pair.old.scores is not None
    assert pair.new.scores is not None
    sides = rank(pair.old.scores), rank(pair.new.scores)
    truth = pair.old.truth.astype(np.int8)
    differs = (pair.old.scores != pair.new.scores).astype(np.float64)
    moved = value_sums(slices, (differs,))[:, 0]
    own, outside = [], []
    for part in slices.partitions:
        own.append(_of_codes(sides, truth, part.codes, part.size, clusters, level))
        outside.append(_outside(sides, truth, part, clusters, level))
    whole = _joined(own)
    still = (moved == 0) & ~np.isnan(whole.value)
    whole = whole._replace(
        low=np.where(still, 0.0, whole.low),
        high=np.where(still, 0.0, whole.high),
        p=np.where(still, 1.0, whole.p),
        error=np.where(still, 0.0, whole.error),
        identical=still,
    )
    return whole, _joined(outside)


def _outside(
    sides: tuple[Ranking, Ranking],
    truth: NDArray[np.int8],
    part: Partition,
    clusters: NDArray[np.int32] | None,
    level: float,
) -> Change:
    """One walk a slice: only for single attributes, whose slices are few."""
    found = _nothing(part.size)
    if len(part.attributes) != 1 or part.size < 2:
        return found
    member = np.concatenate([part.known, [False]])[part.codes]
    for k in np.flatnonzero(part.known):
        codes = np.where(member & (part.codes != k), 0, -1).astype(np.int32)
        one = _of_codes(sides, truth, codes, 1, clusters, level)
        for column, value in zip(found, one, strict=True):
            column[k] = value[0]
    return found


def _of_codes(
    sides: tuple[Ranking, Ranking],
    truth: NDArray[np.int8],
    codes: NDArray[np.int32],
    size: int,
    clusters: NDArray[np.int32] | None,
    level: float,
) -> Change:
    inside = codes >= 0
    positives = np.bincount(codes[inside & (truth == 1)], minlength=size).astype(np.float64)
    rows = np.bincount(codes[inside], minlength=size).astype(np.float64)
    old, new = (_moved(ranking, truth, codes, positives, rows) for ranking in sides)
    place, units = codes, rows
    moves = [old.moves, new.moves, new.moves - old.moves]
    if clusters is not None:
        place, moves = _added_up(codes, clusters, moves)
        units = np.bincount(place[place >= 0], minlength=size).astype(np.float64)
    used = place >= 0
    squares = [_sums(place[used], m[used] ** 2, size) for m in moves]
    value = (np.where(positives > 0, old.value, np.nan), np.where(positives > 0, new.value, np.nan))
    found = from_moves(
        Moves(value, (squares[0], squares[1], squares[2])),
        units,
        np.ones(size),
        np.zeros(size, dtype=bool),
        level,
    )
    return found._replace(n=positives, low=np.maximum(found.low, -1.0), high=np.minimum(found.high, 1.0))


def _added_up(
    codes: NDArray[np.int32], clusters: NDArray[np.int32], moves: list[Array]
) -> tuple[NDArray[np.int32], list[Array]]:
    """Slice and summed moves of every cluster in a slice."""
    inside = codes >= 0
    key = codes[inside].astype(np.int64) * (int(clusters.max()) + 1) + clusters[inside]
    seen, place = np.unique(key, return_inverse=True)
    of = (seen // (int(clusters.max()) + 1)).astype(np.int32)
    return of, [_sums(place, move[inside], len(seen)) for move in moves]


def _sums(place: NDArray[Any], values: Array, size: int) -> Array:
    return np.bincount(place, values, size).astype(np.float64)


def _moved(
    ranking: Ranking, truth: NDArray[np.int8], codes: NDArray[np.int32], positives: Array, rows: Array
) -> _Moved:
    sums, moves = _walk(ranking.order, ranking.starts, truth, codes, positives, rows)
    with np.errstate(invalid="ignore", divide="ignore"):
        value = sums / positives
        of = np.append(value, np.nan)[codes]
        share = np.append(positives, np.nan)[codes]
        # divided by the rows already: moves of a slice's rows sum to 0
        found = (moves - (truth == 1) * of) / share
    return _Moved(value, np.where(np.isfinite(found), found, 0.0))


@njit(cache=True, nogil=True)
def _walk(
    order: _Ints,
    starts: _Ints,
    truth: NDArray[np.int8],
    codes: NDArray[np.int32],
    positives: Array,
    rows: Array,
) -> tuple[Array, Array]:
    """Walk the groups of equal scores upwards.

    Returns:
        Precision summed over the positives of each slice, (K,); and for every row y prec(s) + y G - H, with G
        and H the sums of 1 / N and prec / N over the positives of its slice that score no more than it, (n,).
    """
    size = positives.size
    left_positive, left = positives.copy(), rows.copy()
    sums, gain, loss = np.zeros(size), np.zeros(size), np.zeros(size)
    entered = np.zeros(size, np.int64)
    moves = np.zeros(order.size)
    for group in range(starts.size - 1):
        for i in range(starts[group], starts[group + 1]):
            k = codes[order[i]]
            if k >= 0 and truth[order[i]] == 1:
                entered[k] += 1
        for i in range(starts[group], starts[group + 1]):
            k = codes[order[i]]
            if k >= 0 and entered[k] > 0:
                precision = left_positive[k] / left[k]
                sums[k] += entered[k] * precision
                gain[k] += entered[k] / left[k]
                loss[k] += entered[k] * precision / left[k]
                entered[k] = 0
        for i in range(starts[group], starts[group + 1]):
            row = order[i]
            k = codes[row]
            if k >= 0:
                own = left_positive[k] / left[k] + gain[k] if truth[row] == 1 else 0.0
                moves[row] = own - loss[k]
        for i in range(starts[group], starts[group + 1]):
            row = order[i]
            k = codes[row]
            if k >= 0:
                left[k] -= 1
                left_positive[k] -= truth[row]
    return sums, moves


def _nothing(size: int) -> Change:
    columns: dict[str, Any] = {name: np.full(size, np.nan) for name in Change._fields}
    return Change(**columns | {"identical": np.zeros(size, dtype=bool)})


def _joined(parts: list[Change]) -> Change:
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Change(*columns)
