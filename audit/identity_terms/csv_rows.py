"""A small CSV file with named columns, its mistakes named by file, line and column."""

from __future__ import annotations

import csv
import gzip
import io
from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path

from audit.errors import InputError


@dataclass(frozen=True)
class Row:
    """One record."""

    file: str
    line: int
    """Line that the record starts on, the header being line 1."""
    values: Mapping[str, str]
    """Column -> field without blanks around it; a missing optional column gives ""."""

    def wrong(self, column: str, problem: str, remedy: str = "") -> InputError:
        """The error that names this record's line and a column."""
        return InputError(f"{self.file}, line {self.line}, column {column}", problem, remedy)


def read_rows(path: Path, required: Sequence[str], optional: Sequence[str] = ()) -> list[Row]:
    """Read a CSV file in UTF-8, plain or compressed with gzip.

    Args:
        path: the file.
        required: columns that must be there; a name may give alternatives, as ``term|word``, of which the
            first stands in `Row.values`. Case and blanks around a name do not matter.
        optional: columns that may be there; others are ignored.

    Returns:
        The records in order; blank lines are no records.

    Raises:
        InputError: the file is missing, is no UTF-8, lacks a column, or a record has too few or many fields.
    """
    reader = csv.reader(io.StringIO(_text(path), newline=""), strict=True)
    try:
        header = next((fields for fields in reader if any(fields)), None)
        if header is None:
            raise InputError(path.name, "the file is empty: it holds no header and no records.")
        places = _places(path.name, header, required, optional)
        return list(_records(path.name, reader, len(header), places))
    except csv.Error as error:
        raise InputError(
            f"{path.name}, line {reader.line_num}", f"it is no CSV: {error}.", "Close every quote."
        ) from error


def _text(path: Path) -> str:
    try:
        data = path.read_bytes()
    except OSError as error:
        raise InputError(str(path), f"it can't be read: {error.strerror or error}.") from error
    try:
        if data[:2] == b"\x1f\x8b":
            data = gzip.decompress(data)
        return data.decode("utf-8-sig")
    except (OSError, EOFError) as error:
        raise InputError(path.name, f"it can't be decompressed: {error}.") from error
    except UnicodeDecodeError as error:
        line = data[: error.start].count(b"\n") + 1
        raise InputError(
            f"{path.name}, line {line}", "expected UTF-8, came other bytes.", "Save the file as UTF-8."
        ) from error


def _places(
    file: str, header: Sequence[str], required: Sequence[str], optional: Sequence[str]
) -> dict[str, int]:
    """Column wanted -> its position, -1 for an optional one that is not there."""
    names = [name.strip().casefold() for name in header]
    places: dict[str, int] = {}
    for wanted in (*required, *optional):
        allowed = wanted.split("|")
        found = [i for i, name in enumerate(names) if name in allowed]
        if len(found) > 1:
            raise InputError(f"{file}, line 1", f"expected one column {allowed[0]}, came {len(found)}.")
        if not found and wanted in required:
            came = ", ".join(name or "(no name)" for name in names)
            raise InputError(
                f"{file}, line 1", f"expected a column {' or '.join(allowed)}, came {came}.", "Add it."
            )
        places[allowed[0]] = found[0] if found else -1
    return places


def _records(file: str, reader: Iterator[list[str]], width: int, places: Mapping[str, int]) -> Iterator[Row]:
    before = reader.line_num  # type: ignore[attr-defined]
    for fields in reader:
        line, before = before + 1, reader.line_num  # type: ignore[attr-defined]
        if not any(field.strip() for field in fields):
            continue
        if len(fields) != width:
            raise InputError(
                f"{file}, line {line}",
                f"expected {width} fields as in the header, came {len(fields)}.",
                "Quote fields that hold commas or line ends.",
            )
        yield Row(file, line, {name: fields[at].strip() if at >= 0 else "" for name, at in places.items()})
