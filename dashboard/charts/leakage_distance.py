"""What lies at each distance between two pictures or texts: pairs, chance, and the share that are copies."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go
from plotly.subplots import make_subplots

from dashboard.charts import numbers, palette

SMALLEST = 0.05
"""Expected pairs below this are drawn at the floor of the logarithmic axis: they are as good as none."""
HALF = 50


def drawn(rows: pd.DataFrame) -> pd.DataFrame:
    """The distances to draw: even ones, and odd ones where a pair was seen (pHash has none).

    Args:
        rows: the table `by_distance`.
    """
    return rows[(rows["distance"] % 2 == 0) | (rows["pairs"] > 0)]


def distance_chart(rows: pd.DataFrame, recommended: int, chosen: int, recall: pd.DataFrame) -> go.Figure:
    """Pairs by distance over the curve of chance, and below it the share that the second check confirms.

    Args:
        rows: the table `by_distance`.
        recommended: distance in bits.
        chosen: the distance that is looked at.
        recall: columns `distance` and `recall`: of planted copies of all kinds together; may be empty.
    """
    rows = drawn(rows)
    figure = make_subplots(rows=2, shared_xaxes=True, vertical_spacing=0.09, row_heights=[0.55, 0.45])
    _pairs(figure, rows)
    _shares(figure, rows, recall)
    palette.layout(figure, 470)
    figure.add_vrect(
        x0=chosen - 0.45,
        x1=chosen + 0.45,
        fillcolor=palette.BAND,
        line_width=0,
        layer="below",
        row="all",
        col=1,
    )
    figure.add_vline(
        x=recommended, line={"color": palette.GREEN, "width": 2, "dash": "dash"}, row="all", col=1
    )
    figure.add_trace(
        go.Scatter(
            x=[None],
            y=[None],
            mode="lines",
            line={"color": palette.GREEN, "width": 2, "dash": "dash"},
            name=f"recommended: {recommended} bits",
            hoverinfo="skip",
        )
    )
    figure.update_yaxes(
        title="Pairs", type="log", dtick=1, exponentformat="none", separatethousands=True, row=1
    )
    figure.update_yaxes(title="Share (%)", range=[-4, 104], row=2)
    figure.update_xaxes(tickvals=rows["distance"].tolist(), row=1)
    figure.update_xaxes(title="Distance between two pictures (bits of pHash)", row=2)
    figure.update_xaxes(tickvals=rows["distance"].tolist(), row=2)
    return figure


def _pairs(figure: go.Figure, rows: pd.DataFrame) -> None:
    seen = rows[rows["pairs"] > 0]
    figure.add_trace(
        go.Bar(
            x=seen["distance"].tolist(),
            y=seen["pairs"].tolist(),
            width=0.8,
            marker={"color": palette.BLUE},
            name="pairs of distinct pictures",
            hovertext=[_tip(row) for _, row in seen.iterrows()],
            hovertemplate="%{hovertext}<extra></extra>",
        ),
        row=1,
        col=1,
    )
    figure.add_trace(
        go.Scatter(
            x=rows["distance"].tolist(),
            y=rows["by_chance"].clip(lower=SMALLEST).tolist(),
            mode="lines+markers",
            line={"color": palette.VERMILION, "dash": "dot", "width": 2},
            marker={"symbol": "x", "size": 7},
            name=f"by chance, unrelated pictures (drawn from {SMALLEST:g} up)",
            hovertext=[
                f"{row['distance']} bits<br>by chance {row['by_chance']:.3g} pairs"
                for _, row in rows.iterrows()
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        ),
        row=1,
        col=1,
    )


def _tip(row: pd.Series) -> str:
    checked = "all" if row["checked"] == row["pairs"] else f"a sample of {numbers.count(row['checked'])}"
    return (
        f"<b>{row['distance']} bits</b><br>{numbers.count(row['pairs'])} pairs, {row['by_chance']:.3g} by "
        "chance"
        f"<br>{checked} checked, {numbers.count(row['confirmed'])} confirmed as copies"
    )


def _shares(figure: go.Figure, rows: pd.DataFrame, recall: pd.DataFrame) -> None:
    known = rows[rows["share"].notna()]
    figure.add_trace(
        go.Scatter(
            x=known["distance"].tolist(),
            y=(known["share"] * 100).tolist(),
            error_y=palette.error_bars(
                ((known["share_high"] - known["share"]) * 100).tolist(),
                ((known["share"] - known["share_low"]) * 100).tolist(),
            ),
            mode="markers",
            marker={"color": palette.BLUE, "symbol": "diamond", "size": 10},
            name="confirmed as copies, of the pairs at this distance",
            hovertext=[
                f"<b>{row['distance']} bits</b><br>"
                f"{numbers.count(row['confirmed'])} of {numbers.count(row['checked'])} confirmed: "
                f"{numbers.number(row['share'])} ({numbers.span(row['share_low'], row['share_high'])})"
                for _, row in known.iterrows()
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        ),
        row=2,
        col=1,
    )
    if len(recall):
        figure.add_trace(
            go.Scatter(
                x=recall["distance"].tolist(),
                y=(recall["recall"] * 100).tolist(),
                mode="lines",
                line={"color": palette.PURPLE, "dash": "dash", "width": 2},
                name="planted copies found up to here, all kinds",
                hovertemplate="up to %{x} bits: %{y:.0f}% of planted copies<extra></extra>",
            ),
            row=2,
            col=1,
        )
    figure.add_hline(y=HALF, line={"color": palette.GREY, "width": 1, "dash": "dot"}, row=2, col=1)


def overlap_chart(rows: pd.DataFrame, chosen: float, width: float) -> go.Figure:
    """Pairs of texts by how many words they share, those in order and those reordered.

    Args:
        rows: columns `step` (1 - similarity, upper end of a band), `kind` and `pairs`.
        chosen: the band that is looked at.
        width: of a band.
    """
    figure = go.Figure()
    styles = ((palette.BLUE, ""), (palette.GREEN, "/"), (palette.VERMILION, "x"), (palette.PURPLE, "."))
    labels = [band(step, width) for step in sorted(rows["step"].unique())]
    for (kind, own), (colour, pattern) in zip(rows.groupby("kind", sort=True), styles, strict=False):
        figure.add_trace(
            go.Bar(
                x=[band(step, width) for step in own["step"]],
                y=own["pairs"].tolist(),
                marker={"color": colour, "pattern": {"shape": pattern}},
                name=palette.literal(str(kind)),
                hovertemplate="%{x}: %{y:,} pairs<extra>" + palette.literal(str(kind)) + "</extra>",
            )
        )
    palette.layout(figure, 320, x="Similarity", y="Pairs", barmode="group")
    at = band(chosen, width)
    if at in labels:
        place = labels.index(at)
        figure.add_vrect(x0=place - 0.5, x1=place + 0.5, fillcolor=palette.BAND, line_width=0, layer="below")
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=labels)
    figure.update_yaxes(type="log", dtick=1, exponentformat="none", separatethousands=True)
    return figure


def band(step: float, width: float) -> str:
    """Words for a band of similarity whose lower end is 1 - step.

    Args:
        step: 0 for equal words, else the upper end of 1 - similarity.
        width: of a band.
    """
    if step <= 0:
        return "100%"
    return f"{(1 - step) * 100:.0f} to {(1 - step + width) * 100:.0f}%"
