"""Largest gap between groups beside the gap that chance alone would give."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

POINTS = ("rate",)
KINDS = {
    "beyond": (palette.VERMILION, "diamond", "seen, beyond that range"),
    "within": (palette.BLUE, "circle", "seen, within it"),
    "alone": (palette.GREY, "circle-open", "seen, no range was computed"),
}
"""kind of a gap -> colour, symbol, words."""


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
    kinds = [
        "alone" if numbers.absent(high) else "beyond" if gap > high else "within"
        for gap, high in zip(rows["gap"], rows["high"], strict=True)
    ]
    figure = go.Figure()
    known = rows["expected"].notna()
    figure.add_trace(
        go.Scatter(
            x=(rows["expected"] * scale)[known].tolist(),
            y=[name for name, k in zip(names, known, strict=True) if k],
            error_x=palette.error_bars(
                ((rows["high"] - rows["expected"]) * scale)[known].tolist(),
                ((rows["expected"] - rows["low"]) * scale)[known].tolist(),
                thickness=9,
                colour="rgba(138, 138, 138, 0.45)",
            ),
            mode="markers",
            marker={"color": palette.GREY, "symbol": "line-ns-open", "size": 10, "line": {"width": 2}},
            name="if all groups were equal: mean and 95% range",
            hoverinfo="skip",
        )
    )
    for kind, (colour, symbol, words) in KINDS.items():
        chosen = [i for i, own in enumerate(kinds) if own == kind]
        if chosen:
            seen = rows.iloc[chosen]
            figure.add_trace(
                go.Scatter(
                    x=(seen["gap"] * scale).tolist(),
                    y=[names[i] for i in chosen],
                    mode="markers",
                    marker={"color": colour, "symbol": symbol, "size": 11},
                    name=words,
                    hovertext=[_tip(row, unit) for _, row in seen.iterrows()],
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
    head = f"<b>{numbers.difference(row['gap'], unit)}</b> between {largest} and {smallest}"
    if numbers.absent(row["expected"]):
        return head
    return (
        f"{head}<br>"
        f"{int(row['groups'])} groups; if equal: {numbers.number(row['expected'], unit)} "
        f"({numbers.span(row['low'], row['high'], unit)})<br>{numbers.p_value(row['p'])}, not adjusted"
    )
