"""The primary family of tests, and every gap beside what chance would give."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from dashboard.charts import numbers, palette
from dashboard.charts.spread import spread_chart
from dashboard.panels.headline import declared_unit
from dashboard.panels.sentences import title, unit
from dashboard.panels.static import static_table

TWICE = ("accuracy", "brier", "log_loss", "rmse")
"""Metrics that say again what another line of the chart says."""
METRIC_OF = {"equalised_odds": "rate"}


def draw_primary(families: pd.DataFrame) -> None:
    """One line an omnibus test: are all groups of this attribute equal in this metric?"""
    if families.empty:
        st.info("No omnibus test could be made: it needs truth and an attribute with two groups or more.")
        return
    shown = pd.DataFrame(
        {
            "Output": families["output"],
            "Attribute": families["attribute"],
            "Metric": [title(name) for name in families["metric"]],
            "Groups": [int(n) for n in families["groups"]],
            "Test": families["test"],
            "p": [numbers.p_value(p) for p in families["p"]],
            "Adjusted p": [numbers.p_value(p) for p in families["p_adjusted"]],
            "Groups differ": [_verdict(p) for p in families["p_adjusted"]],
        }
    )
    static_table(shown)
    tests = int(families["tests"].iloc[0])
    method = str(families["adjustment"].iloc[0])
    st.caption(
        f"{method} over {tests} tests. A line says that the groups differ somewhere, not where or how much: "
        "the findings say that."
    )


def _verdict(p: Any) -> str:
    if numbers.absent(p):
        return "not tested"
    return "yes" if p <= 0.05 else "not shown"


def draw_spread(spread: pd.DataFrame, output: str, outputs: Mapping[str, Any], fixing: Sequence[str]) -> None:
    """A chart for rates and one for each other unit, of the chosen output.

    Args:
        spread: the table `spread`.
        output: the chosen one.
        outputs: `AuditRun.data["outputs"]`, for units.
        fixing: attributes that fix the output's truth: their gaps are no gaps between comparable groups.
    """
    own = spread[spread["output"] == output] if len(spread) else spread
    if len(own):
        own = own[~own["attribute"].isin(fixing) & ~own["metric"].isin(TWICE)]
    if own.empty:
        st.info(f"No gap to show for output “{output}”: it needs an attribute with two known groups.")
        return
    units = [_unit(name, output, outputs) for name in own["metric"]]
    for found in dict.fromkeys(units):
        rows = own[[u == found for u in units]].reset_index(drop=True)
        titles = [_row_title(row) for _, row in rows.iterrows()]
        st.plotly_chart(
            spread_chart(rows, titles, found), key=f"spread_{found}", config=palette.CONFIG, width="stretch"
        )
    st.caption(
        "What it shows: the distance between the highest and the lowest group, beside the range of that "
        "distance if all groups were equal. What it can't tell: which group is worse for which reason. "
        "The p of each line is not adjusted. Demographic parity, equal opportunity, equalised odds and "
        "predictive parity can't all be zero when base rates differ."
    )


def _row_title(row: pd.Series) -> str:
    name = "Wider of the two" if row["metric"] == "equalised_odds" else title(row["metric"])
    return f"{row['attribute']}: {name}"


def _unit(name: str, output: str, outputs: Mapping[str, Any]) -> str:
    return METRIC_OF.get(name) or unit(name, output, declared_unit(output, outputs))
