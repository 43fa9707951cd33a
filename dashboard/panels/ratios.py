"""Impact ratios and composition of one attribute."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.charts import numbers, palette
from dashboard.charts.mix import mix_chart
from dashboard.charts.ratios import ratio_chart
from dashboard.panels.sentences import literal, title, unit


def draw_impact(rows: pd.DataFrame, attribute: str) -> None:
    """Selection rate of each category over that of the most selected one.

    Args:
        rows: rows of the table `impact` of one output and attribute.
        attribute: whose categories they are.
    """
    if rows.empty:
        st.info(f"Impact ratios need a yes/no output and two known groups of {literal(attribute)}.")
        return
    if rows["ratio"].isna().all():
        st.info("Nobody was selected, so there is no ratio.")
        return
    st.plotly_chart(ratio_chart(rows), key="impact", config=palette.CONFIG, width="stretch")
    fires = rows["fires_by_chance"].iloc[0]
    below = rows.loc[rows["below_four_fifths"], "value"].tolist()
    st.markdown(
        f"Below 0.8: {', '.join(literal(name) for name in below) or 'no category'}. "
        f"**With equal selection rates and these group sizes, some category would fall below 0.8 in "
        f"{numbers.number(fires)} of audits**, by chance alone."
    )
    st.caption(
        f"What it shows: selection rate ÷ that of {literal(str(rows['reference'].iloc[0]))}, the most "
        "selected category with at least the share of rows that the spec asks for; the interval is given "
        "that reference. 0.8 is the EEOC's rule of thumb; New York's Local Law 144 asks for the ratios "
        "and sets no pass mark. What it can't tell: whether the selected are those who should be."
    )


def draw_mix(rows: pd.DataFrame, attribute: str, output: str, declared: str) -> None:
    """Gaps as they are and standardised.

    Args:
        rows: rows of the table `composition` of one output and attribute.
        attribute: whose groups they are.
        output: for the unit.
        declared: unit of the output.
    """
    if rows.empty:
        st.info(f"No standardised gaps: they need truth and two known groups of {literal(attribute)}.")
        return
    name = str(rows["metric"].iloc[0])
    found = unit(name, output, declared)
    st.plotly_chart(mix_chart(rows, found, title(name)), key="mix", config=palette.CONFIG, width="stretch")
    least = rows["mix_covered"].min()
    st.caption(
        "What it shows: each group's gap to everyone else, as it is and as it would be if every group "
        f"had the same mix by {literal(str(rows['by'].iloc[0]))}. Where the two differ, a part of the gap "
        "comes from who is in the group. Its interval is approximate. What it can't tell: other "
        "differences between the groups. Strata that a group lacks are left out: at least "
        f"{numbers.number(least)} of the mix is covered."
    )
