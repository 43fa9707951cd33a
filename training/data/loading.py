"""From a folder to a checked data set: read, look at every file, name the copies, keep what can be used."""

from __future__ import annotations

import csv
import os
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

from audit.csv_export import neutralise
from audit.protocols import Progress
from training.data.comments import LAYOUTS as COMMENT_LAYOUTS
from training.data.comments import read_comments
from training.data.duplicates import clusters_by_hash, equal_to_earlier, normalised_text
from training.data.faces import LAYOUTS as FACE_LAYOUTS
from training.data.faces import read_faces
from training.data.image_files import PIXEL_LIMIT, ImageFacts, look_all
from training.data.mushrooms import LAYOUTS as MUSHROOM_LAYOUTS
from training.data.mushrooms import read_mushrooms
from training.data.paths import require_folder
from training.data.records import Comments, DataSet, Faces, Kind, Mushrooms, Read, Rejected

LAYOUTS: Mapping[Kind, tuple[str, ...]] = {
    "faces": FACE_LAYOUTS,
    "comments": COMMENT_LAYOUTS,
    "mushrooms": MUSHROOM_LAYOUTS,
}
REJECTED_COLUMNS = ("file", "record", "line", "id", "column", "action", "reason")


@dataclass(frozen=True, kw_only=True)
class Loaded:
    """A checked data set. Copies are kept: `clusters` says which rows are copies of each other."""

    kind: Kind
    data: DataSet
    """Usable rows only."""
    layout: str
    facts: ImageFacts | None
    """(n,) what each picture is; None for comments."""
    clusters: NDArray[np.int32]
    """(n,) near copies, joined with the clusters that the data declare."""
    rejected: tuple[Rejected, ...]
    """Refused rows, and rows kept with a remark."""
    messages: tuple[str, ...]

    @property
    def refused(self) -> int:
        """Rows and files that can't be used."""
        return sum(1 for one in self.rejected if one.action == "refused")


def load(
    kind: Kind,
    root: Path,
    *,
    layout: str | None = None,
    columns: Mapping[str, str] | None = None,
    pixel_limit: int = PIXEL_LIMIT,
    workers: int | None = None,
    progress: Progress | None = None,
) -> Loaded:
    """Read and check a data folder.

    Args:
        kind: what it holds.
        root: the folder; for comments also one CSV file.
        layout: one of `LAYOUTS[kind]`; None: told from the folder.
        columns: role -> column name, for a CSV file with names of its own.
        pixel_limit: largest width x height to decode.
        workers: processes that look at pictures; 0 for none.
        progress: told how many pictures are done.

    Raises:
        InputError: the folder is not such a data set; says what was expected and what was found.
    """
    if not (kind == "comments" and root.is_file()):
        require_folder(root, kind)
    if kind == "comments":
        return _comments(read_comments(root, layout, columns))
    reader = read_faces if kind == "faces" else read_mushrooms
    read = reader(root, layout, columns)
    assert isinstance(read.data, Faces | Mushrooms)  # noqa: S101 - narrows the type
    paths = [os.path.join(read.data.root, path) for path in read.data.paths.to_pylist()]
    facts = look_all(paths, pixel_limit=pixel_limit, workers=workers, progress=progress)
    return _pictures(kind, read, read.data, facts)


def _pictures(kind: Kind, read: Read, data: Faces | Mushrooms, facts: ImageFacts) -> Loaded:
    names, ids = data.paths.to_pylist(), data.ids.to_pylist()
    rejected = list(read.rejected)
    for row in np.flatnonzero(~facts.usable):
        rejected.append(Rejected(file=names[row], id=ids[row], column="file", reason=str(facts.problem[row])))
    kept = data.take(facts.usable)
    seen = facts.take(facts.usable)
    names, ids = kept.paths.to_pylist(), kept.ids.to_pylist()
    for row in np.flatnonzero(seen.remark != ""):
        remark = str(seen.remark[row])
        rejected.append(Rejected(file=names[row], id=ids[row], column="file", reason=remark, action="kept"))
    earlier = equal_to_earlier(seen.sha256)
    truth = _truth(kept)
    for copy in np.flatnonzero(earlier >= 0).tolist():
        reason = f"the same bytes as {names[earlier[copy]]}" + _differences(
            kept, truth, copy, int(earlier[copy])
        )
        rejected.append(Rejected(file=names[copy], id=ids[copy], column="file", reason=reason, action="kept"))
    clusters = joined_clusters(clusters_by_hash(phash=seen.phash), kept.cluster)
    return Loaded(
        kind=kind,
        data=kept,
        layout=read.layout,
        facts=seen,
        clusters=clusters,
        rejected=tuple(rejected),
        messages=read.messages,
    )


def _comments(read: Read) -> Loaded:
    data = read.data
    assert isinstance(data, Comments)  # noqa: S101 - narrows the type
    texts, ids = data.text.to_pylist(), data.ids.to_pylist()
    earlier = equal_to_earlier([normalised_text(text) for text in texts])
    rejected = list(read.rejected)
    for copy in np.flatnonzero(earlier >= 0).tolist():
        same = texts[copy] == texts[earlier[copy]]
        reason = f"the same text as {ids[earlier[copy]]}" + (
            "" if same else " but for case, spacing or punctuation"
        )
        reason += _differences(data, data.labels, copy, int(earlier[copy]))
        rejected.append(Rejected(file="", id=ids[copy], column="text", reason=reason, action="kept"))
    return Loaded(
        kind="comments",
        data=data,
        layout=read.layout,
        facts=None,
        clusters=joined_clusters(clusters_by_hash(texts=texts), data.cluster),
        rejected=tuple(rejected),
        messages=read.messages,
    )


def joined_clusters(found: NDArray[np.int32], declared: NDArray[np.int32] | None) -> NDArray[np.int32]:
    """Clusters in which two rows are together when either clustering has them together."""
    if declared is None or not len(found):
        return found
    size = int(found.max()) + 1 + int(declared.max()) + 1
    ends = declared.astype(np.int64) + int(found.max()) + 1
    graph = coo_array((np.ones(len(found), dtype=bool), (found, ends)), shape=(size, size))
    return connected_components(graph, directed=False)[1][found].astype(np.int32)


def _truth(data: Faces | Mushrooms) -> NDArray[np.signedinteger]:
    """(n, k) what a copy must agree in."""
    if isinstance(data, Mushrooms):
        return data.label.codes[:, None]
    return np.stack([data.gender.codes, data.age_band.codes], axis=1)


def _differences(data: DataSet, truth: NDArray[np.signedinteger], row: int, other: int) -> str:
    """What is worse about a pair of copies than being copies."""
    worse = " with other labels" if (truth[row] != truth[other]).any() else ""
    return worse + (" in another split" if data.split[row] != data.split[other] else "")


def write_rejected(path: Path, rejected: tuple[Rejected, ...]) -> None:
    """Write rejected.csv, safe to open in a spreadsheet; also when there is nothing to tell."""
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(f".{path.name}.{os.getpid()}")
    with beside.open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(REJECTED_COLUMNS)
        for one in rejected:
            cells = (getattr(one, column) for column in REJECTED_COLUMNS)
            writer.writerow(["" if c is None else c if isinstance(c, int) else neutralise(c) for c in cells])
    beside.replace(path)
