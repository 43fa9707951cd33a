"""Leakage: copies across splits, what they did to the numbers, and what to do about them."""

from __future__ import annotations

import streamlit as st

from dashboard import cache, state
from dashboard.panels import (
    leakage_clusters,
    leakage_explorer,
    leakage_inflation,
    leakage_look,
    leakage_pairs,
    leakage_splits,
    leakage_verdict,
    probe_section,
)
from dashboard.panels.sentences import literal

chosen = state.current()
run, folder, mark = chosen.run, chosen.folder, chosen.mark
split = str(run.data["audited"]["split"])
st.title("Leakage")
st.markdown(f"**{literal(run.model)} {literal(run.version)}** · audited on split {literal(split)}")
section = probe_section.shown(run, leakage_verdict.PROBE, leakage_verdict.ABSENT)
if section is None:
    st.stop()
summary, attributes = section.summary, list(run.data["attributes"])
tables = {
    name: cache.frame(folder, mark, leakage_verdict.PROBE, name)
    for name in (
        "inflation",
        "by_distance",
        "planted",
        "clusters",
        "conflicts",
        "actions",
        "by_group",
        "split_table",
    )
}
st.markdown(leakage_verdict.verdict(section, split))
st.caption(leakage_verdict.counts(dict(summary)))

st.header("What it did to the numbers", divider="gray")
leakage_inflation.draw(
    tables["inflation"], chosen.output, run.data["outputs"], attributes, int(summary["leaked"])
)

st.header("Pairs, and which distance to trust", divider="gray")
pairs = cache.table(folder, mark, leakage_verdict.PROBE, "pairs")
offered = leakage_look.kinds_of(pairs, dict(summary))
what = offered[0]
if len(offered) > 1:
    state.settle("leak_what", offered)
    what = st.segmented_control("Pairs of", offered, key="leak_what") or what
if pairs is None:
    st.info("No pair of copies or look-alikes was found.")
else:
    own = leakage_look.of_what(pairs, what)
    look = leakage_explorer.draw(what, own, tables["by_distance"], tables["planted"], dict(summary))
    st.subheader(f"Pairs at {look.words}")
    sampled = leakage_look.sampled(tables["by_distance"], look)
    leakage_pairs.draw(chosen, own, look, sampled)

st.header("Clusters of copies", divider="gray")
leakage_clusters.draw(chosen, tables["clusters"], tables["conflicts"], tables["actions"])

st.header("From split to split", divider="gray")
leakage_splits.draw_table(tables["split_table"])

st.header("Copies that contradict each other", divider="gray")
leakage_clusters.draw_conflicts(tables["conflicts"])

st.header("Whose rows have copies", divider="gray")
leakage_splits.draw_groups(tables["by_group"], attributes)

st.header("What to do", divider="gray")
leakage_splits.draw_actions(tables["actions"], int(run.data["records"]))
