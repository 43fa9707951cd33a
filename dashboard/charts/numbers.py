"""Numbers as people read them: rates in percent, gaps in points, never more digits than they carry."""

from __future__ import annotations

import math
from typing import Any

MISSING = "–"
"""An en dash where there is no number."""
SHARES = ("rate",)
SMALLEST_P = 0.0001


def absent(value: Any) -> bool:
    """Whether a cell of a table holds no number."""
    return value is None or (isinstance(value, float) and math.isnan(value)) or value != value


def number(value: Any, unit: str = "rate") -> str:
    """A value in its unit, the unit's name left to the text around it.

    Args:
        value: a number, None or NaN.
        unit: "rate" is shown in percent; "AUC", "AP" and the like with three decimals.
    """
    if absent(value):
        return MISSING
    if unit in SHARES:
        return f"{_zero(value * 100, 1):.1f}%"
    return f"{_zero(value, _decimals(unit)):.{_decimals(unit)}f}".replace("-", "−")


def span(low: Any, high: Any, unit: str = "rate") -> str:
    """An interval without brackets: ``53.0–72.6``, ``−5.1 to −2.3`` where an end is negative."""
    if absent(low) or absent(high):
        return "no interval"
    scale, decimals = (100.0, 1) if unit in SHARES else (1.0, _decimals(unit))
    ends = [_zero(end * scale, decimals) for end in (low, high)]
    between = " to " if min(ends) < 0 else "–"
    return between.join(f"{end:.{decimals}f}".replace("-", "−") for end in ends)


def count(value: Any) -> str:
    """A whole number with thousands separated."""
    return MISSING if absent(value) else f"{int(value):,}"


def estimate(
    value: Any, low: Any, high: Any, n: Any, unit: str = "rate", events: Any = None, *, named: bool = False
) -> str:
    """A value with its interval and n: ``63.3% (53.0–72.6, n=90)``.

    Zero events are an upper bound and never "0%"; the same at the other end.

    Args:
        value: of the metric.
        low: end of its interval.
        high: end of its interval.
        n: the metric's denominator.
        unit: of the metric.
        events: numerator of a rate.
        named: whether the unit's name stands after the value, for text without a heading.
    """
    name = f" {unit_of_difference(unit)}".rstrip() if named and unit not in SHARES else ""
    if absent(value):
        return MISSING
    whole = unit in SHARES and not absent(events) and not absent(n)
    if whole and events == 0 and not absent(high):
        return f"0 of {count(n)} (at most {number(high)})"
    if whole and events == n and not absent(low):
        return f"{count(n)} of {count(n)} (at least {number(low)})"
    if absent(low) or absent(high):
        return f"{number(value, unit)}{name} (n={count(n)})"
    return f"{number(value, unit)}{name} ({span(low, high, unit)}, n={count(n)})"


def signed(value: Any, unit: str = "rate") -> str:
    """A difference with its sign: ``+30.1`` points or years."""
    if absent(value):
        return MISSING
    scale, decimals = (100.0, 1) if unit in SHARES else (1.0, _decimals(unit))
    return f"{_zero(value * scale, decimals):+.{decimals}f}".replace("-", "−")


def difference(value: Any, unit: str = "rate") -> str:
    """The size of a difference with its unit: ``30.1 points``."""
    if absent(value):
        return MISSING
    scale, decimals = (100.0, 1) if unit in SHARES else (1.0, _decimals(unit))
    return f"{abs(_zero(value * scale, decimals)):.{decimals}f} {unit_of_difference(unit)}".rstrip()


def unit_of_difference(unit: str) -> str:
    """What a difference is counted in: points for rates, nothing for an AUC."""
    if unit in SHARES:
        return "points"
    return "" if unit in ("AUC", "AP", "AEG") else unit


def axis_title(title: str, unit: str) -> str:
    """A metric's title with the unit of its axis."""
    if unit in SHARES:
        return f"{title} (%)"
    return title if unit in ("AUC", "AP", "AEG", "") else f"{title} ({unit})"


def p_value(p: Any) -> str:
    """``p = .032`` or ``p < .0001``."""
    if absent(p):
        return "not tested"
    if p < SMALLEST_P:
        return "p < .0001"
    decimals = 4 if p < 0.001 else 3 if p < 0.1 else 2
    text = f"{p:.{decimals}f}"
    return "p = " + (text[1:] if text.startswith("0.") else text)


def _decimals(unit: str) -> int:
    return 2 if unit in ("years", "units of the output", "unit") else 3


def _zero(value: float, decimals: int) -> float:
    """Round, and turn -0.0 into 0.0."""
    return round(float(value), decimals) + 0.0
