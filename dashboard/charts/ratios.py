"""Impact ratios: selection rate of each category over that of the most selected one."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

RULE_OF_THUMB = 0.8


def ratio_chart(rows: pd.DataFrame) -> go.Figure:
    """Dots with intervals; a tick for the ratio to expect if all selection rates were equal.

    Args:
        rows: rows of the table `impact` of one output and attribute.
    """
    rows = rows[rows["ratio"].notna()].sort_values("ratio", ascending=False, kind="stable")
    names = palette.labels(rows["value"].tolist())
    places = [f"{name}  <i>n={numbers.count(n)}</i>" for name, n in zip(names, rows["n"], strict=True)]
    figure = go.Figure()
    figure.add_trace(
        go.Scatter(
            x=rows["ratio"].tolist(),
            y=places,
            error_x=palette.error_bars(
                (rows["high"] - rows["ratio"]).fillna(0).tolist(),
                (rows["ratio"] - rows["low"]).fillna(0).tolist(),
            ),
            mode="markers",
            marker={"color": palette.BLUE, "size": 10},
            name="ratio and its interval, given that reference",
            hovertext=[_tip(row) for _, row in rows.iterrows()],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=rows["expected"].tolist(),
            y=places,
            mode="markers",
            marker={"color": palette.GREY, "symbol": "line-ns-open", "size": 13, "line": {"width": 2}},
            name="expected if all were selected alike",
            hovertemplate="expected %{x:.3f}<extra></extra>",
        )
    )
    rule = {"color": palette.GREY, "width": 1.5, "dash": "dot"}
    figure.add_vline(x=RULE_OF_THUMB, line=rule)
    figure.add_trace(
        go.Scatter(x=[None], y=[None], mode="lines", line=rule, name="0.8, a rule of thumb", hoverinfo="skip")
    )
    palette.layout(
        figure, palette.FRAME_HEIGHT + palette.ROW_HEIGHT * max(len(rows), 2), x="Impact ratio (no unit)"
    )
    palette.rows_of(figure, places)
    return figure


def _tip(row: pd.Series) -> str:
    share = numbers.number(row["selection_rate"])
    selected = f"{share} selected ({numbers.count(row['selected'])} of {numbers.count(row['n'])})"
    return (
        f"<b>{palette.literal(row['value'])}</b><br>{selected}<br>"
        f"ratio {row['ratio']:.3f} ({numbers.span(row['low'], row['high'], '')}) to "
        f"{palette.literal(row['reference'])}<br>expected if equal {row['expected']:.3f}"
    )
