"""Readers of face data: UTKFace file names, FairFace CSV files, and a generic CSV."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from pathlib import Path

import numpy as np
import pyarrow as pa

from audit.core import UNKNOWN, Attribute
from audit.errors import InputError
from training.data.age_bands import BANDS, ordered, parse_age, was_date
from training.data.csv_table import CsvTable, read_header, read_table
from training.data.image_files import is_image_name, shown, walk
from training.data.paths import column_for, csv_files, image_problem, same_case, split_in_path
from training.data.records import UNSPLIT, Faces, Read, Rejected, attribute, split_code

LAYOUTS = ("utkface", "fairface", "csv")
UTKFACE_GENDERS = ("Male", "Female")
UTKFACE_ETHNICITIES = ("White", "Black", "Asian", "Indian", "Others")
SYNONYMS: Mapping[str, tuple[str, ...]] = {
    "file": ("file", "path", "image", "filename", "file_name", "image_path", "img", "img_name"),
    "id": ("id", "image_id", "face_id"),
    "age": ("age", "true.age", "age_band", "age_group"),
    "gender": ("gender", "sex", "true.gender", "group.gender"),
    "ethnicity": ("ethnicity", "race", "group.ethnicity"),
    "split": ("split", "subset", "fold"),
    "cluster": ("cluster", "person", "identity", "person_id"),
}
_SPELLINGS = {
    "m": "Male",
    "male": "Male",
    "man": "Male",
    "f": "Female",
    "female": "Female",
    "woman": "Female",
}
_UTK_END = re.compile(r"(\.(?:jpe?g|png))(?:\.chip\.jpg)?$", re.IGNORECASE)
_UTK_LIKE = re.compile(r"^\d{1,3}_\d+_")


@dataclass
class _Rows:
    """Rows gathered while reading, one list a column."""

    ids: list[str] = field(default_factory=list)
    paths: list[str] = field(default_factory=list)
    ages: list[tuple[float, str, bool]] = field(default_factory=list)
    genders: list[str] = field(default_factory=list)
    ethnicities: list[str] = field(default_factory=list)
    splits: list[int] = field(default_factory=list)
    clusters: list[str] = field(default_factory=list)
    extra: dict[str, list[str]] = field(default_factory=dict)
    seen: set[str] = field(default_factory=set)
    rejected: list[Rejected] = field(default_factory=list)
    dates: int = 0


def read_faces(root: Path, layout: str | None = None, columns: Mapping[str, str] | None = None) -> Read:
    """Read a folder of faces; pictures are not opened here.

    Args:
        root: folder of the data.
        layout: one of `LAYOUTS`; None: told from the folder.
        columns: field of `SYNONYMS` -> column name, for a generic CSV with names of its own.

    Raises:
        InputError: the folder is not a data set of faces.
    """
    layout = layout or detect(root)
    if layout == "utkface":
        return _finished(root, layout, _utkface(root), [])
    if layout == "fairface":
        files = csv_files(root, "fairface_label_")
        if not files:
            raise InputError(str(root), "holds no fairface_label_train.csv or fairface_label_val.csv.")
    else:
        files = [f for f in csv_files(root) if _is_table_of_faces(f, root, columns)]
        if not files:
            raise InputError(
                str(root),
                "holds no CSV file with a column of files (file, path ...) and one of ages or genders.",
                "Name the columns that stand for them.",
            )
    rows, messages = _Rows(), []
    for file in files:
        messages += _table(read_table(file, shown(file, root)), root, rows, columns or {}, layout)
    listed = set(rows.paths) | {r.id for r in rows.rejected}
    unlisted = sum(
        1
        for path, why in walk(root)
        if not why and is_image_name(path.name) and shown(path, root) not in listed
    )
    if unlisted:
        messages.append(f"{unlisted} image files have no row in a CSV file and were not read")
    return _finished(root, layout, rows, messages)


def detect(root: Path) -> str:
    """Layout of a folder of faces.

    Raises:
        InputError: none fits; says what was expected and what was found.
    """
    if csv_files(root, "fairface_label_"):
        return "fairface"
    if any(_is_table_of_faces(file, root, None) for file in csv_files(root)):
        return "csv"
    names = [path.name for path, why in walk(root) if not why and is_image_name(path.name)]
    if any(_UTK_LIKE.match(name) for name in names):
        return "utkface"
    raise InputError(
        str(root),
        "is not a data set of faces. Expected: fairface_label_train.csv and _val.csv with their images; or "
        "files named age_gender_race_date.jpg (UTKFace); or a CSV file with the columns file, age, gender. "
        f"Found: {len(csv_files(root))} CSV files, {len(names)} image files.",
    )


def parse_utkface(name: str) -> tuple[int, str, str]:
    """Age, gender and ethnicity from a UTKFace file name.

    Raises:
        ValueError: with what is malformed.
    """
    stem, count = _UTK_END.subn("", name)
    parts = stem.split("_")
    if not count or not parts[0].isdigit():
        raise ValueError(f"a name age_gender_race_date.jpg was expected, not {name[:60]!r}")
    if len(parts) != 4:
        lost = (
            ["gender, race and date", "race and date", "race or the date"][len(parts) - 1]
            if len(parts) < 4
            else ""
        )
        what = f"the {lost} is missing" if len(parts) < 4 else "there are too many"
        raise ValueError(f"the name has {len(parts)} fields instead of age_gender_race_date: {what}")
    age, gender, race, date = parts
    if int(age) > 120:
        raise ValueError(f"an age must lie in 0..120, not {age[:20]!r}")
    if gender not in ("0", "1"):
        raise ValueError(f"the gender must be 0 (male) or 1 (female), not {gender[:20]!r}")
    if race not in ("0", "1", "2", "3", "4"):
        raise ValueError(f"the race must be 0..4 (White, Black, Asian, Indian, Others), not {race[:20]!r}")
    if not date.isdigit():
        raise ValueError(f"the date must be digits, not {date[:20]!r}")
    return int(age), UTKFACE_GENDERS[int(gender)], UTKFACE_ETHNICITIES[int(race)]


def _utkface(root: Path) -> _Rows:
    rows = _Rows()
    for path, why in walk(root):
        name = shown(path, root)
        if not why and not is_image_name(path.name):
            continue
        try:
            if why or "\\x" in name:
                raise ValueError(why or "the file name is not valid UTF-8")
            age, gender, ethnicity = parse_utkface(path.name)
        except ValueError as error:
            rows.rejected.append(Rejected(file=name, column="file name", reason=str(error)))
            continue
        rows.ids.append(name)
        rows.paths.append(name)
        rows.ages.append(parse_age(str(age)))
        rows.genders.append(gender)
        rows.ethnicities.append(ethnicity)
        rows.splits.append(split_in_path(name))
    return rows


def _is_table_of_faces(path: Path, root: Path, columns: Mapping[str, str] | None) -> bool:
    try:
        header, _ = read_header(path, shown(path, root))
    except InputError:
        return False
    found = {key: column_for(key, header, SYNONYMS, columns or {}) for key in ("file", "age", "gender")}
    return bool(found["file"] and (found["age"] or found["gender"]))


def _table(table: CsvTable, root: Path, rows: _Rows, columns: Mapping[str, str], layout: str) -> list[str]:
    """Gather the rows of one CSV file."""
    header = list(table.columns)
    at = {key: column_for(key, header, SYNONYMS, columns) for key in SYNONYMS}
    if layout == "fairface" and not (at["file"] and at["age"] and at["gender"]):
        raise InputError(
            table.name, f"has the columns {', '.join(header)[:200]}; file, age, gender were expected."
        )
    extra = {c.removeprefix("group."): c for c in header if c.startswith("group.") or c == "service_test"}
    extra = {name: c for name, c in extra.items() if c not in at.values()}
    blank = [""] * table.n
    cells = {key: table.cells(column) if column else blank for key, column in at.items()}
    more = {name: table.cells(column) for name, column in extra.items()}
    for name in more:
        rows.extra.setdefault(name, [UNKNOWN] * len(rows.ids))
    rows.rejected += table.rejected
    for row in range(table.n):
        one = {key: values[row].strip() for key, values in cells.items()}
        ident = one["id"] or one["file"]
        try:
            age, split = _checked(one, ident, root, rows.seen)
        except _RefusedError as refusal:
            column = at.get(refusal.column) or at["file"] or refusal.column
            rows.rejected.append(table.refuse(row, column, str(refusal), ident[:200]))
            continue
        rows.seen.add(ident)
        rows.dates += was_date(one["age"])
        rows.ids.append(ident)
        rows.paths.append(one["file"].replace("\\", "/").removeprefix("./"))
        rows.ages.append(age)
        rows.genders.append(_SPELLINGS.get(one["gender"].lower(), one["gender"]))
        rows.ethnicities.append(one["ethnicity"])
        rows.splits.append(split if at["split"] else split_in_path(one["file"]))
        rows.clusters.append(one["cluster"])
        for name, values in rows.extra.items():
            values.append(more[name][row] if name in more else UNKNOWN)
    unused = [c for c in header if c and c not in at.values() and c not in extra.values()]
    return [f"{table.name}: columns not used: {', '.join(unused)[:200]}"] if unused else []


class _RefusedError(ValueError):
    def __init__(self, column: str, reason: str) -> None:
        super().__init__(reason)
        self.column = column


def _checked(
    one: Mapping[str, str], ident: str, root: Path, seen: set[str]
) -> tuple[tuple[float, str, bool], int]:
    """Age and split of a row.

    Raises:
        _RefusedError: with the column and the reason.
    """
    if problem := image_problem(one["file"], root):
        raise _RefusedError("file", problem)
    if ident in seen:
        raise _RefusedError("id", "the same id or file stands in an earlier record")
    if not one["age"] and not one["gender"]:
        raise _RefusedError("age", "neither an age nor a gender is given")
    try:
        age = parse_age(one["age"]) if one["age"] else (float("nan"), UNKNOWN, False)
    except ValueError as error:
        raise _RefusedError("age", str(error)) from error
    split = split_code(one["split"])
    if split is None:
        raise _RefusedError("split", f"a split is train, validation or test, not {one['split'][:20]!r}")
    return age, split


def _finished(root: Path, layout: str, rows: _Rows, messages: Sequence[str]) -> Read:
    """Turn gathered rows into columns."""
    if not rows.ids:
        first = (
            f" The first was: {rows.rejected[0].file}: {rows.rejected[0].reason}." if rows.rejected else ""
        )
        raise InputError(str(root), f"no row could be used, {len(rows.rejected)} were refused.{first}")
    notes = list(messages)
    if rows.dates:
        notes.append(
            f"{rows.dates} age bands had been turned into dates by a spreadsheet and were read as bands"
        )
    bands = [band for _, band, _ in rows.ages]
    if any(s == UNSPLIT for s in rows.splits):
        notes.append(
            "no split is declared" if set(rows.splits) == {UNSPLIT} else "some rows declare no split"
        )
    genders, remark = same_case("gender", rows.genders)
    notes += remark
    clusters = None
    if any(rows.clusters):
        named = [c or f"\0{i}" for i, c in enumerate(rows.clusters)]  # no cluster: a row by itself
        clusters = np.unique(named, return_inverse=True)[1].astype(np.int32)
    faces = Faces(
        root=root,
        ids=pa.array(rows.ids, pa.string()),
        paths=pa.array(rows.paths, pa.string()),
        age=np.array([age for age, _, _ in rows.ages], dtype=np.float64),
        age_band=attribute("age_band", bands, _band_order(bands)),
        banded=np.array([banded for _, _, banded in rows.ages], dtype=bool),
        gender=attribute("gender", genders),
        ethnicity=attribute("ethnicity", rows.ethnicities),
        split=np.array(rows.splits, dtype=np.int8),
        cluster=clusters,
        attributes=_extra(rows),
    )
    return Read(data=faces, layout=layout, rejected=tuple(rows.rejected), messages=tuple(notes))


def _band_order(bands: Sequence[str]) -> list[str]:
    known = [b for b in bands if b != UNKNOWN]
    return list(BANDS) if set(known) <= set(BANDS) else ordered(known)


def _extra(rows: _Rows) -> dict[str, Attribute]:
    return {name: attribute(name, values) for name, values in rows.extra.items()}
