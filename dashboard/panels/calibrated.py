"""Calibration by group, and what a common threshold would do: groups chosen, lines drawn, numbers beside."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.charts import numbers, palette
from dashboard.charts.reliability import MOST_GROUPS, reliability_chart
from dashboard.charts.whatif import MEASURES, nearest, whatif_chart
from dashboard.charts.whatif import MOST_GROUPS as MOST_LINES

FIRST = 3
"""Groups that are drawn at first."""


def offered(rows: pd.DataFrame, attribute: str) -> list[str]:
    """Slice keys of an attribute in a table that has `slice` and `attribute`, everyone first."""
    own = rows[rows["attribute"].isin(["", attribute])]
    return list(dict.fromkeys(own["slice"]))


def first_groups(keys: list[str], chosen: str, most: int) -> list[str]:
    """Groups drawn at first: everyone, the chosen slice, then the others in their order."""
    wanted = [key for key in ("all", chosen) if key in keys]
    return list(dict.fromkeys([*wanted, *keys]))[:most]


def pick_groups(keys: list[str], chosen: str, most: int, key: str) -> list[str]:
    """A selector of groups, with at most as many as lines can be told apart."""
    return st.multiselect(
        "Groups",
        keys,
        default=first_groups(keys, chosen, min(most, FIRST)),
        max_selections=most,
        key=key,
        format_func=lambda name: "everyone" if name == "all" else name,
    )


def draw_calibration(points: pd.DataFrame, attribute: str, chosen: str) -> None:
    """The reliability diagram of some groups."""
    if points.empty:
        st.info("Calibration needs scores and truth; this output lacks one of them.")
        return
    groups = pick_groups(offered(points, attribute), chosen, MOST_GROUPS, f"calibration_{attribute}_{chosen}")
    if not groups:
        st.info("Choose a group.")
        return
    st.plotly_chart(
        reliability_chart(points, groups), key="reliability", config=palette.CONFIG, width="stretch"
    )
    st.caption(
        "What it shows: among rows with about the same score, the share whose truth is positive, with a "
        "95% interval. Below the diagonal a group's scores are too high, above it too low. The bins are "
        "the same for all groups. What it can't tell: points with few rows (see the tooltip) scatter by "
        "chance."
    )


def draw_whatif(rows: pd.DataFrame, attribute: str, chosen: str) -> None:
    """Errors by group over one common threshold; a slider reads the table."""
    if rows.empty:
        st.info("A what-if needs a yes/no output with scores and truth.")
        return
    left, right = st.columns(2)
    with left:
        state.settle("whatif_measure", list(MEASURES), "fpr")
        measure = st.selectbox(
            "Measure", list(MEASURES), key="whatif_measure", format_func=MEASURES.__getitem__
        )
    in_force = rows.loc[rows["in_force"], "threshold"]
    start = float(in_force.iloc[0]) if len(in_force) else 0.5
    with right:
        asked = st.slider("Common threshold", 0.01, 0.99, round(start, 2), 0.01, key=f"whatif_{start}")
    threshold = start if round(start, 2) == asked else nearest(rows, asked)
    groups = pick_groups(offered(rows, attribute), chosen, MOST_LINES, f"whatif_{attribute}_{chosen}")
    if not groups:
        st.info("Choose a group.")
        return
    st.plotly_chart(
        whatif_chart(rows, measure, groups, threshold), key="whatif", config=palette.CONFIG, width="stretch"
    )
    st.dataframe(whatif_frame(rows, groups, threshold), hide_index=True, width="stretch")
    st.caption(
        "What it shows: what everybody's error rates would be at one threshold for all. Thresholds of "
        "their own for groups are not offered: in hiring in the US they are unlawful. What it can't "
        "tell: how people would behave at another threshold. A threshold chosen on these rows looks "
        "better here than it will be."
    )


def whatif_frame(rows: pd.DataFrame, groups: list[str], threshold: float) -> pd.DataFrame:
    """The errors of some groups at one threshold, with intervals and n."""
    at = rows[(rows["threshold"] == threshold) & rows["slice"].isin(groups)].set_index("slice")
    lines = []
    for key in groups:
        row = at.loc[key]
        n = row["positives"] + row["negatives"]
        lines.append(
            {
                "Group": "everyone" if key == "all" else key,
                MEASURES["fpr"]: numbers.estimate(
                    row["fpr"], row["fpr_low"], row["fpr_high"], row["negatives"]
                ),
                MEASURES["fnr"]: numbers.estimate(
                    row["fnr"], row["fnr_low"], row["fnr_high"], row["positives"]
                ),
                MEASURES["selection_rate"]: f"{numbers.number(row['selection_rate'])} (n={numbers.count(n)})",
                MEASURES["error_rate"]: f"{numbers.number(row['error_rate'])} (n={numbers.count(n)})",
            }
        )
    return pd.DataFrame(lines)
