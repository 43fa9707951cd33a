"""What leaked rows did to one metric: with and without them, and the difference with its interval."""

from __future__ import annotations

from typing import Any

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from audit.metrics import metric as find_metric
from dashboard.charts import numbers, palette

FLATTERED, WORSENED, UNCHANGED, UNTESTED = "flattered", "worsened", "no change shown", "not computed"
ESTABLISHED = 0.05
KINDS = {
    FLATTERED: (palette.VERMILION, "diamond", "reads better than it is, established"),
    WORSENED: (palette.BLUE, "square", "reads worse than it is, established"),
    UNCHANGED: (palette.BLUE, "circle", "no change established"),
}
"""Kind of a change -> colour, symbol, words of the legend: never colour alone."""


def kind_of(row: pd.Series) -> str:
    """Whether leaked rows are shown to flatter a metric.

    Args:
        row: of the table `inflation`.
    """
    if numbers.absent(row["low"]) or numbers.absent(row["high"]) or numbers.absent(row["inflation"]):
        return UNTESTED
    settled = not numbers.absent(row["p_adjusted"]) and row["p_adjusted"] <= ESTABLISHED
    if not settled or row["low"] <= 0 <= row["high"]:
        return UNCHANGED
    lower_is_better = find_metric(str(row["metric"])).better == "lower"
    return FLATTERED if (row["inflation"] < 0) == lower_is_better else WORSENED


def inflation_chart(rows: pd.DataFrame, names: list[str], unit: str, title: str) -> go.Figure:
    """Two panels over the same groups: the metric with and without leaked rows, and the difference.

    Args:
        rows: rows of the table `inflation` of one output and metric, everyone first.
        names: of each row.
        unit: of the metric.
        title: of the metric, for the axis.
    """
    places = [
        f"{name}  <i>n={numbers.count(n)}, leaked {numbers.count(leaked)}</i>"
        for name, n, leaked in zip(palette.labels(names), rows["n"], rows["leaked"], strict=True)
    ]
    figure = make_subplots(cols=2, shared_yaxes=True, horizontal_spacing=0.04, column_widths=[0.52, 0.48])
    _values(figure, rows, places, names, unit)
    _differences(figure, rows, places, names, unit)
    figure.add_vline(x=0, line={"color": palette.GREY, "width": 1.5, "dash": "dot"}, col=2, row=1)
    palette.layout(figure, palette.FRAME_HEIGHT + 14 + palette.ROW_HEIGHT * max(len(rows), 2))
    palette.rows_of(figure, places)
    figure.update_xaxes(title=numbers.axis_title(title, unit), col=1)
    points = numbers.unit_of_difference(unit)
    figure.update_xaxes(title=f"With − without{f' ({points})' if points else ''}", col=2)
    return figure


def _scaled(values: pd.Series, unit: str) -> list[Any]:
    return ((values * 100) if unit == "rate" else values).tolist()


def _values(figure: go.Figure, rows: pd.DataFrame, places: list[str], names: list[str], unit: str) -> None:
    """A line from the metric with all rows to the metric without leaked ones."""
    whole, clean = _scaled(rows["all"], unit), _scaled(rows["clean"], unit)
    figure.add_trace(
        go.Scatter(
            x=[x for pair in zip(whole, clean, strict=True) for x in (*pair, None)],
            y=[y for place in places for y in (place, place, None)],
            mode="lines",
            line={"color": palette.GREY, "width": 2},
            hoverinfo="skip",
            showlegend=False,
        ),
        col=1,
        row=1,
    )
    for name, values, symbol, colour in (
        ("all rows", whole, "circle-open", palette.GREY),
        ("without leaked rows", clean, "circle", palette.BLUE),
    ):
        figure.add_trace(
            go.Scatter(
                x=values,
                y=places,
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 10, "line": {"color": colour, "width": 2}},
                name=name,
                hovertext=[
                    f"<b>{palette.literal(who)}</b><br>{name}: {numbers.number(x, unit)}"
                    for who, x in zip(names, rows["all" if symbol == "circle-open" else "clean"], strict=True)
                ],
                hovertemplate="%{hovertext}<extra></extra>",
            ),
            col=1,
            row=1,
        )


def _differences(
    figure: go.Figure, rows: pd.DataFrame, places: list[str], names: list[str], unit: str
) -> None:
    kinds = [kind_of(row) for _, row in rows.iterrows()]
    for kind, (colour, symbol, words) in KINDS.items():
        chosen = [place for place, own in enumerate(kinds) if own == kind]
        if not chosen:
            continue
        own = rows.iloc[chosen]
        figure.add_trace(
            go.Scatter(
                x=_scaled(own["inflation"], unit),
                y=[places[k] for k in chosen],
                error_x=palette.error_bars(
                    _scaled(own["high"] - own["inflation"], unit),
                    _scaled(own["inflation"] - own["low"], unit),
                    colour=colour,
                ),
                mode="markers",
                marker={"color": colour, "symbol": symbol, "size": 10},
                name=words,
                hovertext=[_tip(rows.iloc[k], names[k], unit) for k in chosen],
                hovertemplate="%{hovertext}<extra></extra>",
            ),
            col=2,
            row=1,
        )


def _tip(row: pd.Series, name: str, unit: str) -> str:
    points = numbers.unit_of_difference(unit)
    return "<br>".join(
        (
            f"<b>{palette.literal(name)}</b>",
            f"{numbers.number(row['all'], unit)} with, {numbers.number(row['clean'], unit)} without",
            f"{numbers.signed(row['inflation'], unit)} {points} "
            f"({numbers.span(row['low'], row['high'], unit)})",
            f"adjusted {numbers.p_value(row['p_adjusted'])}",
            f"{numbers.count(row['leaked'])} of {numbers.count(row['n'])} rows leaked",
        )
    )
