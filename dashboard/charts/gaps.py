"""The gap chart: a metric in every group of an attribute, beside what each is compared with."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from audit import wording
from dashboard.charts import numbers, palette

ESTABLISHED = ("high", "medium", "low")
MOST_ROWS = 40
"""Groups in one chart; the table beside it has them all."""
ORDERS = ("gap", "value", "n", "name")


def ordered(rows: pd.DataFrame, by: str, most: int = MOST_ROWS) -> pd.DataFrame:
    """The groups to draw, first at the top.

    Args:
        rows: rows of the table `slices` of one output, metric and attribute.
        by: "gap" (the established first, then the size of the difference), "value", "n" or "name".
        most: groups kept.
    """
    rows = rows[rows["value"].notna()]
    if by == "gap":
        size = rows["gap"].abs().fillna(-1)
        rows = rows.assign(_level=rows["severity"].fillna(0), _size=size)
        rows = rows.sort_values(["_level", "_size"], ascending=False, kind="stable")
        return rows.drop(columns=["_level", "_size"]).head(most)
    if by in ("value", "n"):
        return rows.sort_values(by, ascending=False, kind="stable").head(most)
    return rows.head(most)


def gap_chart(rows: pd.DataFrame, everyone: pd.Series | None, unit: str, title: str) -> go.Figure:
    """Dots with intervals, one row a group; grey where a group is too small to be tested.

    Args:
        rows: as `ordered` gives them.
        everyone: the row of the table `slices` that holds every row; None: no line.
        unit: of the metric.
        title: of the metric, for the axis.
    """
    figure = go.Figure()
    names = palette.labels([_name(row) for _, row in rows.iterrows()])
    places = pd.Series(
        [f"{name}  <i>n={numbers.count(n)}</i>" for name, n in zip(names, rows["n"], strict=True)],
        index=rows.index,
        dtype=object,
    )
    kinds = rows.apply(kind_of, axis=1) if len(rows) else pd.Series(dtype=object)
    if everyone is not None:
        _everyone(figure, everyone, unit)
    for kind, (colour, symbol, words) in KINDS.items():
        chosen = rows[kinds == kind]
        if len(chosen):
            figure.add_trace(_dots(chosen, places[chosen.index], unit, colour, symbol, words))
    against = rows[rows["reference_value"].notna()]
    if len(against):
        figure.add_trace(_references(against, places[against.index], unit))
    palette.layout(
        figure,
        palette.FRAME_HEIGHT + palette.ROW_HEIGHT * max(len(rows), 1),
        x=numbers.axis_title(title, unit),
    )
    return palette.rows_of(figure, list(places))


KINDS = {
    "established": (palette.VERMILION, "diamond", "worse, established"),
    "tested": (palette.BLUE, "circle", "tested, not established"),
    "small": (palette.GREY, "circle-open", "shown, not tested"),
}
"""kind of a group -> colour, symbol, words of the legend: never colour alone."""


def kind_of(row: pd.Series) -> str:
    """How surely a group differs: established, tested or only shown."""
    if row["level"] in ESTABLISHED:
        return "established"
    return "small" if row["untested"] else "tested"


def hover(row: pd.Series, unit: str) -> str:
    """Tooltip of a group: value, interval, n, what it was compared with, and why not tested."""
    events = row.get("events")
    lines = [
        f"<b>{palette.literal(_name(row))}</b>",
        numbers.estimate(row["value"], row["low"], row["high"], row["n"], unit, events, named=True),
    ]
    if not numbers.absent(row["gap"]):
        gap = f"{numbers.signed(row['gap'], unit)} {numbers.unit_of_difference(unit)}".strip()
        ends = numbers.span(row["gap_low"], row["gap_high"], unit)
        lines.append(f"{gap} ({ends}) against {palette.literal(str(row['reference']))}")
    if row["untested"]:
        lines.append(f"not tested: {why_untested(row['untested'])}")
    elif not numbers.absent(row["p_adjusted"]):
        lines.append(f"adjusted {numbers.p_value(row['p_adjusted'])}")
    if row["mark"]:
        lines.append(palette.literal(str(row["mark"])))
    return "<br>".join(lines)


def why_untested(code: str) -> str:
    """Words for the column `untested`."""
    return (
        "shown for context, its complement or parts are tested"
        if code == "shown_only"
        else wording.reason(code)
    )


def _name(row: pd.Series) -> str:
    values: Sequence[str] = row["values"]
    return " & ".join(values) if len(values) else "everyone"


def _scaled(values: pd.Series, unit: str) -> Any:
    return (values * 100).tolist() if unit == "rate" else values.tolist()


def _dots(
    rows: pd.DataFrame, places: pd.Series, unit: str, colour: str, symbol: str, words: str
) -> go.Scatter:
    has_ends = rows["low"].notna() & rows["high"].notna()
    return go.Scatter(
        x=_scaled(rows["value"], unit),
        y=places.tolist(),
        error_x=palette.error_bars(
            _scaled((rows["high"] - rows["value"]).where(has_ends, 0.0), unit),
            _scaled((rows["value"] - rows["low"]).where(has_ends, 0.0), unit),
            colour=colour,
        ),
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 10, "line": {"color": colour, "width": 1.5}},
        name=words,
        customdata=[[key] for key in rows["slice"]],
        selected={"marker": {"size": 14}},
        unselected={"marker": {"opacity": 1}},
        hovertext=[hover(row, unit) for _, row in rows.iterrows()],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _references(rows: pd.DataFrame, places: pd.Series, unit: str) -> go.Scatter:
    return go.Scatter(
        x=_scaled(rows["reference_value"], unit),
        y=places.tolist(),
        mode="markers",
        marker={"color": palette.GREY, "symbol": "line-ns-open", "size": 13, "line": {"width": 2}},
        name="compared with",
        customdata=[[key] for key in rows["slice"]],
        unselected={"marker": {"opacity": 1}},
        hovertext=[
            f"{palette.literal(str(row['reference']))}<br>"
            + numbers.estimate(
                row["reference_value"], row["reference_low"], row["reference_high"], row["reference_n"], unit
            )
            for _, row in rows.iterrows()
        ],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _everyone(figure: go.Figure, row: pd.Series, unit: str) -> None:
    """A line at the value of all rows together, with its interval as a band."""
    if numbers.absent(row["value"]):
        return
    scale = 100.0 if unit == "rate" else 1.0
    if not numbers.absent(row["low"]) and not numbers.absent(row["high"]):
        figure.add_vrect(
            x0=row["low"] * scale, x1=row["high"] * scale, fillcolor=palette.BAND, line_width=0, layer="below"
        )
    at = row["value"] * scale
    figure.add_vline(x=at, line={"color": palette.GREY, "width": 1.5, "dash": "dot"})
    # A line of its own in the legend: a label in the plot would cover a dot sooner or later.
    figure.add_trace(
        go.Scatter(
            x=[None],
            y=[None],
            mode="lines",
            line={"color": palette.GREY, "width": 1.5, "dash": "dot"},
            name=f"everyone: {numbers.number(row['value'], unit)}",
            hoverinfo="skip",
        )
    )
