"""Find slices that nobody named: every combination of up to three attribute values, counted and re-tested.

The rows are split in two halves, whole clusters together. On the discovery half every combination is counted
and scored by how far its error exceeds that of its worst parent (the same combination less one attribute;
everyone, for a single value). Slices that overlap little are picked, and only those are tested, on the other
half, which the search never saw: the worst of 64,400 slices looks bad by luck alone.
"""

from __future__ import annotations

import math
from collections.abc import Iterator
from itertools import combinations
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray
from scipy.special import stdtr

from audit.cluster_means import cluster_difference
from audit.clusters import design_effect, effective_n
from audit.intervals import newcombe
from audit.means import welch_difference
from audit.multiplicity import holm
from audit.significance import rate_difference_p, welch_t

FloatArray = NDArray[np.float64]
BoolArray = NDArray[np.bool_]
CodeTable = NDArray[np.integer[Any]]
Columns = tuple[int, ...]
_MOST_TRIES = 1000  # candidates looked at, best first, before the picking gives up


class SliceCounts(NamedTuple):
    """Counts of all values of some columns together; index v + 1 of an axis is value v, 0 is unknown."""

    n: FloatArray  # rows
    total: FloatArray  # sum of the errors: for 0/1 errors, how many
    total_sq: FloatArray  # sum of the squared errors


class Sample(NamedTuple):
    """Some rows."""

    n: int
    mean: float  # of their errors; NaN without a row


class FoundSlice(NamedTuple):
    """A slice that the search picked, and what the rows that it never saw say of it."""

    columns: Columns  # positions of the columns that define it
    values: Columns  # the value of each
    parent: Columns  # the columns of the parent that it was scored against; () is everyone
    excess: float  # mean error less the parent's, discovery half
    excess_low: float  # its lower limit, by which the search ranks
    discovery: Sample  # in the half that was searched
    inside: Sample  # in the other half
    outside: Sample  # there, outside the slice, with no defining column unknown
    p: float  # two-sided, inside against outside; NaN where a side is too small to tell
    p_adjusted: float  # by Holm over the tested slices
    confirmed: bool  # p_adjusted is at most alpha, and the slice has the larger error


class SearchResult(NamedTuple):
    """What a search looked at and what it found."""

    found: tuple[FoundSlice, ...]  # picked slices, best first, confirmed or not
    n_slices: int  # combinations of known values, with rows or without
    n_searched: int  # those with enough rows, each scored
    n_tested: int  # picked slices that could be tested on the confirmation half
    discovery_rows: int
    confirmation_rows: int
    level: float  # of the intervals that ranked


class _Half(NamedTuple):
    columns: CodeTable  # of the rows that the search sees
    errors: FloatArray
    binary: bool
    min_support: int
    level: float


class _Candidate(NamedTuple):
    low: float  # of the excess over the parent; above 0
    excess: float
    columns: Columns
    values: Columns
    dropped: int  # position in `columns` of the attribute that the parent lacks


def count_slices(columns: CodeTable, errors: ArrayLike, depth: int) -> Iterator[tuple[Columns, SliceCounts]]:
    """Yield the columns of every set of `depth` columns and the counts of all their values together.

    `columns` is (n, F), integer codes, -1 for unknown; `errors` is (n,), 0/1 or numeric.
    """
    values = np.asarray(errors, dtype=np.float64)
    shifted = [column.astype(np.int64) + 1 for column in columns.T]
    sizes = [int(column.max(initial=0)) + 1 for column in shifted]
    binary, wrong = bool(np.isin(values, (0, 1)).all()), values.astype(np.int64)
    for chosen in combinations(range(len(shifted)), depth):
        shape = tuple(sizes[f] for f in chosen)
        key, cells = shifted[chosen[0]], math.prod(shape)
        for f in chosen[1:]:
            key = key * sizes[f] + shifted[f]
        if binary:
            pair = np.bincount(key * 2 + wrong, minlength=2 * cells).reshape(*shape, 2).astype(np.float64)
            yield chosen, SliceCounts(pair.sum(axis=-1), pair[..., 1], pair[..., 1])
        else:
            parts = (np.bincount(key, w, cells).reshape(shape) for w in (None, values, values**2))
            yield chosen, SliceCounts(*(np.asarray(part, dtype=np.float64) for part in parts))


def _sums(errors: FloatArray) -> SliceCounts:
    """The counts of one set of rows, (1,) each."""
    return SliceCounts(*np.array([[errors.size], [errors.sum()], [np.sum(errors**2)]], dtype=np.float64))


def _excess(inside: SliceCounts, rest: SliceCounts, half: _Half) -> tuple[FloatArray, FloatArray]:
    """Mean error of slices less their parents', and its lower limit; `rest` is the parent less the slice."""
    share = rest.n / (rest.n + inside.n)  # slice - parent = (slice - rest) x share; those are independent
    if half.binary:
        interval = newcombe(inside.total, inside.n, rest.total, rest.n, half.level)
    else:
        interval = welch_difference(*inside, *rest, half.level)
    return interval.value * share, interval.low * share


def _score(
    chosen: Columns, counts: SliceCounts, parents: dict[Columns, SliceCounts], half: _Half
) -> tuple[int, list[_Candidate]]:
    """Score the cells of one column set; return how many had support, and those whose excess is above 0."""
    at = np.nonzero(counts.n >= half.min_support)
    keep = np.all([axis > 0 for axis in at], axis=0)
    at = tuple(axis[keep] for axis in at)
    inside = SliceCounts(*(part[at] for part in counts))
    table = np.empty((len(chosen), 3, inside.n.size))  # parents, fields, slices
    for d in range(len(chosen)):
        for field, part in enumerate(parents[_without(chosen, d)]):
            table[d, field] = part[_without(at, d)]
    dropped = np.argmax(table[:, 1] / table[:, 0], axis=0)
    parent_sums = np.take_along_axis(table, dropped[None, None, :], axis=0)[0]
    rest = SliceCounts(*(whole - part for whole, part in zip(parent_sums, inside, strict=True)))
    worse = (rest.n > 0) & (inside.total * rest.n > rest.total * inside.n)
    worse_inside, worse_rest = (SliceCounts(*(part[worse] for part in side)) for side in (inside, rest))
    excess, low = _excess(worse_inside, worse_rest, half)
    good = np.flatnonzero(low > 0)
    values = np.transpose(at)[worse][good] - 1
    found = [
        _Candidate(float(low[i]), float(excess[i]), chosen, tuple(row.tolist()), int(d))
        for i, row, d in zip(good, values, dropped[worse][good], strict=True)
    ]
    return int(keep.sum()), found


def _discover(half: _Half, max_depth: int) -> tuple[int, int, list[_Candidate]]:
    """Score all slices to the greatest depth; return combinations, those with support, ranked candidates."""
    parents: dict[Columns, SliceCounts] = {(): SliceCounts(*(part[0] for part in _sums(half.errors)))}
    n_slices = n_searched = 0
    candidates: list[_Candidate] = []
    for depth in range(1, min(max_depth, half.columns.shape[1]) + 1):
        counted: dict[Columns, SliceCounts] = {}
        for chosen, counts in count_slices(half.columns, half.errors, depth):
            searched, found = _score(chosen, counts, parents, half)
            n_slices += math.prod(size - 1 for size in counts.n.shape)
            n_searched += searched
            candidates += found
            if depth < max_depth:  # the deepest counts are the largest, and nobody's parents
                counted[chosen] = counts
        parents = counted
    return n_slices, n_searched, sorted(candidates, key=lambda candidate: -candidate.low)


def _without(items: tuple[Any, ...], d: int) -> tuple[Any, ...]:
    return items[:d] + items[d + 1 :]


def _members(columns: CodeTable, chosen: Columns, values: Columns) -> BoolArray:
    mask = np.ones(columns.shape[0], dtype=bool)
    for f, value in zip(chosen, values, strict=True):
        mask &= columns[:, f] == value
    return mask


def _pick(half: _Half, ranked: list[_Candidate], most: int) -> list[_Candidate]:
    """Pick candidates greedily, best first, that say something new.

    A candidate enters when at least half of its rows, and at least `min_support`, are covered by no earlier
    pick, and on uncovered rows alone its error still exceeds its parent's (lower limit above 0). So a slice
    that looks bad only because it holds, or lies within, an earlier pick does not enter.
    """
    free = np.ones(half.errors.size, dtype=bool)
    picks: list[_Candidate] = []
    for candidate in ranked[:_MOST_TRIES]:
        mask = _members(half.columns, candidate.columns, candidate.values)
        new = mask & free
        if new.sum() < max(half.min_support, mask.sum() / 2):
            continue
        shorter = (_without(codes, candidate.dropped) for codes in (candidate.columns, candidate.values))
        rest = _members(half.columns, *shorter) & free & ~mask
        if picks and not _excess(_sums(half.errors[new]), _sums(half.errors[rest]), half)[1][0] > 0:
            continue
        picks.append(candidate)
        free &= ~mask
        if len(picks) == most:
            break
    return picks


def _test(
    errors: FloatArray, binary: bool, inside: BoolArray, outside: BoolArray, clusters: CodeTable | None
) -> float:
    """Two-sided p: score or mid-p Fisher, on effective counts; numbers: Welch, or a sandwich for clusters."""
    codes = np.where(inside, 0, np.where(outside, 1, -1))
    first, second = _sums(errors[inside]), _sums(errors[outside])
    if not (first.n[0] and second.n[0]):
        return math.nan
    a = b = 1.0
    if clusters is not None:
        effect = design_effect(errors, clusters, codes, 2)
        a, b = effective_n(effect.rows, effect.deff, effect.df) / effect.rows
    if binary:
        return float(rate_difference_p(first.total * a, first.n * a, second.total * b, second.n * b).p[0])
    if clusters is None:
        return float(welch_t(*first, *second).p[0])
    gap = cluster_difference(errors, clusters, codes, 2)
    with np.errstate(invalid="ignore", divide="ignore"):
        return float(2.0 * stdtr(gap.df[0], -np.abs(gap.difference[0] / gap.standard_error[0])))


def _sample(errors: FloatArray) -> Sample:
    return Sample(errors.size, float(errors.mean()) if errors.size else np.nan)


def _halves(n: int, clusters: CodeTable | None, seed: int) -> BoolArray:
    """Mask (n,) of the discovery half: rows of a cluster stay together."""
    units = np.arange(n) if clusters is None else np.unique(clusters, return_inverse=True)[1]
    count = int(units.max(initial=-1)) + 1
    return np.asarray(np.random.default_rng(seed).permutation(count)[units] < (count + 1) // 2)


def search_slices(
    columns: CodeTable,
    errors: ArrayLike,
    *,
    clusters: CodeTable | None = None,
    max_depth: int = 3,
    min_support: int = 30,
    max_picks: int = 10,
    level: float | None = None,
    alpha: float = 0.05,
    seed: int = 0,
) -> SearchResult:
    """Search all slices of up to `max_depth` attributes, and re-test the worst on rows that it never saw.

    Args:
        columns: (n, F) integer codes of the attributes, -1 for unknown, which defines no slice.
        errors: (n,) 1 where the row is wrong and 0 where right, or a numeric error; higher is worse.
        clusters: (n,) codes of rows that belong together, or None.
        max_depth: attributes in a slice; the work grows with the number of combinations.
        min_support: rows that a slice needs in the discovery half.
        max_picks: slices to test at most.
        level: of the interval whose lower limit ranks, and must be above 0; None: at least .95, and so high
            that about one slice at most of those that can have support passes by luck.
        alpha: a slice is confirmed at an adjusted p of at most this.
        seed: of the split.

    Raises:
        ValueError: columns and errors do not have the same rows.
    """
    table, values = np.asarray(columns), np.asarray(errors, dtype=np.float64)
    if table.ndim != 2 or table.shape[0] != values.size:
        raise ValueError(f"columns must be (n, F) with n = {values.size} errors, got {table.shape}")
    binary = bool(np.isin(values, (0, 1)).all())
    centred = values if binary else values - values.mean()  # squares of what is left keep their digits
    seen = _halves(values.size, clusters, seed)
    if level is None:
        most = int(seen.sum()) // min_support
        sizes = [np.unique(column[column >= 0]).size for column in table.T]
        sets = (chosen for d in range(1, max_depth + 1) for chosen in combinations(sizes, d))
        level = max(0.95, 1.0 - 2.0 / max(sum(min(math.prod(chosen), most) for chosen in sets), 1))
    half = _Half(table[seen], centred[seen], binary, min_support, level)
    n_slices, n_searched, ranked = _discover(half, max_depth)
    found = []
    for pick in _pick(half, ranked, max_picks):
        mask = _members(table, pick.columns, pick.values)
        inside = mask & ~seen
        outside = np.all(table[:, list(pick.columns)] >= 0, axis=1) & ~mask & ~seen
        scored = (pick.columns, pick.values, _without(pick.columns, pick.dropped), pick.excess, pick.low)
        samples = (_sample(values[mask & seen]), _sample(values[inside]), _sample(values[outside]))
        found.append(
            FoundSlice(*scored, *samples, _test(centred, binary, inside, outside, clusters), np.nan, False)
        )
    adjusted = holm([pick.p for pick in found]).tolist()
    for i, p in enumerate(adjusted):
        worse = found[i].inside.mean > found[i].outside.mean
        found[i] = found[i]._replace(p_adjusted=p, confirmed=worse and p <= alpha)
    counts = (n_slices, n_searched, sum(map(math.isfinite, adjusted)), half.errors.size, int((~seen).sum()))
    return SearchResult(tuple(found), *counts, level)
