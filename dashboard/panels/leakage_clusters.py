"""Clusters of copies: which there are, which contradict themselves, and the rows of one."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.charts import numbers
from dashboard.panels import leakage_members, leakage_pairs, leakage_words
from dashboard.panels.leakage_members import Members
from dashboard.panels.sentences import literal
from dashboard.panels.static import static_table

MOST_LISTED = 1_000
"""Clusters in the table and the selector; a link reaches every one."""
MEMBERS = 12
"""Rows of a cluster that are drawn at first."""
HEIGHT = 330


def summarised(members: pd.DataFrame, conflicts: pd.DataFrame) -> pd.DataFrame:
    """One line a cluster: those with leaked rows first, then the largest.

    Args:
        members: the table `clusters`.
        conflicts: the table `conflicts`; may be empty.
    """
    counts = members.groupby(["cluster", "split"]).size().reset_index(name="n")
    words = counts["split"] + " " + counts["n"].map(numbers.count)
    splits = words.groupby(counts["cluster"]).agg(" · ".join)
    found = members.groupby("cluster").agg(
        size=("id", "size"), leaked=("leaked", "sum"), diameter=("diameter", "first"), first=("id", "first")
    )
    odd = (
        conflicts.groupby("cluster")["name"].agg(lambda names: ", ".join(dict.fromkeys(names)))
        if len(conflicts)
        else pd.Series(dtype=object)
    )
    found = found.assign(splits=splits, conflict=odd.reindex(found.index).fillna(""))
    return found.reset_index().sort_values(["leaked", "size"], ascending=False, kind="stable")


def draw(chosen: state.Chosen, members: pd.DataFrame, conflicts: pd.DataFrame, actions: pd.DataFrame) -> None:
    """Draw the list of clusters and one of them.

    Args:
        chosen: run and output.
        members: the table `clusters`.
        conflicts: the table `conflicts`; may be empty.
        actions: the table `actions`.
    """
    if members.empty:
        st.info("No copies were found, so there are no clusters.")
        return
    whole = summarised(members, conflicts)
    listed = whole.head(MOST_LISTED)
    keys = [str(code) for code in listed["cluster"]]
    asked = state.chosen(state.CLUSTER)
    if asked and asked not in keys and asked in set(whole["cluster"].astype(str)):
        keys.append(asked)
    state.settle(state.CLUSTER, keys)
    _list(listed, keys)
    cut = f" The {len(listed):,} first of {len(whole):,} are listed." if len(listed) < len(whole) else ""
    st.caption(
        "Copies that hang together, those with leaked rows first; select a line to see its rows. Diameter: "
        "the "
        f"greatest distance between two members, in bits; a wide one may be a chain.{cut}"
    )
    by_key = {str(row["cluster"]): row for _, row in whole.iterrows()} if len(whole) <= MOST_LISTED else {}
    code = st.selectbox(
        "Cluster", keys, key=state.CLUSTER, format_func=lambda key: _name(key, by_key.get(key))
    )
    if code:
        _one(chosen, code, members[members["cluster"].astype(str) == code], conflicts, actions)


def _name(key: str, row: pd.Series | None) -> str:
    return f"{key}" if row is None else f"{key}: {row['size']} rows ({row['splits']})"


def _list(listed: pd.DataFrame, keys: list[str]) -> None:
    shown = listed[["cluster", "size", "splits", "leaked", "diameter", "conflict", "first"]].rename(
        columns={
            "cluster": "Cluster",
            "size": "Rows",
            "splits": "Splits",
            "leaked": "Leaked",
            "diameter": "Diameter",
            "conflict": "Contradicts itself in",
            "first": "First row",
        }
    )
    if shown["Diameter"].isna().all():
        shown = shown.drop(columns="Diameter")
    st.dataframe(
        shown,
        hide_index=True,
        width="stretch",
        height=min(HEIGHT, 38 + 35 * len(shown)),
        on_select=state.pick_row(state.CLUSTER, "leak_clusters", keys),
        selection_mode="single-row",
        key="leak_clusters",
    )


def _one(
    chosen: state.Chosen, code: str, own: pd.DataFrame, conflicts: pd.DataFrame, actions: pd.DataFrame
) -> None:
    """The rows of one cluster, with what to do about each and why."""
    for _, row in (
        conflicts[conflicts["cluster"].astype(str) == code] if len(conflicts) else conflicts
    ).iterrows():
        st.warning(
            f"Its rows do not agree on {row['what']} {literal(str(row['name']))}: "
            f"{literal(str(row['values']))}.",
            icon=":material/rule:",
        )
    key = f"leak_members_{code}"
    shown = int(st.session_state.get(key, MEMBERS))
    page = own.head(shown)
    ids = page["id"].tolist()
    members = leakage_members.read(chosen, ids)
    if "image" in leakage_pairs.columns(chosen):
        _pictures(ids, members)
    if "text" in leakage_pairs.columns(chosen):
        _texts(ids, members)
    advice = actions[actions["id"].isin(ids)].set_index("id") if len(actions) else actions
    static_table(
        pd.DataFrame(
            {
                "Row": ids,
                "Split": page["split"].tolist(),
                "Truth": [members.truth(row).removeprefix("true ") or numbers.MISSING for row in ids],
                "Leaked": ["yes" if hit else "" for hit in page["leaked"]],
                "For retraining": [
                    str(advice.at[row, "action"]) if row in advice.index else "" for row in ids
                ],
                "Why": [str(advice.at[row, "reason"]) if row in advice.index else "" for row in ids],
            }
        )
    )
    if len(own) > shown:
        st.button(
            f"Show more of its {len(own):,} rows",
            key="leak_more_members",
            on_click=state.show_more,
            args=(key, shown, MEMBERS),
        )


def _pictures(ids: list[str], members: Members) -> None:
    sharp = bool(st.session_state.get("show_pictures", False))
    missing = leakage_pairs.thumbnails(ids, members, sharp=sharp)
    if missing:
        st.caption(f"{missing} of {len(ids)} pictures were not found.")


def _texts(ids: list[str], members: Members) -> None:
    opened = bool(st.session_state.get("show_texts", False))
    hide = not opened and any(members.hidden.get(row, True) for row in ids)
    with st.container(border=True):
        for row in ids:
            words = leakage_words.one(members.value(row, "text"), hide=hide)
            st.markdown(f"**{literal(row)}** {words}")


def draw_conflicts(conflicts: pd.DataFrame) -> None:
    """Clusters whose members have two truths, or two values of an attribute.

    Args:
        conflicts: the table `conflicts`; may be empty.
    """
    if conflicts.empty:
        st.markdown("No cluster contradicts itself in a truth or an attribute.")
        return
    counts = (
        conflicts.groupby(["what", "name"], sort=False)
        .agg(clusters=("cluster", "nunique"), members=("rows", "sum"))
        .reset_index()
    )
    lines = [
        {
            "Contradiction in": f"{row['what']} {row['name']}",
            "Clusters": int(row["clusters"]),
            "Rows in them": int(row["members"]),
        }
        for _, row in counts.iterrows()
    ]
    static_table(pd.DataFrame(lines))
    with st.expander(f"All {len(conflicts):,} contradictions"):
        shown = conflicts.assign(ids=[", ".join(ids) for ids in conflicts["ids"]])
        st.dataframe(
            shown[["cluster", "what", "name", "values", "rows", "ids"]],
            hide_index=True,
            width="stretch",
            height=min(HEIGHT, 38 + 35 * len(shown)),
        )
    st.caption(
        "A copy with another truth is an error of labelling in at least one of the two. The rows column "
        "counts "
        "all members of the cluster; at most twelve ids are listed."
    )
