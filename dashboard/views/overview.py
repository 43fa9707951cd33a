"""Overview: what was audited, what was found, and what could not be told."""

from __future__ import annotations

import streamlit as st

from dashboard import cache, state
from dashboard.panels import families, findings, headline, untested
from dashboard.panels.sentences import literal, sentence_of_data

chosen = state.current()
run, folder, mark = chosen.run, chosen.folder, chosen.mark
data = dict(run.data)
ranked = findings.ranked(run)
without = (
    "No finding: no tested difference in a harmful direction has a p below .05. That is no proof that "
    "there is none: look at what was not tested below, and at the smallest gap that each slice could "
    "have shown."
    if data["attributes"]
    else "No findings, because there is nobody to compare: the file declares no attributes. "
    "Add columns `group.ATTRIBUTE` (age band, gender, ethnicity …) and audit again."
)

st.title("Overview")
st.markdown(f"**{literal(run.model)} {literal(run.version)}** · {sentence_of_data(data)}")

st.header("All rows together", divider="gray")
everyone = cache.frame(folder, mark, "group_error", "slices", slice="all")
headline.draw(everyone, data["outputs"])

st.header("Findings", divider="gray")
findings.draw(ranked, without)

st.header("What was not tested, and why", divider="gray")
untested.draw(run, len(everyone))

if data["attributes"]:
    st.header("Do the groups differ at all?", divider="gray")
    families.draw_primary(cache.frame(folder, mark, "group_error", "families"))

    st.header(f"Gaps beside chance: {literal(chosen.output)}", divider="gray")
    families.draw_spread(
        cache.frame(folder, mark, "group_error", "spread"),
        chosen.output,
        data["outputs"],
        untested.fixing(run, chosen.output),
    )
