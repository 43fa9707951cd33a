"""One slice: its numbers in the chosen metric, all its metrics, and the link that leads back here."""

from __future__ import annotations

from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from dashboard.charts import gaps, numbers
from dashboard.panels.sentences import literal, title, unit


def sentence(row: pd.Series, found: str) -> str:
    """The slice in the chosen metric as a sentence in Markdown.

    Args:
        row: of the table `slices`.
        found: unit of the metric.
    """
    if numbers.absent(row["value"]):
        why = gaps.why_untested(row["empty"]) if row["empty"] else "no value"
        return f"{title(row['metric'])}: not computed, because {why}."
    value = numbers.estimate(
        row["value"], row["low"], row["high"], row["n"], found, row["events"], named=True
    )
    text = f"{title(row['metric'])}: **{value}**."
    if not numbers.absent(row["gap"]):
        side = "above" if row["gap"] > 0 else "below"
        ends = numbers.span(row["gap_low"], row["gap_high"], found)
        text += (
            f" {numbers.difference(row['gap'], found)} {side} {literal(str(row['reference']))} (gap {ends})."
        )
    if not numbers.absent(row["excess"]):
        side = "above" if row["excess"] > 0 else "below"
        ends = numbers.span(row["excess_low"], row["excess_high"], found)
        parent = literal(str(row["parent"]))
        text += (
            f" {numbers.difference(row['excess'], found)} {side} its worst parent {parent} (excess {ends})."
        )
    if row["untested"] and row["slice"] != "all":
        text += f" Not tested: {gaps.why_untested(row['untested'])}."
    elif not numbers.absent(row["p_adjusted"]):
        text += f" Adjusted {numbers.p_value(row['p_adjusted'])}."
    if not numbers.absent(row["smallest_gap"]) and not row["untested"]:
        smallest = numbers.difference(row["smallest_gap"], found)
        text += f" Smallest gap that it would show 4 times out of 5: {smallest}."
    return text


def metrics_frame(rows: pd.DataFrame, output: str, declared: str) -> pd.DataFrame:
    """All metrics of one slice: value, interval, n, what it was compared with, gap, p.

    Args:
        rows: rows of the table `slices` of one output and slice.
        output: for the unit.
        declared: unit of the output.
    """
    lines = []
    for _, row in rows.iterrows():
        found = unit(row["metric"], output, declared)
        lines.append(
            {
                "Metric": numbers.axis_title(title(row["metric"]), "" if found == "rate" else found),
                "Value (interval, n)": numbers.estimate(
                    row["value"], row["low"], row["high"], row["n"], found, row["events"]
                ),
                "Compared with": "" if numbers.absent(row["gap"]) else str(row["reference"]),
                "There": numbers.number(row["reference_value"], found),
                "Gap": ""
                if numbers.absent(row["gap"])
                else f"{numbers.signed(row['gap'], found)} {numbers.unit_of_difference(found)}".strip(),
                "Adjusted p": "" if row["untested"] else numbers.p_value(row["p_adjusted"]),
                "Interval": row["method"] or "",
                "Remark": _remark(row),
            }
        )
    return pd.DataFrame(lines)


def _remark(row: pd.Series) -> str:
    parts = [row["mark"] or ""]
    if row["empty"]:
        parts.append(f"not computed: {gaps.why_untested(row['empty'])}")
    elif row["untested"] and row["slice"] != "all":
        parts.append(f"not tested: {gaps.why_untested(row['untested'])}")
    return "; ".join(filter(None, parts))


def draw(rows: pd.DataFrame, metric: str, output: str, declared: str, link: dict[str, str]) -> None:
    """Draw the sentence, the copyable link and the table of all metrics.

    Args:
        rows: rows of the table `slices` of one output and slice.
        metric: the chosen one.
        output: the chosen one.
        declared: unit of the output.
        link: query parameters that lead back here.
    """
    own = rows[rows["metric"] == metric]
    if len(own):
        st.markdown(sentence(own.iloc[0], unit(metric, output, declared)))
    if len(rows):
        with st.expander("All metrics of this slice"):
            st.dataframe(metrics_frame(rows, output, declared), hide_index=True, width="stretch")
    with st.expander("Link to this slice"):
        st.code(f"{_address()}?{urlencode(link)}", language=None, wrap_lines=True)


def _address() -> str:
    return str(st.context.url or "").split("?")[0]
