"""Which slices an audit looks at: single attributes and their crossings, as integer codes."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from itertools import combinations

import numpy as np
from numpy.typing import NDArray

from audit.core import Attribute, Slice
from audit.spec import AttributeSpec

EVERYONE_ELSE = "everyone else"
MOST_CELLS = 20_000
"""Above so many crossings only those that could be tested are kept, and the number left out is said."""


@dataclass(frozen=True, kw_only=True)
class Partition:
    """Slices that do not overlap: the values of one attribute, or of one crossing."""

    attributes: tuple[str, ...]
    codes: NDArray[np.int32]
    """(n,) position among the partition's own slices; -1 for a row in none of them."""
    first: int
    """Position of its first slice in `SliceSet.slices`."""
    size: int
    known: NDArray[np.bool_]
    """(size,) false where one of the values is `unknown`."""

    @property
    def columns(self) -> slice:
        """Its slices as a range of `SliceSet.slices`."""
        return slice(self.first, self.first + self.size)


@dataclass(frozen=True, kw_only=True)
class SliceSet:
    """All slices of one set of rows, everyone first."""

    slices: tuple[Slice, ...]
    """S slices."""
    partitions: tuple[Partition, ...]
    """The first holds everyone alone."""
    partition: NDArray[np.int64]
    """(S,) partition of each slice."""
    known: NDArray[np.bool_]
    """(S,) false for slices with an `unknown` value: shown, never tested, never part of a reference."""
    parents: NDArray[np.int64]
    """(S, depth) single-attribute slices that contain a crossing; -1 where there is none."""
    reference: NDArray[np.int64]
    """(S,) the declared reference slice of a single-attribute slice; -1: everyone else."""
    left_out: int
    """Crossings with too few rows to be tested that were not listed because there are too many."""

    def __len__(self) -> int:
        """Number of slices, everyone included."""
        return len(self.slices)

    @property
    def has_everyone(self) -> bool:
        """Whether the first slice holds all rows; identities overlap and have no such slice."""
        return bool(self.slices) and not self.slices[0].of

    @property
    def depth(self) -> NDArray[np.int64]:
        """(S,) number of attributes that define each slice."""
        return np.array([len(s.of) for s in self.slices], dtype=np.int64)


def slice_set(
    attributes: Mapping[str, Attribute],
    rows: NDArray[np.int64],
    depth: int,
    declared: Mapping[str, AttributeSpec],
    minimum_n: int,
) -> SliceSet:
    """Find the slices that have rows.

    Args:
        attributes: declared attributes of all examples.
        rows: (n,) the examples that an output has predictions for.
        depth: largest number of attributes in a crossing.
        declared: reference values of attributes, from the spec.
        minimum_n: crossings below it are left out where there are more than `MOST_CELLS`.

    Returns:
        Everyone first, then single attributes, then crossings by depth, each in order of declaration.
    """
    local = {name: a.codes[rows] for name, a in attributes.items()}
    slices = [Slice(of=(), n=len(rows))]
    partitions = [
        Partition(attributes=(), codes=np.zeros(len(rows), np.int32), first=0, size=1, known=np.array([True]))
    ]
    left_out = 0
    for size in range(1, min(depth, len(attributes)) + 1):
        for names in combinations(attributes, size):
            floor = minimum_n if size > 1 and len(slices) > MOST_CELLS else 1
            part, found, dropped = _partition([attributes[a] for a in names], local, len(slices), floor)
            slices += found
            partitions.append(part)
            left_out += dropped
    of_partition = np.concatenate([np.full(p.size, i, np.int64) for i, p in enumerate(partitions)])
    singles = {s.of[0]: i for i, s in enumerate(slices) if len(s.of) == 1}
    return SliceSet(
        slices=tuple(slices),
        partitions=tuple(partitions),
        partition=of_partition,
        known=np.concatenate([p.known for p in partitions]),
        parents=_parents(slices, singles, max(depth, 1)),
        reference=_references(slices, singles, declared),
        left_out=left_out,
    )


def _partition(
    crossed: Sequence[Attribute], local: Mapping[str, NDArray[np.int32]], first: int, floor: int
) -> tuple[Partition, list[Slice], int]:
    """One attribute or crossing, compressed to the combinations that occur; and the number left out."""
    cell = local[crossed[0].name].astype(np.int64)
    for attribute in crossed[1:]:
        cell = cell * len(attribute.values) + local[attribute.name]
    shape = tuple(len(a.values) for a in crossed)
    counts = np.bincount(cell, minlength=int(np.prod(shape)))
    kept = np.flatnonzero(counts >= floor)
    place = np.full(len(counts), -1, dtype=np.int32)
    place[kept] = np.arange(len(kept), dtype=np.int32)
    values = np.stack(np.unravel_index(kept, shape), axis=1)
    found = [
        Slice(of=tuple((a.name, a.values[v]) for a, v in zip(crossed, row, strict=True)), n=int(counts[k]))
        for k, row in zip(kept, values, strict=True)
    ]
    unknown = np.array([a.unknown_code for a in crossed])
    part = Partition(
        attributes=tuple(a.name for a in crossed),
        codes=place[cell],
        first=first,
        size=len(kept),
        known=~(values == unknown).any(axis=1),
    )
    return part, found, int(np.count_nonzero(counts)) - len(kept)


def _parents(
    slices: Sequence[Slice], singles: Mapping[tuple[str, str], int], depth: int
) -> NDArray[np.int64]:
    parents = np.full((len(slices), depth), -1, dtype=np.int64)
    for i, s in enumerate(slices):
        if len(s.of) > 1:
            parents[i, : len(s.of)] = [singles[pair] for pair in s.of]
    return parents


def _references(
    slices: Sequence[Slice],
    singles: Mapping[tuple[str, str], int],
    declared: Mapping[str, AttributeSpec],
) -> NDArray[np.int64]:
    reference = np.full(len(slices), -1, dtype=np.int64)
    for i, s in enumerate(slices):
        if len(s.of) == 1:
            name = s.of[0][0]
            value = declared[name].reference if name in declared else ""
            reference[i] = singles.get((name, value), -1) if value else -1
    return reference
