"""The gap chart with its sentence, and the table of all slices."""

from __future__ import annotations

import csv
import io
from typing import Any

import pandas as pd
import streamlit as st

from audit.csv_export import neutralise
from dashboard import state
from dashboard.charts import gaps, numbers, palette
from dashboard.panels.sentences import literal

ORDERS = {
    "gap": "surest and largest gap first",
    "value": "highest value first",
    "n": "most rows first",
    "name": "as declared",
}
MOST_LISTED = 2_000
"""Slices in the table on the page; the CSV has all."""


def draw(rows: pd.DataFrame, attribute: str, unit: str, title: str, fixed: bool) -> None:
    """Dots with intervals of every group of one attribute; a click chooses the slice.

    Args:
        rows: rows of the table `slices` of one output and metric.
        attribute: whose groups to draw.
        unit: of the metric.
        title: of the metric.
        fixed: whether the attribute fixes the output's truth.
    """
    own = rows[[list(names) == [attribute] for names in rows["attributes"]]]
    if fixed:
        st.warning(
            f"The attribute {literal(attribute)} fixes the truth of this output: its groups share no "
            "class or range to be compared on. Their values are shown, their gaps are not ranked.",
            icon=":material/link:",
        )
    if own["value"].notna().sum() == 0:
        st.info(f"No group of {literal(attribute)} has a value of this metric. {_why(own)}")
        return
    order = _order(len(own))
    shown = gaps.ordered(own, order)
    everyone = rows[rows["slice"] == "all"]
    st.plotly_chart(
        gaps.gap_chart(shown, everyone.iloc[0] if len(everyone) else None, unit, title),
        key="gap_points",
        on_select=state.pick(state.SLICE, "gap_points"),
        selection_mode="points",
        config=palette.CONFIG,
        width="stretch",
    )
    has_zero = bool((shown["events"] == 0).any())
    bound = " A dot at 0 has no events: the end of its interval is an upper bound." if has_zero else ""
    missing = own["value"].isna().sum()
    cut = (
        f" {len(shown)} of {len(own)} groups are drawn; “All slices” has the others."
        if len(shown) < len(own)
        else ""
    )
    gone = f" {missing} without a value are left out." if missing and not cut else ""
    st.caption(
        f"What it shows: {title.lower() if title != 'F1' else title} in each group of "
        f"{literal(attribute)} with its 95% interval, and what it is compared with (grey tick). The band "
        "is the interval of everyone together. What it can't tell: why groups differ, and whether a grey "
        f"group differs at all. Click a dot to see its rows.{bound}{cut}{gone}"
    )


def _order(groups: int) -> str:
    if groups < 6:
        return "gap"
    with st.container(horizontal=True, horizontal_alignment="right"):
        state.settle("gap_order", list(ORDERS), "gap")
        return st.selectbox(
            "Order",
            list(ORDERS),
            key="gap_order",
            format_func=ORDERS.__getitem__,
            width=280,
            label_visibility="collapsed",
        )


def _why(rows: pd.DataFrame) -> str:
    codes = [code for code in rows["empty"].unique() if code]
    return "Reason: " + "; ".join(gaps.why_untested(code) for code in codes) + "." if codes else ""


def draw_table(rows: pd.DataFrame, unit: str, title: str) -> None:
    """All slices of one metric, to sort and to download; a selected row chooses the slice."""
    own = rows[rows["slice"] != "all"].reset_index(drop=True)
    if own.empty:
        st.info("There are no slices: the file declares no attributes, so there is one group, everyone.")
        return
    left, right = st.columns([2, 1], vertical_alignment="bottom")
    with left:
        search = st.text_input("Find a slice", key="table_search", placeholder="part of its name")
    with right:
        only = st.toggle("Tested slices only", key="table_tested")
    if search:
        own = own[own["slice"].str.contains(search, case=False, regex=False)].reset_index(drop=True)
    if only:
        own = own[own["untested"] == ""].reset_index(drop=True)
    listed = own.head(MOST_LISTED)
    names = listed["slice"].tolist()
    st.dataframe(
        table_frame(listed, unit),
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * max(len(listed), 1), 460),
        key="slice_rows",
        on_select=state.pick_row(state.SLICE, "slice_rows", names),
        selection_mode="single-row",
        column_config=_columns(unit, title),
        placeholder="",
    )
    st.caption(
        f"{len(listed):,} of {len(own):,} slices listed. Select a row to see its examples. Gaps are "
        "against the reference of the slice; for a crossing, the excess is against its worst parent."
    )
    st.download_button(
        "These slices as CSV",
        to_csv(own),
        "slices.csv",
        "text/csv",
        key="slices_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def table_frame(rows: pd.DataFrame, unit: str) -> pd.DataFrame:
    """The columns of the table on the page; rates in percent, gaps in points."""
    scale = 100.0 if unit == "rate" else 1.0
    return pd.DataFrame(
        {
            "Slice": rows["slice"],
            "n": rows["n"],
            "Value": rows["value"] * scale,
            "95% interval": [_span(a, b, unit) for a, b in zip(rows["low"], rows["high"], strict=True)],
            "Gap": rows["gap"] * scale,
            "Gap interval": [
                _span(a, b, unit) for a, b in zip(rows["gap_low"], rows["gap_high"], strict=True)
            ],
            "Adjusted p": rows["p_adjusted"],
            "Why not tested": [gaps.why_untested(code) if code else "" for code in rows["untested"]],
            "Excess": rows["excess"] * scale,
            "Smallest gap": rows["smallest_gap"] * scale,
        }
    )


def _span(low: float, high: float, unit: str) -> str:
    return "" if numbers.absent(low) or numbers.absent(high) else numbers.span(low, high, unit)


def _columns(unit: str, title: str) -> dict[str, Any]:
    number = "%.1f" if unit == "rate" else "%.2f" if unit not in ("AUC", "AP", "nats") else "%.3f"
    signed = number.replace("%", "%+")
    value = numbers.axis_title(title, unit)
    points = numbers.unit_of_difference(unit)
    suffix = f" ({points})" if points else ""
    column = st.column_config
    return {
        "Slice": column.TextColumn(width="medium", pinned=True),
        "n": column.NumberColumn(format="localized", help="Denominator of the metric"),
        "Value": column.NumberColumn(value, format=number),
        "Gap": column.NumberColumn(f"Gap{suffix}", format=signed),
        "Excess": column.NumberColumn(
            f"Excess{suffix}", format=signed, help="Over the worst parent of a crossing"
        ),
        "Adjusted p": column.NumberColumn(format="%.2g"),
        "Smallest gap": column.NumberColumn(
            f"Smallest gap{suffix}", format=number, help="Would be shown 4 times out of 5"
        ),
        "Why not tested": column.TextColumn(width="medium"),
    }


def to_csv(rows: pd.DataFrame) -> str:
    """Rows of the table `slices` as CSV: numbers unrounded, text neutralised for spreadsheets."""
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    kept = [name for name in rows.columns if name not in ("attributes", "values")]
    writer.writerow(kept)
    for cells in rows[kept].itertuples(index=False):
        writer.writerow(
            neutralise(cell) if isinstance(cell, str) else "" if numbers.absent(cell) else cell
            for cell in cells
        )
    return memory.getvalue()
