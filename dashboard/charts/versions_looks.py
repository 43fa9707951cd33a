"""How a verdict looks in every chart and table: colour, shape, line, words; never colour alone."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pandas as pd

from audit.versions.codes import WORDS, Role, Verdict
from dashboard.charts import numbers, palette

EVERYONE = "all"


@dataclass(frozen=True, kw_only=True)
class Look:
    """One verdict's look."""

    colour: str
    symbol: str
    dash: str
    sign: str
    """Before the word in a table and a label: the shape that charts draw."""
    words: str


LOOKS = {
    Verdict.REGRESSED: Look(
        colour=palette.VERMILION,
        symbol="diamond",
        dash="solid",
        sign="◆",
        words=WORDS[Verdict.REGRESSED],
    ),
    Verdict.CANNOT_TELL: Look(
        colour=palette.PURPLE,
        symbol="diamond-open",
        dash="dot",
        sign="◇",
        words=WORDS[Verdict.CANNOT_TELL],
    ),
    Verdict.NOT_WORSE: Look(
        colour=palette.BLUE,
        symbol="circle",
        dash="solid",
        sign="●",
        words=WORDS[Verdict.NOT_WORSE],
    ),
    Verdict.IMPROVED: Look(
        colour=palette.GREEN,
        symbol="square",
        dash="solid",
        sign="■",
        words=WORDS[Verdict.IMPROVED],
    ),
    Verdict.NOT_JUDGED: Look(
        colour=palette.GREY,
        symbol="x-thin-open",
        dash="dot",
        sign="×",
        words=WORDS[Verdict.NOT_JUDGED],
    ),
}
WATCHED = Look(colour=palette.GREY, symbol="circle-open", dash="dash", sign="○", words="shown, not gated")
"""What the policy does not gate: its verdict decides nothing, so it has no verdict's colour."""


def looks(rows: pd.DataFrame) -> list[Look]:
    """The look of each row of the table `verdicts`."""
    return [
        WATCHED if role == Role.WATCHED.value else LOOKS[Verdict(verdict)]
        for role, verdict in zip(rows["role"], rows["verdict"], strict=True)
    ]


def in_order(found: Sequence[Look]) -> list[Look]:
    """The looks that occur, worst first, for a legend."""
    return [look for look in (*LOOKS.values(), WATCHED) if look in found]


def name_of(key: str) -> str:
    """A slice's key as people read it."""
    return "everyone" if key == EVERYONE else key


def short_names(rows: pd.DataFrame) -> list[str]:
    """Names of slices for a chart: values alone where all slices are of the same attributes."""
    of = {tuple(names) for names in rows["attributes"] if len(names)}
    if len(of) == 1:
        return [" & ".join(values) or "everyone" for values in rows["values"]]
    return [name_of(key) for key in rows["slice"]]


def scaled(values: pd.Series, unit: str) -> np.ndarray:
    """Numbers as an axis shows them: rates in percent."""
    return np.asarray(values, dtype=np.float64) * (100.0 if unit in numbers.SHARES else 1.0)


def tip(row: pd.Series, unit: str, old: str, new: str) -> str:
    """Tooltip of a slice: both versions, the harm with its interval, the verdict, what was changed.

    Args:
        row: of the table `verdicts`.
        unit: of the metric.
        old: name of the version compared against.
        new: name of the version judged.
    """
    lines = [
        f"<b>{palette.literal(name_of(row['slice']))}</b>  n={numbers.count(row['n'])}",
        f"{palette.literal(old)} {numbers.number(row['old'], unit)} → "
        f"{palette.literal(new)} {numbers.number(row['new'], unit)}",
    ]
    if not numbers.absent(row["harm"]):
        ends = numbers.span(row["harm_low"], row["harm_high"], unit)
        lines.append(f"harm {with_unit(row['harm'], unit)} ({ends}), margin {size(row['margin'], unit)}")
    elif not numbers.absent(row["change"]):
        ends = numbers.span(row["low"], row["high"], unit)
        lines.append(f"change {with_unit(row['change'], unit)} ({ends})")
    gated = "not gated" if row["role"] == Role.WATCHED.value else row["role"]
    verdict = f"{WORDS[Verdict(row['verdict'])]} ({gated})"
    adjusted = "" if numbers.absent(row["p_adjusted"]) else f", adjusted {numbers.p_value(row['p_adjusted'])}"
    lines.append(verdict + adjusted)
    if not numbers.absent(row["needed_n"]):
        lines.append(f"n that would settle it: {numbers.count(row['needed_n'])}")
    return "<br>".join(lines)


def with_unit(value: float, unit: str) -> str:
    """A signed difference with its unit."""
    return f"{numbers.signed(value, unit)} {numbers.unit_of_difference(unit)}".rstrip()


def size(value: float, unit: str) -> str:
    """The size of a margin with its unit, no more digits than it has: ``5 points``, ``1 year``."""
    shown = round(100 * value, 6) if unit in numbers.SHARES else round(value, 6)
    words = numbers.unit_of_difference(unit)
    return f"{shown:g} {words.removesuffix('s') if shown == 1 else words}".rstrip()
