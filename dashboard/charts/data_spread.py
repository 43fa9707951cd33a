"""How a number is spread in each group: the middle 90 % as a line, the middle half as a bar, the median."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

MOST_ROWS = 40
"""Groups that are drawn, those with the most rows; the table has all."""
_PALE, _PALE_GREY = "rgba(0, 114, 178, 0.6)", "rgba(138, 138, 138, 0.5)"


def spread_chart(rows: pd.DataFrame, title: str, minimum_n: int, whole: bool = False) -> go.Figure:
    """One line a group, from its quantiles.

    Args:
        rows: columns value, n, mean, p05, p25, p50, p75, p95, in the order to draw.
        title: of the axis, with its unit.
        minimum_n: a group with fewer rows is grey.
        whole: whether the tooltips show whole numbers.
    """
    names = palette.labels(rows["value"].tolist())
    places = [f"{name}  <i>n={numbers.count(n)}</i>" for name, n in zip(names, rows["n"], strict=True)]
    place_of = dict(zip(rows.index, places, strict=True))
    known = rows[rows["p50"].notna()]
    figure = go.Figure()
    for low, high, width, words in (("p05", "p95", 1.6, "middle 90%"), ("p25", "p75", 9, "middle half")):
        for small, own in known.groupby(known["n"] < minimum_n, sort=False):
            figure.add_trace(
                go.Scatter(
                    x=own["p50"].tolist(),
                    y=[place_of[i] for i in own.index],
                    error_x=palette.error_bars(
                        (own[high] - own["p50"]).tolist(),
                        (own["p50"] - own[low]).tolist(),
                        thickness=width,
                        colour=_PALE_GREY if small else _PALE,
                    ),
                    mode="markers",
                    marker={"opacity": 0},
                    hoverinfo="skip",
                    showlegend=False,
                )
            )
        line = {"color": _PALE, "width": width}
        figure.add_trace(
            go.Scatter(x=[None], y=[None], mode="lines", line=line, name=words, hoverinfo="skip")
        )
    for small, own in known.groupby(known["n"] < minimum_n, sort=False):
        figure.add_trace(
            go.Scatter(
                x=own["p50"].tolist(),
                y=[place_of[i] for i in own.index],
                mode="markers",
                marker={
                    "color": palette.GREY if small else palette.BLUE,
                    "symbol": "line-ns-open",
                    "size": 14,
                    "line": {"width": 3},
                },
                name=f"median, fewer than {minimum_n} rows" if small else "median",
                hovertext=[_tip(row, whole) for _, row in own.iterrows()],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    palette.layout(figure, palette.FRAME_HEIGHT + palette.ROW_HEIGHT * max(len(rows), 2), x=title)
    palette.rows_of(figure, places)
    figure.update_xaxes(rangemode="tozero")
    return figure


def _tip(row: pd.Series, whole: bool) -> str:
    def shown(name: str) -> str:
        return f"{row[name]:,.0f}" if whole else f"{row[name]:,.4g}"

    return (
        f"<b>{palette.literal(row['value'])}</b> (n={numbers.count(row['n'])})<br>"
        f"median {shown('p50')}, mean {shown('mean')}<br>"
        f"middle half {shown('p25')}–{shown('p75')}<br>middle 90% {shown('p05')}–{shown('p95')}"
    )
