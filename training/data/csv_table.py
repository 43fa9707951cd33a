"""A CSV file, plain or gzipped, as columns of text that know their record and line numbers."""

from __future__ import annotations

import codecs
import csv
import gzip
import io
import re
import zlib
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import BinaryIO

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.csv as pa_csv
from numpy.typing import NDArray

from audit.errors import InputError
from training.data.records import Rejected

LARGEST_UNPACKED = 8 * 2**30
"""Bytes that a gzipped file may unpack to; more is refused as a decompression bomb."""
_HEADER_BYTES = 1 << 20
_MARK = "\U0010ffff"
"""Stands for bytes that are no UTF-8; no text has this character."""
codecs.register_error("plumbline.mark", lambda error: (_MARK, error.end))  # type: ignore[attr-defined]


@dataclass(frozen=True, kw_only=True)
class CsvTable:
    """Columns of text; rows that the file itself made unreadable are in `rejected`."""

    name: str
    """As shown to the person: path relative to the data folder."""
    columns: Mapping[str, pa.StringArray]
    record: NDArray[np.int64]
    """(n,) number of the record in the file, from 1."""
    line: NDArray[np.int64]
    """(n,) line on which it starts, from 1."""
    rejected: tuple[Rejected, ...]

    @property
    def n(self) -> int:
        """Readable records."""
        return len(self.record)

    def cells(self, column: str) -> list[str]:
        """One column as a list."""
        cells: list[str] = self.columns[column].to_pylist()
        return cells

    def refuse(self, row: int, column: str, reason: str, id: str = "") -> Rejected:
        """A `Rejected` that names the place of a row."""
        record, line = int(self.record[row]), int(self.line[row])
        return Rejected(file=self.name, record=record, line=line, id=id, column=column, reason=reason)


class _Limited(io.RawIOBase):
    """A stream that raises past a number of bytes."""

    def __init__(self, inner: BinaryIO, limit: int, name: str) -> None:
        self._inner, self._left, self._limit, self._name = inner, limit, limit, name

    def readable(self) -> bool:
        return True

    def read(self, size: int = -1) -> bytes:
        chunk = self._inner.read(size)
        self._left -= len(chunk)
        if self._left < 0:
            raise InputError(
                self._name, f"unpacks to more than {self._limit >> 20} MiB and was not read further."
            )
        return chunk

    def close(self) -> None:
        self._inner.close()
        super().close()


def read_header(path: Path, name: str) -> tuple[list[str], str]:
    """Column names and the delimiter of a CSV file.

    Raises:
        InputError: the file is empty, no UTF-8, a broken gzip file, or names a column twice.
    """
    try:
        with _open(path, name) as stream:
            start = stream.read(_HEADER_BYTES)
    except (OSError, EOFError, zlib.error) as error:
        raise InputError(name, f"can't be read: {_plain(error)}.") from error
    if not start.strip():
        raise InputError(name, "is empty; a header line with column names was expected.")
    if start[:2] in (b"\xff\xfe", b"\xfe\xff"):
        raise InputError(name, "is UTF-16; UTF-8 was expected.", "Save it again as 'CSV UTF-8'.")
    first = re.split(rb"[\r\n]", start.lstrip(b"\r\n"), maxsplit=1)[0].decode("utf-8-sig", errors="replace")
    delimiter = max(",;\t", key=first.count)
    names = [c.strip() for c in next(csv.reader([first], delimiter=delimiter))]
    twice = sorted({c for c in names if names.count(c) > 1})
    if twice:
        raise InputError(name, f"names the column {twice[0]!r} twice.", "Column names must differ.")
    return names, delimiter


def read_table(path: Path, name: str | None = None) -> CsvTable:
    """Read every column of a CSV file as text.

    Records with a wrong number of fields, or that are no UTF-8, are refused one by one.

    Args:
        path: ending in .csv or .csv.gz.
        name: how messages call the file; its own name by default.

    Raises:
        InputError: the file as a whole can't be read.
    """
    name = name or path.name
    header, delimiter = read_header(path, name)
    wrong: list[tuple[int, str, int]] = []

    def skip(row: pa_csv.InvalidRow) -> str:
        wrong.append((row.number, row.text, row.actual_columns))
        return "skip"

    try:
        stream, odd = _as_text(path, name)
        with stream:
            table = pa_csv.read_csv(
                stream,
                pa_csv.ReadOptions(use_threads=False, block_size=1 << 24, column_names=header, skip_rows=1),
                pa_csv.ParseOptions(
                    delimiter=delimiter,
                    newlines_in_values=True,
                    ignore_empty_lines=False,
                    invalid_row_handler=skip,
                ),
                pa_csv.ConvertOptions(column_types={c: pa.binary() for c in header}),
            )
    except (OSError, EOFError, zlib.error, pa.ArrowInvalid) as error:
        raise InputError(name, f"can't be read as CSV: {_plain(error)}.") from error
    return _numbered(name, header, table, wrong, odd)


def _numbered(
    name: str, header: list[str], table: pa.Table, wrong: list[tuple[int, str, int]], odd: bool
) -> CsvTable:
    """Number each row; refuse those that are no UTF-8, and one that swallowed the rest of the file."""
    raw = {c: table.column(c).combine_chunks() for c in header}
    skipped = np.array([n for n, _, _ in wrong], dtype=np.int64)
    total = table.num_rows + len(wrong)
    physical = np.setdiff1d(np.arange(2, total + 2), skipped)  # the header is row 1
    filled = np.zeros(table.num_rows, dtype=bool)
    for cells in raw.values():
        filled |= pc.binary_length(cells).to_numpy(zero_copy_only=False) > 0
    blank = physical[~filled]  # empty lines are no records
    record = physical - 1 - np.searchsorted(blank, physical)
    extra = np.zeros(total + 2, dtype=np.int64)
    inside = _newlines(raw, table.num_rows)
    extra[physical] = inside
    for number, text, _ in wrong:
        extra[number] = text.rstrip("\r\n").count("\n")
    starts = np.arange(total + 2) + np.concatenate(([0], np.cumsum(extra)[:-1]))
    rejected = [
        Rejected(
            file=name,
            record=int(n - 1 - np.searchsorted(blank, n)),
            line=int(starts[n]),
            reason=f"{len(header)} fields were expected, {got} came" + _open_quote(text),
        )
        for n, text, got in wrong
    ]
    good = filled
    if odd and table.num_rows and inside[-1]:
        good[-1] = False
        at, line = int(record[-1]), int(starts[physical[-1]])
        reason = f"a quotation mark is not closed: {inside[-1]} further lines were taken for text"
        rejected.append(Rejected(file=name, record=at, line=line, reason=reason))
    columns: dict[str, pa.StringArray] = {}
    for column, cells in raw.items():
        columns[column], bad = _utf8(cells)
        for row in bad:
            if good[row]:
                good[row] = False
                at, line = int(record[row]), int(starts[physical[row]])
                rejected.append(
                    Rejected(file=name, record=at, line=line, column=column, reason="is not valid UTF-8")
                )
    keep = pa.array(np.flatnonzero(good))
    columns = {c: v if good.all() else v.take(keep) for c, v in columns.items()}
    return CsvTable(
        name=name, columns=columns, record=record[good], line=starts[physical][good], rejected=tuple(rejected)
    )


def _open_quote(text: str) -> str:
    """A hint for a record that swallowed the ones after it."""
    return ": a quotation mark is not closed" if text.count('"') % 2 else ""


def _newlines(raw: Mapping[str, pa.Array], n: int) -> NDArray[np.int64]:
    """(n,) line breaks inside the cells of each row."""
    total = np.zeros(n, dtype=np.int64)
    for cells in raw.values():
        total += pc.count_substring(cells, "\n").to_numpy(zero_copy_only=False)
    return total


def _utf8(cells: pa.Array) -> tuple[pa.StringArray, list[int]]:
    """Text of a column, and the rows in which bytes that are no UTF-8 were replaced by a mark."""
    text = cells.cast(pa.string())
    marked = pc.match_substring(text, _MARK).to_numpy(zero_copy_only=False)
    return text, np.flatnonzero(marked).tolist()


def _as_text(path: Path, name: str) -> tuple[BinaryIO, bool]:
    """The file with a mark for bytes that are no UTF-8, and whether its quotation marks are odd in number.

    The mark is needed because pyarrow can't report a malformed row that holds such bytes.
    """
    valid, quotes = _surveyed(path, name)
    if valid:
        return _open(path, name), quotes % 2 == 1
    with _open(path, name) as stream:
        text = stream.read().decode("utf-8", errors="plumbline.mark")
    return io.BytesIO(text.encode()), quotes % 2 == 1


def _surveyed(path: Path, name: str) -> tuple[bool, int]:
    """Whether all of a file is UTF-8, and how many quotation marks it has."""
    decoder = codecs.getincrementaldecoder("utf-8")()
    valid, quotes = True, 0
    with _open(path, name) as stream:
        while chunk := stream.read(1 << 22):
            quotes += chunk.count(b'"')
            try:
                decoder.decode(chunk)
            except UnicodeDecodeError:
                valid = False
                decoder.reset()
    try:
        decoder.decode(b"", final=True)
    except UnicodeDecodeError:
        valid = False
    return valid, quotes


def _open(path: Path, name: str) -> BinaryIO:
    if path.suffix == ".gz":
        return _Limited(gzip.open(path), LARGEST_UNPACKED, name)  # type: ignore[return-value, arg-type]
    return path.open("rb")


def _plain(error: Exception) -> str:
    """First line of a library's message, without a full stop at the end and without cells of the file."""
    line = (str(error) or type(error).__name__).splitlines()[0]
    return re.sub(r"(got \d+): .*", r"\1", line).rstrip(".")[:200]
