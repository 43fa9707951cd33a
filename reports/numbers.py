"""Numbers as a report prints them: percentages with one decimal, a true minus sign, p as <.0001."""

from __future__ import annotations

from dataclasses import dataclass

from audit import wording
from audit.core import Estimate

MINUS = "−"
NONE = "–"
SMALLEST_P = 0.0001
UNNAMED = ("unit", "units of the output")
"""Units in tables of numbers whose unit nobody declared."""


@dataclass(frozen=True, kw_only=True)
class Shown:
    """A number in parts that a table lines up."""

    value: str
    """"58.0%", or why there is none."""
    interval: str = ""
    """"47.5 to 67.7"; empty where there is none."""
    n: str = ""


def plain(x: float, digits: int = 1) -> str:
    """A number with a true minus sign and thousands apart.

    Args:
        x: any finite number.
        digits: decimals.
    """
    text = f"{x:,.{digits}f}"
    if text.startswith("-"):
        text = text[1:] if not text.strip("-0.,") else MINUS + text[1:]
    return text


def count(n: int) -> str:
    """A whole number with thousands apart."""
    return plain(n, 0)


def amount(x: float, unit: str) -> str:
    """A value without its unit's name: rates in percent, AUC with three decimals.

    Args:
        x: the number.
        unit: as `Estimate.unit`.
    """
    if unit == "rate":
        return plain(100 * x)
    if unit in ("AUC", "AP", "AEG", "squared error", "nats", "share of variance"):
        return plain(x, 3)
    return plain(x, 1 if abs(x) >= 1 else 2)


def in_words(unit: str) -> str:
    """What follows an amount: a percent sign, the unit after a space, nothing for an AUC."""
    if unit == "rate":
        return "%"
    return "" if unit in ("AUC", "AP", "AEG", "squared error", "share of variance", "") else f" {unit}"


def value(x: float, unit: str) -> str:
    """A value with its unit."""
    return amount(x, unit) + in_words(unit)


def signed(x: float, unit: str) -> str:
    """A difference with its sign, without its unit."""
    text = amount(x, unit)
    return text if text.startswith(MINUS) or not text.strip("0.") else "+" + text


def points(unit: str) -> str:
    """The unit of a difference: rates differ by percentage points."""
    return " points" if unit == "rate" else in_words(unit)


def difference(x: float, unit: str) -> str:
    """A difference that has no direction, with its unit."""
    return amount(x, unit) + points(unit)


def span(low: float | None, high: float | None, unit: str) -> str:
    """An interval without brackets or unit; empty where an end is missing."""
    if low is None or high is None:
        return ""
    return f"{amount(low, unit)} to {amount(high, unit)}"


def p(x: float | None) -> str:
    """A p value: four decimals without the leading zero, <.0001 below that."""
    if x is None:
        return NONE
    if x < SMALLEST_P:
        return "<.0001"
    return "1" if x > 0.99995 else f"{x:.4f}"[1:]


def p_sentence(x: float | None) -> str:
    """A p value after the letter: "p < .0001", "p = .0312"."""
    shown = p(x)
    return f"p < {shown[1:]}" if shown.startswith("<") else f"p = {shown}"


def estimate(e: Estimate) -> Shown:
    """An estimate in parts; zero events are an upper bound, all events a lower one, never 0% or 100%."""
    return measured(e.value, e.low, e.high, e.n, e.events, e.unit, e.reason or "")


def measured(
    x: float | None,
    low: float | None,
    high: float | None,
    n: int | None,
    events: int | None,
    unit: str,
    reason: str,
) -> Shown:
    """A measured value in parts.

    Args:
        x: the value, or None.
        low: interval's lower end.
        high: its upper end.
        n: the metric's denominator.
        events: numerator of a rate; None where it has none.
        unit: as `Estimate.unit`.
        reason: why there is no value.
    """
    if x is None:
        return Shown(value=not_computed(reason))
    n_shown = "" if n is None else count(n)
    if unit == "rate" and events is not None and high is not None and events == 0:
        return Shown(value=f"≤ {value(high, unit)}", interval=f"0 of {n_shown}", n=n_shown)
    if unit == "rate" and events is not None and low is not None and events == n:
        return Shown(value=f"≥ {value(low, unit)}", interval=f"{n_shown} of {n_shown}", n=n_shown)
    return Shown(value=value(x, unit), interval=span(low, high, unit), n=n_shown)


def not_computed(code: str) -> str:
    """The words of a missing number."""
    words = reason(code)
    return f"not computed, because {words}" if words else "not computed"


def reason(code: str) -> str:
    """Words for a reason; a code that has no words yet is shown with its underscores as spaces."""
    try:
        words = wording.reason(code)
    except KeyError:
        words = str(code)
    return words.replace("_", " ") if words == code else words
