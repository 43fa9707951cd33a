"""Width and height of pictures: a dot a size, larger with more pictures."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import palette


def size_chart(sizes: pd.DataFrame) -> go.Figure:
    """Each size that occurs.

    Args:
        sizes: columns width, height, n.
    """
    end = float(max(sizes["width"].max(), sizes["height"].max())) * 1.08
    figure = go.Figure(
        go.Scatter(
            x=[0, end],
            y=[0, end],
            mode="lines",
            line={"color": palette.GREY, "width": 1, "dash": "dot"},
            name="square",
            hoverinfo="skip",
        )
    )
    figure.add_trace(
        go.Scatter(
            x=sizes["width"].tolist(),
            y=sizes["height"].tolist(),
            mode="markers",
            marker={
                "color": palette.BLUE,
                "opacity": 0.55,
                "size": (7 + 24 * np.sqrt(sizes["n"] / sizes["n"].sum())).tolist(),
                "line": {"width": 0},
            },
            name="pictures of that size",
            hovertext=[
                f"{w:,.0f} × {h:,.0f} pixels<br>{n:,} pictures" for w, h, n in sizes.itertuples(index=False)
            ],
            hovertemplate="%{hovertext}<extra></extra>",
        )
    )
    palette.layout(figure, 420, x="Width (pixels)", y="Height (pixels)", showlegend=True)
    figure.update_xaxes(range=[0, end])
    figure.update_yaxes(range=[0, end])
    return figure
