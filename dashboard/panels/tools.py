"""The Slices page's own selectors, and the tool that they choose: gaps, crossings, calibration and so on."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import pandas as pd
import streamlit as st

from audit.core import Slice
from audit.metrics import metric as find_metric
from dashboard import cache, state
from dashboard.panels import calibrated, crossed, gaps, ratios, searched, truths
from dashboard.panels.headline import declared_unit
from dashboard.panels.sentences import title, unit
from dashboard.panels.untested import fixing

PROBE = "group_error"
MOST_OFFERED = 1_000
"""Slices in the selector, those with the most rows; links and clicks reach every slice."""
VIEWS = {
    "gaps": "",
    "crossings": "",
    "table": "",
    "calibration": "calibration",
    "what-if": "thresholds",
    "impact": "impact",
    "mix": "composition",
    "truth": "by_truth",
    "search": "search",
}
"""Tool -> the table that it needs beside `slices`."""
NAMES = {
    "gaps": "Gaps",
    "crossings": "Crossings",
    "table": "All slices",
    "calibration": "Calibration",
    "what-if": "What if",
    "impact": "Impact ratios",
    "mix": "Composition",
    "truth": "By true value",
    "search": "Found by search",
}


@dataclass(frozen=True, kw_only=True)
class Picked:
    """What the page's selectors say."""

    attribute: str
    """Empty where none is declared."""
    metric: str
    view: str


def choose(metrics: Sequence[str], attributes: Sequence[str]) -> Picked:
    """Draw the selectors of metric and attribute.

    Args:
        metrics: of the output, at least one.
        attributes: declared ones.
    """
    first = next((name for name in metrics if find_metric(name).headline), metrics[0])
    state.settle(state.METRIC, metrics, first)
    left, right = st.columns(2)
    with left:
        st.selectbox("Metric", metrics, key=state.METRIC, format_func=title)
    attribute = ""
    if attributes:
        state.settle(state.ATTRIBUTE, list(attributes))
        with right:
            st.selectbox("Attribute", list(attributes), key=state.ATTRIBUTE)
        attribute = state.chosen(state.ATTRIBUTE)
    return Picked(
        attribute=attribute, metric=state.chosen(state.METRIC), view=state.chosen(state.VIEW) or "gaps"
    )


def draw(chosen: state.Chosen, rows: pd.DataFrame, picked: Picked) -> None:
    """Draw the choice of tools and the one that is chosen.

    Args:
        chosen: run and output.
        rows: rows of the table `slices` of the output and metric.
        picked: what the selectors say.
    """
    if not picked.attribute:
        st.info(
            "The file declares no attributes, so there is one group: everyone. Add columns `group.ATTRIBUTE` "
            "(age band, gender, ethnicity …) and audit again. The rows below are all rows."
        )
        return
    present = [view for view in VIEWS if _offers(chosen, view)]
    state.settle(state.VIEW, present, "gaps")
    view = st.segmented_control(
        "Tool", present, key=state.VIEW, format_func=NAMES.__getitem__, label_visibility="collapsed"
    )
    _tool(chosen, rows, picked, view or "gaps")


def _offers(chosen: state.Chosen, view: str) -> bool:
    name = VIEWS[view]
    return not name or len(_frame(chosen, name)) > 0


def _frame(chosen: state.Chosen, name: str, **equal: str) -> pd.DataFrame:
    return cache.frame(chosen.folder, chosen.mark, PROBE, name, output=chosen.output, **equal)


def _tool(chosen: state.Chosen, own: pd.DataFrame, picked: Picked, view: str) -> None:
    declared = declared_unit(chosen.output, chosen.run.data["outputs"])
    found = unit(picked.metric, chosen.output, declared)
    least = int(chosen.run.spec.get("minimum_n", 30))
    attribute, key = picked.attribute, state.chosen(state.SLICE)
    if view == "gaps":
        gaps.draw(own, attribute, found, title(picked.metric), attribute in fixing(chosen.run, chosen.output))
    elif view == "crossings":
        crossed.draw(own, list(chosen.run.data["attributes"]), attribute, found, title(picked.metric), least)
    elif view == "table":
        gaps.draw_table(own, found, title(picked.metric))
    elif view in ("calibration", "what-if"):
        tool = calibrated.draw_calibration if view == "calibration" else calibrated.draw_whatif
        tool(_frame(chosen, VIEWS[view]), attribute, key)
    elif view == "impact":
        ratios.draw_impact(_frame(chosen, "impact", attribute=attribute), attribute)
    elif view == "mix":
        ratios.draw_mix(
            _frame(chosen, "composition", attribute=attribute), attribute, chosen.output, declared
        )
    elif view == "truth":
        truths.draw(_frame(chosen, "by_truth"), attribute, key, unit("mae", chosen.output, declared))
        truths.draw_gates(_frame(chosen, "age_gates"), attribute)
    else:
        searched.draw(_frame(chosen, "search"), chosen.output, declared)


def choose_slice(own: pd.DataFrame, picked: Picked, found: Mapping[str, Slice]) -> Slice:
    """Draw the selector of one slice: those of the attribute first, then the others with the most rows.

    Args:
        own: rows of the table `slices` of the output and metric.
        picked: what the selectors say.
        found: slices of findings; a search goes deeper than the table.
    """
    order = own.sort_values("rows", ascending=False, kind="stable").head(MOST_OFFERED)
    same = [
        key
        for key, names in zip(order["slice"], order["attributes"], strict=True)
        if picked.attribute in names
    ]
    keys = list(dict.fromkeys(["all", *same, *order["slice"]]))
    asked = state.chosen(state.SLICE)
    listed_keys = set(own["slice"])
    if asked and asked not in keys and asked in listed_keys:
        keys.append(asked)
    keys += [key for key in found if key not in listed_keys]
    state.settle(state.SLICE, keys, "all")
    key = st.selectbox(
        "Slice", keys, key=state.SLICE, format_func=lambda name: "everyone" if name == "all" else name
    )
    listed = own[own["slice"] == key]
    if listed.empty:
        return found[key]
    row = listed.iloc[0]
    return Slice(of=tuple(zip(row["attributes"], row["values"], strict=True)), n=int(row["rows"]))
