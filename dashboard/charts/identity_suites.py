"""Pass rates of a suite: targets down, functionalities across."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from audit import wording
from dashboard.charts import numbers, palette

ROW, FRAME = 25, 150
SCALE = [[0.0, palette.VERMILION], [0.5, "#EBC9AC"], [1.0, "#EEF1F4"]]
"""Failing stands out: pale where everything passes."""


def suite_chart(rows: pd.DataFrame, targets: list[str], functionalities: list[str]) -> go.Figure:
    """Draw pass rates as cells with their numbers.

    Args:
        rows: of the table `suites`, of one suite, gold "both", with a functionality and a target.
        targets: to draw, first at the top.
        functionalities: to draw, from left to right.
    """
    down = dict(zip(targets, palette.labels([wording.identity(t) for t in targets], 24), strict=True))
    across = dict(
        zip(functionalities, palette.labels([wording.identity(f) for f in functionalities], 20), strict=True)
    )
    own = rows[rows["target"].isin(down) & rows["functionality"].isin(across)]
    looks = own.assign(x=own["functionality"].map(across), y=own["target"].map(down))
    colours = looks.set_index(["y", "x"])["rate"].to_dict()
    figure = go.Figure(
        go.Heatmap(
            z=[[colours.get((y, x)) for x in across.values()] for y in down.values()],
            x=list(across.values()),
            y=list(down.values()),
            colorscale=SCALE,
            zmin=0,
            zmax=1,
            xgap=2,
            ygap=2,
            hoverinfo="skip",
            hoverongaps=False,
            colorbar={
                "title": {"text": "passed"},
                "tickformat": ".0%",
                "thickness": 12,
                "lenmode": "pixels",
                "len": 170,
                "y": 1,
                "yanchor": "top",
                "outlinewidth": 0,
            },
        )
    )
    for dark, part in looks.groupby(looks["rate"] < 0.2):
        figure.add_trace(
            go.Scatter(
                x=part["x"].tolist(),
                y=part["y"].tolist(),
                mode="markers+text",
                marker={"opacity": 0, "size": ROW - 3, "symbol": "square"},
                text=[f"{row['passed']}/{row['n']}" for _, row in part.iterrows()],
                textfont={"size": 10, "color": "#FFFFFF" if dark else "#202020"},
                hovertext=[tip(row) for _, row in part.iterrows()],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    palette.layout(figure, FRAME + ROW * max(len(down), 3), showlegend=False)
    palette.rows_of(figure, list(down.values())).update_yaxes(ticks="")
    palette.columns_of(figure, list(across.values())).update_xaxes(tickangle=-35)
    figure.update_layout(margin={"t": 90, "b": 12})
    return figure


def tip(row: pd.Series) -> str:
    """Pass rate with its Wilson interval."""
    value = numbers.estimate(row["rate"], row["low"], row["high"], row["n"], "rate", row["passed"])
    name = f"{wording.identity(row['functionality'])}, {wording.identity(row['target'])}"
    small = "<br>fewer cases than the minimum n" if row["mark"] else ""
    return f"<b>{palette.literal(name)}</b><br>passed {value}{small}"
