"""Placements: where each row of one sample stands among the rows of another, for every slice in one walk.

An AUC is the mean placement, and its variance is made of the variances of the placements (DeLong, DeLong and
Clarke-Pearson 1988). Sun & Xu (2014, IEEE Signal Processing Letters 21) read them off one sort. Here that
sort is shared by every slice of every partition of the rows: running counts per slice do the rest, in O(n).

Vocabulary of this file:
    side: (n,) int8, 1 = the upper sample (positives), 0 = the lower sample (negatives), -1 = in neither.
    codes: (n,) int32, the slice of the row in one partition, 0 ... K-1, or -1 = in no slice.
    placement of an upper row: share of the lower rows of its slice that score below it, ties counting half;
    placement of a lower row: share of the upper rows of its slice that score above it, ties counting half.
"""

from typing import Any, NamedTuple

import numpy as np
from numba import njit
from numpy.typing import ArrayLike, NDArray

FloatArray = NDArray[np.float64]
IntArray = NDArray[np.int64]
CodeArray = NDArray[np.integer[Any]]
_SideArray = NDArray[np.int8]
_SliceArray = NDArray[np.int32]
# By (side, column): rows, sum of doubled placements, sum of their squares modulo 2**64, the same as floats.
_Sums = tuple[IntArray, IntArray, IntArray, FloatArray]


class Ranking(NamedTuple):
    """One output's scores, sorted once; nothing else about the scores is needed afterwards."""

    order: IntArray  # (n,) rows from the lowest to the highest score
    starts: IntArray  # (groups + 1,) where each group of equal scores begins in `order`; the last is n


class PlacementVariance(NamedTuple):
    """Mean placement of K slices and its variance."""

    mean: FloatArray  # (K,) over the upper rows
    variance: FloatArray  # (K,) of the mean; NaN with fewer than two units on a side
    units: IntArray  # (2, K) independent units, rows or clusters, with a lower and with an upper row


def rank(scores: ArrayLike) -> Ranking:
    """Sort one output's scores, once for every slice and every later question.

    Args:
        scores: (n,) float; infinities are allowed.

    Raises:
        ValueError: a score is NaN (rows without a score are dropped by the caller, counted by group).
    """
    values = np.asarray(scores, dtype=np.float64)
    order = np.argsort(values)
    ordered = values[order]
    if ordered.size and np.isnan(ordered[-1]):
        raise ValueError("scores: NaN cannot be ranked; drop rows without a score first")
    changes = np.flatnonzero(ordered[1:] != ordered[:-1]) + 1
    starts = np.concatenate(([0], changes, [ordered.size])) if ordered.size else np.zeros(1)
    return Ranking(order.astype(np.int64, copy=False), starts.astype(np.int64))


def checked_columns(
    ranking: Ranking, side: CodeArray, codes: CodeArray, n_slices: int
) -> tuple[_SideArray, _SliceArray]:
    """Side and codes as the compiled walks take them; those do not check their bounds.

    Raises:
        ValueError: the columns differ in length from the ranking, or hold a code that is too large.
    """
    n = ranking.order.size
    if side.shape != (n,) or codes.shape != (n,):
        raise ValueError(f"side and codes must be ({n},) as the ranking, got {side.shape} and {codes.shape}")
    if codes.max(initial=-1) >= n_slices or side.max(initial=-1) > 1:
        raise ValueError(
            f"codes must be below {n_slices} and side at most 1, got {codes.max()}, {side.max()}"
        )
    return np.ascontiguousarray(side, dtype=np.int8), np.ascontiguousarray(codes, dtype=np.int32)


@njit(cache=True, nogil=True)
def _add(sums: _Sums, s: int, k: int, rows: int, place: int) -> None:
    """Add `rows` rows of side s that all have the doubled placement `place` to column k."""
    sums[0][s, k] += rows
    sums[1][s, k] += rows * place
    sums[2][s, k] += rows * place * place  # wraps around, and is put right by `_deviations`
    sums[3][s, k] += float(place) * place * rows


@njit(cache=True, nogil=True)
def _copy(source: _Sums, column: int, target: _Sums, k: int) -> None:
    for s in range(2):
        target[0][s, k] = source[0][s, column]
        target[1][s, k] = source[1][s, column]
        target[2][s, k] = source[2][s, column]
        target[3][s, k] = source[3][s, column]


@njit(cache=True, nogil=True)
def _step_outside(
    k: int, seen: IntArray, tied: IntArray, pool: _Sums, pool_tied: IntArray, marks: _Sums, out: _Sums
) -> None:
    """Bring "everyone outside slice k" up to date at a tie group that holds rows of slice k.

    Between two visits the counts of slice k stand still, so all other rows passed in between have their
    pool-wide placement less one constant: their sums follow from the running sums, without visiting them.
    Column 0 of `pool` is before the tie group, column 1 after it.
    """
    for s in range(2):
        c = 2 * seen[1 - s, k]
        rows = pool[0][s, 0] - marks[0][s, k]
        total = pool[1][s, 0] - marks[1][s, k]
        out[0][s, k] += rows
        out[1][s, k] += total - c * rows
        out[2][s, k] += pool[2][s, 0] - marks[2][s, k] - 2 * c * total + c * c * rows
        out[3][s, k] += pool[3][s, 0] - marks[3][s, k] - 2.0 * c * total + float(c) * c * rows
        place = 2 * (pool[0][1 - s, 0] - seen[1 - s, k]) + pool_tied[1 - s] - tied[1 - s, k]
        _add(out, s, k, pool_tied[s] - tied[s, k], place)
    _copy(pool, 1, marks, k)


@njit(cache=True, nogil=True)
def _step_inside(k: int, tied: IntArray, own: _Sums) -> None:
    """Add the rows of slice k in a tie group to the slice's own sums, and clear its tie counts."""
    lower, upper = 2 * own[0][0, k] + tied[0, k], 2 * own[0][1, k] + tied[1, k]
    _add(own, 0, k, tied[0, k], upper)
    _add(own, 1, k, tied[1, k], lower)
    tied[0, k] = 0
    tied[1, k] = 0


@njit(cache=True, nogil=True)
def _no_sums(columns: int) -> _Sums:
    shape = (2, columns)
    return np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape, np.int64), np.zeros(shape)


@njit(cache=True, nogil=True)
def _count_ties(
    rows: IntArray,
    side: _SideArray,
    codes: _SliceArray,
    unknown: int,
    tied: IntArray,
    pool_tied: IntArray,
) -> None:
    """Count one tie group by side and slice; `pool_tied` counts the known rows of all slices together."""
    pool_tied[:] = 0
    for row in rows:
        k = codes[row]
        s = side[row]
        if k >= 0 and s >= 0:
            tied[s, k] += 1
            if k != unknown:
                pool_tied[s] += 1


@njit(cache=True, nogil=True)
def _walk(
    order: IntArray, starts: IntArray, side: _SideArray, codes: _SliceArray, n_slices: int, unknown: int
) -> tuple[_Sums, _Sums]:
    """Walk the tie groups upwards once; return the sums of the slices and of their outsides."""
    own, out, marks, pool = _no_sums(n_slices), _no_sums(n_slices), _no_sums(n_slices), _no_sums(2)
    tied, pool_tied = np.zeros((2, n_slices), np.int64), np.zeros(2, np.int64)
    for group in range(starts.size - 1):
        rows = order[starts[group] : starts[group + 1]]
        _count_ties(rows, side, codes, unknown, tied, pool_tied)
        for s in range(2):
            _add(pool, s, 1, pool_tied[s], 2 * pool[0][1 - s, 0] + pool_tied[1 - s])
        for row in rows:
            k = codes[row]
            if k < 0 or tied[0, k] + tied[1, k] == 0:  # in no slice, or its slice was served already
                continue
            if k != unknown:
                _step_outside(k, own[0], tied, pool, pool_tied, marks, out)
            _step_inside(k, tied, own)
        _copy(pool, 1, pool, 0)
    pool_tied[:] = 0
    members = own[0].copy()  # of each slice, those that the pool holds: none for `unknown`
    if unknown >= 0:
        members[:, unknown] = 0
    for k in range(n_slices):
        _step_outside(k, members, tied, pool, pool_tied, marks, out)
    return own, out


def _deviations(sums: _Sums) -> FloatArray:
    """Sum of squared deviations of the doubled placements, (2, K), from whole numbers, so that 0 is exact."""
    flat = zip(*(part.ravel().tolist() for part in sums), strict=True)
    result = []
    for n, total, wrapped, near in flat:
        guess = int(near)
        squares = guess + (wrapped - guess + 2**63) % 2**64 - 2**63
        result.append((n * squares - total**2) / n if n else 0.0)
    return np.array(result).reshape(sums[0].shape)


def _variance(sums: _Sums) -> PlacementVariance:
    n, total = sums[0], sums[1]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = total[1] / (2.0 * n[0] * n[1])
        variance = (_deviations(sums) / ((n - 1.0) * n * (2.0 * n[::-1]) ** 2)).sum(axis=0)
    return PlacementVariance(mean, np.where((n >= 2).all(axis=0), variance, np.nan), n)


def slice_variances(
    ranking: Ranking, side: CodeArray, codes: CodeArray, n_slices: int, unknown: int = -1
) -> tuple[PlacementVariance, PlacementVariance]:
    """AUC and its DeLong variance in every slice and in everyone outside it, from one walk, in O(n).

    The variance is S10 / upper rows + S01 / lower rows, for independent rows. It is exactly 0 where the
    placements are constant (AUC 0 or 1, or all scores equal), and nowhere else.

    Args:
        ranking: of the scores, see `rank`.
        side: (n,) 1 upper, 0 lower, -1 neither.
        codes: (n,) slice of each row, -1 for none.
        n_slices: K.
        unknown: a code that is left out of every outside (a slice of its own all the same), or -1.

    Returns:
        That of the K slices, and that of the K sets of known rows outside each slice.
    """
    small_side, small_codes = checked_columns(ranking, side, codes, n_slices)
    own, out = _walk(ranking.order, ranking.starts, small_side, small_codes, n_slices, unknown)
    return _variance(own), _variance(out)


@njit(cache=True, nogil=True)
def _place_rows(
    order: IntArray,
    starts: IntArray,
    side: _SideArray,
    codes: _SliceArray,
    n: IntArray,
    out: FloatArray,
) -> None:
    """Write the placement of each row within its own slice to `out`; rows outside keep what is there."""
    seen = np.zeros_like(n)
    tied = np.zeros_like(n)
    pool = np.zeros(2, np.int64)
    for group in range(starts.size - 1):
        _count_ties(order[starts[group] : starts[group + 1]], side, codes, -1, tied, pool)
        for i in range(starts[group], starts[group + 1]):
            k, s = codes[order[i]], side[order[i]]
            if k >= 0 and s >= 0 and n[1 - s, k] > 0:
                share = (2 * seen[1 - s, k] + tied[1 - s, k]) / (2.0 * n[1 - s, k])
                out[order[i]] = share if s == 1 else 1.0 - share
        for i in range(starts[group], starts[group + 1]):
            k = codes[order[i]]
            if k >= 0:
                for s in range(2):
                    seen[s, k] += tied[s, k]
                    tied[s, k] = 0


def row_placements(ranking: Ranking, side: CodeArray, codes: CodeArray, n_slices: int) -> FloatArray:
    """Placement of each row within its own slice, (n,) in [0, 1]; NaN where the row is in no comparison."""
    small_side, small_codes = checked_columns(ranking, side, codes, n_slices)
    used = (small_side >= 0) & (small_codes >= 0)
    key = small_side[used] * np.int64(n_slices) + small_codes[used]
    n = np.bincount(key, minlength=2 * n_slices).reshape(2, n_slices).astype(np.int64)
    out = np.full(small_side.size, np.nan)
    _place_rows(ranking.order, ranking.starts, small_side, small_codes, n, out)
    return out


@njit(cache=True, nogil=True)
def sum_clusters(
    order: IntArray,
    starts: IntArray,
    side: _SideArray,
    codes: _SliceArray,
    centred: FloatArray,
    units: IntArray,
    products: FloatArray,
) -> None:
    """Add squares and product of each cluster's centred sums to `products`, and 1 to `units`."""
    sums = np.zeros(units.shape)
    rows = np.zeros(units.shape, np.int64)
    for c in range(starts.size - 1):
        members = order[starts[c] : starts[c + 1]]
        for row in members:
            if codes[row] >= 0 and side[row] >= 0:
                sums[side[row], codes[row]] += centred[row]
                rows[side[row], codes[row]] += 1
        for row in members:
            k = codes[row]
            if k < 0 or rows[0, k] + rows[1, k] == 0:
                continue
            units[2, k] += 1
            products[2, k] += sums[0, k] * sums[1, k]
            for s in range(2):
                units[s, k] += rows[s, k] > 0
                products[s, k] += sums[s, k] ** 2
                sums[s, k] = 0.0
                rows[s, k] = 0
