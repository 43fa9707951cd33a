"""Slices that nobody named: found by search, confirmed on rows that the search never saw."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.charts import numbers


def draw(rows: pd.DataFrame) -> None:
    """Draw the table `search` of one output as it is stored, numbers rounded."""
    if rows.empty:
        st.info(
            "No search result is stored for this output: nothing was found, or the run was made without "
            "a search."
        )
        return
    st.dataframe(
        tidy(rows),
        hide_index=True,
        width="stretch",
        column_config={
            name: st.column_config.NumberColumn(format="%.4f")
            for name in rows.columns
            if pd.api.types.is_float_dtype(rows[name])
        },
    )
    st.caption(
        "What it shows: slices that a search over the declared attributes proposed on one half of the "
        "rows, and what the other half said of them. Only the second half counts. What it can't tell: "
        "slices that no declared attribute describes."
    )


def tidy(rows: pd.DataFrame) -> pd.DataFrame:
    """Headings as words; lists of attribute values as text."""
    found = rows.copy()
    for name in found.columns:
        if found[name].map(lambda cell: hasattr(cell, "__len__") and not isinstance(cell, str)).any():
            found[name] = [
                ", ".join(map(str, cell)) if hasattr(cell, "__len__") else str(cell) for cell in found[name]
            ]
    found.columns = [str(name).replace("_", " ") for name in found.columns]
    return found.map(lambda cell: None if numbers.absent(cell) else cell)
