"""The door: from a predictions file and a spec to checked examples and predictions."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from types import ModuleType

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from audit.core import UNKNOWN, Attribute, Examples, Predictions, Source, TaskKind
from audit.errors import InputError, SpecError
from audit.inputs import csv_file, jsonl_file, parquet_file
from audit.inputs.built import Built
from audit.inputs.cells import Cells, counted, listed
from audit.inputs.columns import Layout, Role, close, ignored_message, layout, toml_key
from audit.inputs.door import Door
from audit.inputs.files import Kind, PredictionsFile, Survey, find, survey
from audit.inputs.groups import (
    Grouping,
    check_reference,
    clusters,
    memberships,
    read_group,
    read_identity,
    splits,
    too_many_message,
)
from audit.inputs.ids import read_ids
from audit.inputs.outputs import build
from audit.inputs.plans import plans, truth_only_message
from audit.inputs.raw import text_of
from audit.inputs.rejected import LineOf, as_table, refusals
from audit.spec import AttributeSpec, Spec

FORMATS: Mapping[Kind, ModuleType] = {Kind.CSV: csv_file, Kind.PARQUET: parquet_file, Kind.JSONL: jsonl_file}
SHOWN_VALUES = 6


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """What came through the door."""

    examples: Examples
    predictions: Mapping[str, Predictions]
    """Output -> what the model said; `rows` are positions in the examples."""
    rejected: pa.Table
    """file, record (from 1), line (null unless CSV), id, column, reason."""
    records: NDArray[np.int64]
    """(n,) record number in the file of every example, increasing: `payloads` finds its text by it."""


def load(path: Path, spec: Spec) -> Loaded:
    """Read, check and group a predictions file.

    Args:
        path: CSV, Parquet or JSON Lines; CSV and JSON Lines may be gzipped.
        spec: names, types and groups that the columns leave open.

    Raises:
        InputError: the file, or a whole column of it, can't be read.
        SpecError: the spec names what the file does not have.
    """
    file = find(path)
    told = survey(file)
    door, found = _read(file, told, spec)
    _check_attributes(found, spec)
    built = [build(plan, door) for plan in plans(found, spec)]
    _check_primary(file, built, spec)
    id_column = found.all(Role.ID)[0]
    ids, bad_ids = read_ids(door, id_column)
    valid = np.ones(door.raw.n, dtype=bool)
    valid[list(bad_ids)] = False
    keep = valid & np.logical_or.reduce([output.usable for output in built])
    split = splits(door, found.one(Role.SPLIT))
    groupings = [
        read_group(door, column, spec.attributes.get(column.owner, AttributeSpec()))
        for column in found.all(Role.GROUP)
    ]
    identities = {column.owner: read_identity(door, column) for column in found.all(Role.IDENTITY)}
    checked: list[Cells] = [cells for output in built for cells in output.cells]
    checked += [grouping.cells for grouping in groupings if grouping.cells is not None]
    checked += list(identities.values())
    lines = refusals(door, ids, bad_ids, checked, keep)
    rejected = as_table(file.name, lines, _line_finder(file, told, door.raw.total))
    if not keep.any():
        first = lines[0]
        raise InputError(
            f"{file.name}, record {first[0]:,}" + (f", column {first[2]}" if first[2] else ""),
            f"none of the {door.raw.total:,} records can be used; the first: {first[3]}.",
        )
    attributes, unsliced, notes = _attributes(groupings, keep, spec)
    sliced = [grouping for grouping in groupings if grouping.name in attributes]
    messages = [
        ignored_message(found),
        truth_only_message(found),
        *(note for output in built for note in _output_notes(output, sliced, keep, valid)),
        *notes,
        _refused_note(door, keep),
    ]
    cluster = found.one(Role.CLUSTER)
    root = file.path.resolve().parent
    image = found.one(Role.IMAGE)
    examples = Examples(
        ids=_kept(ids, keep),
        split=split[keep],
        attributes=attributes,
        identities={name: memberships(cells, keep) for name, cells in identities.items()},
        clusters=None if cluster is None else clusters(door, cluster, keep),
        images=None
        if image is None
        else _relative(_kept(text_of(door.raw.columns[image.source]), keep), root),
        source=Source(
            path=str(path),
            sha256=told.sha256,
            data_root=str(root),
            payloads=tuple(role.value for role in (Role.TEXT, Role.IMAGE) if found.one(role) is not None),
            records=door.raw.total,
            rejected=door.raw.total - int(keep.sum()),
            messages=tuple(message for message in messages if message),
            unsliced=unsliced,
        ),
    )
    return Loaded(
        examples=examples,
        predictions={output.output: output.predictions(keep, valid) for output in built},
        rejected=rejected,
        records=door.raw.records[keep],
    )


def _read(file: PredictionsFile, told: Survey, spec: Spec) -> tuple[Door, Layout]:
    reader = FORMATS[file.kind]
    found = layout(file.name, reader.header(file), spec.columns)
    names = [column.source for column in found.columns if column.role is not Role.TEXT]
    raw = reader.read(file, names, [column.source for column in found.all(Role.GROUP)], told)
    return Door(file=file.name, raw=raw), found


def _line_finder(file: PredictionsFile, told: Survey, total: int) -> LineOf | None:
    if file.kind is not Kind.CSV:
        return None
    return lambda records: csv_file.lines(file, records, told, total)


def _check_attributes(found: Layout, spec: Spec) -> None:
    known = [column.owner for column in found.all(Role.GROUP)]
    named = {f"[attributes.{toml_key(name)}]": name for name in spec.attributes}
    named |= {
        f"[[primary]] number {at}, attribute": one.attribute for at, one in enumerate(spec.primary, start=1)
    }
    if spec.compose_by:
        named["compose_by"] = spec.compose_by
    for place, name in named.items():
        if name not in known:
            raise SpecError(f"spec, {place}", f"{found.file} has no column group.{name}.", close(name, known))


def _check_primary(file: PredictionsFile, built: Sequence[Built], spec: Spec) -> None:
    known = [output.output for output in built]
    known += [
        f"{output.output}/{label}"
        for output in built
        if output.task.kind is TaskKind.MULTILABEL
        for label in output.task.classes
    ]
    for at, one in enumerate(spec.primary, start=1):
        if one.output not in known:
            raise SpecError(
                f"spec, [[primary]] number {at}, output",
                f"{file.name} has no output {one.output}.",
                close(one.output, known),
            )


def _attributes(
    groupings: Sequence[Grouping], keep: NDArray[np.bool_], spec: Spec
) -> tuple[dict[str, Attribute], dict[str, int], list[str]]:
    """Attributes to slice by, those with too many values, and what to say of both."""
    sliced: dict[str, Attribute] = {}
    unsliced: dict[str, int] = {}
    notes: list[str] = []
    for grouping in groupings:
        found = grouping.attribute(keep)
        values = len(found.values) - (found.unknown_code >= 0)
        if values > spec.max_values:
            unsliced[found.name] = values
            notes.append(too_many_message(found, spec.max_values))
            continue
        check_reference(found, spec.attributes.get(found.name, AttributeSpec()))
        sliced[found.name] = found
        single = [found.values[code] for code in np.flatnonzero(np.bincount(found.codes) == 1)]
        if single:
            notes.append(f"group.{found.name}: one example only for {listed(single)}.")
        if values == 0:
            notes.append(f"group.{found.name} is empty in every record: all are {UNKNOWN}.")
    if not groupings:
        notes.append("No attributes are declared (no column group.ATTR): overall metrics only.")
    return sliced, unsliced, notes


def _output_notes(
    output: Built, groupings: Sequence[Grouping], keep: NDArray[np.bool_], valid: NDArray[np.bool_]
) -> list[str]:
    notes = list(output.messages)
    dropped = output.dropped(valid)
    if dropped:
        rows = np.logical_or.reduce(list(dropped.values()))
        causes = ", ".join(f"{cause} {int(mine.sum()):,}" for cause, mine in dropped.items())
        groups = "".join(f" By {grouping.name}: {_counts(grouping, rows)}." for grouping in groupings)
        notes.append(f"{output.output}: {counted(int(rows.sum()))} left out ({causes}).{groups}")
    if output.differs is not None and (differing := int((output.differs & output.usable & keep).sum())):
        notes.append(
            f"{output.output}: the given decision differs from the score's in {counted(differing)} and wins."
        )
    return notes


def _counts(grouping: Grouping, rows: NDArray[np.bool_]) -> str:
    counts = np.bincount(grouping.codes[rows] + 1, minlength=len(grouping.values) + 1)
    order = [code for code in np.argsort(-counts, kind="stable") if counts[code]]
    names = (UNKNOWN, *grouping.values)
    told = ", ".join(f"{names[code]} {counts[code]:,}" for code in order[:SHOWN_VALUES])
    return told + (f" … ({len(order):,} values in all)" if len(order) > SHOWN_VALUES else "")


def _refused_note(door: Door, keep: NDArray[np.bool_]) -> str:
    refused = door.raw.total - int(keep.sum())
    return f"Refused: {refused:,} of {counted(door.raw.total)}, listed in rejected.csv." if refused else ""


def _kept(column: pa.Array, keep: NDArray[np.bool_]) -> pa.Array:
    return column if keep.all() else column.filter(pa.array(keep))


def _relative(images: pa.Array, root: Path) -> pa.Array:
    """Absolute paths relative to the data root; relative ones as they are."""
    absolute = pc.fill_null(pc.starts_with(images, "/"), False)
    if not pc.any(absolute).as_py():
        return images
    made = [
        path if path is None or not os.path.isabs(path) else os.path.relpath(path, root)
        for path in images.to_pylist()
    ]
    return pa.array(made, pa.string())
