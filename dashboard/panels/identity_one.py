"""One identity: its metric over labels, and its errors over one common threshold."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from audit import wording
from dashboard import state
from dashboard.charts import numbers, palette
from dashboard.charts.identity_errors import errors_chart, tip_value
from dashboard.charts.identity_forest import forest_chart
from dashboard.charts.whatif import nearest
from dashboard.panels.identity_verdict import sentence
from dashboard.panels.sentences import literal
from dashboard.panels.static import static_table

CRITERIA = {"balanced_error": "(FPR + FNR) ÷ 2", "fpr": "FPR", "fnr": "FNR"}


def choose(cells: pd.DataFrame, metric: str, output: str) -> str:
    """Draw the identity's selector; the worst of the chosen metric and label is the default.

    Args:
        cells: the table `cells`.
        metric: the chosen one.
        output: the chosen label.
    """
    names = list(dict.fromkeys(cells["identity"]))
    own = cells[(cells["metric"] == metric) & (cells["output"] == output)]
    ranked = own.sort_values(["severity", "n"], ascending=False, kind="stable", na_position="last")
    state.settle(state.IDENTITY, names, str(ranked["identity"].iloc[0]) if len(ranked) else names[0])
    return str(st.selectbox("Identity", names, key=state.IDENTITY, format_func=wording.identity, width=260))


def draw_labels(cells: pd.DataFrame, identity: str, metric: str, output: str, minimum_n: int) -> None:
    """Draw the cell in words and the identity's values over labels.

    Args:
        cells: the table `cells`.
        identity: the chosen one.
        metric: the chosen one.
        output: the chosen label.
        minimum_n: of the run.
    """
    own = cells[(cells["identity"] == identity) & (cells["metric"] == metric)]
    here = own[own["output"] == output]
    if len(here):
        st.markdown(sentence(here.iloc[0]))
    known = own[own["value"].notna()]
    if known.empty:
        why = "; ".join(dict.fromkeys(wording.reason(code) for code in own["reason"]))
        st.info(f"No label has a value of {wording.metric(metric)} for this identity: {why}.")
        return
    st.plotly_chart(
        forest_chart(
            known, numbers.axis_title(wording.metric(metric), str(known["unit"].iloc[0])), minimum_n
        ),
        key="identity_forest",
        config=palette.CONFIG,
        width="stretch",
    )
    gone = len(own) - len(known)
    left = f" {gone:,} labels without a value are left out." if gone else ""
    st.caption(
        f"What it shows: {wording.metric(metric)} of texts that speak of "
        f"{literal(wording.identity(identity))}, "
        f"label by label, with 95% intervals; the grey tick is what no bias would give.{left}"
    )


def draw_thresholds(thresholds: pd.DataFrame, choices: pd.DataFrame, identity: str, output: str) -> None:
    """Draw the errors over a common threshold, and the threshold whose worst identity is best off.

    Args:
        thresholds: the table `thresholds`.
        choices: the table `choices`.
        identity: the chosen one.
        output: the chosen label.
    """
    rows = thresholds[thresholds["output"] == output] if len(thresholds) else thresholds
    own = rows[rows["identity"] == identity] if len(rows) else rows
    if own.empty or own[["fpr", "fnr"]].isna().all(axis=None):
        st.info(
            "No errors over a threshold: they need scores, a truth, and texts that speak of the identity."
        )
        return
    everyone = rows[rows["identity"] == ""]
    in_force = own.loc[own["in_force"], "threshold"]
    start = float(in_force.iloc[0]) if len(in_force) else 0.5
    asked = st.slider(
        "What if: one common threshold for everyone", 0.01, 0.99, start, 0.01, key="identity_asked"
    )
    asked = nearest(own, asked)
    st.plotly_chart(
        errors_chart(own, everyone, wording.identity(identity), asked),
        key="identity_errors",
        config=palette.CONFIG,
        width="stretch",
    )
    st.markdown(at_threshold(own, everyone, asked, wording.identity(identity)))
    _choices(choices[choices["output"] == output] if len(choices) else choices)
    st.caption(
        "What it shows: error rates at every common threshold, the identity with its 95% interval (band), "
        "everyone dashed. Thresholds of their own for groups are not offered. Now: by the decisions in "
        "force. The choice is made on the rows "
        "that it is shown on and flatters itself a little."
    )


def at_threshold(own: pd.DataFrame, everyone: pd.DataFrame, threshold: float, name: str) -> str:
    """Both errors at a threshold in words of Markdown."""
    said = []
    for measure, n in (("fpr", "n_neg"), ("fnr", "n_pos")):
        here, there = (r[r["threshold"] == threshold].iloc[0] for r in (own, everyone))
        value = tip_value(here, measure, n)
        said.append(f"{measure.upper()} **{value}** against {numbers.number(there[measure])}")
    return f"At {threshold:g}, {literal(name)} against everyone: {'; '.join(said)}."


def _choices(own: pd.DataFrame) -> None:
    lines = [
        {
            "Worst identity by": CRITERIA.get(row["criterion"], row["criterion"]),
            "Best threshold": f"{row['threshold']:g}",
            "Worst, then": _worst(row["worst_identity"], row["worst_error"]),
            "Worst, now": _worst(row["worst_identity_now"], row["worst_error_now"]),
            "Balanced accuracy, now → then": f"{numbers.number(row['balanced_accuracy_now'])} → "
            f"{numbers.number(row['balanced_accuracy'])}",
        }
        for _, row in own.iterrows()
        if not row["reason"]
    ]
    if lines:
        static_table(pd.DataFrame(lines))
    else:
        why = "; ".join(dict.fromkeys(wording.reason(code) for code in own["reason"])) if len(own) else ""
        st.markdown(f"No common threshold is proposed{': ' if why else ''}{why}.")


def _worst(name: object, error: float) -> str:
    return f"{wording.identity(str(name))}, {numbers.number(error)}"
