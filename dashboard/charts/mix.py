"""Composition: a group's gap as it is, and standardised to the mix of all groups."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette


def mix_chart(rows: pd.DataFrame, unit: str, title: str) -> go.Figure:
    """Two marks a group: the plain gap (open) and the standardised one with its interval.

    Args:
        rows: rows of the table `composition` of one output and attribute.
        unit: of the metric.
        title: of the metric.
    """
    scale = 100.0 if unit == "rate" else 1.0
    places = palette.labels(rows["value"].tolist())
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=(rows["gap"] * scale).tolist(),
            y=places,
            mode="markers",
            marker={"color": palette.GREY, "symbol": "circle-open", "size": 10, "line": {"width": 2}},
            name="gap as it is",
            hovertext=[f"as it is: {_signed(row['gap'], unit)}" for _, row in rows.iterrows()],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    known = rows[rows["standardised_gap"].notna()]
    figure.add_trace(
        go.Scatter(
            x=(known["standardised_gap"] * scale).tolist(),
            y=[place for place, k in zip(places, rows["standardised_gap"].notna(), strict=True) if k],
            error_x=palette.error_bars(
                ((known["high"] - known["standardised_gap"]) * scale).tolist(),
                ((known["standardised_gap"] - known["low"]) * scale).tolist(),
            ),
            mode="markers",
            marker={"color": palette.BLUE, "symbol": "diamond", "size": 10},
            name="standardised to the mix of all groups",
            hovertext=[
                f"standardised: {_signed(row['standardised_gap'], unit)} "
                f"({numbers.span(row['low'], row['high'], unit)}, approximate)<br>"
                f"{numbers.number(row['mix_covered'])} of the mix covered"
                for _, row in known.iterrows()
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.add_vline(x=0, line={"color": palette.GREY, "width": 1, "dash": "dot"})
    axis = f"Gap in {title.lower()} to everyone else ({numbers.unit_of_difference(unit) or unit})"
    palette.layout(figure, palette.FRAME_HEIGHT + palette.ROW_HEIGHT * max(len(rows), 2), x=axis)
    palette.rows_of(figure, places)
    return figure


def _signed(value: float, unit: str) -> str:
    return f"{numbers.signed(value, unit)} {numbers.unit_of_difference(unit)}".strip()
