"""What if: one common threshold for everybody, and each group's errors over the grid."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

MEASURES = {
    "fpr": "False positive rate",
    "fnr": "False negative rate",
    "selection_rate": "Selection rate",
    "error_rate": "Error rate",
}
MOST_GROUPS = 6
COLOURS = (palette.BLUE, palette.VERMILION, palette.GREEN, palette.PURPLE, palette.BLUE_ON_DARK, "#B8860B")


def nearest(rows: pd.DataFrame, threshold: float) -> float:
    """The threshold of the table's grid that is closest to one asked for."""
    grid = rows["threshold"].drop_duplicates()
    return float(grid.iloc[(grid - threshold).abs().argmin()])


def whatif_chart(rows: pd.DataFrame, measure: str, groups: list[str], threshold: float) -> go.Figure:
    """A line a group over all thresholds, with the one that is asked about and the one in force.

    Args:
        rows: rows of the table `thresholds` of one output.
        measure: a key of `MEASURES`.
        groups: slice keys to draw, `MOST_GROUPS` at most.
        threshold: the common threshold that is asked about.
    """
    figure = go.Figure()
    for i, key in enumerate(groups[:MOST_GROUPS]):
        own = rows[rows["slice"] == key].sort_values("threshold")
        name = "everyone" if key == "all" else str(own["value"].iloc[0]) if len(own) else key
        short = palette.literal(palette.shorten(name))
        figure.add_trace(
            go.Scatter(
                x=own["threshold"].tolist(),
                y=(own[measure] * 100).tolist(),
                mode="lines",
                line={"color": COLOURS[i], "dash": palette.DASHES[i % len(palette.DASHES)], "width": 2},
                name=short,
                hovertext=[tip(row, measure) for _, row in own.iterrows()],
                hovertemplate="%{hovertext}<extra>" + short + "</extra>",
            )
        )
    in_force = rows.loc[rows["in_force"], "threshold"].drop_duplicates().tolist()
    for at in in_force:
        figure.add_vline(x=at, line={"color": palette.GREY, "dash": "dot", "width": 1.5})
        _note(figure, at, f"in force {at:g}", "top")
    if threshold not in in_force:
        figure.add_vline(x=threshold, line={"color": palette.GREY, "width": 1.5})
        _note(figure, threshold, f"asked {threshold:g}", "bottom")
    palette.layout(figure, 420, x="One common threshold on the score", y=f"{MEASURES[measure]} (%)")
    figure.update_yaxes(rangemode="tozero")
    figure.update_xaxes(range=[0, 1])
    return figure


def tip(row: pd.Series, measure: str) -> str:
    """Value at a threshold with its n, and its interval where the table holds one."""
    n = {"fpr": row["negatives"], "fnr": row["positives"]}.get(measure, row["positives"] + row["negatives"])
    low, high = row.get(f"{measure}_low"), row.get(f"{measure}_high")
    return f"threshold {row['threshold']:g}<br>{numbers.estimate(row[measure], low, high, n)}"


def _note(figure: go.Figure, x: float, text: str, where: str) -> None:
    figure.add_annotation(
        x=x,
        y=1 if where == "top" else 0.9,
        yref="paper",
        text=text,
        showarrow=False,
        xanchor="left" if x < 0.8 else "right",
        xshift=4 if x < 0.8 else -4,
        font={"size": 11},
    )
