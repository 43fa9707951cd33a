"""One metric of one output in every slice: slopes, harm beside its margin, gap of gaps, history."""

from __future__ import annotations

from dataclasses import dataclass

import pandas as pd
import streamlit as st

from audit.versions.codes import GATED, Role
from dashboard import cache, state
from dashboard.charts import palette
from dashboard.charts.versions_changes import MOST_CHANGES, gap_chart, harm_chart
from dashboard.charts.versions_history import MOST_WAYS, history_chart
from dashboard.charts.versions_looks import EVERYONE
from dashboard.charts.versions_slopes import MOST_SLOPES, drawn, slope_chart
from dashboard.panels.headline import declared_unit
from dashboard.panels.sentences import title, unit
from dashboard.panels.static import static_table
from dashboard.panels.versions_choice import Compared
from dashboard.panels.versions_groups import EVERY, GROUP, group_of, groups_of, in_group

SLOPES, HARM, GAPS, HISTORY = "Slopes", "Harm and margin", "Gap of gaps", "History"
TOOL = "versions_tool"
MOST_OFFERED = 1_000
"""Slices in the selector, worst first; links and clicks reach every slice."""


@dataclass(frozen=True, kw_only=True)
class Picked:
    """What the page's selectors say."""

    output: str
    metric: str
    rows: pd.DataFrame
    """Rows of the table `verdicts` of the output and metric, worst first."""
    unit: str


def choose(compared: Compared, output: str) -> Picked | None:
    """Draw the selector of the metric; None where the comparison has nothing of the output.

    Args:
        compared: the comparison.
        output: the one of the sidebar.
    """
    every = cache.frame(compared.folder, compared.mark, "versions", "verdicts", output=output)
    if every.empty:
        return None
    metrics = list(every["metric"].unique())
    gated = every[every["role"].isin(GATED)]
    metrics = list(dict.fromkeys([*gated["metric"], *metrics]))
    state.settle(state.METRIC, metrics)
    left, right = st.columns(2)
    with left:
        st.selectbox("Metric", metrics, key=state.METRIC, format_func=title)
    metric = state.chosen(state.METRIC)
    rows = every[every["metric"] == metric].reset_index(drop=True)
    state.settle(state.SLICE, list(rows["slice"]), worst(rows))
    groups = groups_of(rows)
    own = rows[rows["slice"] == state.chosen(state.SLICE)].iloc[0]
    state.settle(GROUP, groups, group_of(own["attributes"]))
    with right:
        st.selectbox("Slices of", groups, key=GROUP, disabled=len(groups) == 1)
    found = unit(metric, output, declared_unit(output, compared.outputs))
    return Picked(output=output, metric=metric, rows=rows, unit=found)


def worst(rows: pd.DataFrame) -> str:
    """The slice to begin with: the gated one that stands first, else everyone."""
    gated = rows[rows["role"].isin(GATED)]
    return str(gated["slice"].iloc[0]) if len(gated) else EVERYONE


def draw(compared: Compared, picked: Picked) -> None:
    """Draw the choice of charts and the one that is chosen.

    Args:
        compared: the comparison.
        picked: output, metric, and their rows.
    """
    rows = in_group(picked.rows, state.chosen(GROUP) or EVERY)
    gaps = rows[rows["gap_change"].notna()]
    tools = [SLOPES, HARM, *([GAPS] if len(gaps) else [])]
    tools += [HISTORY] if "history" in compared.tables else []
    state.settle(TOOL, tools, SLOPES)
    tool = st.segmented_control("Chart", tools, key=TOOL, label_visibility="collapsed") or SLOPES
    if rows["old"].notna().sum() == 0:
        st.info("No slice has a value of this metric in both versions.")
        return
    if tool == SLOPES:
        _slopes(compared, picked, rows)
    elif tool == HARM:
        _changes(compared, picked, rows[rows["change"].notna()])
    elif tool == GAPS:
        _gaps(compared, picked, gaps)
    else:
        _history(compared, picked, rows)


def _slopes(compared: Compared, picked: Picked, rows: pd.DataFrame) -> None:
    shown = drawn(rows)
    selected = state.chosen(state.SLICE)
    if selected not in set(shown["slice"]):
        mine = rows[(rows["slice"] == selected) & rows["old"].notna() & rows["new"].notna()]
        shown = pd.concat([shown.head(MOST_SLOPES - len(mine)), mine])
    st.plotly_chart(
        slope_chart(shown, picked.unit, title(picked.metric), compared.names, selected),
        key="slope_points",
        on_select=state.pick(state.SLICE, "slope_points"),
        selection_mode="points",
        config=palette.CONFIG,
        width="stretch",
    )
    known = int((rows["old"].notna() & rows["new"].notna()).sum())
    cut = f" {len(shown):,} of {known:,} slices are drawn, worst first." if len(shown) < known else ""
    st.caption(
        "What it shows: every slice from the old version to the new one, each end with its own 95% interval, "
        "coloured by the verdict. What it can't tell: whether the change is real. The two ends are the same "
        "rows, so their intervals may overlap and the change still be sure: “Harm and margin” shows the "
        f"interval of the change.{cut} Click a point to choose its slice."
    )


def _changes(compared: Compared, picked: Picked, rows: pd.DataFrame) -> None:
    shown = rows.head(MOST_CHANGES)
    st.plotly_chart(
        harm_chart(shown, picked.unit, compared.names, state.chosen(state.SLICE)),
        key="harm_points",
        on_select=state.pick(state.SLICE, "harm_points"),
        selection_mode="points",
        config=palette.CONFIG,
        width="stretch",
    )
    cut = f" {len(shown):,} of {len(rows):,} slices are drawn, worst first." if len(shown) < len(rows) else ""
    paired = "paired" if compared.summary["paired"] else "unpaired"
    st.caption(
        f"What it shows: the change of every slice in the harmful direction with its {paired} interval, not "
        "adjusted. An interval that ends left of the dashed margin is not worse; one that begins right of 0 "
        "and is not, is regressed where its adjusted p is small enough. What it can't tell: slices whose "
        f"interval holds both 0 and the margin.{cut} Click a point to choose its slice."
    )


def _gaps(compared: Compared, picked: Picked, rows: pd.DataFrame) -> None:
    shown = rows.head(MOST_CHANGES)
    st.plotly_chart(
        gap_chart(shown, picked.unit, compared.names, state.chosen(state.SLICE)),
        key="gap_of_gap_points",
        on_select=state.pick(state.SLICE, "gap_of_gap_points"),
        selection_mode="points",
        config=palette.CONFIG,
        width="stretch",
    )
    against = ", ".join(dict.fromkeys(rows["reference"]))
    cut = f" {len(shown):,} of {len(rows):,} slices are drawn." if len(shown) < len(rows) else ""
    st.caption(
        "What it shows: (slice new − old) − (reference new − old), turned so that right is harm: whether the "
        f"slice lost ground on its reference ({against}) although both may have improved. Its interval is "
        f"not adjusted, and no verdict is taken from it.{cut}"
    )


def _history(compared: Compared, picked: Picked, rows: pd.DataFrame) -> None:
    found = cache.frame(
        compared.folder, compared.mark, "versions", "history", output=picked.output, metric=picked.metric
    )
    offered = list(dict.fromkeys([state.chosen(state.SLICE), EVERYONE, *rows["slice"]]))
    keys = [key for key in offered if key in set(found["slice"])][:MOST_WAYS]
    if not keys:
        st.info("No slice of this metric was measured in every version.")
        return
    st.plotly_chart(
        history_chart(found, keys, picked.unit, title(picked.metric)),
        key="history",
        config=palette.CONFIG,
        width="stretch",
    )
    st.caption(
        f"What it shows: the chosen slice, everyone and the worst others, {len(keys)} of "
        f"{found['slice'].nunique():,}, each value with its own interval. What it can't tell: which steps "
        "are real; the table below has the steps of what regressed between the first version and the last."
    )
    _turns(compared)


def _turns(compared: Compared) -> None:
    turns = cache.frame(compared.folder, compared.mark, "versions", "turns", verdict="regressed")
    turns = turns[turns["role"] != Role.WATCHED.value] if len(turns) else turns
    if turns.empty:
        st.markdown("Nothing that is gated regressed between the first version and the last.")
        return
    shown = turns.head(MOST_WAYS * 2)
    static_table(
        pd.DataFrame(
            {
                "Output": shown["output"],
                "Metric": [title(name) for name in shown["metric"]],
                "Slice": shown["slice"],
                "Step of the largest harm": shown["worst_step"].str.replace("->", "→"),
                "Worse since": shown["worse_since"].fillna("not from one version on"),
            }
        )
    )
    if len(shown) < len(turns):
        st.caption(f"{len(shown):,} of {len(turns):,} are listed; all are in the table `turns`.")
