"""How a number is distributed: steps over bins, a line a part."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

MOST_PARTS = 4
"""Lines that can be told apart by colour and dash."""


def histogram_chart(rows: pd.DataFrame, title: str) -> go.Figure:
    """Share of each part's rows in every bin.

    Args:
        rows: columns value, low, high, n, share; the bins of every part are the same. The first
            `MOST_PARTS` values are drawn.
        title: of the axis, with its unit.
    """
    figure = go.Figure()
    parts = list(dict.fromkeys(rows["value"]))[:MOST_PARTS]
    for i, (name, label) in enumerate(zip(parts, palette.labels(parts), strict=True)):
        own = rows[rows["value"] == name]
        figure.add_trace(
            go.Scatter(
                x=[*own["low"], own["high"].iloc[-1]],
                y=[*(own["share"] * 100), float(own["share"].iloc[-1] * 100)],
                mode="lines",
                line={
                    "shape": "hv",
                    "color": palette.CYCLE[i],
                    "dash": palette.DASHES[i],
                    "width": 1.8,
                },
                fill="tozeroy" if len(parts) == 1 else "none",
                fillcolor="rgba(0, 114, 178, 0.15)",
                name=f"{label} (n={numbers.count(own['n'].sum())})",
                hovertext=[*(_tip(row) for _, row in own.iterrows()), ""],
                hovertemplate="%{hovertext}<extra>" + label + "</extra>",
            )
        )
    palette.layout(figure, 340, x=title, y="Share of rows (%)", showlegend=True)
    figure.update_yaxes(rangemode="tozero")
    return figure


def _tip(row: pd.Series) -> str:
    rows = f"{numbers.count(row['n'])} rows, {numbers.number(row['share'])}"
    return f"{row['low']:g} to below {row['high']:g}<br>{rows}"
