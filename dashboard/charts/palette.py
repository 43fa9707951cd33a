"""Colours that people with any colour vision tell apart, on white and on black, and the common layout."""

from __future__ import annotations

import html
from typing import Any

import plotly.graph_objects as go

# Okabe and Ito (2008), those that keep a contrast of 3:1 on white and on Streamlit's dark ground.
BLUE, VERMILION, GREEN, PURPLE = "#0072B2", "#D55E00", "#009E73", "#CC79A7"
BLUE_ON_DARK = "#56B4E9"
GREY = "#8A8A8A"
CYCLE = (BLUE, VERMILION, GREEN, PURPLE)
SYMBOLS = ("circle", "square", "diamond", "triangle-up", "x", "star")
DASHES = ("solid", "dash", "dot", "dashdot")
GRID = "rgba(138, 138, 138, 0.25)"
BAND = "rgba(138, 138, 138, 0.18)"
CLEAR = "rgba(0, 0, 0, 0)"
ROW_HEIGHT, FRAME_HEIGHT = 30, 120
LONGEST = 28
"""Characters of a label on an axis; the whole one is in the tooltip."""


def literal(text: str) -> str:
    """Text from the data, so that Plotly shows it as it is and reads no markup in it."""
    return html.escape(text, quote=False)


def shorten(text: str, longest: int = LONGEST) -> str:
    """A label that fits: its beginning and its end, since long names often differ at the end."""
    if len(text) <= longest:
        return text
    tail = longest // 3
    return text[: longest - tail - 1].rstrip() + "…" + text[-tail:].lstrip()


def labels(names: list[str], longest: int = LONGEST) -> list[str]:
    """Shortened, literal labels that stay different from each other."""
    seen: dict[str, int] = {}
    found = []
    for name in names:
        short = shorten(name, longest)
        seen[short] = seen.get(short, 0) + 1
        found.append(literal(short if seen[short] == 1 else f"{short} ({seen[short]})"))
    return found


def layout(figure: go.Figure, height: int, x: str = "", y: str = "", **more: Any) -> go.Figure:
    """Give a figure the common look.

    Args:
        figure: changed in place.
        height: in pixels.
        x: title of the horizontal axis, with its unit.
        y: title of the vertical axis.
        more: further settings of Plotly's layout.
    """
    figure.update_layout(
        height=height,
        margin={"l": 10, "r": 20, "t": 36, "b": 48},
        paper_bgcolor=CLEAR,
        plot_bgcolor=CLEAR,
        legend={"orientation": "h", "yanchor": "bottom", "y": 1.0, "xanchor": "left", "x": 0, "title": ""},
        hoverlabel={"align": "left"},
        dragmode=False,
        **more,
    )
    figure.update_xaxes(title=x, gridcolor=GRID, zeroline=False, automargin=True)
    figure.update_yaxes(title=y, gridcolor=GRID, zeroline=False, automargin=True)
    return figure


def rows_of(figure: go.Figure, places: list[str]) -> go.Figure:
    """Make the vertical axis one of named rows, the first at the top, without empty space at its ends.

    Args:
        figure: changed in place.
        places: names of the rows. Some look like numbers or dates ("20-29"): the axis is always of names.
    """
    figure.update_yaxes(
        type="category",
        categoryorder="array",
        categoryarray=places[::-1],
        range=[-0.6, len(places) - 0.4],
        showgrid=False,
        ticklabelstandoff=8,
    )
    return figure


def columns_of(figure: go.Figure, names: list[str]) -> go.Figure:
    """Make the horizontal axis one of named columns, written above them.

    Args:
        figure: changed in place.
        names: of the columns, from the left.
    """
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=names,
        range=[-0.5, len(names) - 0.5],
        side="top",
        ticks="",
        showgrid=False,
    )
    return figure


def error_bars(
    above: list[float], below: list[float], thickness: float = 1.6, colour: str = ""
) -> dict[str, Any]:
    """An interval around each point, without caps.

    Args:
        above: (n,) upper end less the point, on the axis's scale.
        below: (n,) the point less the lower end.
        thickness: pixels.
        colour: empty: that of the marker.
    """
    bars: dict[str, Any] = {"type": "data", "symmetric": False, "array": above, "arrayminus": below}
    bars |= {"thickness": thickness, "width": 0}
    return bars | {"color": colour} if colour else bars


def heat_scale() -> list[list[Any]]:
    """Blue over transparent grey to vermilion, for a difference in both directions."""
    return [[0.0, BLUE], [0.5, "#D9D9D9"], [1.0, VERMILION]]


CONFIG = {"displayModeBar": False, "scrollZoom": False, "responsive": True}
"""Plotly's settings in every page: no toolbar, no zoom by accident."""
