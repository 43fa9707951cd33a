"""Small tables that are read and not sorted: they wrap, and a screen reader can follow them."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.panels.sentences import literal


def static_table(rows: pd.DataFrame) -> None:
    """Draw a table in which no cell is read as Markdown.

    Args:
        rows: cells of text or whole numbers.
    """
    plain = rows.map(lambda cell: literal(f"{cell:,}" if isinstance(cell, int) else str(cell)))
    plain.columns = [literal(str(name)) for name in rows.columns]
    st.table(plain, border="horizontal", hide_index=True)
