"""The metrics of every output over all rows, with intervals and n."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import streamlit as st

from audit import wording
from dashboard.charts import numbers
from dashboard.panels.sentences import title, unit
from dashboard.panels.static import static_table

SHOWN = {
    "number": ("mae", "bias", "within_5", "within_10"),
    "yes/no": ("error_rate", "fpr", "fnr", "auc"),
    "many classes": ("error_rate", "macro_f1", "top_2", "log_loss"),
    "several labels": ("exact_match", "micro_f1", "macro_f1"),
}
"""Kind of output -> the metrics of the headline, in order; the Slices page has all."""


def headline_table(everyone: pd.DataFrame, outputs: Mapping[str, Any], kind: str) -> pd.DataFrame:
    """One row an output of a kind, one column a metric: value, interval and n as text.

    Args:
        everyone: rows of the table `slices` whose slice is ``all``.
        outputs: `AuditRun.data["outputs"]`.
        kind: a key of `SHOWN`.
    """
    lines = []
    for output, own in everyone.groupby("output", sort=False):
        if kind_of(str(output), outputs) != kind:
            continue
        cells: dict[str, str] = {"Output": str(output)}
        by_metric = own.set_index("metric")
        present = [name for name in SHOWN[kind] if name in by_metric.index]
        for name in present or ["selection_rate", "base_rate"]:
            if name in by_metric.index:
                row = by_metric.loc[name]
                found = unit(name, str(output), declared_unit(str(output), outputs))
                cells[numbers.axis_title(title(name), "" if found == "rate" else found)] = numbers.estimate(
                    row["value"], row["low"], row["high"], row["n"], found, row["events"]
                )
        lines.append(cells)
    return pd.DataFrame(lines)


def kind_of(output: str, outputs: Mapping[str, Any]) -> str:
    """Words for what an output predicts; one label of several is a yes/no question."""
    if output in outputs:
        return wording.kind(outputs[output]["kind"])
    return "yes/no"


def declared_unit(output: str, outputs: Mapping[str, Any]) -> str:
    """The unit that the spec gives an output, or empty."""
    return str(outputs.get(output, {}).get("unit", ""))


def draw(everyone: pd.DataFrame, outputs: Mapping[str, Any]) -> None:
    """Draw a table for each kind of output that there is."""
    if everyone.empty:
        st.info("No metric was measured over all rows; the reasons are under “What was not tested”.")
        return
    for kind in SHOWN:
        found = headline_table(everyone, outputs, kind)
        if len(found):
            static_table(found)
    st.caption(
        "In brackets: 95% interval and n, the metric's denominator (negatives for a false positive rate). "
        "All other metrics are on the Slices page, under the slice “everyone”."
    )
