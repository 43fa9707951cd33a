"""Versions: is the new version worse for anyone? Verdicts, the way of every slice, and what flipped."""

from __future__ import annotations

import streamlit as st

from dashboard import state
from dashboard.panels import (
    versions_choice,
    versions_flips,
    versions_headline,
    versions_slice,
    versions_tools,
    versions_verdicts,
)
from dashboard.panels.sentences import literal

chosen = state.current()
st.title("Versions")
compared = versions_choice.choose(chosen)
if compared is None:
    st.stop()
versions_headline.draw(compared)

st.header("Verdicts", divider="gray")
versions_verdicts.draw(compared)

st.header(f"Slices of {literal(chosen.output)}", divider="gray")
picked = versions_tools.choose(compared, chosen.output)
if picked is None:
    st.info(
        f"The comparison has nothing of output {literal(chosen.output)}: it is not in both runs, or neither "
        "has a metric of it. Choose another output in the sidebar."
    )
    st.stop()
versions_tools.draw(compared, picked)

st.header("One slice", divider="gray")
cut = versions_slice.choose(picked)
versions_slice.draw(compared, picked, cut)
st.subheader("What flipped")
versions_flips.draw(compared, chosen.output, cut)
