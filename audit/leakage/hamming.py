"""All pairs of 64-bit hashes within a Hamming distance: exact, near linear in the number of hashes.

Multi-index hashing: 64 bits are cut into m bands. If two hashes differ in at most d = m q + a bits, then one
of the first a + 1 bands differs in at most q bits, or one of the others in at most q - 1. So it is enough to
compare hashes whose band lies within that radius, and a pair is reported only by the first band that catches
it: nothing is found twice, and no set of seen pairs is kept.

Source: Norouzi, Punjani and Fleet (2012), Fast search in Hamming space with multi-index hashing.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audit.errors import PlumblineError
from audit.leakage.bands import Band, choose_bands
from audit.leakage.compiled import HAVE_NUMBA

BITS = 64
PAIR_CAP = 20_000_000
Engine = Literal["auto", "numba", "numpy"]
Found = tuple[NDArray[np.int32], NDArray[np.int32], NDArray[np.uint8]]


class TooManyPairsError(PlumblineError):
    """More pairs than the cap: the distance no longer tells copies from look-alikes."""

    def __init__(self, cap: int, d: int, n: int) -> None:
        """Say what was asked and what to do."""
        super().__init__(
            f"more than {cap:,} pairs within distance {d} among {n:,} hashes: here nearly all look alike, "
            "so it can't tell copies from look-alikes. Ask for a smaller distance."
        )


@dataclass(frozen=True, kw_only=True)
class HashPairs:
    """Pairs within `d` between groups of equal hashes: a thousand equal ones are one group, not a list."""

    n: int
    d: int
    order: NDArray[np.int64]
    """(n,) positions sorted by hash; group g is order[starts[g]:starts[g + 1]], positions increasing."""
    starts: NDArray[np.int64]
    """(u + 1,) where each group of equal hashes begins."""
    left: NDArray[np.int32]
    """(p,) group, smaller than `right`."""
    right: NDArray[np.int32]
    """(p,) group."""
    distance: NDArray[np.uint8]
    """(p,) 1 … d, in bits."""
    bands: int
    """m that was used; 1 is brute force."""

    def counts(self) -> NDArray[np.int64]:
        """Count pairs of hashes at each distance.

        Returns:
            (d + 1,) pairs at exactly 0 … d bits, pairs of equal hashes included.
        """
        sizes = np.diff(self.starts)
        made = np.zeros(self.d + 1, dtype=np.int64)
        np.add.at(made, self.distance, sizes[self.left] * sizes[self.right])
        made[0] += int((sizes * (sizes - 1) // 2).sum())
        return made

    def pairs(self, at_most: int | None = None, cap: int = PAIR_CAP) -> Found:
        """List the pairs of positions.

        Args:
            at_most: only pairs up to this distance; None: up to `d`.
            cap: stop rather than make more rows than this.

        Returns:
            (i, j, distance), each (k,), i < j, sorted by (i, j).

        Raises:
            TooManyPairsError: there are more than `cap`.
        """
        limit = self.d if at_most is None else min(at_most, self.d)
        total = int(self.counts()[: limit + 1].sum()) if limit >= 0 else 0
        if total > cap:
            raise TooManyPairsError(cap, limit, self.n)
        if limit < 0 or total == 0:
            return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8)
        keep = self.distance <= limit
        apart = _across(self.order, self.starts, self.left[keep], self.right[keep], self.distance[keep])
        equal = _inside(self.order, self.starts)
        i, j = np.concatenate([apart[0], equal[0]]), np.concatenate([apart[1], equal[1]])
        distance = np.concatenate([apart[2], equal[2]])
        i, j = np.minimum(i, j), np.maximum(i, j)
        by = np.lexsort((j, i))
        return i[by], j[by], distance[by]

    def sample(
        self, distance: int, size: int, rng: np.random.Generator
    ) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
        """Draw pairs at exactly one distance, without listing them all.

        Args:
            distance: 0 … d, in bits.
            size: pairs wanted; all of them where there are no more.
            rng: the draw.

        Returns:
            (i, j), each (k,), i < j, sorted, no pair twice.
        """
        total = int(self.counts()[distance])
        chosen = np.arange(total) if total <= size else np.sort(rng.choice(total, size, replace=False))
        sizes = np.diff(self.starts)
        if distance == 0:
            ends = np.cumsum(sizes * (sizes - 1) // 2)
            group = np.searchsorted(ends, chosen, side="right")
            inner = chosen - (ends[group] - sizes[group] * (sizes[group] - 1) // 2)
            later = ((1 + np.sqrt(1 + 8 * inner)) / 2).astype(
                np.int64
            )  # pair k of a group: (k - l(l-1)/2, l)
            later -= later * (later - 1) // 2 > inner
            later += later * (later + 1) // 2 <= inner
            first, second = self.starts[group] + inner - later * (later - 1) // 2, self.starts[group] + later
        else:
            at = np.flatnonzero(self.distance == distance)
            left, right = self.left[at], self.right[at]
            ends = np.cumsum(sizes[left] * sizes[right])
            pair = np.searchsorted(ends, chosen, side="right")
            inner = chosen - (ends[pair] - sizes[left[pair]] * sizes[right[pair]])
            first = self.starts[left[pair]] + inner // sizes[right[pair]]
            second = self.starts[right[pair]] + inner % sizes[right[pair]]
        i, j = self.order[first], self.order[second]
        i, j = np.minimum(i, j), np.maximum(i, j)
        by = np.lexsort((j, i))
        return i[by], j[by]


def search(hashes: NDArray[np.uint64], d: int, *, engine: Engine = "auto", cap: int = PAIR_CAP) -> HashPairs:
    """Find all pairs of hashes that differ in at most d bits. Compute once; a slider filters.

    Args:
        hashes: (n,) uint64.
        d: bits, 0 … 64.
        engine: "numba", "numpy" (equal results, slower), or "auto".
        cap: most pairs of distinct hashes to keep.

    Returns:
        The pairs, between groups of equal hashes.

    Raises:
        TooManyPairsError: more than `cap` pairs of distinct hashes.
        ValueError: d is outside 0 … 64, or the hashes are not one-dimensional.
    """
    if not 0 <= d <= BITS:
        raise ValueError(f"d must be from 0 to {BITS} bits, got {d}")
    hashes = np.ascontiguousarray(hashes, dtype=np.uint64)
    if hashes.ndim != 1:
        raise ValueError(f"hashes must have shape (n,), got {hashes.shape}")
    order, starts, unique = _group(hashes)
    bands = choose_bands(unique, d) if d > 0 and unique.size > 1 else ()
    left, right, distance = _search_bands(unique, bands, d, engine, cap)
    return HashPairs(
        n=hashes.size,
        d=d,
        order=order,
        starts=starts,
        left=left,
        right=right,
        distance=distance,
        bands=len(bands),
    )


def pairs_within(
    hashes: NDArray[np.uint64], d: int, *, engine: Engine = "auto", cap: int = PAIR_CAP
) -> Found:
    """Find all pairs within d and list them: `search` and `HashPairs.pairs` in one call.

    Args:
        hashes: (n,) uint64.
        d: bits, 0 … 64.
        engine: as in `search`.
        cap: most pairs.

    Returns:
        (i, j, distance), each (k,), i < j, sorted by (i, j).

    Raises:
        TooManyPairsError: there are more than `cap`.
    """
    return search(hashes, d, engine=engine, cap=cap).pairs(cap=cap)


def _group(hashes: NDArray[np.uint64]) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.uint64]]:
    order = np.argsort(hashes, kind="stable")
    ranked = hashes[order]
    first = np.ones(ranked.size, dtype=np.bool_)
    np.not_equal(ranked[1:], ranked[:-1], out=first[1:])
    begin = np.flatnonzero(first)
    return order, np.append(begin, ranked.size), ranked[begin]


def _search_bands(
    unique: NDArray[np.uint64], bands: tuple[Band, ...], d: int, engine: Engine, cap: int
) -> Found:
    if engine == "numba" and not HAVE_NUMBA:
        raise ValueError("engine 'numba' was asked for, and numba can't be imported; use 'numpy' or 'auto'")
    if HAVE_NUMBA and engine != "numpy":
        from audit.leakage.scan_compiled import scan
    else:
        from audit.leakage.scan_numpy import scan
    found: list[Found] = []
    total = 0
    for which in range(len(bands)):
        if bands[which].radius < 0:
            continue
        part = scan(unique, bands, which, d, cap - total)
        total += part[0].size
        if total > cap:
            raise TooManyPairsError(cap, d, unique.size)
        found.append(part)
    if not found:
        return np.zeros(0, np.int32), np.zeros(0, np.int32), np.zeros(0, np.uint8)
    left, right, distance = (np.concatenate(parts) for parts in zip(*found, strict=True))
    return np.minimum(left, right), np.maximum(left, right), distance


def _inside(order: NDArray[np.int64], starts: NDArray[np.int64]) -> Found:
    """All pairs inside each group of equal hashes."""
    sizes = np.diff(starts)
    many = np.flatnonzero(sizes > 1)
    position, last = np.arange(order.size), np.repeat(starts[1:], sizes)
    following = last - position - 1
    first = np.repeat(position, following)
    begin = np.cumsum(following) - following
    second = np.arange(first.size) - np.repeat(begin, following) + first + 1
    distance = np.zeros(first.size if many.size else 0, dtype=np.uint8)
    return order[first].astype(np.int32), order[second].astype(np.int32), distance


def _across(
    order: NDArray[np.int64],
    starts: NDArray[np.int64],
    left: NDArray[np.int32],
    right: NDArray[np.int32],
    distance: NDArray[np.uint8],
) -> Found:
    """All pairs between the members of two groups."""
    sizes = np.diff(starts)
    wide = sizes[right]
    count = sizes[left] * wide
    which = np.repeat(np.arange(left.size), count)
    inner = np.arange(which.size) - np.repeat(np.cumsum(count) - count, count)
    first = starts[left[which]] + inner // wide[which]
    second = starts[right[which]] + inner % wide[which]
    return order[first].astype(np.int32), order[second].astype(np.int32), distance[which]
