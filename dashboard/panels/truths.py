"""A number's error by band of the truth, and age gates."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.charts import numbers, palette
from dashboard.charts.ages import MOST_GROUPS, band, band_chart, gate_chart
from dashboard.panels.calibrated import offered, pick_groups
from dashboard.panels.sentences import literal


def draw(rows: pd.DataFrame, attribute: str, chosen: str, unit: str) -> None:
    """Error by band of the true number, of some groups.

    Args:
        rows: rows of the table `by_truth` of one output.
        attribute: whose groups may be drawn.
        chosen: the chosen slice.
        unit: of the output.
    """
    if rows.empty:
        st.info("Error by true value is measured for numeric outputs with truth.")
        return
    groups = pick_groups(offered(rows, attribute), chosen, MOST_GROUPS, f"bands_{attribute}_{chosen}")
    if not groups:
        st.info("Choose a group.")
        return
    st.plotly_chart(band_chart(rows, groups, unit), key="bands", config=palette.CONFIG, width="stretch")
    with st.expander("The numbers"):
        st.dataframe(band_frame(rows, groups, unit), hide_index=True, width="stretch")
    st.caption(
        "What it shows: mean absolute error among rows of about the same true value, with 95% intervals. "
        "Errors at the ends of the range come in part from shrinkage: a model that is unsure answers "
        "nearer the middle. "
        "What it can't tell: bands with few rows vary by chance; below n=10 no interval is drawn."
    )


def band_frame(rows: pd.DataFrame, groups: list[str], unit: str) -> pd.DataFrame:
    """The bands of some groups: error, bias and the middle 95 % of the errors, with n."""
    own = rows[rows["slice"].isin(groups)].sort_values(["slice", "band_from"], kind="stable")
    return pd.DataFrame(
        {
            "Group": own["slice"].replace({"all": "everyone"}),
            f"True value ({unit})": [
                band(a, b) for a, b in zip(own["band_from"], own["band_to"], strict=True)
            ],
            "Mean absolute error": [
                numbers.estimate(row["mae"], row["mae_low"], row["mae_high"], row["n"], unit)
                for _, row in own.iterrows()
            ],
            "Bias": [numbers.signed(value, unit) for value in own["bias"]],
            "Middle 95% of errors": [
                numbers.span(a, b, unit) for a, b in zip(own["span_low"], own["span_high"], strict=True)
            ],
        }
    )


def draw_gates(rows: pd.DataFrame, attribute: str) -> None:
    """Share of minors whose age is estimated at or above the challenge age.

    Args:
        rows: rows of the table `age_gates` of one output.
        attribute: whose groups to draw.
    """
    own = rows[(rows["slice"] == "all") | rows["slice"].str.startswith(f"{attribute}=")]
    own = own[~own["slice"].str.contains(" & ", regex=False)]
    if own.empty:
        return
    adult, challenge = int(own["adult"].iloc[0]), int(own["challenge"].iloc[0])
    st.subheader(f"Under {adult} and estimated {challenge} or older")
    names = own["slice"].str.removeprefix(f"{attribute}=").replace({"all": "everyone"})
    st.plotly_chart(gate_chart(own.assign(name=names)), key="gates", config=palette.CONFIG, width="stretch")
    st.caption(
        f"What it shows: of the people under {adult} in each group of {literal(attribute)}, the share "
        f"that a gate with challenge age {challenge} would let pass, with a 95% interval; n counts the "
        "minors. What it can't tell: how a gate does where people know of it and try to pass."
    )
