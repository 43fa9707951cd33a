"""Readers of comments: Jigsaw's train.csv, Civil Comments with identity columns, and a generic CSV."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from audit.errors import InputError
from training.data.comment_columns import (
    CIVIL_IDENTITIES,
    Why,
    fractions,
    label_column,
    refuse,
    refuse_texts,
    row_ids,
    split_column,
)
from training.data.csv_table import CsvTable, read_header, read_table
from training.data.image_files import shown
from training.data.paths import column_for, csv_files
from training.data.records import LABELS, Comments, Read, Rejected

LAYOUTS = ("jigsaw", "civil", "csv")
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "id": ("id", "comment_id", "rev_id"),
    "text": ("comment_text", "text", "comment", "content", "body", "message"),
    "split": ("split", "subset", "fold"),
    "cluster": ("cluster", "author", "user_id"),
    "toxic": ("toxic", "true.toxic", "target", "toxicity"),
    "severe_toxic": ("severe_toxic", "true.severe_toxic", "severe_toxicity"),
    "obscene": ("obscene", "true.obscene"),
    "threat": ("threat", "true.threat"),
    "insult": ("insult", "true.insult"),
    "identity_hate": ("identity_hate", "true.identity_hate", "identity_attack"),
}


def read_comments(root: Path, layout: str | None = None, columns: Mapping[str, str] | None = None) -> Read:
    """Read a folder of comments, or one CSV file, plain or gzipped.

    Jigsaw: `train.csv`, and `test.csv` with `test_labels.csv` where both are there. Other CSV files of a
    Jigsaw or Civil Comments folder are named in the messages, not read.

    Args:
        root: folder or file.
        layout: one of `LAYOUTS`; None: told from the columns.
        columns: field of `SYNONYMS` -> column name, for a CSV with names of its own.

    Raises:
        InputError: it is not a data set of comments.
    """
    folder = root.parent if root.is_file() else root
    files = [root] if root.is_file() else csv_files(root)
    fits = {
        f: layout or _layout(f, folder, columns or {})
        for f in files
        if f.name.partition(".")[0] != "test_labels"
    }
    fits = {f: kind for f, kind in fits.items() if kind}
    if not fits:
        raise InputError(
            str(root),
            "is not a data set of comments. Expected: a CSV file (or .csv.gz) with a column of texts "
            f"(comment_text, text ...) and at least one of the labels {', '.join(LABELS)}. "
            f"Found: {_seen(files, folder)}.",
        )
    kind = next(k for k in LAYOUTS if k in fits.values())
    chosen = [f for f, k in fits.items() if k == kind]
    messages = []
    if kind == "jigsaw" and len(chosen) > 1:
        chosen = [f for f in chosen if f.name.partition(".")[0] == "train"] or chosen
    ignored = sorted(shown(f, folder) for f in files if f not in chosen)
    parts, rejected = [], []
    for file in chosen:
        part, refused, notes = _read(read_table(file, shown(file, folder)), kind, columns or {})
        parts.append(part)
        rejected += refused
        messages += notes
    test = _kaggle_test(folder) if kind == "jigsaw" and root.is_dir() else None
    if test is not None:
        part, refused, notes = _read(test, kind, {})
        parts.append(part)
        rejected += refused
        messages += notes
        ignored = [f for f in ignored if Path(f).name.partition(".")[0] not in ("test", "test_labels")]
    if ignored:
        messages.append(f"files not read: {', '.join(ignored)[:300]}")
    data, twice = _joined(folder, parts)
    if not data.n:
        first = f" The first was: record {rejected[0].record}: {rejected[0].reason}." if rejected else ""
        raise InputError(str(root), f"no comment could be used, {len(rejected)} were refused.{first}")
    return Read(data=data, layout=kind, rejected=tuple(rejected + twice), messages=tuple(messages))


@dataclass(frozen=True)
class _Part:
    """The usable rows of one file."""

    table: CsvTable
    rows: NDArray[np.int64]
    ids: list[str]
    text: pa.StringArray
    labels: NDArray[np.int8]
    identities: dict[str, NDArray[np.float32]]
    split: NDArray[np.int8]
    cluster: list[str] | None


def _layout(path: Path, folder: Path, columns: Mapping[str, str]) -> str:
    try:
        header, _ = read_header(path, shown(path, folder))
    except InputError:
        return ""
    has = {key: column_for(key, header, SYNONYMS, columns) for key in SYNONYMS}
    if not has["text"] or not any(has[label] for label in LABELS):
        return ""
    if ("target" in header or "toxicity" in header) and not columns:
        return "civil"
    plain = has["text"] == "comment_text" and all(has[label] == label for label in LABELS)
    return "jigsaw" if plain and not has["split"] else "csv"


def _read(table: CsvTable, kind: str, columns: Mapping[str, str]) -> tuple[_Part, list[Rejected], list[str]]:
    """Usable rows of a table, refused rows, remarks."""
    header = list(table.columns)
    at = {key: column_for(key, header, SYNONYMS, columns) for key in SYNONYMS}
    if not at["text"] or not any(at[label] for label in LABELS):
        raise InputError(
            table.name, f"has the columns {', '.join(header)[:200]}; a text and a label were expected."
        )
    ids, notes = row_ids(table, at["id"])
    why: Why = {}
    refuse_texts(table.columns[at["text"]], at["text"], why)
    refuse(why, (i for i, cell in enumerate(ids) if not cell), at["id"] or "id", "is empty")
    labels = np.full((table.n, len(LABELS)), -1, dtype=np.int8)
    for position, label in enumerate(LABELS):
        if column := at[label]:
            labels[:, position] = label_column(table, column, kind, why)
    known = (labels >= 0).any(axis=1)
    refuse(why, np.flatnonzero(~known), "labels", "none of the six labels is given")
    split = split_column(table, at["split"], why)
    names = [c for c in header if c.startswith("identity.")] or [c for c in CIVIL_IDENTITIES if c in header]
    identities = {c.removeprefix("identity."): fractions(table, c, why)[0].astype(np.float32) for c in names}
    rejected = list(table.rejected)
    rejected += [
        table.refuse(row, column, reason, ids[row][:200]) for row, (column, reason) in sorted(why.items())
    ]
    rows = np.setdiff1d(np.arange(table.n), np.fromiter(why, dtype=np.int64, count=len(why)))
    part = _Part(
        table=table,
        rows=rows,
        ids=[ids[r] for r in rows],
        text=table.columns[at["text"]].take(pa.array(rows)),
        labels=labels[rows],
        identities={name: values[rows] for name, values in identities.items()},
        split=split[rows],
        cluster=[table.cells(at["cluster"])[r] for r in rows] if at["cluster"] else None,
    )
    used = {*at.values(), *names}
    lost = [label for label in LABELS if not at[label]]
    notes += [f"{table.name}: labels not given: {', '.join(lost)}"] if lost else []
    unused = [c for c in header if c and c not in used]
    return (
        part,
        rejected,
        notes + ([f"{table.name}: columns not used: {', '.join(unused)[:200]}"] if unused else []),
    )


def _kaggle_test(folder: Path) -> CsvTable | None:
    """Kaggle's test.csv joined with test_labels.csv by id, where both are there."""
    found = {f.name.partition(".")[0]: f for f in csv_files(folder)}
    if not {"test", "test_labels"} <= set(found):
        return None
    texts, labels = (read_table(found[name], shown(found[name], folder)) for name in ("test", "test_labels"))
    if "id" not in texts.columns or "id" not in labels.columns or set(LABELS) - set(labels.columns):
        return None
    at = pc.index_in(texts.columns["id"], labels.columns["id"])
    joined = {c: pc.fill_null(labels.columns[c].take(at), "") for c in LABELS}
    return CsvTable(
        name=texts.name,
        columns={**texts.columns, **joined},
        record=texts.record,
        line=texts.line,
        rejected=texts.rejected + labels.rejected,
    )


def _joined(folder: Path, parts: list[_Part]) -> tuple[Comments, list[Rejected]]:
    """One data set of several files; an id that was there before is refused."""
    seen: set[str] = set()
    keep: list[NDArray[np.int64]] = []
    twice: list[Rejected] = []
    for part in parts:
        fresh = []
        for row, ident in enumerate(part.ids):
            if ident in seen:
                reason = "the same id stands in an earlier record"
                twice.append(part.table.refuse(int(part.rows[row]), "id", reason, ident[:200]))
            else:
                seen.add(ident)
                fresh.append(row)
        keep.append(np.array(fresh, dtype=np.int64))
    names = list(dict.fromkeys(name for part in parts for name in part.identities))
    clusters = [_cluster_words(part, rows) for part, rows in zip(parts, keep, strict=True)]
    words = [word for cells in clusters for word in cells]
    comments = Comments(
        root=folder,
        ids=pa.array([p.ids[r] for p, rows in zip(parts, keep, strict=True) for r in rows], pa.string()),
        text=pa.concat_arrays([p.text.take(pa.array(rows)) for p, rows in zip(parts, keep, strict=True)]),
        labels=np.concatenate([p.labels[rows] for p, rows in zip(parts, keep, strict=True)]),
        identities={
            name: np.concatenate(
                [
                    p.identities.get(name, np.full(len(p.ids), np.nan, dtype=np.float32))[rows]
                    for p, rows in zip(parts, keep, strict=True)
                ]
            )
            for name in names
        },
        split=np.concatenate([p.split[rows] for p, rows in zip(parts, keep, strict=True)]),
        cluster=np.unique(words, return_inverse=True)[1].astype(np.int32)
        if any(part.cluster for part in parts)
        else None,
    )
    return comments, twice


def _cluster_words(part: _Part, rows: NDArray[np.int64]) -> list[str]:
    """Declared cluster of each row; a row without one stands alone."""
    return [(part.cluster[r] if part.cluster else "") or f"\0{part.ids[r]}" for r in rows]


def _seen(files: list[Path], folder: Path) -> str:
    if not files:
        return "no CSV file"
    names = ", ".join(shown(f, folder) for f in files[:3])
    try:
        header, _ = read_header(files[0], shown(files[0], folder))
    except InputError as error:
        return f"{names} ({error.problem})"
    return f"{names}; the first has the columns {', '.join(header)[:200]}"
