"""Readers of mushroom pictures: a folder a class, or a CSV file that names the class of each file."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path, PurePosixPath

import numpy as np
import pyarrow as pa

from audit.errors import InputError
from training.data.csv_table import read_header, read_table
from training.data.image_files import is_image_name, shown, walk
from training.data.paths import column_for, csv_files, image_problem, same_case, split_in_path
from training.data.records import SPLIT_WORDS, Mushrooms, Read, Rejected, attribute, split_code

LAYOUTS = ("folders", "csv")
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "file": ("file", "path", "image", "filename", "file_name", "image_path"),
    "label": ("genus", "label", "class", "species", "true.genus", "edibility"),
    "id": ("id", "image_id"),
    "split": ("split", "subset", "fold"),
    "cluster": ("cluster", "specimen"),
}


def read_mushrooms(root: Path, layout: str | None = None, columns: Mapping[str, str] | None = None) -> Read:
    """Read a folder of labelled pictures; they are not opened here.

    Folders: ``Amanita/x.jpg``, or under a split, ``train/Amanita/x.jpg``; outer folders that hold nothing
    else are passed through.

    Args:
        root: folder of the data.
        layout: one of `LAYOUTS`; None: told from the folder.
        columns: field of `SYNONYMS` -> column name, for a CSV with names of its own.

    Raises:
        InputError: the folder is not such a data set.
    """
    tables = [f for f in csv_files(root) if _is_table(f, root, columns or {})]
    if layout == "csv" or (layout is None and tables):
        if not tables:
            raise InputError(
                str(root), "holds no CSV file with a column of files and one of classes (genus, label)."
            )
        return _from_tables(root, tables, columns or {})
    return _from_folders(root)


def _is_table(path: Path, root: Path, columns: Mapping[str, str]) -> bool:
    try:
        header, _ = read_header(path, shown(path, root))
    except InputError:
        return False
    return all(column_for(key, header, SYNONYMS, columns) for key in ("file", "label"))


def _from_folders(root: Path) -> Read:
    rejected: list[Rejected] = []
    names: list[str] = []
    other = 0
    for path, why in walk(root):
        name = shown(path, root)
        if why or (is_image_name(path.name) and "\\x" in name):
            rejected.append(Rejected(file=name, reason=why or "the file name is not valid UTF-8"))
        elif is_image_name(path.name):
            names.append(name)
        else:
            other += 1
    depth = _outer(names)
    paths, labels = [], []
    for name in names:
        folders = [p for p in PurePosixPath(name).parts[depth:-1] if p.lower() not in SPLIT_WORDS]
        if not folders:
            reason = "lies in no folder of a class"
            rejected.append(Rejected(file=name, column="label", reason=reason))
            continue
        paths.append(name)
        labels.append(folders[0])
    if len({label.lower() for label in labels}) < 2:
        inside = sorted({PurePosixPath(n).parts[0] for n in names if "/" in n})
        where = f": {', '.join(inside[:5])}" if inside else ""
        raise InputError(
            str(root),
            "is not a data set of classes. Expected: a folder for each of two or more classes with images in "
            "it (also under train/ and test/), or a CSV file with the columns file and genus (or label). "
            f"Found: {len(names)} image files in {len(inside)} folders{where}.",
        )
    labels, messages = same_case("class", labels)
    if other:
        messages.append(f"{other} files that are no images by their extension were not read")
    data = Mushrooms(
        root=root,
        ids=pa.array(paths, pa.string()),
        paths=pa.array(paths, pa.string()),
        label=attribute("label", labels),
        split=np.array([split_in_path(name) for name in paths], dtype=np.int8),
    )
    return Read(data=data, layout="folders", rejected=tuple(rejected), messages=tuple(messages))


def _outer(names: list[str]) -> int:
    """How many outer folders hold all images and are no split: ``images/`` in ``images/Amanita/x.jpg``."""
    parts = [PurePosixPath(name).parts[:-1] for name in names]
    depth = 0
    while parts and all(len(p) > depth + 1 for p in parts) and len({p[depth] for p in parts}) == 1:
        if parts[0][depth].lower() in SPLIT_WORDS:
            break
        depth += 1
    return depth


def _from_tables(root: Path, tables: list[Path], columns: Mapping[str, str]) -> Read:
    gathered: dict[str, list[str]] = {key: [] for key in (*SYNONYMS, "path")}
    splits: list[int] = []
    rejected: list[Rejected] = []
    messages: list[str] = []
    seen: set[str] = set()
    groups: dict[str, list[str]] = {}
    for file in tables:
        table = read_table(file, shown(file, root))
        at = {key: column_for(key, list(table.columns), SYNONYMS, columns) for key in SYNONYMS}
        cells = {key: table.cells(c) if c else [""] * table.n for key, c in at.items()}
        declared = [c for c in table.columns if c.startswith("group.") and c not in at.values()]
        words = {c.removeprefix("group."): table.cells(c) for c in declared}
        for name in words:
            groups.setdefault(name, [""] * len(splits))
        rejected += table.rejected
        for row in range(table.n):
            one = {key: values[row].strip() for key, values in cells.items()}
            ident = one["id"] or one["file"]
            column, reason = _problem(one, ident, root, seen)
            if reason:
                rejected.append(table.refuse(row, at[column] or at["file"] or "", reason, ident[:200]))
                continue
            seen.add(ident)
            gathered["id"].append(ident)
            gathered["path"].append(one["file"].replace("\\", "/").removeprefix("./"))
            gathered["label"].append(one["label"])
            gathered["cluster"].append(one["cluster"])
            for name, values in groups.items():
                values.append(words[name][row].strip() if name in words else "")
            code = split_code(one["split"])
            splits.append(code if at["split"] and code is not None else split_in_path(one["file"]))
        unused = [c for c in table.columns if c and c not in (*at.values(), *declared)]
        if unused:
            messages.append(f"{table.name}: columns not used: {', '.join(unused)[:200]}")
    if not splits:
        first = f" The first was: {rejected[0].reason}." if rejected else ""
        raise InputError(str(root), f"no row could be used, {len(rejected)} were refused.{first}")
    labels, joined = same_case("class", gathered["label"])
    words = [c or f"\0{i}" for i, c in enumerate(gathered["cluster"])]
    data = Mushrooms(
        root=root,
        ids=pa.array(gathered["id"], pa.string()),
        paths=pa.array(gathered["path"], pa.string()),
        label=attribute("label", labels),
        split=np.array(splits, dtype=np.int8),
        cluster=np.unique(words, return_inverse=True)[1].astype(np.int32)
        if any(gathered["cluster"])
        else None,
        attributes={name: attribute(name, values) for name, values in groups.items()},
    )
    return Read(data=data, layout="csv", rejected=tuple(rejected), messages=tuple(messages + joined))


def _problem(one: Mapping[str, str], ident: str, root: Path, seen: set[str]) -> tuple[str, str]:
    """Column and reason for which a row can't be used, or two empty words."""
    if problem := image_problem(one["file"], root):
        return "file", problem
    if ident in seen:
        return "id", "the same id or file stands in an earlier record"
    if not one["label"]:
        return "label", "no class is given"
    if split_code(one["split"]) is None:
        return "split", f"a split is train, validation or test, not {one['split'][:20]!r}"
    return "", ""
