"""Small charts as SVG: one strip a row of a table, so that labels stay text and wrap as text.

No text inside: the axis and the values are the table's. Marks differ in shape as well as in colour, so that
they can be told apart in grey. Colours are Okabe and Ito's.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from dataclasses import dataclass
from math import isfinite

BLUE, VERMILION, GREY, LINE, GRID = "#0072B2", "#D55E00", "#8c8c8c", "#3a3a3a", "#e2e2e2"
NARROW, WIDE, HEIGHT = 216.0, 631.0, 34.0
"""Sizes of a strip: of one beside another, of one alone, and how high both are."""


@dataclass(frozen=True, kw_only=True)
class Scale:
    """An axis from `low` to `high` with marked positions."""

    low: float
    high: float
    ticks: tuple[float, ...]
    width: float = NARROW

    def at(self, x: float) -> float:
        """Position of a value in a strip, ends at a small distance from the edge; outside it is the edge."""
        share = (x - self.low) / (self.high - self.low)
        return 7 + min(1.0, max(0.0, share)) * (self.width - 14)


@dataclass(frozen=True, kw_only=True)
class Mark:
    """What one strip shows."""

    value: float
    low: float | None
    high: float | None
    reference: float | None
    """The value that it is compared with: a short upright line."""
    kind: str
    """"finding" (filled diamond), "known" (dot) or "small" (hollow dot, grey)."""


def scale(values: Iterable[float], *, zero: bool, top: float | None = None, width: float = NARROW) -> Scale:
    """An axis around values, its ends at round numbers.

    Args:
        values: what must fit, at least one.
        zero: whether 0 is part of it.
        top: largest end allowed, 1 for rates.
        width: of its strips.
    """
    found = [v for v in values if isfinite(v)]
    low, high = (min(found), max(found)) if found else (0.0, 1.0)
    low, high = (min(low, 0.0), max(high, 0.0)) if zero else (low, high)
    if high - low < 1e-9:
        high = low + (abs(low) or 1.0)
    step = _step((high - low) / 3)
    first, last = _down(low, step), _up(high, step)
    if top is not None and last > top:
        last = top
    ticks = tuple(round(first + i * step, 10) for i in range(int((last - first) / step + 1e-6) + 1))
    return Scale(low=first, high=last, ticks=ticks, width=width)


def strip(mark: Mark | None, axis: Scale, overall: float | None) -> str:
    """One row of a chart: grid, overall value as a dashed line, interval and mark.

    Args:
        mark: None draws the grid alone.
        axis: shared by the whole column.
        overall: value of everyone.
    """
    parts = [_upright(axis.at(tick), 0, HEIGHT, GRID, 1) for tick in axis.ticks]
    if overall is not None:
        parts.append(_upright(axis.at(overall), 0, HEIGHT, LINE, 1.2, dash="4 3"))
    if mark is not None:
        parts += _mark(mark, axis)
    return _document(parts, axis.width)


def _mark(mark: Mark, axis: Scale) -> list[str]:
    colour = {"finding": VERMILION, "small": GREY}.get(mark.kind, BLUE)
    x, y = axis.at(mark.value), HEIGHT / 2
    parts = []
    if mark.low is not None and mark.high is not None:
        left, right = axis.at(mark.low), axis.at(mark.high)
        parts.append(_line(left, y, right, y, colour, 2.6))
        parts += [_upright(end, y - 5, y + 5, colour, 2) for end in _ends(mark, axis)]
        parts += _arrows(mark, axis, y, colour)
    if mark.reference is not None:
        parts.append(_upright(axis.at(mark.reference), y - 11, y + 11, LINE, 2.2))
    if mark.kind == "finding":
        parts.append(f'<path d="M{x:.2f} {y - 9:.2f}l9 9l-9 9l-9-9z" fill="{colour}"/>')
    elif mark.kind == "small":
        circle = f'<circle cx="{x:.2f}" cy="{y:.2f}" r="5.5"'
        parts.append(f'{circle} fill="#ffffff" stroke="{colour}" stroke-width="2"/>')
    else:
        parts.append(f'<circle cx="{x:.2f}" cy="{y:.2f}" r="6.2" fill="{colour}"/>')
    return parts


def _ends(mark: Mark, axis: Scale) -> list[float]:
    """Positions of those ends of an interval that lie on the axis."""
    return [axis.at(e) for e in (mark.low, mark.high) if e is not None and axis.low <= e <= axis.high]


def _arrows(mark: Mark, axis: Scale, y: float, colour: str) -> list[str]:
    """Arrowheads where an interval goes on beyond the axis."""
    parts = []
    if mark.high is not None and mark.high > axis.high:
        parts.append(f'<path d="M{axis.width - 1:.2f} {y:.2f}l-8-5v10z" fill="{colour}"/>')
    if mark.low is not None and mark.low < axis.low:
        parts.append(f'<path d="M1 {y:.2f}l8-5v10z" fill="{colour}"/>')
    return parts


def _document(parts: Sequence[str], width: float) -> str:
    head = f'<svg xmlns="http://www.w3.org/2000/svg" viewBox="0 0 {width:g} {HEIGHT:g}">'
    return head + "".join(parts) + "</svg>"


def _line(x1: float, y1: float, x2: float, y2: float, colour: str, width: float, dash: str = "") -> str:
    dashed = f' stroke-dasharray="{dash}"' if dash else ""
    ends = f'x1="{x1:.2f}" y1="{y1:.2f}" x2="{x2:.2f}" y2="{y2:.2f}"'
    return f'<line {ends} stroke="{colour}" stroke-width="{width:g}"{dashed}/>'


def _upright(x: float, top: float, bottom: float, colour: str, width: float, dash: str = "") -> str:
    return _line(x, top, x, bottom, colour, width, dash)


def _step(rough: float) -> float:
    """The smallest of 1, 2, 2.5, 5 times a power of ten that is at least as large."""
    power = 1.0
    while power > rough:
        power /= 10
    while power * 10 <= rough:
        power *= 10
    return next(power * m for m in (1, 2, 2.5, 5, 10) if power * m >= rough * 0.999999)


def _down(x: float, step: float) -> float:
    return round((x // step) * step, 10)


def _up(x: float, step: float) -> float:
    return round(-((-x) // step) * step, 10)
