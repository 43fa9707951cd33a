"""Changes of slices with their intervals, one row each: harm beside its margin, and the gap of gaps."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette
from dashboard.charts.versions_looks import Look, in_order, looks, scaled, short_names, size, tip

MOST_CHANGES = 40
"""Slices in one chart, worst first."""
GROWN = Look(
    colour=palette.VERMILION, symbol="diamond", dash="solid", sign="", words="lost ground on its reference"
)
SHRUNK = Look(colour=palette.GREEN, symbol="square", dash="solid", sign="", words="gained on its reference")
OPEN = Look(colour=palette.GREY, symbol="circle-open", dash="solid", sign="", words="the interval holds 0")
SIGNS = {"lower": 1.0, "zero": 1.0, "higher": -1.0}
"""Direction of a metric -> the sign that turns a change into harm."""


def harm_chart(rows: pd.DataFrame, unit: str, versions: tuple[str, str], selected: str = "") -> go.Figure:
    """Harm of every slice with its paired interval, zero and the margin: what the verdicts are read from.

    Args:
        rows: rows of the table `verdicts` of one output and metric, in the order to draw them.
        unit: of the metric.
        versions: names of the old and the new version.
        selected: key of the slice whose row is marked.
    """
    gated = rows["harm"].notna().any()
    names = ("harm", "harm_low", "harm_high") if gated else ("change", "low", "high")
    title = "Harm: change in the harmful direction" if gated else "Change"
    figure = _forest(rows, names, looks(rows), unit, versions, selected)
    if gated:
        margin = float(rows["margin"].iloc[0])
        at = float(scaled(pd.Series([margin]), unit)[0])
        figure.add_vline(x=at, line={"color": palette.VERMILION, "width": 1.5, "dash": "dash"})
        figure.add_trace(_line_of_legend(f"margin: {size(margin, unit)}", palette.VERMILION, "dash"))
    return _framed(figure, rows, title, unit)


def gap_chart(rows: pd.DataFrame, unit: str, versions: tuple[str, str], selected: str = "") -> go.Figure:
    """Gap of gaps: how much more harm a slice took than its reference.

    Args:
        rows: rows of the table `verdicts` of one output and metric that have a gap of gaps.
        unit: of the metric.
        versions: names of the old and the new version.
        selected: key of the slice whose row is marked.
    """
    sign = rows["better"].map(SIGNS).fillna(1.0)
    one, two = rows["gap_low"] * sign, rows["gap_high"] * sign
    turned = rows.assign(
        _value=rows["gap_change"] * sign, _low=np.minimum(one, two), _high=np.maximum(one, two)
    )
    ends = zip(turned["_low"], turned["_high"], strict=True)
    own = [GROWN if low > 0 else SHRUNK if high < 0 else OPEN for low, high in ends]
    figure = _forest(turned, ("_value", "_low", "_high"), own, unit, versions, selected)
    return _framed(figure, rows, "Gap of gaps: harm of the slice − harm of its reference", unit)


def _forest(
    rows: pd.DataFrame,
    names: tuple[str, str, str],
    own: list[Look],
    unit: str,
    versions: tuple[str, str],
    selected: str,
) -> go.Figure:
    figure = go.Figure()
    places = places_of(rows)
    value, low, high = (scaled(rows[name], unit) for name in names)
    known = np.isfinite(low) & np.isfinite(high)
    figure.add_vline(x=0, line={"color": palette.GREY, "width": 1.5})
    for look in [*in_order(own), *(one for one in (GROWN, SHRUNK, OPEN) if one in own)]:
        at = [i for i, one in enumerate(own) if one is look and np.isfinite(value[i])]
        if not at:
            continue
        figure.add_trace(
            go.Scatter(
                x=value[at].tolist(),
                y=[places[i] for i in at],
                error_x=palette.error_bars(
                    np.where(known, high - value, 0.0)[at].tolist(),
                    np.where(known, value - low, 0.0)[at].tolist(),
                    colour=look.colour,
                ),
                mode="markers",
                marker={
                    "color": look.colour,
                    "symbol": look.symbol,
                    "size": [14 if rows["slice"].iloc[i] == selected else 10 for i in at],
                    "line": {"color": look.colour, "width": 1.5},
                },
                name=look.words,
                customdata=[[rows["slice"].iloc[i]] for i in at],
                unselected={"marker": {"opacity": 1}},
                hovertext=[tip(rows.iloc[i], unit, *versions) for i in at],
                hovertemplate="%{hovertext}<extra></extra>",
            )
        )
    return figure


def places_of(rows: pd.DataFrame) -> list[str]:
    """Names of the rows of a chart, each with its n, all different."""
    names = palette.labels(short_names(rows), 34)
    return [f"{name}  <i>n={numbers.count(n)}</i>" for name, n in zip(names, rows["n"], strict=True)]


def _line_of_legend(name: str, colour: str, dash: str) -> go.Scatter:
    line = {"color": colour, "width": 1.5, "dash": dash}
    return go.Scatter(x=[None], y=[None], mode="lines", line=line, name=name, hoverinfo="skip")


def _framed(figure: go.Figure, rows: pd.DataFrame, title: str, unit: str) -> go.Figure:
    inside = numbers.unit_of_difference(unit)
    axis = f"{title} ({inside})" if inside else title
    palette.layout(figure, palette.FRAME_HEIGHT + palette.ROW_HEIGHT * max(len(rows), 1), x=axis)
    return palette.rows_of(figure, places_of(rows))
