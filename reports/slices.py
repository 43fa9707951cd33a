"""The page on slices: a chart in a table for each output, those with the worst slices first."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import groupby
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from audit.core import Level
from audit.metrics import METRICS
from reports import numbers, svg
from reports.privacy import is_small
from reports.sentences import title
from reports.texts import UNTESTED_SHORT

MOST_LINES = 48
"""Lines of all charts together, heads included; groups with findings are kept, then the largest."""
HEAD, LEAST_LINES = 4, 12
"""Lines of a chart's head, and lines that must be left for another chart."""
MOST_PER_ATTRIBUTE = 16
LABEL = 20
"""Signs of a label that fit on one line."""
NEEDED = ("output", "metric", "slice", "depth", "rows", "n", "value", "low", "high")
Row = Mapping[str, Any]


def usable(table: pa.Table | None) -> bool:
    """Whether a table of slices has what a chart needs."""
    return table is not None and set(NEEDED) <= set(table.column_names)


def charts(table: pa.Table, units: Mapping[str, str]) -> tuple[list[dict[str, Any]], list[str]]:
    """One chart an output, those with the worst slices first.

    Args:
        table: the run's slices.
        units: output -> the unit of its numbers.

    Returns:
        Charts, and the outputs that have none because there are too many.
    """
    singles = table.filter(pc.equal(table["depth"], 1))
    if not singles.num_rows:
        return [], []
    rows = table.filter(pc.less_equal(table["depth"], 1)).to_pylist()
    by_output = {name: list(found) for name, found in groupby(rows, key=lambda r: r["output"])}
    made: dict[str, dict[str, Any]] = {}
    room = MOST_LINES
    for name in sorted(by_output, key=lambda name: -max(_weight(r) for r in by_output[name])):
        if room >= LEAST_LINES:
            chart = _chart(name, by_output[name], units.get(name, ""), room - HEAD)
            room -= HEAD + sum(_lines(group["label"]) for group in chart["groups"])
            made |= {name: chart} if chart["groups"] else {}
    return [made[n] for n in by_output if n in made], [n for n in by_output if n not in made]


def _lines(label: str) -> int:
    return 1 + max(0, len(label) - 1) // LABEL


def _weight(row: Row) -> float:
    return float(row.get("severity") or 0.0) if row.get("level") else 0.0


def headline_metrics(present: Iterable[str]) -> list[str]:
    """The metrics that a chart shows: headline errors, else selection rate, else nothing."""
    names = list(dict.fromkeys(present))
    errors = [n for n in names if n in METRICS and METRICS[n].headline]
    errors = [n for n in errors if n != "error_rate" or "fpr" not in names]
    return errors[:2] or [str(n) for n in ("selection_rate", "exact_match") if n in names][:1]


def _chart(output: str, rows: Sequence[Row], unit: str, room: int) -> dict[str, Any]:
    names = headline_metrics(r["metric"] for r in rows)
    cells = {(r["metric"], r["slice"]): r for r in rows}
    groups = _groups([r for r in rows if r["depth"] == 1 and r["metric"] in names])
    kept, left = _largest(groups, cells, names, room)
    axes = {
        n: _axis([cells[n, key] for key, _, _ in kept if (n, key) in cells], n, len(names)) for n in names
    }
    overall = {n: cells.get((n, "all")) for n in names}
    columns = [_column(n, axes[n], overall[n], _unit(cells, n, unit)) for n in names]
    body = [
        {
            "attribute": attribute,
            "label": value,
            "cells": [_cell(cells.get((n, key)), axes[n], overall[n], unit) for n in names],
        }
        for key, attribute, value in kept
    ]
    return {"output": output, "columns": columns, "groups": body, "left": left}


def _groups(rows: Sequence[Row]) -> list[tuple[str, str, str, int]]:
    """(key, attribute, value, rows) of each single-attribute slice, in the run's order."""
    found = {r["slice"]: (r["slice"], *_names(r), int(r["rows"])) for r in rows}
    return list(found.values())


def _names(row: Row) -> tuple[str, str]:
    if row.get("attributes") and row.get("values"):
        return row["attributes"][0], row["values"][0]
    attribute, _, value = row["slice"].partition("=")
    return attribute, value


def _largest(
    groups: Sequence[tuple[str, str, str, int]],
    cells: Mapping[tuple[str, str], Row],
    names: Sequence[str],
    room: int,
) -> tuple[list[tuple[str, str, str]], int]:
    """The groups to show: findings first, then the largest; in the run's order again."""

    def rank(group: tuple[str, str, str, int]) -> tuple[float, int]:
        worst = max((_weight(cells[n, group[0]]) for n in names if (n, group[0]) in cells), default=0.0)
        return -worst, -group[3]

    kept: set[str] = set()
    for _, of in groupby(groups, key=lambda g: g[1]):
        kept |= {g[0] for g in sorted(of, key=rank)[:MOST_PER_ATTRIBUTE]}
    shown: set[str] = set()
    for group in sorted((g for g in groups if g[0] in kept), key=rank):
        room -= _lines(group[2])
        if room >= 0:
            shown.add(group[0])
    return [g[:3] for g in groups if g[0] in shown], len(groups) - len(shown)


def _axis(rows: Sequence[Row], name: str, beside: int) -> svg.Scale:
    shown = [r for r in rows if r["value"] is not None and not _hidden(r)]
    firm = [r for r in shown if not _grey(r)] or shown
    values = [r[end] for r in firm for end in ("low", "high", "value") if r[end] is not None]
    rate = name in METRICS and METRICS[name].unit == "rate"
    width = svg.NARROW if beside > 1 else svg.WIDE
    return svg.scale(values or [0.0, 1.0], zero=True, top=1.0 if rate else None, width=width)


def _unit(cells: Mapping[tuple[str, str], Row], name: str, unit: str) -> str:
    stated = next((r.get("unit", "") for (n, _), r in cells.items() if n == name), "")
    return unit if stated in numbers.UNNAMED else stated


def _column(name: str, axis: svg.Scale, everyone: Row | None, unit: str) -> dict[str, Any]:
    shown = _shown(everyone, unit) if everyone else numbers.Shown(value="")
    return {
        "metric": title(name),
        "unit": "" if unit in ("rate", "AUC", "") else f", {unit}",
        "axis": [_end(axis.low, unit), _end(axis.high, unit)],
        "overall": shown.value
        if unit == "rate" or not everyone or everyone["value"] is None
        else numbers.amount(everyone["value"], unit),
        "interval": shown.interval,
        "n": shown.n,
        "strip": svg.strip(None, axis, everyone["value"] if everyone else None),
    }


def _end(x: float, unit: str) -> str:
    """An end of an axis: as few decimals as it needs."""
    shown = round(100 * x, 6) if unit == "rate" else round(x, 6)
    return f"{shown:g}".replace("-", numbers.MINUS) + ("%" if unit == "rate" else "")


def _hidden(row: Row) -> bool:
    """Too few rows to share; a denominator of 0 has its reason shown instead."""
    return is_small(row["rows"]) or (row["n"] != 0 and is_small(row["n"]))


def _grey(row: Row) -> bool:
    return str(row.get("untested", "")) in ("too_few", "too_few_expected", "unknown_group")


def _shown(row: Row, unit: str) -> numbers.Shown:
    own = unit if row.get("unit") in numbers.UNNAMED else row.get("unit", "")
    return numbers.measured(
        row["value"], row["low"], row["high"], row["n"], row.get("events"), own, str(row.get("empty") or "")
    )


def _cell(row: Row | None, axis: svg.Scale, everyone: Row | None, unit: str) -> dict[str, Any]:
    """One group in one metric."""
    overall = None if everyone is None else everyone["value"]
    blank = {
        "state": "none",
        "value": "",
        "interval": "",
        "n": "",
        "gap": "",
        "p": "",
        "alt": "",
        "strip": "",
    }
    if row is None:
        return blank
    if _hidden(row):
        return blank | {"state": "hidden", "value": "hidden", "n": "<10"}
    if row["value"] is None:
        return blank | {"state": "none", "value": numbers.reason(str(row.get("empty") or "")), "n": "0"}
    shown = _shown(row, unit)
    own = unit if row.get("unit") in numbers.UNNAMED else row.get("unit", "")
    gap = row.get("gap")
    state = "finding" if row.get("level") else "small" if _grey(row) else "known"
    reference = None if is_small(row.get("reference_n")) else row.get("reference_value")
    mark = svg.Mark(value=row["value"], low=row["low"], high=row["high"], reference=reference, kind=state)
    return {
        "state": state,
        "value": shown.value if own == "rate" else numbers.amount(row["value"], own),
        "interval": shown.interval,
        "n": shown.n,
        "gap": "" if gap is None or reference is None else numbers.signed(gap, own),
        "p": _p(row),
        "strip": svg.strip(mark, axis, overall),
        "alt": _alt(row, shown, reference, own),
    }


def _p(row: Row) -> str:
    if row.get("p_adjusted") is not None:
        return numbers.p(row["p_adjusted"])
    code = str(row.get("untested", ""))
    return UNTESTED_SHORT.get(code, code.replace("_", " "))


def _alt(row: Row, shown: numbers.Shown, reference: float | None, unit: str) -> str:
    against = (
        f", compared with {numbers.value(reference, unit)} for {row['reference']}"
        if reference is not None
        else ""
    )
    interval = f", interval {shown.interval}" if shown.interval else ""
    level = f", finding: {Level(row['level']).value}" if row.get("level") else ""
    return f"{title(row['metric'])}, {row['slice']}: {shown.value}{interval}{against}{level}."
