"""Predictions in CSV: header, audited columns, one streamed column, and the line that a record starts on."""

from __future__ import annotations

import csv
import sys
from collections.abc import Collection, Iterator, Sequence
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
from numpy.typing import NDArray

from audit.errors import InputError
from audit.inputs.files import PredictionsFile, Survey, lines_of_text
from audit.inputs.raw import Raw, plain, record_numbers

DELIMITERS = {"\t": "tabs", ";": "semicolons", "|": "vertical bars"}
HEADER_ONLY = "the file has a header and no records."
FIRST_BLOCK, LAST_BLOCK = 1 << 20, 1 << 30


def header(file: PredictionsFile) -> list[str]:
    """Column names, as they stand in the file.

    Raises:
        InputError: nothing but blank lines, or fields that are not separated by commas.
    """
    names = next((fields for fields in _fields(file) if fields), None)
    if names is None:
        raise InputError(file.name, "the file is empty: it holds no header and no records.")
    if len(names) == 1:
        for delimiter, word in DELIMITERS.items():
            if delimiter in names[0]:
                raise _wrong_delimiter(file, delimiter, word)
    return names


def read(file: PredictionsFile, names: Sequence[str], categories: Collection[str], told: Survey) -> Raw:
    """Read some columns as text.

    Args:
        file: the file.
        names: columns to read.
        categories: those of them to hold as dictionaries.
        told: what the pass over the bytes found.

    Raises:
        InputError: a quote that is never closed, no records, or no record with as many fields as the header.
    """
    if told.quotes % 2:
        _check_quotes(file)
    ragged: list[Any] = []
    table = _table(file, names, categories, told, ragged, threads=True)
    if ragged:
        ragged.clear()
        table = _table(file, names, categories, told, ragged, threads=False)
    if table.num_rows == 0:
        if ragged:
            first = ragged[0]
            raise InputError(
                f"{file.name}, record 1",
                f"expected {first.expected_columns} fields as in the header, came {first.actual_columns}; "
                "no record has as many fields as the header.",
                "Quote fields that hold commas or line ends.",
            )
        raise InputError(file.name, HEADER_ONLY)
    rows = table.num_rows
    columns = {}
    for name in names:
        columns[name] = plain(table.column(name), f"{file.name}, column {name}")
        table = table.drop_columns([name])
    refused = sorted((row.number - 1, _ragged(row)) for row in ragged)
    return Raw(
        columns=columns,
        records=record_numbers(rows, [number for number, _ in refused]),
        refused=tuple(refused),
    )


def stream(file: PredictionsFile, name: str) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
    """Yield (record numbers, values) of one column, block by block; only a few blocks are ever held."""
    block = FIRST_BLOCK
    done = 0
    while True:
        try:
            for numbers, values in _stream(file, name, block):
                if numbers[-1] > done:
                    fresh = int(np.searchsorted(numbers, done, side="right"))
                    done = int(numbers[-1])
                    yield numbers[fresh:], values[fresh:]
            return
        except pa.ArrowInvalid as error:
            block = _larger(block, error, file)


def lines(file: PredictionsFile, records: NDArray[np.int64], told: Survey, total: int) -> NDArray[np.int64]:
    """Line of the file, from 1, on which each record starts.

    Args:
        file: the file.
        records: (k,) record numbers, increasing.
        told: what the pass over the bytes found.
        total: number of records in the file.
    """
    if told.quotes == 0 and told.line_ends == total + 1:
        return records + 1
    wanted = np.unique(records)
    found = np.zeros(len(wanted), dtype=np.int64)
    position, record = 0, -1
    for start, fields in _numbered(file):
        record += bool(fields)
        if position == len(wanted):
            break
        if fields and record == wanted[position]:
            found[position] = start
            position += 1
    return found[np.searchsorted(wanted, records)]


def _table(
    file: PredictionsFile,
    names: Sequence[str],
    categories: Collection[str],
    told: Survey,
    ragged: list[Any],
    *,
    threads: bool,
) -> pa.Table:
    block = FIRST_BLOCK
    while True:
        ragged.clear()
        try:
            return arrow_csv.read_csv(
                file.path,
                read_options=arrow_csv.ReadOptions(use_threads=threads, block_size=block),
                parse_options=_parsing(ragged, quoted=told.quotes > 0),
                convert_options=_conversion(names, categories),
            )
        except pa.ArrowInvalid as error:
            block = _larger(block, error, file)


def _stream(file: PredictionsFile, name: str, block: int) -> Iterator[tuple[NDArray[np.int64], pa.Array]]:
    ragged: list[Any] = []
    reader = arrow_csv.open_csv(
        file.path,
        read_options=arrow_csv.ReadOptions(use_threads=False, block_size=block),
        parse_options=_parsing(ragged, quoted=True),
        convert_options=_conversion([name], ()),
    )
    read = 0
    with reader:
        for batch in reader:
            if batch.num_rows:
                # Every refused row before this batch is known by now: the parser runs ahead, never behind.
                refused = [row.number - 1 for row in ragged]
                upto = read + batch.num_rows
                yield record_numbers(upto, refused, read), batch.column(0)
                read = upto


def _parsing(ragged: list[Any], *, quoted: bool) -> arrow_csv.ParseOptions:
    def keep(row: Any) -> str:
        ragged.append(row)
        return "skip"

    return arrow_csv.ParseOptions(delimiter=",", newlines_in_values=quoted, invalid_row_handler=keep)


def _conversion(names: Sequence[str], categories: Collection[str]) -> arrow_csv.ConvertOptions:
    category = pa.dictionary(pa.int32(), pa.string())
    return arrow_csv.ConvertOptions(
        include_columns=list(names),
        column_types={name: category if name in categories else pa.string() for name in names},
        null_values=[""],
        strings_can_be_null=True,
        quoted_strings_can_be_null=True,
    )


def _larger(block: int, error: pa.ArrowInvalid, file: PredictionsFile) -> int:
    """The next block size, where the error says that a record did not fit into a block."""
    if "Empty CSV file or block" in str(error):  # a header without a line end
        raise InputError(file.name, HEADER_ONLY) from error
    if "straddl" in str(error) and block < LAST_BLOCK:
        return min(block * 8, LAST_BLOCK)
    raise InputError(file.name, f"it can't be read as CSV: {error}.") from error


def _ragged(row: Any) -> str:
    return f"{row.actual_columns} fields where the header has {row.expected_columns}"


def _wrong_delimiter(file: PredictionsFile, delimiter: str, word: str) -> InputError:
    return InputError(
        file.name,
        f"expected fields separated by commas, came {word}.",
        "Save it with commas: import pandas; "
        f"pandas.read_csv({file.name!r}, sep={delimiter!r}, dtype=str, keep_default_na=False)"
        '.to_csv("predictions.csv", index=False)',
    )


def _fields(file: PredictionsFile) -> Iterator[list[str]]:
    return (fields for _, fields in _numbered(file))


def _numbered(file: PredictionsFile, sentinel: str = "") -> Iterator[tuple[int, list[str]]]:
    """Yield (line it starts on, fields) of every record, header and blank ones included."""

    def source() -> Iterator[str]:
        yield from lines_of_text(file)
        if sentinel:
            yield sentinel

    limit = csv.field_size_limit(sys.maxsize)
    try:
        reader = csv.reader(source())
        start = 1
        for fields in reader:
            yield start, fields
            start = reader.line_num + 1
    finally:
        csv.field_size_limit(limit)


def _check_quotes(file: PredictionsFile) -> None:
    """Tell an odd quote inside a field, which is text, from one that is never closed and eats the rest."""
    sentinel = "\x1e plumbline end \x1e"
    record, last = -1, (1, [""])
    for start, fields in _numbered(file, sentinel):
        record += bool(fields)
        last = (start, fields)
    if last[1] != [sentinel]:
        raise InputError(
            f"{file.name}, record {record:,} (line {last[0]:,})",
            "a double quote opens a field and is never closed.",
            "Close it, or double it where it belongs to the text.",
        )
