"""Largest gap between groups beside the gap that chance alone would give."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

POINTS = ("rate",)


def spread_chart(rows: pd.DataFrame, titles: list[str], unit: str) -> go.Figure:
    """One line a metric: a grey bar for 95 % of gaps if all groups were equal, a mark for what was seen.

    Args:
        rows: rows of the table `spread` whose metrics share a unit.
        titles: of each row, for the axis.
        unit: of the metrics.
    """
    scale = 100.0 if unit in POINTS else 1.0
    names = [
        f"{name}<br><i>{criterion}</i>" if criterion else name
        for name, criterion in zip(palette.labels(titles, 44), rows["criterion"], strict=True)
    ]
    outside = rows["gap"] > rows["high"]
    figure = go.Figure()
    known = rows["expected"].notna()
    figure.add_trace(
        go.Scatter(
            x=(rows["expected"] * scale)[known].tolist(),
            y=[name for name, k in zip(names, known, strict=True) if k],
            error_x={
                "type": "data",
                "symmetric": False,
                "array": ((rows["high"] - rows["expected"]) * scale)[known].tolist(),
                "arrayminus": ((rows["expected"] - rows["low"]) * scale)[known].tolist(),
                "thickness": 9,
                "width": 0,
                "color": "rgba(138, 138, 138, 0.45)",
            },
            mode="markers",
            marker={"color": palette.GREY, "symbol": "line-ns-open", "size": 10, "line": {"width": 2}},
            name="if all groups were equal: mean and 95% range",
            hoverinfo="skip",
        )
    )
    for beyond, colour, symbol, words in (
        (True, palette.VERMILLION, "diamond", "seen, beyond that range"),
        (False, palette.BLUE, "circle", "seen, within it"),
    ):
        chosen = rows[outside == beyond]
        if len(chosen):
            figure.add_trace(
                go.Scatter(
                    x=(chosen["gap"] * scale).tolist(),
                    y=[name for name, o in zip(names, outside, strict=True) if o == beyond],
                    mode="markers",
                    marker={"color": colour, "symbol": symbol, "size": 11},
                    name=words,
                    hovertext=[_tip(row, unit) for _, row in chosen.iterrows()],
                    hovertemplate="%{hovertext}<extra></extra>",
                )
            )
    title = "Largest − smallest value"
    axis = f"{title} (points)" if unit in POINTS else numbers.axis_title(title, unit)
    palette.layout(figure, palette.FRAME_HEIGHT + 10 + (palette.ROW_HEIGHT + 6) * len(rows), x=axis)
    palette.rows_of(figure, names)
    figure.update_xaxes(rangemode="tozero")
    return figure


def _tip(row: pd.Series, unit: str) -> str:
    largest, smallest = (palette.literal(str(row[end])) for end in ("largest", "smallest"))
    return (
        f"<b>{numbers.difference(row['gap'], unit)}</b> between {largest} and {smallest}<br>"
        f"{int(row['groups'])} groups; if equal: {numbers.number(row['expected'], unit)} "
        f"({numbers.span(row['low'], row['high'], unit)})<br>{numbers.p_value(row['p'])}, not adjusted"
    )
