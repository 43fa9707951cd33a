"""Columns of a table of comments: ids, texts, labels, identities and splits, and why a row can't be used."""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from training.data.csv_table import CsvTable
from training.data.records import SPLIT_WORDS, UNSPLIT, split_code

CIVIL_IDENTITIES = (
    *("male", "female", "transgender", "other_gender"),
    *("heterosexual", "homosexual_gay_or_lesbian", "bisexual", "other_sexual_orientation"),
    *("christian", "jewish", "muslim", "hindu", "buddhist", "atheist", "other_religion"),
    *("black", "white", "asian", "latino", "other_race_or_ethnicity"),
    *("physical_disability", "intellectual_or_learning_disability"),
    *("psychiatric_or_mental_illness", "other_disability"),
)
"""Columns of Civil Comments that hold the share of annotators who saw an identity mentioned."""
LONGEST = 1_000_000
"""Characters a comment may have; a longer one is refused: an unclosed quote swallows the rest of a file."""
THRESHOLD = 0.5
"""A label holds where at least this share of annotators gave it."""
_WORDS = {"true": 1.0, "yes": 1.0, "false": 0.0, "no": 0.0}

Why = dict[int, tuple[str, str]]
"""Row -> column and reason for which it is refused; the first reason found stays."""


def row_ids(table: CsvTable, column: str | None) -> tuple[list[str], list[str]]:
    """Ids of the rows: record numbers where there is no id column, or one whose values mostly repeat."""
    if column:
        ids = table.cells(column)
        if 2 * len(set(ids)) >= len(ids):
            return ids, []
    ids = [f"{table.name}:{record}" for record in table.record]
    if not column:
        return ids, []
    return ids, [f"{table.name}: most values of {column} repeat; record numbers stand in for ids"]


def refuse(why: Why, rows: Iterable[int], column: str, reason: str) -> None:
    """Note the first reason of each row."""
    for row in rows:
        why.setdefault(int(row), (column, reason))


def refuse_texts(text: pa.StringArray, column: str, why: Why) -> None:
    """Refuse empty texts and endless ones."""
    length = pc.utf8_length(text).to_numpy(zero_copy_only=False)
    blank = pc.utf8_length(pc.utf8_trim_whitespace(text)).to_numpy(zero_copy_only=False) == 0
    refuse(why, np.flatnonzero(blank), column, "the comment is empty")
    refuse(why, np.flatnonzero(length > LONGEST), column, f"the comment has more than {LONGEST} characters")


def label_column(table: CsvTable, column: str, kind: str, why: Why) -> NDArray[np.int8]:
    """0/1 of a label column; -1 where it is empty."""
    values, _ = fractions(table, column, why, allow_unused=True)
    if kind == "jigsaw":
        cells = table.columns[column]
        for row in np.flatnonzero((values > 0) & (values < 1)):
            refuse(why, [int(row)], column, f"a label must be 0 or 1, not {cells[int(row)].as_py()[:20]!r}")
    out = np.where(np.isnan(values), -1, values >= THRESHOLD)
    return out.astype(np.int8)


def fractions(
    table: CsvTable, column: str, why: Why, allow_unused: bool = False
) -> tuple[NDArray[np.float64], int]:
    """Numbers in [0, 1] of a column, NaN where empty or refused, and how many were empty."""
    distinct = table.columns[column].dictionary_encode()
    words: list[str] = distinct.dictionary.to_pylist()
    codes = distinct.indices.to_numpy(zero_copy_only=False)
    table_of = np.full(len(words), np.nan)
    for code, word in enumerate(words):
        if not word.strip():
            continue
        value = _number(word.strip())
        if allow_unused and value == -1:
            reason = "-1 marks a row that was not labelled (test_labels.csv); it is not used"
        elif value is None or not 0 <= value <= 1:
            reason = f"must be 0 or 1, or a share between them, not {word[:20]!r}"
        else:
            table_of[code] = value
            continue
        refuse(why, np.flatnonzero(codes == code), column, reason)
    values = table_of[codes] if len(words) else np.full(table.n, np.nan)
    return values, int(np.isnan(values).sum())


def _number(word: str) -> float | None:
    try:
        value = float(word)
    except ValueError:
        return _WORDS.get(word.lower())
    return None if np.isnan(value) else value


def split_column(table: CsvTable, column: str | None, why: Why) -> NDArray[np.int8]:
    """Split of each row: from its column, else from the name of the file (train.csv, test.csv)."""
    stem = table.name.rpartition("/")[2].partition(".")[0].lower()
    if column is None:
        return np.full(table.n, split_code(stem) if stem in SPLIT_WORDS else UNSPLIT, dtype=np.int8)
    cells = table.cells(column)
    code = {word: split_code(word) for word in set(cells)}
    for word in sorted(w for w, c in code.items() if c is None):
        rows = (i for i, cell in enumerate(cells) if cell == word)
        refuse(why, rows, column, f"a split is train, validation or test, not {word[:20]!r}")
    return np.array([UNSPLIT if code[c] is None else code[c] for c in cells], dtype=np.int8)
