"""Whose rows have copies: the share in each group with its interval."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

ESTABLISHED = 0.05
MOST_ROWS = 40


def share_chart(rows: pd.DataFrame, title: str) -> go.Figure:
    """Dots with intervals, and a tick for everyone else.

    Args:
        rows: rows of the table `by_group` of one question and attribute.
        title: of the axis.
    """
    rows = rows[rows["share"].notna()].sort_values("share", ascending=False, kind="stable").head(MOST_ROWS)
    labels = palette.labels(rows["value"].tolist())
    places = pd.Series(
        [
            f"{name}  <i>{numbers.count(hit)} of {numbers.count(n)}</i>"
            for name, hit, n in zip(labels, rows["rows"], rows["n"], strict=True)
        ],
        index=rows.index,
        dtype=object,
    )
    figure = go.Figure()
    differs = (rows["p_adjusted"] <= ESTABLISHED).fillna(False)
    for mask, colour, symbol, words in (
        (differs, palette.VERMILION, "diamond", "differs from everyone else (adjusted p ≤ .05)"),
        (~differs, palette.BLUE, "circle", "no difference established"),
    ):
        if mask.any():
            own = rows[mask]
            figure.add_trace(
                go.Scatter(
                    x=(own["share"] * 100).tolist(),
                    y=places[mask].tolist(),
                    error_x=palette.error_bars(
                        ((own["high"] - own["share"]) * 100).tolist(),
                        ((own["share"] - own["low"]) * 100).tolist(),
                    ),
                    mode="markers",
                    marker={"color": colour, "symbol": symbol, "size": 10},
                    name=words,
                    hovertext=[_tip(row) for _, row in own.iterrows()],
                    hovertemplate="%{hovertext}<extra></extra>",
                )
            )
    figure.add_trace(
        go.Scatter(
            x=(rows["others"] * 100).tolist(),
            y=places.tolist(),
            mode="markers",
            marker={"color": palette.GREY, "symbol": "line-ns-open", "size": 13, "line": {"width": 2}},
            name="everyone else",
            hovertemplate="everyone else %{x:.1f}%<extra></extra>",
        )
    )
    palette.layout(figure, palette.FRAME_HEIGHT + palette.ROW_HEIGHT * max(len(rows), 2), x=f"{title} (%)")
    figure.update_xaxes(rangemode="tozero")
    return palette.rows_of(figure, places.tolist())


def _tip(row: pd.Series) -> str:
    return (
        f"<b>{palette.literal(str(row['value']))}</b><br>"
        f"{numbers.estimate(row['share'], row['low'], row['high'], row['n'], events=row['rows'])}<br>"
        f"{numbers.signed(row['gap'])} points ({numbers.span(row['gap_low'], row['gap_high'])}) "
        f"against everyone else, adjusted {numbers.p_value(row['p_adjusted'])}"
    )
