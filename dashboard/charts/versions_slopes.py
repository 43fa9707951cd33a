"""The slope chart of two versions: every slice from its old value to its new one, with both intervals."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.charts import numbers, palette
from dashboard.charts.versions_looks import EVERYONE, Look, in_order, looks, scaled, short_names, tip

MOST_SLOPES = 18
"""Slices in one chart, worst first: more lines can't be told apart."""
HEIGHT = 470
LINE = 17
"""Pixels between two labels."""
SPREAD = 0.34
"""Width of the band in which the intervals of one version stand side by side."""


def drawn(rows: pd.DataFrame, most: int = MOST_SLOPES) -> pd.DataFrame:
    """The slices to draw: everyone, then the others in the order given, those with both values.

    Args:
        rows: rows of the table `verdicts` of one output and metric, worst first.
        most: slices kept.
    """
    known = rows[rows["old"].notna() & rows["new"].notna()]
    everyone = known["slice"] == EVERYONE
    return pd.concat([known[everyone], known[~everyone]]).head(most)


def slope_chart(
    rows: pd.DataFrame, unit: str, title: str, versions: tuple[str, str], selected: str = ""
) -> go.Figure:
    """One line a slice between two upright axes, its label at the right end.

    Args:
        rows: as `drawn` gives them.
        unit: of the metric.
        title: of the metric, for the axis.
        versions: names of the old and the new version.
        selected: key of the slice that is drawn thicker; empty: none.
    """
    figure = go.Figure()
    own = looks(rows)
    old, new = scaled(rows["old"], unit), scaled(rows["new"], unit)
    x_old, x_new = _shifts(old), 1 + _shifts(new)
    for look in in_order(own):
        at = np.array([one is look for one in own])
        figure.add_trace(_ends(rows[at], (x_old[at], x_new[at]), unit, look, versions))
        for keys, width in _widths(rows, at, selected):
            figure.add_trace(_path((x_old[keys], x_new[keys]), (old[keys], new[keys]), look, width))
    _labels(figure, rows, x_new, own, unit)
    palette.layout(
        figure, HEIGHT + LINE * max(0, len(rows) - 12), y=numbers.axis_title(title, unit), showlegend=True
    )
    figure.update_layout(margin={"l": 10, "r": 10, "t": 40, "b": 34})
    figure.update_xaxes(
        range=[-SPREAD / 2 - 0.05, 1 + SPREAD / 2 + 0.62],
        tickvals=[0, 1],
        ticktext=[f"<b>{palette.literal(palette.shorten(name))}</b>" for name in versions],
        showgrid=False,
    )
    return figure


def _shifts(values: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sideways shift of each slice, so that intervals do not cover each other: the highest on the left.

    Lines from the points to labels at the right that are sorted alike then cross no other point.
    """
    if len(values) < 2:
        return np.zeros(len(values))
    places = np.linspace(-SPREAD / 2, SPREAD / 2, len(values)) * min(1.0, len(values) / 8)
    found = np.empty(len(values))
    found[np.argsort(-values, kind="stable")] = places
    return found


def _ends(
    rows: pd.DataFrame,
    places: tuple[NDArray[np.float64], NDArray[np.float64]],
    unit: str,
    look: Look,
    versions: tuple[str, str],
) -> go.Scatter:
    """Both ends of every slice of one look, with intervals; the lines between are traces of their own."""
    low = np.concatenate([scaled(rows["old_low"], unit), scaled(rows["new_low"], unit)])
    high = np.concatenate([scaled(rows["old_high"], unit), scaled(rows["new_high"], unit)])
    value = np.concatenate([scaled(rows["old"], unit), scaled(rows["new"], unit)])
    known = np.isfinite(low) & np.isfinite(high)
    tips = [tip(row, unit, *versions) for _, row in rows.iterrows()]
    return go.Scatter(
        x=np.concatenate(places).tolist(),
        y=value.tolist(),
        error_y=palette.error_bars(
            np.where(known, high - value, 0.0).tolist(),
            np.where(known, value - low, 0.0).tolist(),
            thickness=1.2,
            colour=look.colour,
        ),
        mode="markers",
        marker={
            "color": look.colour,
            "symbol": look.symbol,
            "size": 9,
            "line": {"color": look.colour, "width": 1.5},
        },
        name=look.words,
        customdata=[[key] for key in (*rows["slice"], *rows["slice"])],
        selected={"marker": {"size": 13}},
        unselected={"marker": {"opacity": 1}},
        hovertext=[*tips, *tips],
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _widths(
    rows: pd.DataFrame, at: NDArray[np.bool_], selected: str
) -> list[tuple[NDArray[np.bool_], float]]:
    chosen = np.asarray(rows["slice"] == selected) & at
    return [(mask, width) for mask, width in ((at & ~chosen, 1.4), (chosen, 4.0)) if mask.any()]


def _path(
    x: tuple[NDArray[np.float64], NDArray[np.float64]],
    y: tuple[NDArray[np.float64], NDArray[np.float64]],
    look: Look,
    width: float,
) -> go.Scatter:
    gap = np.full(len(x[0]), np.nan)
    return go.Scatter(
        x=np.stack([*x, gap], axis=1).ravel().tolist(),
        y=np.stack([*y, gap], axis=1).ravel().tolist(),
        mode="lines",
        line={"color": look.colour, "width": width, "dash": look.dash},
        connectgaps=False,
        showlegend=False,
        hoverinfo="skip",
    )


def _labels(
    figure: go.Figure,
    rows: pd.DataFrame,
    x: NDArray[np.float64],
    own: list[Look],
    unit: str,
) -> None:
    """Name and new value of every slice at the right, moved apart, with a thin line to its point."""
    if rows.empty:
        return
    new = scaled(rows["new"], unit)
    ends = [scaled(rows[name], unit) for name in ("old_low", "new_low", "old_high", "new_high", "old", "new")]
    bottom, top = float(np.nanmin(ends)), float(np.nanmax(ends))
    height = HEIGHT + LINE * max(0, len(rows) - 12) - 90
    reach = max(top - bottom, 1e-9)
    places = apart(new, LINE / height * reach * 1.05, bottom - 0.02 * reach, top + 0.02 * reach)
    edge = 1 + SPREAD / 2 + 0.05
    names = palette.labels(short_names(rows), 34)
    for i, name in enumerate(names):
        figure.add_trace(
            go.Scatter(
                x=[x[i], edge],
                y=[new[i], places[i]],
                mode="lines",
                line={"color": palette.GRID, "width": 1},
                showlegend=False,
                hoverinfo="skip",
            )
        )
        figure.add_annotation(
            x=edge,
            y=places[i],
            text=f"<span style='color:{own[i].colour}'>{own[i].sign}</span> {name}  "
            f"{numbers.number(rows['new'].iloc[i], unit)}",
            showarrow=False,
            xanchor="left",
            yanchor="middle",
            font={"size": 12},
        )


def apart(wanted: NDArray[np.float64], gap: float, low: float, high: float) -> NDArray[np.float64]:
    """Places of labels at least a gap apart, in the order of where they want to be and near it.

    Args:
        wanted: (k,) where each label would stand.
        gap: smallest distance.
        low: lowest place; where all do not fit between it and `high`, the top ones go beyond.
        high: highest place.
    """
    order = np.argsort(wanted, kind="stable")
    placed = np.clip(wanted[order], low, high)
    for i in range(1, len(placed)):
        placed[i] = max(placed[i], placed[i - 1] + gap)
    if len(placed) and placed[-1] > high:
        placed[-1] = max(high, low + gap * (len(placed) - 1))
        for i in range(len(placed) - 2, -1, -1):
            placed[i] = min(placed[i], placed[i + 1] - gap)
    found = np.empty(len(placed))
    found[order] = placed
    return found
