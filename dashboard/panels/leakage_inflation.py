"""Every metric with all test rows and without the leaked ones, for everyone and by group."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pandas as pd
import streamlit as st

from audit import wording
from dashboard import state
from dashboard.charts import leakage_inflation, numbers, palette
from dashboard.charts.leakage_inflation import FLATTERED, UNCHANGED, UNTESTED, WORSENED, kind_of
from dashboard.panels.headline import declared_unit
from dashboard.panels.sentences import literal, title, unit
from dashboard.panels.static import static_table

READS = {
    FLATTERED: "better than it is",
    WORSENED: "worse than it is",
    UNCHANGED: "no change established",
    UNTESTED: "not computed",
}
MOST_GROUPS = 40


def draw(
    rows: pd.DataFrame, output: str, outputs: Mapping[str, Any], attributes: Sequence[str], leaked: int
) -> None:
    """A table of all metrics for everyone, and a chart of one metric by group.

    Args:
        rows: the table `inflation`; empty where nothing leaked or there is no truth.
        output: the chosen one.
        outputs: `AuditRun.data["outputs"]`, for units.
        attributes: declared ones.
        leaked: audited rows with a copy in training.
    """
    if not leaked:
        st.info("No audited row leaked, so every number is the same with and without.")
        return
    own = rows[rows["output"] == output] if len(rows) else rows
    if not len(own):
        st.info(f"Nothing was compared for output “{literal(output)}”: it needs a truth.")
        return
    declared = declared_unit(output, outputs)
    everyone = own[own["slice"] == "all"]
    static_table(table(everyone, output, declared))
    st.caption(
        "Difference: the metric with all audited rows minus the metric without the leaked ones; the rows "
        "without are part of all, so the two are paired. Adjusted p: Benjamini–Hochberg over all metrics, "
        "outputs and groups. Leaked rows may also be easier for another reason than having been trained on."
    )
    if attributes:
        _by_group(own, output, declared, attributes)


def table(rows: pd.DataFrame, output: str, declared: str) -> pd.DataFrame:
    """Metrics as words, worst first as the run has them.

    Args:
        rows: of the table `inflation`.
        output: that they are of.
        declared: its unit.
    """
    lines = []
    for _, row in rows.iterrows():
        own = unit(row["metric"], output, declared)
        points = numbers.unit_of_difference(own)
        lines.append(
            {
                "Metric": title(row["metric"]),
                "Rows, leaked": f"{numbers.count(row['n'])}, {numbers.count(row['leaked'])}",
                "With all rows": numbers.number(row["all"], own),
                "Without leaked rows": numbers.number(row["clean"], own),
                "Difference": _difference(row, own, points),
                "Adjusted p": numbers.p_value(row["p_adjusted"]),
                "It reads": READS[kind_of(row)],
            }
        )
    return pd.DataFrame(lines)


def _difference(row: pd.Series, own: str, points: str) -> str:
    if numbers.absent(row["low"]):
        if not row["leaked"]:
            return "none of these rows leaked"
        return f"not computed: {wording.reason(row['reason'])}" if row["reason"] else numbers.MISSING
    name = f" {points}" if points else ""
    ends = numbers.span(row["low"], row["high"], own)
    return f"{numbers.signed(row['inflation'], own)}{name} ({ends})"


def _by_group(rows: pd.DataFrame, output: str, declared: str, attributes: Sequence[str]) -> None:
    metrics = list(dict.fromkeys(rows["metric"]))
    left, right = st.columns(2)
    with left:
        state.settle("leak_metric", metrics)
        metric = st.selectbox("Metric", metrics, key="leak_metric", format_func=title) or metrics[0]
    with right:
        state.settle("leak_attribute", list(attributes))
        attribute = st.selectbox("By", list(attributes), key="leak_attribute") or attributes[0]
    own = rows[rows["metric"] == metric]
    every = of_attribute(own, attribute)
    groups = every[every["n"] > 0]
    shown = pd.concat([own[own["slice"] == "all"], groups.head(MOST_GROUPS)])
    names = [group_of(key, attribute) for key in shown["slice"]]
    found = unit(metric, output, declared)
    st.plotly_chart(
        leakage_inflation.inflation_chart(shown, names, found, title(metric)),
        key="leak_inflation",
        config=palette.CONFIG,
        width="stretch",
    )
    left_out = f" {len(groups) - MOST_GROUPS:,} groups are not drawn." if len(groups) > MOST_GROUPS else ""
    if len(groups) < len(every):
        left_out += f" {len(every) - len(groups):,} without rows in the denominator are left out."
    st.caption(
        "Left: the metric with all rows (hollow) and without leaked ones (filled). Right: the difference "
        "with "
        f"its 95% interval; groups in which no row leaked have no dot.{left_out} A group whose rows leaked "
        "more "
        "often is flattered more, so gaps between groups change as well: compare the filled dots."
    )
    with st.expander("The same as a table"):
        lines = table(shown, output, declared).drop(columns="Metric")
        lines.insert(0, "Group", names)
        static_table(lines)


def of_attribute(rows: pd.DataFrame, attribute: str) -> pd.DataFrame:
    """Rows of the groups of one attribute, those with the most rows first."""
    own = rows[[str(key).startswith(f"{attribute}=") for key in rows["slice"]]]
    return own.sort_values("n", ascending=False, kind="stable")


def group_of(key: str, attribute: str) -> str:
    """The group that a slice's key names."""
    return "everyone" if key == "all" else key.removeprefix(f"{attribute}=")
