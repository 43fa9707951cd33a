"""A read data set in the columns of the predictions contract, and as payloads by split: what audits take."""

from __future__ import annotations

import os
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import SPLITS, UNKNOWN, Attribute
from audit.pictures import decode
from training.data.image_files import is_image_name, walk
from training.data.loading import load
from training.data.paths import csv_files
from training.data.records import LABELS, UNSPLIT, Comments, DataSet, Faces, Kind, Mushrooms

WITHOUT_SPLIT = SPLITS.index("test")
"""Rows that declare no split are measured on."""


@dataclass(frozen=True, kw_only=True)
class Folder:
    """A data set for an audit (`audit.protocols.DataSet` and `Declares`)."""

    data: DataSet
    clusters: NDArray[np.int32] | None = None
    messages: tuple[str, ...] = ()

    def columns(self) -> pa.Table:
        """What is known of the rows; images relative to the data folder."""
        return contract_table(self.data, self.clusters)

    def rows(self, split: str) -> Iterator[tuple[str, Any]]:
        """Yield (id, text or picture) of one split."""
        data = self.data
        at = np.flatnonzero(_splits(data.split) == SPLITS.index(split)).tolist()
        for row in at:
            payload = (
                data.text[row].as_py()
                if isinstance(data, Comments)
                else decode(Path(data.root, data.paths[row].as_py()))
            )
            yield data.ids[row].as_py(), payload


def faces(root: Path) -> Folder:
    """Read a folder of faces.

    Args:
        root: see `training.data.faces.read_faces`.

    Raises:
        InputError: it is no such data set.
    """
    return declared("faces", root)


def comments(root: Path) -> Folder:
    """Read a folder, or one CSV file, of comments.

    Args:
        root: see `training.data.comments.read_comments`.

    Raises:
        InputError: it is no such data set.
    """
    return declared("comments", root)


def mushrooms(root: Path) -> Folder:
    """Read a folder of pictures with a class each.

    Args:
        root: see `training.data.mushrooms.read_mushrooms`.

    Raises:
        InputError: it is no such data set.
    """
    return declared("mushrooms", root)


def declared(kind: Kind, root: Path) -> Folder:
    """Read a data set with the splits that it declares itself."""
    loaded = load(kind, root)
    notes = [*loaded.messages, *refused_note(kind, loaded.refused)]
    return Folder(data=loaded.data, clusters=loaded.clusters, messages=tuple(notes))


def refused_note(kind: Kind, count: int) -> list[str]:
    """What a run says of rows and files that were refused; nothing where there are none."""
    if not count:
        return []
    return [f"{count:,} rows or files of the data can't be used; `plumbline data {kind} DIR` lists them."]


def read_files(root: Path) -> Iterator[Path]:
    """Files that a reader may open: tables and images, those whose name starts with a dot left out.

    Args:
        root: a folder; a file stands for itself.
    """
    if root.is_file():
        yield root
        return
    yield from csv_files(root)
    yield from (path for path, why in walk(root) if not why and is_image_name(path.name))


def contract_table(
    data: DataSet, clusters: NDArray[np.int32] | None = None, beside: Path | None = None
) -> pa.Table:
    """What is known of the rows, without what a model says of them.

    Args:
        data: the rows.
        clusters: (n,) near copies; None: no such column.
        beside: folder in which a file of predictions will lie: images are named relative to it; None:
            relative to the data.

    Returns:
        id, split, true.* where any is known, group.*, identity.*, cluster, and text or image. The truth of
        mushrooms is called ``true.label``.
    """
    names = [SPLITS[code] for code in _splits(data.split)]
    columns: dict[str, pa.Array] = {"id": data.ids, "split": pa.array(names, pa.string()), **_truth(data)}
    if isinstance(data, Comments):
        for name, member in data.identities.items():
            columns[f"identity.{name}"] = pa.array(member, mask=np.isnan(member))
    else:
        groups = data.groups if isinstance(data, Faces) else data.attributes
        columns |= {f"group.{name}": _words(attribute, UNKNOWN) for name, attribute in groups.items()}
    if clusters is not None:
        columns["cluster"] = pa.array([str(code) for code in clusters], pa.string())
    if isinstance(data, Comments):
        columns["text"] = data.text
    else:
        columns["image"] = pa.array(_images(data, beside), pa.string())
    return pa.table(columns)


def _truth(data: DataSet) -> dict[str, pa.Array]:
    """Columns of the truth; one that holds nothing is left out, so that its output counts as unlabelled."""
    if isinstance(data, Comments):
        found = {
            f"true.{label}": pa.array(data.labels[:, i], pa.int8(), mask=data.labels[:, i] < 0)
            for i, label in enumerate(LABELS)
        }
    elif isinstance(data, Faces):
        age = pa.array(data.age, pa.float64(), mask=np.isnan(data.age))
        found = {"true.age": age, "true.gender": _words(data.gender, None)}
    else:
        found = {"true.label": _words(data.label, None)}
    return {name: column for name, column in found.items() if column.null_count < len(column)}


def _words(attribute: Attribute, unknown: str | None) -> pa.Array:
    words = [unknown if value == UNKNOWN else value for value in attribute.values]
    return pa.array([words[code] for code in attribute.codes], pa.string())


def _images(data: Faces | Mushrooms, beside: Path | None) -> list[str]:
    images: list[str] = data.paths.to_pylist()
    if beside is None:
        return images
    folder = beside.resolve()
    return [os.path.relpath(Path(data.root, image).resolve(), folder) for image in images]


def _splits(split: NDArray[np.int8]) -> NDArray[np.int8]:
    return np.where(split == UNSPLIT, WITHOUT_SPLIT, split).astype(np.int8)
