"""Reliability diagram: how often the event happened among rows with about the same score, by group."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

MOST_GROUPS = 4
"""Lines in one diagram: more can't be told apart."""


def reliability_chart(points: pd.DataFrame, groups: list[str]) -> go.Figure:
    """A line a group over the diagonal of perfect calibration, with an interval at every point.

    Args:
        points: rows of the table `calibration` of one output.
        groups: slice keys to draw, `MOST_GROUPS` at most.
    """
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=[0, 100],
            y=[0, 100],
            mode="lines",
            line={"color": palette.GREY, "dash": "dot", "width": 1},
            name="perfect calibration",
            hoverinfo="skip",
        )
    )
    for i, key in enumerate(groups[:MOST_GROUPS]):
        own = points[points["slice"] == key].sort_values("bin")
        name = "everyone" if key == "all" else str(own["value"].iloc[0]) if len(own) else key
        colour = palette.CYCLE[i]
        figure.add_trace(
            go.Scatter(
                x=(own["mean_score"] * 100).tolist(),
                y=(own["rate"] * 100).tolist(),
                error_y=palette.error_bars(
                    ((own["high"] - own["rate"]) * 100).tolist(),
                    ((own["rate"] - own["low"]) * 100).tolist(),
                    thickness=1,
                    colour=colour,
                ),
                mode="lines+markers",
                line={"color": colour, "dash": palette.DASHES[i], "width": 1.5},
                marker={"color": colour, "symbol": palette.SYMBOLS[i], "size": 8},
                name=palette.literal(palette.shorten(name)),
                hovertext=[_tip(row) for _, row in own.iterrows()],
                hovertemplate="%{hovertext}<extra>" + palette.literal(palette.shorten(name)) + "</extra>",
            )
        )
    palette.layout(figure, 460, x="Mean score of the rows (%)", y="Truth is positive (%)")
    figure.update_xaxes(range=[-2, 102])
    figure.update_yaxes(range=[-2, 102])
    return figure


def _tip(row: pd.Series) -> str:
    rate = numbers.estimate(row["rate"], row["low"], row["high"], row["n"])
    return (
        f"scores {numbers.number(row['score_from'])} to {numbers.number(row['score_to'])}, "
        f"mean {numbers.number(row['mean_score'])}<br>positive: {rate}"
    )
