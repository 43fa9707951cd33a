"""Copies from split to split, whose rows have them, and the lists to act on."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import pyarrow as pa
import streamlit as st

from audit.csv_export import csv_text
from dashboard import state
from dashboard.charts import leakage_groups, numbers, palette
from dashboard.panels.sentences import literal
from dashboard.panels.static import static_table

KINDS = {
    "leaked, audited rows": "Audited rows with a copy in training",
    "duplicated, all splits": "Rows of all splits with any copy",
}


def draw_table(splits: pd.DataFrame) -> None:
    """How many rows of each split have a direct copy in each split.

    Args:
        splits: the table `split_table`.
    """
    columns = list(dict.fromkeys(splits["copies_in"]))
    lines = []
    for split, own in splits.groupby("split", sort=False):
        row = {"Rows of": f"{split} ({numbers.count(own['rows'].iloc[0])})"}
        for _, cell in own.iterrows():
            share = numbers.number(cell["share"])
            text = f"{numbers.count(cell['rows_with_copy'])} ({share})" if cell["rows_with_copy"] else "none"
            row[f"with a copy in {cell['copies_in']}"] = text
        lines.append(row)
    static_table(pd.DataFrame(lines))
    pairs = _pairs(splits)
    st.caption(
        f"A direct copy: equal content, or a pair that the second check confirmed. {pairs} "
        f"{'Copies inside one split count too.' if len(columns) > 1 else ''}".strip()
    )


def _pairs(splits: pd.DataFrame) -> str:
    once = splits[splits["split"] <= splits["copies_in"]]
    equal, near = int(once["identical_pairs"].sum()), int(once["near_pairs"].sum())
    return f"In all {equal:,} pairs of equal content and {near:,} near pairs, each counted once."


def draw_groups(groups: pd.DataFrame, attributes: Sequence[str]) -> None:
    """Whose rows have copies, with intervals.

    Args:
        groups: the table `by_group`; empty without attributes.
        attributes: declared ones.
    """
    offered = [name for name in attributes if len(groups) and (groups["attribute"] == name).any()]
    if not offered:
        st.info("It needs a declared attribute with two known groups.")
        return
    left, right = st.columns(2)
    with left:
        kinds = [kind for kind in KINDS if (groups["what"] == kind).any()]
        state.settle("leak_who", kinds)
        kind = st.selectbox("Share of", kinds, key="leak_who", format_func=KINDS.__getitem__) or kinds[0]
    with right:
        state.settle("leak_who_by", offered)
        attribute = st.selectbox("By", offered, key="leak_who_by") or offered[0]
    own = groups[(groups["what"] == kind) & (groups["attribute"] == attribute)]
    st.plotly_chart(
        leakage_groups.share_chart(own, KINDS[kind]),
        key="leak_groups",
        config=palette.CONFIG,
        width="stretch",
    )
    cut = (
        f" The {leakage_groups.MOST_ROWS} groups with the largest shares of {len(own):,} are drawn."
        if len(own) > leakage_groups.MOST_ROWS
        else ""
    )
    st.caption(
        f"Shares with 95% intervals, by {literal(attribute)}, and everyone else's (grey tick). Adjusted p: "
        f"Benjamini–Hochberg over all groups of this question.{cut}"
    )


def draw_actions(actions: pd.DataFrame, rows: int) -> None:
    """Lists of rows to keep and to drop for retraining, to download.

    Args:
        actions: the table `actions`: rows of clusters.
        rows: that the file holds.
    """
    if actions.empty:
        st.markdown("There is nothing to drop.")
        return
    drop = actions[actions["action"] == "drop"]
    keep = actions[actions["action"] == "keep"]
    by_split = " · ".join(f"{split} {n:,}" for split, n in drop["split"].value_counts().items())
    st.markdown(
        f"**{len(drop):,} of {rows:,} rows** can be dropped before the model is trained again ({by_split}): "
        "each is "
        f"a direct copy of a row that is kept. {len(keep):,} rows of clusters are kept. Held-out rows are "
        "kept "
        "before training rows, then larger pictures, then earlier rows. These are lists: no file is changed."
    )
    with st.container(horizontal=True):
        for name, own in (("drop.csv", drop), ("keep.csv", keep)):
            st.download_button(
                name,
                to_csv(own),
                name,
                "text/csv",
                key=f"leak_{name}",
                icon=":material/download:",
                on_click="ignore",
            )
    st.caption(
        "keep.csv lists the kept rows of clusters; rows without a copy are in neither list. To split anew "
        "instead, keep clusters whole: `audit.leakage.actions.grouped_split`."
    )


def to_csv(rows: pd.DataFrame) -> str:
    """Rows of the table `actions` as CSV, text neutralised for spreadsheets."""
    return csv_text(pa.Table.from_pandas(rows[["id", "split", "cluster", "reason"]], preserve_index=False))
