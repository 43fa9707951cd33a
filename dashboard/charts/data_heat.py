"""A heat map with its numbers in the cells: the layout that crossings and co-occurrences share."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import plotly.graph_objects as go
from numpy.typing import NDArray

from dashboard.charts import palette
from dashboard.charts.crossings import CELL_HEIGHT

DARK = 0.85
"""Share of the scale above which white text is read better than black."""
COUNTS = [[0.0, "#E8EEF3"], [1.0, palette.BLUE]]


@dataclass(frozen=True, kw_only=True)
class Scale:
    """How values become colours."""

    colours: list[list[Any]]
    low: float
    high: float
    title: str
    tick: str = ""


def heat_chart(
    values: NDArray[np.float64],
    down: Sequence[str],
    across: Sequence[str],
    texts: NDArray[np.object_],
    tips: NDArray[np.object_],
    scale: Scale,
) -> go.Figure:
    """Draw cells; one without a value has no colour and a grey text.

    Args:
        values: (R, C), NaN where there is no colour.
        down: R literal names.
        across: C literal names.
        texts: (R, C) in the cells.
        tips: (R, C) of the tooltips.
        scale: of the colours.
    """
    figure = go.Figure(
        go.Heatmap(
            z=values,
            x=list(across),
            y=list(down),
            colorscale=scale.colours,
            zmin=scale.low,
            zmax=scale.high,
            xgap=2,
            ygap=2,
            hovertext=tips,
            hovertemplate="%{hovertext}<extra></extra>",
            hoverongaps=True,
            colorbar={
                "title": {"text": scale.title},
                "tickformat": scale.tick,
                "thickness": 12,
                "lenmode": "pixels",
                "len": max(150, CELL_HEIGHT * len(down)),
                "outlinewidth": 0,
            },
        )
    )
    reach = np.abs(values) > DARK * max(abs(scale.low), abs(scale.high))
    absent = np.isnan(values)
    for ink, where in ((palette.GREY, absent), ("#FFFFFF", reach), ("#202020", ~absent & ~reach)):
        at = np.argwhere(where)
        figure.add_trace(
            go.Scatter(
                x=[across[j] for _, j in at],
                y=[down[i] for i, _ in at],
                mode="text",
                text=[texts[i, j] for i, j in at],
                textfont={"size": 11, "color": ink},
                hoverinfo="skip",
            )
        )
    palette.layout(figure, palette.FRAME_HEIGHT + CELL_HEIGHT * max(len(down), 3), showlegend=False)
    palette.rows_of(figure, list(down))
    figure.update_xaxes(
        type="category",
        categoryorder="array",
        categoryarray=list(across),
        range=[-0.6, len(across) - 0.4],
        showgrid=False,
    )
    return figure
