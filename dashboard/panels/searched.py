"""Slices that nobody named: found by search, confirmed on rows that the search never saw."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.charts import numbers
from dashboard.panels.sentences import title, unit
from dashboard.panels.static import static_table


def draw(rows: pd.DataFrame, output: str, declared: str) -> None:
    """Draw the table `search` of one output.

    Args:
        rows: its rows.
        output: for the unit.
        declared: unit of the output.
    """
    if rows.empty:
        st.info(
            "No search result is stored for this output: nothing was found, or the run was made without "
            "a search."
        )
        return
    static_table(tidy(rows, output, declared))
    tests, tried = int(rows["tests"].iloc[0]), int(rows["searched"].iloc[0])
    st.caption(
        f"{tried:,} slices were searched, {tests:,} picked and tested. "
        "What it shows: slices that a search over the declared attributes proposed on one half of the "
        "rows, and what the other half said of them. Only the second half counts. What it can't tell: "
        "slices that no declared attribute describes."
    )


def tidy(rows: pd.DataFrame, output: str, declared: str) -> pd.DataFrame:
    """The slices picked, what each half of the rows says of them, and whether the second confirms it.

    Args:
        rows: rows of the table `search` of one output.
        output: for the unit.
        declared: unit of the output.
    """
    lines = []
    for _, row in rows.iterrows():
        found = unit(row["metric"], output, declared)
        first = f"{numbers.number(row['found'], found)} (n={numbers.count(row['n_found'])})"
        lines.append(
            {
                "Slice": str(row["slice"]),
                "Metric": title(row["metric"]),
                "Where it was found": first,
                "On other rows": f"{numbers.number(row['value'], found)} (n={numbers.count(row['n'])})",
                "Everyone else there": (
                    f"{numbers.number(row['reference_value'], found)} (n={numbers.count(row['reference_n'])})"
                ),
                "Adjusted p": numbers.p_value(row["p_adjusted"]),
                "Confirmed": "yes" if row["confirmed"] else "no",
            }
        )
    return pd.DataFrame(lines)
