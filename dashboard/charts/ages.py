"""Numbers: error by band of the truth, and how many minors pass an age gate."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

MOST_GROUPS = 4
FEW = 10
"""Rows of a band below which no interval is drawn: it would be wider than the chart."""


def band_chart(rows: pd.DataFrame, groups: list[str], unit: str) -> go.Figure:
    """Mean absolute error by band of the true number, a line a group.

    Args:
        rows: rows of the table `by_truth` of one output.
        groups: slice keys to draw, `MOST_GROUPS` at most.
        unit: of the output.
    """
    bands = rows[["band_from", "band_to"]].drop_duplicates().sort_values("band_from")
    order = [band(a, b) for a, b in bands.itertuples(index=False)]
    figure = go.Figure()
    for i, key in enumerate(groups[:MOST_GROUPS]):
        own = rows[rows["slice"] == key].sort_values("band_from")
        name = "everyone" if key == "all" else str(own["value"].iloc[0]) if len(own) else key
        short = palette.literal(palette.shorten(name))
        ends = own["mae_low"].notna() & own["mae_high"].notna() & (own["n"] >= FEW)
        figure.add_trace(
            go.Scatter(
                x=[band(a, b) for a, b in zip(own["band_from"], own["band_to"], strict=True)],
                y=own["mae"].tolist(),
                error_y=palette.error_bars(
                    (own["mae_high"] - own["mae"]).where(ends, 0.0).tolist(),
                    (own["mae"] - own["mae_low"].clip(lower=0)).where(ends, 0.0).tolist(),
                    thickness=1,
                ),
                mode="lines+markers",
                line={"color": palette.CYCLE[i], "dash": palette.DASHES[i], "width": 1.5},
                marker={"color": palette.CYCLE[i], "symbol": palette.SYMBOLS[i], "size": 8},
                name=short,
                hovertext=[_band_tip(row, unit) for _, row in own.iterrows()],
                hovertemplate="%{hovertext}<extra>" + short + "</extra>",
            )
        )
    palette.layout(figure, 420, x=f"True value ({unit})", y=f"Mean absolute error ({unit})")
    figure.update_xaxes(type="category", categoryorder="array", categoryarray=order)
    figure.update_yaxes(rangemode="tozero")
    return figure


def gate_chart(rows: pd.DataFrame) -> go.Figure:
    """Share of minors estimated at or above the challenge age, with intervals.

    Args:
        rows: rows of the table `age_gates` of one output, with a column `name`.
    """
    rows = rows.sort_values("share", ascending=False, kind="stable")
    places = [
        f"{name}  <i>n={numbers.count(n)}</i>"
        for name, n in zip(palette.labels(rows["name"].tolist()), rows["minors"], strict=True)
    ]
    figure = go.Figure(
        go.Scatter(
            x=(rows["share"] * 100).tolist(),
            y=places,
            error_x=palette.error_bars(
                ((rows["high"] - rows["share"]) * 100).tolist(),
                ((rows["share"] - rows["low"]) * 100).tolist(),
            ),
            mode="markers",
            marker={"color": palette.BLUE, "size": 10},
            customdata=[[key] for key in rows["slice"]],
            hovertext=[
                numbers.estimate(row["share"], row["low"], row["high"], row["minors"], "rate", row["passed"])
                for _, row in rows.iterrows()
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    palette.layout(
        figure,
        palette.FRAME_HEIGHT + palette.ROW_HEIGHT * max(len(rows), 2),
        x="Minors who pass the gate (%)",
    )
    palette.rows_of(figure, places)
    figure.update_xaxes(rangemode="tozero")
    return figure


def band(low: float, high: float) -> str:
    """Name of a band of the truth."""
    return f"{low:.4g}–{high:.4g}"


def _band_tip(row: pd.Series, unit: str) -> str:
    error = numbers.estimate(row["mae"], row["mae_low"], row["mae_high"], row["n"], unit)
    middle = numbers.span(row["span_low"], row["span_high"], unit)
    bias = numbers.signed(row["bias"], unit)
    return f"mean absolute error {error}<br>bias {bias}, middle 95% of errors {middle}"
