"""Values with intervals beside what they are compared with, one row a label; and shifts of swapped pairs."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import pandas as pd
import plotly.graph_objects as go

from dashboard.charts import identity_heat, numbers, palette


def forest_chart(rows: pd.DataFrame, title: str, minimum_n: int) -> go.Figure:
    """One identity in one metric: a row a label, its value and interval, a tick for "without bias".

    Args:
        rows: of the table `cells`, of one identity and metric, with values.
        title: of the axis, with its unit.
        minimum_n: fewer texts make a row grey.
    """
    unit = str(rows["unit"].iloc[0])
    scale = 100.0 if unit == "rate" else 1.0
    names = palette.labels(rows["label"].tolist())
    places = [f"{name}  <i>n={numbers.count(n)}</i>" for name, n in zip(names, rows["n"], strict=True)]
    looks = rows.assign(
        place=places,
        look=[
            "established"
            if level
            else "not established"
            if n >= minimum_n
            else f"fewer than {minimum_n} texts"
            for level, n in zip(rows["level"], rows["n"], strict=True)
        ],
    )
    figure = go.Figure()
    styles = (
        ("established", palette.VERMILION, "diamond"),
        ("not established", palette.BLUE, "circle"),
        (f"fewer than {minimum_n} texts", palette.GREY, "circle-open"),
    )
    for look, colour, symbol in styles:
        own = looks[looks["look"] == look]
        if len(own):
            figure.add_trace(_points(own, ("value", "low", "high"), scale, look, colour, symbol))
    known = looks[looks["expected"].notna()]
    figure.add_trace(
        go.Scatter(
            x=(known["expected"] * scale).tolist(),
            y=known["place"].tolist(),
            mode="markers",
            marker={"symbol": "line-ns-open", "size": 16, "color": palette.GREY, "line": {"width": 3}},
            name="without bias",
            hoverinfo="skip",
        )
    )
    palette.layout(figure, palette.FRAME_HEIGHT + palette.ROW_HEIGHT * max(len(rows), 2), x=title)
    return palette.rows_of(figure, places)


def _points(
    own: pd.DataFrame, ends: tuple[str, str, str], scale: float, look: str, colour: str, symbol: str
) -> go.Scatter:
    value, low, high = (own[name] * scale for name in ends)
    tips = own["tip"] if "tip" in own else [identity_heat.tip(row) for _, row in own.iterrows()]
    return go.Scatter(
        x=value.tolist(),
        y=own["place"].tolist(),
        error_x=_bars(value, low, high),
        mode="markers",
        marker={"color": colour, "symbol": symbol, "size": 10, "line": {"color": colour, "width": 1.5}},
        name=look,
        customdata=[[choice] for choice in own["choice"]] if "choice" in own else None,
        selected={"marker": {"size": 13}},
        unselected={"marker": {"opacity": 1}},
        hovertext=list(tips),
        hovertemplate="%{hovertext}<extra></extra>",
    )


def _bars(value: pd.Series, low: pd.Series, high: pd.Series) -> dict[str, Any]:
    return palette.error_bars(
        (high - value).fillna(0.0).tolist(), (value - low).fillna(0.0).tolist(), thickness=1.4
    )


def swap_chart(rows: pd.DataFrame) -> go.Figure:
    """Mean shift of the score for each ordered pair, with its paired interval; 0 is no change.

    Args:
        rows: of the table `swaps`, of one source and output.
    """
    names = palette.labels([pair_words(g, w) for g, w in zip(rows["given"], rows["wanted"], strict=True)], 44)
    sure = rows["p_adjusted"].le(0.05).fillna(False)
    small = rows["mark"] != ""
    looks = rows.assign(
        place=[f"{name}  <i>n={numbers.count(n)}</i>" for name, n in zip(names, rows["n"], strict=True)],
        tip=[swap_tip(row) for _, row in rows.iterrows()],
        choice=[pair_words(g, w) for g, w in zip(rows["given"], rows["wanted"], strict=True)],
    )
    figure = go.Figure()
    styles: Sequence[tuple[str, pd.Series, str, str]] = (
        ("adjusted p ≤ .05", sure & ~small, palette.VERMILION, "diamond"),
        ("may be chance", ~sure & ~small, palette.BLUE, "circle"),
        ("few swaps", small, palette.GREY, "circle-open"),
    )
    for look, mask, colour, symbol in styles:
        if mask.any():
            ends = ("shift", "shift_low", "shift_high")
            figure.add_trace(_points(looks[mask], ends, 1.0, look, colour, symbol))
    figure.add_vline(x=0, line={"color": palette.GREY, "width": 1.5})
    height = palette.FRAME_HEIGHT + palette.ROW_HEIGHT * max(len(rows), 2)
    palette.layout(figure, height, x="Mean score after the swap − before")
    return palette.rows_of(figure, looks["place"].tolist())


def pair_words(given: str, wanted: str) -> str:
    """An ordered pair of identities."""
    return f"{given} → {wanted}".replace("_", " ")


def swap_tip(row: pd.Series) -> str:
    """Shift, flips both ways, p."""
    flips = numbers.estimate(
        row["flip_rate"],
        row["flip_rate_low"],
        row["flip_rate_high"],
        row["n"],
        "rate",
        row["ups"] + row["downs"],
    )
    return "<br>".join(
        [
            f"<b>{palette.literal(pair_words(row['given'], row['wanted']))}</b>",
            f"shift {numbers.signed(row['shift'], 'AUC')} "
            f"({numbers.span(row['shift_low'], row['shift_high'], 'AUC')}, n={numbers.count(row['n'])})",
            f"decisions turned {flips}: {row['ups']:,} to yes, {row['downs']:,} to no",
            f"adjusted {numbers.p_value(row['p_adjusted'])}",
        ]
    )
