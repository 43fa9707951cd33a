"""Declared attributes, identity memberships, clusters and splits of every record."""

from __future__ import annotations

import json
import re
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from audit.core import SPLITS, UNKNOWN, Attribute
from audit.errors import InputError, SpecError
from audit.inputs.bands import band_names, bands, proposed_edges
from audit.inputs.cells import Cells, numbers, one_of, probabilities
from audit.inputs.columns import Column, close, toml_key
from audit.inputs.door import Door
from audit.inputs.raw import codes_of
from audit.spec import AttributeSpec

MOST_SORTED = 10_000
"""More values than this are sliced by nobody: their order may be plain."""
SPLIT_NAMES = {"train": 0, "validation": 1, "val": 1, "valid": 1, "dev": 1, "test": 2}


@dataclass(frozen=True, kw_only=True)
class Grouping:
    """An attribute over all records that were read."""

    name: str
    values: tuple[str, ...]
    """Value of each code, in order, without `unknown`."""
    codes: NDArray[np.int32]
    """(n,) -1 for unknown."""
    cells: Cells | None = None
    """A numeric column that was cut into bands, for the list of refused cells."""

    def attribute(self, keep: NDArray[np.bool_]) -> Attribute:
        """The attribute of the examples: values that occur, `unknown` last."""
        codes = self.codes if keep.all() else self.codes[keep]
        there = np.bincount(codes + 1, minlength=len(self.values) + 1) > 0
        names = [value for value, used in zip(self.values, there[1:], strict=True) if used]
        place = np.cumsum(there[1:], dtype=np.int32) - 1
        lookup = np.append(place, np.int32(len(names))).astype(np.int32)  # [-1] is unknown
        return Attribute(
            name=self.name, values=(*names, *([UNKNOWN] if there[0] else [])), codes=lookup[codes]
        )


def natural(value: str) -> tuple[list[str | int], str]:
    """Sorting key that puts "3-9" before "10-19"."""
    parts: list[str | int] = list(re.split(r"([0-9]+)", value))
    parts[1::2] = [int(digits) for digits in parts[1::2]]
    return parts, value


def read_group(door: Door, column: Column, spec: AttributeSpec) -> Grouping:
    """Read one group column: missing and the word "unknown" become unknown.

    Raises:
        InputError: `bins` for a column without one number.
    """
    raw = door.raw.columns[column.source]
    if spec.bins:
        return _cut(door, column, raw, spec.bins)
    codes, found = codes_of(raw)
    found = [value.replace("\0", "\ufffd") for value in found]
    known = set(found) - {UNKNOWN, ""}
    names = sorted(known, key=natural) if len(known) <= MOST_SORTED else sorted(known)
    place = {name: code for code, name in enumerate(names)}
    lookup = np.array([place.get(value, -1) for value in found] + [-1], dtype=np.int32)
    return Grouping(name=column.owner, values=tuple(names), codes=lookup[codes])


def _cut(door: Door, column: Column, raw: pa.Array, edges: Sequence[float]) -> Grouping:
    cells = numbers(column.source, raw)
    if cells.bad.any() or not cells.empty.all():
        cells = door.whole(
            cells, f"Bins are for numbers: drop bins from [attributes.{toml_key(column.owner)}]."
        )
    whole = bool(np.all(cells.values == np.floor(cells.values)))
    codes = np.where(cells.ok, bands(cells.values, edges), np.int32(-1)).astype(np.int32)
    return Grouping(name=column.owner, values=band_names(edges, whole=whole), codes=codes, cells=cells)


def check_reference(found: Attribute, spec: AttributeSpec) -> None:
    """Refuse a reference that no example has.

    Raises:
        SpecError: with the values that there are.
    """
    if spec.reference and spec.reference not in found.values:
        raise SpecError(
            f"spec, [attributes.{toml_key(found.name)}] reference",
            f"expected {one_of(found.values)}, came {spec.reference}.",
            close(spec.reference, found.values) if len(found.values) > 1 else "",
        )


def too_many_message(found: Attribute, most: int) -> str:
    """What to tell the auditor about an attribute that is not sliced, with the line that would cut it."""
    values = [value for value in found.values if value != UNKNOWN]
    told = (
        f"group.{found.name} has {len(values):,} values and is not sliced "
        f"(at most {most:,}: max_values in the spec)."
    )
    cells = numbers(found.name, pa.array(values, pa.string()))
    if not cells.ok.all():
        return f"{told} Group the values in the file."
    edges = proposed_edges(cells.values)
    line = f"[attributes.{toml_key(found.name)}] bins = {json.dumps([_plain(edge) for edge in edges])}"
    return f"{told} To cut it into bands, write in the spec: {line}"


def _plain(edge: float) -> float | int:
    return int(edge) if edge.is_integer() else edge


def read_identity(door: Door, column: Column) -> Cells:
    """Read one identity column: membership in [0, 1]."""
    raw = door.raw.columns[column.source]
    if pa.types.is_boolean(raw.type):
        raw = raw.cast(pa.float64())
    cells = probabilities(column.source, raw)
    return cells if cells.empty.all() else door.whole(cells)


def memberships(cells: Cells, keep: NDArray[np.bool_]) -> NDArray[np.float32]:
    """(n,) membership of the examples, NaN where it is not annotated or can't be used."""
    return np.where(cells.ok, cells.values, np.nan).astype(np.float32)[keep]


def clusters(door: Door, column: Column, keep: NDArray[np.bool_]) -> NDArray[np.int32]:
    """Code of the rows that belong together; a row without a value is a cluster of its own."""
    raw = door.raw.columns[column.source]
    codes = pc.fill_null(raw.dictionary_encode().indices, -1).to_numpy(zero_copy_only=False)[keep]
    alone = codes < 0
    codes = np.where(alone, codes.max(initial=-1) + np.cumsum(alone), codes)
    return np.unique(codes, return_inverse=True)[1].astype(np.int32)


def splits(door: Door, column: Column | None) -> NDArray[np.int8]:
    """Split of every record; test where there is no column or the field is empty.

    Raises:
        InputError: a word that is no split.
    """
    if column is None:
        return np.full(door.raw.n, SPLITS.index("test"), dtype=np.int8)
    codes, found = codes_of(door.raw.columns[column.source])
    known = [SPLIT_NAMES.get(value.strip().lower(), -1) for value in found]
    lookup = np.array([*known, SPLITS.index("test")], dtype=np.int8)
    split: NDArray[np.int8] = lookup[codes]
    if (split < 0).any():
        row = int(np.flatnonzero(split < 0)[0])
        raise InputError(
            f"{door.file}, record {door.raw.records[row]:,}, column {column.source}",
            f"expected {one_of(tuple(SPLIT_NAMES))}, came {found[codes[row]]!r}.",
        )
    return split
