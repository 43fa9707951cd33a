"""Two attributes crossed, as a heat map that says what a crossing adds to its parents."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.charts import palette
from dashboard.charts.crossings import MOST_VALUES, crossing, crossing_chart
from dashboard.panels.sentences import literal


def draw(rows: pd.DataFrame, attributes: Sequence[str], first: str, unit: str, title: str) -> None:
    """Draw the crossing of the chosen attribute with another; a click on a cell chooses the slice.

    Args:
        rows: rows of the table `slices` of one output and metric.
        attributes: all of them.
        first: the chosen one.
        unit: of the metric.
        title: of the metric.
    """
    others = [name for name in attributes if name != first]
    if not others:
        st.info(
            "There is one attribute only: a crossing needs two. Add another `group.` column and audit again."
        )
        return
    state.settle("crossed_with", others)
    second = st.selectbox(f"{literal(first)} crossed with", others, key="crossed_with", width=320)
    cells = crossing(rows, first, second)
    if cells.empty or cells["value"].isna().all():
        st.info(
            "No cell of this crossing has a value of this metric. Calibration is measured for single "
            "attributes."
        )
        return
    better = str(cells["better"].iloc[0])
    st.plotly_chart(
        crossing_chart(cells, first, second, unit, better=better),
        key="crossing_points",
        config=palette.CONFIG,
        width="stretch",
    )
    keys = [key for key in cells["slice"] if isinstance(key, str)]
    with st.container(horizontal=True, vertical_alignment="bottom"):
        picked = st.selectbox(
            "Cell", keys, index=None, key="crossed_cell", placeholder="Choose a cell", width=420
        )
        st.button(
            "See its rows",
            disabled=picked is None,
            key="crossed_go",
            on_click=state.go,
            args=("", "", "", picked or ""),
        )
    st.caption(
        f"What it shows: {literal(title)} in every cell; colour is how much worse it is than the worse of "
        "its two parents, so a cell that only inherits a parent's problem stays pale. What it can't "
        "tell: small cells (see n) vary by chance alone, and colour has no test in it. At most "
        f"{MOST_VALUES} values a side are drawn."
    )
