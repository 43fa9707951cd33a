"""How often something is so in each group: dots with intervals, everyone as a line."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

MOST_ROWS = 40
"""Groups that are drawn, those with the most rows; the table has all."""


def rate_chart(rows: pd.DataFrame, everyone: pd.Series | None, title: str, minimum_n: int) -> go.Figure:
    """A dot a group with its interval; small groups are open and grey.

    Args:
        rows: columns value, n, events, rate, low, high, in the order to draw.
        everyone: the same of all rows together: a dotted line and a band; None: not drawn.
        title: of the axis, without its unit.
        minimum_n: below it a group is small.
    """
    known = rows[rows["rate"].notna()]
    places = [
        f"{name}  <i>n={numbers.count(n)}</i>"
        for name, n in zip(palette.labels(rows["value"].tolist()), rows["n"], strict=True)
    ]
    place_of = dict(zip(rows.index, places, strict=True))
    figure = go.Figure()
    large = known["n"] >= minimum_n
    for own, colour, symbol, words in (
        (known[large], palette.BLUE, "circle", f"n of {minimum_n} or more"),
        (known[~large], palette.GREY, "circle-open", f"fewer than {minimum_n} rows"),
    ):
        if len(own):
            figure.add_trace(_dots(own, [place_of[i] for i in own.index], colour, symbol, words))
    if everyone is not None and not numbers.absent(everyone["rate"]):
        figure.add_vrect(
            x0=everyone["low"] * 100,
            x1=everyone["high"] * 100,
            fillcolor=palette.BAND,
            line_width=0,
            layer="below",
        )
        line = {"color": palette.GREY, "width": 1.5, "dash": "dot"}
        figure.add_vline(x=everyone["rate"] * 100, line=line)
        figure.add_trace(
            go.Scatter(x=[None], y=[None], mode="lines", line=line, name="everyone", hoverinfo="skip")
        )
    palette.layout(
        figure,
        palette.FRAME_HEIGHT + palette.ROW_HEIGHT * max(len(rows), 2),
        x=numbers.axis_title(title, "rate"),
        showlegend=len(figure.data) > 1,
    )
    palette.rows_of(figure, places)
    figure.update_xaxes(rangemode="tozero")
    return figure


def _dots(rows: pd.DataFrame, places: list[str], colour: str, symbol: str, words: str) -> go.Scatter:
    return go.Scatter(
        x=(rows["rate"] * 100).tolist(),
        y=places,
        error_x=palette.error_bars(
            ((rows["high"] - rows["rate"]) * 100).tolist(), ((rows["rate"] - rows["low"]) * 100).tolist()
        ),
        mode="markers",
        cliponaxis=False,
        marker={"color": colour, "symbol": symbol, "size": 10},
        name=words,
        hovertext=[_tip(row) for _, row in rows.iterrows()],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _tip(row: pd.Series) -> str:
    shown = numbers.estimate(row["rate"], row["low"], row["high"], row["n"], "rate", row["events"])
    return f"<b>{palette.literal(row['value'])}</b><br>{shown}<br>{numbers.count(row['events'])} rows"
