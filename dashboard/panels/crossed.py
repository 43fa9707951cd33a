"""Two attributes crossed, as a heat map that says what a crossing adds to its parents."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.charts import palette
from dashboard.charts.crossings import MOST_VALUES, crossing, crossing_chart
from dashboard.panels.sentences import literal


def draw(
    rows: pd.DataFrame, attributes: Sequence[str], first: str, unit: str, title: str, minimum_n: int
) -> None:
    """Draw the crossing of the chosen attribute with another; a click on a cell chooses the slice.

    Args:
        rows: rows of the table `slices` of one output and metric.
        attributes: all of them.
        first: the chosen one.
        unit: of the metric.
        title: of the metric.
        minimum_n: of the run: smaller cells are not coloured.
    """
    others = [name for name in attributes if name != first]
    if not others:
        st.info(
            "There is one attribute only: a crossing needs two. Add another `group.` column and audit again."
        )
        return
    state.settle(state.CROSSED, others)
    second = st.selectbox(f"{literal(first)} crossed with", others, key=state.CROSSED, width=320)
    cells = crossing(rows, first, second)
    if cells.empty or cells["value"].isna().all():
        st.info(
            "No cell of this crossing has a value of this metric. Calibration is measured for single "
            "attributes."
        )
        return
    better = str(cells["better"].iloc[0])
    st.plotly_chart(
        crossing_chart(cells, first, second, unit, better=better, minimum_n=minimum_n),
        key="crossing_points",
        on_select=state.pick(state.SLICE, "crossing_points"),
        selection_mode="points",
        config=palette.CONFIG,
        width="stretch",
    )
    st.caption(
        f"What it shows: {literal(title)} in every cell. Colour is how much worse a cell is than the "
        "worse of its two parents: one that only inherits a parent's problem stays pale, one with fewer "
        f"than {minimum_n} rows has none. What it can't tell: colour has no test in it; the findings do. "
        f"Click a number to see its rows. At most {MOST_VALUES} values a side are drawn."
    )
