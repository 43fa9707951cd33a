"""Heat map of two attributes crossed: each cell's value, n, and excess over its worst parent."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

MOST_VALUES = 25
"""Values of an attribute on a side; the largest are kept."""
CELL_HEIGHT = 44


def crossing(rows: pd.DataFrame, first: str, second: str) -> pd.DataFrame:
    """Cells of one crossing with columns `row` and `column`, cut to the values with the most rows.

    Args:
        rows: rows of the table `slices` of one output and metric.
        first: attribute of the heat map's rows.
        second: attribute of its columns.
    """
    pairs = [dict(zip(a, v, strict=True)) for a, v in zip(rows["attributes"], rows["values"], strict=True)]
    wanted = [set(pair) == {first, second} for pair in pairs]
    cells = rows[wanted].assign(
        row=[p[first] for p, keep in zip(pairs, wanted, strict=True) if keep],
        column=[p[second] for p, keep in zip(pairs, wanted, strict=True) if keep],
    )
    for side in ("row", "column"):
        largest = cells.groupby(side, sort=False)["rows"].sum().nlargest(MOST_VALUES).index
        cells = cells[cells[side].isin(largest)]
    return cells


def crossing_chart(cells: pd.DataFrame, first: str, second: str, unit: str, *, better: str) -> go.Figure:
    """Cells coloured by how much worse than their worst parent they are; numbers stand in the cells.

    Args:
        cells: as `crossing` gives them.
        first: attribute of the rows.
        second: attribute of the columns.
        unit: of the metric.
        better: direction of the metric: "higher", "lower", "zero" or "neither".
    """
    down, across = list(dict.fromkeys(cells["row"])), list(dict.fromkeys(cells["column"]))
    names = (
        dict(zip(down, palette.labels(down, 26), strict=True)),
        dict(zip(across, palette.labels(across, 18), strict=True)),
    )
    at = {(row["row"], row["column"]): row for _, row in cells.iterrows()}
    sign = -1.0 if better == "higher" else 1.0
    scale = 100.0 if unit == "rate" else 1.0
    colours, texts, tips, keys = [], [], [], []
    dense = len(across) > 10
    for r in down:
        line = [at.get((r, c)) for c in across]
        colours.append([_excess(cell, sign * scale) for cell in line])
        texts.append([_text(cell, unit, dense) for cell in line])
        tips.append([_tip(cell, unit) for cell in line])
        keys.append(["" if cell is None else cell["slice"] for cell in line])
    most = max((abs(c) for line in colours for c in line if c is not None), default=1.0) or 1.0
    figure = go.Figure(
        go.Heatmap(
            z=colours,
            x=[names[1][c] for c in across],
            y=[names[0][r] for r in down],
            text=texts,
            texttemplate="%{text}",
            textfont={"size": 11},
            hovertext=tips,
            hovertemplate="%{hovertext}<extra></extra>",
            customdata=keys,
            colorscale=palette.heat_scale(),
            zmin=-most,
            zmax=most,
            xgap=2,
            ygap=2,
            hoverongaps=False,
            colorbar={
                "title": {
                    "text": f"worse than worst<br>parent ({numbers.unit_of_difference(unit) or 'AUC'})"
                },
                "thickness": 12,
                "outlinewidth": 0,
            },
        )
    )
    palette.layout(figure, palette.FRAME_HEIGHT + CELL_HEIGHT * max(len(down), 2))
    # Names may look like numbers or dates ("20-29"); the axes are always categories.
    figure.update_yaxes(title=palette.literal(first), type="category", autorange="reversed", showgrid=False)
    figure.update_xaxes(title=palette.literal(second), type="category", showgrid=False)
    return figure


def _excess(cell: pd.Series | None, scale: float) -> float | None:
    if cell is None or numbers.absent(cell["excess"]):
        return None
    return float(cell["excess"]) * scale


def _text(cell: pd.Series | None, unit: str, dense: bool) -> str:
    if cell is None or numbers.absent(cell["value"]):
        return ""
    return numbers.number(cell["value"], unit) + ("" if dense else f"<br>n={numbers.count(cell['n'])}")


def _tip(cell: pd.Series | None, unit: str) -> str:
    if cell is None:
        return "no rows"
    value = numbers.estimate(cell["value"], cell["low"], cell["high"], cell["n"], unit, cell["events"])
    lines = [f"<b>{palette.literal(cell['slice'])}</b>", value]
    if not numbers.absent(cell["excess"]):
        difference = f"{numbers.signed(cell['excess'], unit)} {numbers.unit_of_difference(unit)}".strip()
        ends = numbers.span(cell["excess_low"], cell["excess_high"], unit)
        lines.append(f"{difference} ({ends}) over its worst parent, {palette.literal(str(cell['parent']))}")
    return "<br>".join(lines)
