"""Heat map of two attributes crossed: each cell's value, n, and excess over its worst parent."""

from __future__ import annotations

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import numbers, palette

MOST_VALUES = 25
"""Values of an attribute on a side; the largest are kept."""
CELL_HEIGHT = 44
FEW = 30
"""Rows below which a share is written as a count."""


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


def crossing_chart(
    cells: pd.DataFrame, first: str, second: str, unit: str, *, better: str, minimum_n: int
) -> go.Figure:
    """Cells coloured by how much worse than their worst parent they are; numbers stand in the cells.

    A cell with fewer rows than the minimum has its number in grey and no colour.

    Args:
        cells: as `crossing` gives them.
        first: attribute of the rows.
        second: attribute of the columns.
        unit: of the metric.
        better: direction of the metric: "higher", "lower", "zero" or "neither".
        minimum_n: smallest n of a cell that is coloured.
    """
    down, across = list(dict.fromkeys(cells["row"])), list(dict.fromkeys(cells["column"]))
    rows, columns = palette.labels(down, 26), palette.labels(across, 18)
    scale = (100.0 if unit == "rate" else 1.0) * (-1.0 if better == "higher" else 1.0)
    large = cells["n"].fillna(0) >= minimum_n
    worse = (cells["excess"] * scale).where(large)
    most = float(worse.abs().max()) if worse.notna().any() else 1.0
    places = [
        (rows[down.index(r)], columns[across.index(c)])
        for r, c in zip(cells["row"], cells["column"], strict=True)
    ]
    colours = {place: None if numbers.absent(z) else z for place, z in zip(places, worse, strict=True)}
    figure = go.Figure(
        go.Heatmap(
            z=[[colours.get((r, c)) for c in columns] for r in rows],
            x=columns,
            y=rows,
            colorscale=palette.heat_scale(),
            zmin=-(most or 1.0),
            zmax=most or 1.0,
            xgap=2,
            ygap=2,
            hoverinfo="skip",
            hoverongaps=False,
            colorbar={
                "title": {"text": f"over worst<br>parent ({numbers.unit_of_difference(unit) or 'AUC'})"},
                "thickness": 12,
                "lenmode": "pixels",
                "len": max(150, CELL_HEIGHT * len(down)),
                "outlinewidth": 0,
            },
        )
    )
    share = worse / (most or 1.0)
    inks = [palette.GREY if numbers.absent(s) else "#FFFFFF" if abs(s) > 0.6 else "#202020" for s in share]
    for ink in dict.fromkeys(inks):
        chosen = [i for i, own in enumerate(inks) if own == ink]
        figure.add_trace(
            _numbers(cells.iloc[chosen], [places[i] for i in chosen], ink, unit, dense=len(across) > 10)
        )
    palette.layout(figure, palette.FRAME_HEIGHT + CELL_HEIGHT * max(len(down), 3), showlegend=False)
    palette.rows_of(figure, rows).update_yaxes(title=palette.literal(first))
    figure.update_xaxes(
        title=palette.literal(second),
        type="category",
        categoryorder="array",
        categoryarray=columns,
        range=[-0.6, len(columns) - 0.4],
        showgrid=False,
    )
    return figure


def _numbers(
    cells: pd.DataFrame, places: list[tuple[str, str]], ink: str, unit: str, *, dense: bool
) -> go.Scatter:
    """The numbers of one colour as points of their own: a heat map's cells can't be clicked."""
    return go.Scatter(
        x=[column for _, column in places],
        y=[row for row, _ in places],
        mode="markers+text",
        marker={"opacity": 0, "size": CELL_HEIGHT - 8, "symbol": "square"},
        text=[_text(row, unit, dense) for _, row in cells.iterrows()],
        textfont={"size": 11, "color": ink},
        customdata=[[key] for key in cells["slice"]],
        hovertext=[_tip(row, unit) for _, row in cells.iterrows()],
        hovertemplate="%{hovertext}<extra></extra>",
        selected={"marker": {"opacity": 0}, "textfont": {"color": ink}},
        unselected={"marker": {"opacity": 0}, "textfont": {"color": ink}},
    )


def _text(cell: pd.Series, unit: str, dense: bool) -> str:
    """The value with n; the bare count of events where a share of so few rows would mislead."""
    if numbers.absent(cell["value"]):
        return ""
    if unit == "rate" and not numbers.absent(cell["events"]) and (cell["n"] < FEW or cell["events"] == 0):
        between = "/" if dense else " of "
        return f"{numbers.count(cell['events'])}{between}{numbers.count(cell['n'])}"
    return numbers.number(cell["value"], unit) + ("" if dense else f"<br>n={numbers.count(cell['n'])}")


def _tip(cell: pd.Series, unit: str) -> str:
    value = numbers.estimate(
        cell["value"], cell["low"], cell["high"], cell["n"], unit, cell["events"], named=True
    )
    lines = [f"<b>{palette.literal(cell['slice'])}</b>", value]
    if not numbers.absent(cell["excess"]):
        difference = f"{numbers.signed(cell['excess'], unit)} {numbers.unit_of_difference(unit)}".strip()
        ends = numbers.span(cell["excess_low"], cell["excess_high"], unit)
        lines.append(f"{difference} ({ends}) over its worst parent, {palette.literal(str(cell['parent']))}")
    return "<br>".join(lines)
