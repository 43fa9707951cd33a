"""Cells of a column read as numbers, probabilities, yes/no or classes, each bad one with its reason."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import IntEnum
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from audit.errors import InputError
from audit.inputs.raw import codes_of, text_of

NUMBER = r"^[+-]?(\d+\.?\d*|\.\d+)([eE][+-]?\d+)?$|^[+-]?(?i:nan|inf|infinity)$"
YES_NO: Mapping[str, int] = {"0": 0, "false": 0, "1": 1, "true": 1}
SUM_TOLERANCE = 1e-3
SHOWN = 12
"""Values that a message lists at most."""


class Fault(IntEnum):
    """What is wrong with a cell."""

    NONE = 0
    EMPTY = 1
    TEXT = 2
    NAN = 3
    INFINITE = 4
    RANGE = 5
    CLASS = 6
    SUM = 7


@dataclass(frozen=True, kw_only=True)
class Cells:
    """A column, read."""

    column: str
    """Its name in the file."""
    raw: pa.Array
    values: NDArray[Any]
    """(n,) numbers or codes; where fault is not NONE the value means nothing."""
    fault: NDArray[np.int8]
    """(n,) `Fault` of every cell."""
    classes: tuple[str, ...] = ()
    """What was allowed, for a column of classes."""

    @property
    def ok(self) -> NDArray[np.bool_]:
        """(n,) cells that can be used."""
        return np.equal(self.fault, Fault.NONE)

    @property
    def empty(self) -> NDArray[np.bool_]:
        """(n,) cells with nothing in them."""
        return np.equal(self.fault, Fault.EMPTY)

    @property
    def bad(self) -> NDArray[np.bool_]:
        """(n,) cells with something in them that can't be used."""
        return np.greater(self.fault, Fault.EMPTY)

    def came(self, row: int) -> str:
        """The cell as text."""
        return str(text_of(self.raw[row : row + 1])[0].as_py())

    def reason(self, row: int) -> str:
        """Why a bad cell can't be used."""
        came = self.came(row)
        match Fault(self.fault[row]):
            case Fault.TEXT:
                return f"expected a number, came {came!r}"
            case Fault.NAN:
                return f"expected a number, came {came!r} (leave the field empty where there is none)"
            case Fault.INFINITE:
                return f"expected a finite number, came {came!r}"
            case Fault.RANGE:
                return f"expected a number in [0, 1], came {came}"
            case Fault.SUM:
                total = self.values[row]
                return f"expected class scores that add up to 1 within {SUM_TOLERANCE:g}, came {total:.6g}"
            case _:
                return f"expected {one_of(self.classes)}, came {came!r}"


def one_of(values: Sequence[str]) -> str:
    """The allowed values in words."""
    return f"one of {listed(values)}"


def listed(values: Sequence[str]) -> str:
    """The first values, and how many there are."""
    more = f" … ({len(values):,} in all)" if len(values) > SHOWN else ""
    return ", ".join(values[:SHOWN]) + more


def counted(n: int) -> str:
    """A number of records in words."""
    return f"{n:,} record" if n == 1 else f"{n:,} records"


def any_of(rows: Sequence[NDArray[np.bool_]]) -> NDArray[np.bool_]:
    """(n,) rows that one of several masks has."""
    found = np.zeros(len(rows[0]), dtype=np.bool_)
    for mask in rows:
        found |= mask
    return found


def numbers(column: str, raw: pa.Array) -> Cells:
    """Read finite numbers.

    Args:
        column: name in the file.
        raw: (n,) text or numbers.
    """
    fault = np.zeros(len(raw), dtype=np.int8)
    if pa.types.is_dictionary(raw.type):
        raw = raw.cast(pa.string())
    if pa.types.is_boolean(raw.type):
        raw = text_of(raw)
    as_number = _parsed(raw, fault) if pa.types.is_string(raw.type) else raw.cast(pa.float64())
    values = pc.fill_null(as_number, 0.0).to_numpy(zero_copy_only=False)
    if not np.isfinite(values).all():
        fault[np.isinf(values)] = Fault.INFINITE
        fault[np.isnan(values)] = Fault.NAN
    if raw.null_count:
        fault[raw.is_null().to_numpy(zero_copy_only=False)] = Fault.EMPTY
    return Cells(column=column, raw=raw, values=values, fault=fault)


def probabilities(column: str, raw: pa.Array) -> Cells:
    """Read numbers in [0, 1]."""
    cells = numbers(column, raw)
    outside = ((cells.values < 0) | (cells.values > 1)) & cells.ok
    cells.fault[outside] = Fault.RANGE
    return cells


def classes(
    column: str, raw: pa.Array, names: Sequence[str], codes: Mapping[str, int] | None = None
) -> Cells:
    """Read class names as codes.

    Args:
        column: name in the file.
        raw: (n,) in any type.
        names: allowed values, for the message.
        codes: value -> code; None: its place in names.
    """
    known = {name: code for code, name in enumerate(names)} if codes is None else codes
    at, distinct = codes_of(raw)
    lookup = np.array([_code(value, known) for value in distinct] + [-1], dtype=np.int32)
    values = lookup[at]
    fault = np.zeros(len(raw), dtype=np.int8)
    fault[values < 0] = Fault.CLASS
    fault[at < 0] = Fault.EMPTY
    return Cells(column=column, raw=raw, values=values, fault=fault, classes=tuple(names))


def _code(value: str, known: Mapping[str, int]) -> int:
    if value in known:
        return known[value]
    return known.get(value.strip(), -1)


def yes_no_text(value: str) -> str:
    """0, 1, true and false in their several spellings as "0" or "1"; other text as it is, trimmed."""
    plain = value.strip()
    if plain.lower() in YES_NO:
        return str(YES_NO[plain.lower()])
    try:
        number = float(plain)
    except ValueError:
        return plain
    return str(int(number)) if number in (0.0, 1.0) else plain


def distinct(raw: pa.Array) -> list[str]:
    """Distinct values that are not missing, as text, in order of appearance."""
    at, values = codes_of(raw)
    seen = np.zeros(len(values) + 1, dtype=bool)
    seen[at] = True
    return [value for value, there in zip(values, seen, strict=False) if there]


def refuse_whole_column(cells: Cells, file: str, records: NDArray[np.int64], remedy: str = "") -> Cells:
    """Stop where no cell of a column can be used: that is a wrong column, not a wrong cell.

    Args:
        cells: the column.
        file: what messages call the file.
        records: (n,) record numbers.
        remedy: what to do about it, where the caller knows better.

    Raises:
        InputError: every cell that is not empty is bad.
    """
    if cells.ok.any():
        return cells
    place = f"{file}, column {cells.column}"
    bad = np.flatnonzero(cells.bad)
    if not len(bad):
        raise InputError(place, "every field is empty.", "Drop the column, or fill it.")
    raise InputError(
        place,
        f"none of its {len(bad):,} values can be used; the first (record {records[bad[0]]:,}): "
        f"{cells.reason(int(bad[0]))}.",
        remedy or _remedy(cells, bad),
    )


def _remedy(cells: Cells, bad: NDArray[np.int64]) -> str:
    kinds = set(cells.fault[bad].tolist())
    if kinds == {Fault.RANGE}:
        low, high = cells.values[bad].min(), cells.values[bad].max()
        if low >= 0 and high <= 100:
            return "Divide percentages by 100."
        return "These look like logits: write probabilities (sigmoid for yes/no, softmax for classes)."
    if kinds == {Fault.TEXT} and any("," in cells.came(int(row)) for row in bad[:10]):
        return "Write numbers with a decimal point, without separators."
    return ""


def _parsed(raw: pa.Array, fault: NDArray[np.int8]) -> pa.Array:
    """Text as floats, null where it is no number; such cells are marked in `fault`."""
    try:
        return raw.cast(pa.float64())
    except pa.ArrowInvalid:
        trimmed = pc.utf8_trim_whitespace(raw)
        fits = pc.fill_null(pc.match_substring_regex(trimmed, NUMBER), True)
        fault[~fits.to_numpy(zero_copy_only=False)] = Fault.TEXT
        return pc.if_else(fits, trimmed, None).cast(pa.float64())
