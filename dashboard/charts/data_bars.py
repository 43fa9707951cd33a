"""How many rows each value has: a bar a value, and one a part where the rows fall into parts."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

MOST_VALUES = 30
"""Values that are drawn, those with the most rows; the table has all."""
BAR_HEIGHT = 17


def bar_chart(rows: pd.DataFrame, parts_are: str = "") -> go.Figure:
    """Share of the rows that each value has.

    Args:
        rows: columns value, n, share, in the order to draw; and part, where there are parts.
        parts_are: what a part is, such as "split"; empty: there are none.
    """
    names = list(dict.fromkeys(rows["value"]))
    places = dict(zip(names, palette.labels(names), strict=True))
    parts = list(dict.fromkeys(rows["part"])) if parts_are else [""]
    figure = go.Figure()
    for i, name in reversed(list(enumerate(parts))):  # Plotly draws the last bar of a value at its top
        own = rows[rows["part"] == name] if parts_are else rows
        figure.add_trace(
            go.Bar(
                x=(own["share"] * 100).tolist(),
                y=[places[value] for value in own["value"]],
                orientation="h",
                name=palette.literal(name),
                marker={"color": palette.CYCLE[i % len(palette.CYCLE)]},
                text=[_text(row) for _, row in own.iterrows()],
                textposition="outside",
                textfont={"size": 11},
                cliponaxis=False,
                hovertext=[_tip(row, name) for _, row in own.iterrows()],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    height = palette.FRAME_HEIGHT + max(BAR_HEIGHT * len(parts) + 11, 26) * max(len(names), 2)
    palette.layout(figure, height, x=_axis(parts_are), showlegend=len(parts) > 1, bargap=0.3)
    palette.rows_of(figure, list(places.values())).update_layout(legend={"traceorder": "reversed"})
    figure.update_xaxes(rangemode="tozero", range=[0, _end(rows["share"])])
    return figure


def most(rows: pd.DataFrame) -> pd.DataFrame:
    """Rows of the values with the most rows, in their own order.

    Args:
        rows: columns value and n.
    """
    kept = rows.groupby("value", sort=False)["n"].sum().nlargest(MOST_VALUES).index
    return rows[rows["value"].isin(kept)]


def _axis(parts_are: str) -> str:
    return f"Share of the {parts_are}'s rows (%)" if parts_are else "Share of rows (%)"


def _end(shares: pd.Series) -> float:
    """Room at the right for the number beside the longest bar."""
    return float(shares.max() if shares.notna().any() else 1.0) * 118 or 100.0


def _text(row: pd.Series) -> str:
    return f"{numbers.number(row['share'])} <i>n={numbers.count(row['n'])}</i>"


def _tip(row: pd.Series, name: str) -> str:
    where = f" in {palette.literal(name)}" if name else ""
    share = numbers.number(row["share"])
    return f"<b>{palette.literal(row['value'])}</b>{where}<br>{numbers.count(row['n'])} rows, {share}"
