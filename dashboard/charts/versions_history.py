"""The way of slices through more than two versions."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette
from dashboard.charts.versions_looks import name_of, scaled

MOST_WAYS = 6
"""Slices in one chart: as many as there are symbols."""


def history_chart(rows: pd.DataFrame, keys: list[str], unit: str, title: str) -> go.Figure:
    """One line a slice, versions from left to right, each value with its own interval.

    Args:
        rows: rows of the table `history` of one output and metric.
        keys: slices to draw, at most `MOST_WAYS`.
        unit: of the metric.
        title: of the metric, for the axis.
    """
    figure = go.Figure()
    names = palette.labels([name_of(key) for key in keys], 34)
    width = 0.05
    for i, (key, name) in enumerate(zip(keys, names, strict=True)):
        own = rows[rows["slice"] == key].sort_values("step")
        value, low, high = (scaled(own[column], unit) for column in ("value", "value_low", "value_high"))
        known = np.isfinite(low) & np.isfinite(high)
        colour = palette.CYCLE[i % len(palette.CYCLE)] if i < len(palette.CYCLE) else palette.GREY
        figure.add_trace(
            go.Scatter(
                x=(own["step"].to_numpy() + (i - (len(keys) - 1) / 2) * width).tolist(),
                y=value.tolist(),
                error_y=palette.error_bars(
                    np.where(known, high - value, 0.0).tolist(),
                    np.where(known, value - low, 0.0).tolist(),
                    thickness=1.2,
                    colour=colour,
                ),
                mode="lines+markers",
                line={"color": colour, "dash": palette.DASHES[i % len(palette.DASHES)]},
                marker={"symbol": palette.SYMBOLS[i % len(palette.SYMBOLS)], "size": 9},
                name=name,
                hovertext=[_tip(row, unit) for _, row in own.iterrows()],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    versions = rows.drop_duplicates("step").sort_values("step")
    palette.layout(figure, 420, y=numbers.axis_title(title, unit), showlegend=True)
    figure.update_xaxes(
        tickvals=versions["step"].tolist(),
        ticktext=palette.labels(versions["version"].astype(str).tolist()),
        range=[-0.3, len(versions) - 0.7],
    )
    return figure


def _tip(row: pd.Series, unit: str) -> str:
    head = f"<b>{palette.literal(name_of(row['slice']))}</b>, {palette.literal(str(row['version']))}"
    value = numbers.estimate(row["value"], row["value_low"], row["value_high"], row["n"], unit)
    if numbers.absent(row["harm"]):
        return f"{head}<br>{value}"
    step = f"{numbers.signed(row['harm'], unit)} ({numbers.span(row['harm_low'], row['harm_high'], unit)})"
    return f"{head}<br>{value}<br>harm against the version before: {step}"
