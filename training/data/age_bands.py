"""Ages as numbers and as bands, bands that a spreadsheet turned into dates included."""

from __future__ import annotations

import re
from collections.abc import Sequence

BANDS = ("0-2", "3-9", "10-19", "20-29", "30-39", "40-49", "50-59", "60-69", "more than 70")
"""FairFace's bands, youngest first; the last one is open."""
OLDEST = 120
OPEN_WIDTH = 10
"""Years that an open band is taken to span, so that its midpoint is a number: "more than 70" becomes 74.5."""

_NAMES = ("jan", "feb", "mar", "apr", "may", "jun", "jul", "aug", "sep", "oct", "nov", "dec")
_MONTHS = {name: number for number, name in enumerate(_NAMES, 1)}
_RANGE = re.compile(r"\(?\s*(\d{1,3})\s*(?:-|–|—|to|,)\s*(\d{1,3})\s*\)?", re.IGNORECASE)
_OPEN = re.compile(
    r"(?:more than|over|above|>=?|≥)\s*(\d{1,3})|(\d{1,3})\s*(?:\+|plus|and over|or more)", re.IGNORECASE
)
_DAY_MONTH = re.compile(r"(\d{1,2})[-/. ]([A-Za-z]{3})[a-z]*\.?")
_MONTH_DAY = re.compile(r"([A-Za-z]{3})[a-z]*\.?[-/. ](\d{1,2})")
_ISO = re.compile(r"(\d{4})-(\d{2})-(\d{2})(?:[ T]00:00(?::00)?)?")


def parse_age(cell: str) -> tuple[float, str, bool]:
    """Read an age.

    Args:
        cell: a number of years, a band (``20-29``, ``more than 70``, ``70+``), or a band that a spreadsheet
            took for a date (``03-Sep`` for 3-9, ``Oct-19`` and ``19-Oct`` for 10-19).

    Returns:
        Years (the midpoint of a band of whole years), the band, and whether the cell was a band.

    Raises:
        ValueError: with what was allowed and what came.
    """
    word = cell.strip()
    try:
        years = float(word)
    except ValueError:
        low, high, name = _band(word)
        return (low + high) / 2, name, True
    if not 0 <= years <= OLDEST:
        raise ValueError(f"an age must lie in 0..{OLDEST}, not {word[:20]!r}")
    return years, band_of(years), False


def band_of(years: float) -> str:
    """FairFace band that holds an age in years."""
    for name in BANDS[:-1]:
        if years < int(name.split("-")[1]) + 1:
            return name
    return BANDS[-1]


def ordered(bands: Sequence[str]) -> list[str]:
    """Bands by their lower end."""
    return sorted(set(bands), key=lambda b: (_band(b)[0], b))


def was_date(cell: str) -> bool:
    """Whether a cell is a band that a spreadsheet turned into a date."""
    return _dated(cell.strip()) is not None


def _band(word: str) -> tuple[float, float, str]:
    dated = _dated(word)
    if dated is not None:
        low, high = dated
    elif found := _RANGE.fullmatch(word):
        low, high = int(found[1]), int(found[2])
    elif found := _OPEN.fullmatch(word):
        low = int(found[1] or found[2])
        if low > OLDEST:
            raise ValueError(f"an age must lie in 0..{OLDEST}, not {word[:20]!r}")
        return low, low + OPEN_WIDTH - 1, f"more than {low}"
    else:
        raise ValueError(f"an age is a number, or a band such as 20-29 or 'more than 70', not {word[:20]!r}")
    if low > high or high > OLDEST:
        raise ValueError(f"a band runs from a lower to a higher age in 0..{OLDEST}, not {word[:20]!r}")
    return low, high, f"{low}-{high}"


def _dated(word: str) -> tuple[int, int] | None:
    """The two numbers of a band hidden in a date: its month, and its day or two-digit year."""
    if found := _DAY_MONTH.fullmatch(word):
        number, month = int(found[1]), _MONTHS.get(found[2].lower())
    elif found := _MONTH_DAY.fullmatch(word):
        number, month = int(found[2]), _MONTHS.get(found[1].lower())
    elif found := _ISO.fullmatch(word):
        month, day = int(found[2]), int(found[3])
        number = day if day != 1 else int(found[1]) % 100
    else:
        return None
    return None if month is None else (min(month, number), max(month, number))
