"""Two attributes crossed: how many rows each cell has."""

from __future__ import annotations

import numpy as np
import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette
from dashboard.charts.crossings import MOST_VALUES
from dashboard.charts.data_heat import COUNTS, Scale, heat_chart

SMALL = "*"
"""Stands behind a count below the minimum n."""


def largest(cells: pd.DataFrame) -> pd.DataFrame:
    """The cells of the values with the most rows, `MOST_VALUES` a side, in their own order.

    Args:
        cells: columns row, column and n.
    """
    for side in ("row", "column"):
        kept = cells.groupby(side, sort=False)["n"].sum().nlargest(MOST_VALUES).index
        cells = cells[cells[side].isin(kept)]
    return cells


def count_chart(cells: pd.DataFrame, first: str, second: str, minimum_n: int) -> go.Figure:
    """Cells with their counts, darker with more rows; small cells are marked, empty ones have no colour.

    Args:
        cells: columns row, column, n and share_of_first: every pair once.
        first: attribute of the heat map's rows.
        second: attribute of its columns.
        minimum_n: below it a cell is small.
    """
    down, across = list(dict.fromkeys(cells["row"])), list(dict.fromkeys(cells["column"]))
    shape = (len(down), len(across))
    n = cells["n"].to_numpy().reshape(shape)
    texts = np.array([_text(int(k), minimum_n) for k in cells["n"]], dtype=object)
    tips = np.array([_tip(cell) for _, cell in cells.iterrows()], dtype=object)
    figure = heat_chart(
        np.where(n > 0, n, np.nan).astype(np.float64),
        palette.labels(down, 26),
        palette.labels(across, 18),
        texts.reshape(shape),
        tips.reshape(shape),
        Scale(colours=COUNTS, low=0, high=float(max(n.max(), 1)), title="rows"),
    )
    figure.update_yaxes(title=palette.literal(first))
    return figure.update_xaxes(title=palette.literal(second))


def _text(n: int, minimum_n: int) -> str:
    return f"{n:,}{SMALL}" if 0 < n < minimum_n else f"{n:,}"


def _tip(cell: pd.Series) -> str:
    one, other = (palette.literal(str(cell[side])) for side in ("row", "column"))
    share = numbers.number(cell["share_of_first"])
    return f"<b>{one} and {other}</b><br>{numbers.count(cell['n'])} rows, {share} of those with {one}"
