"""Overview: what was audited, what was found, and what could not be told."""

from __future__ import annotations

import streamlit as st

from audit import finding_groups, wording
from audit.core import Status
from dashboard import cache, state
from dashboard.panels import families, findings, headline, untested
from dashboard.panels.sentences import literal, sentence_of_data

chosen = state.current()
run, folder, mark = chosen.run, chosen.folder, chosen.mark
data = dict(run.data)
ranked = finding_groups.ranked(run)
st.title("Overview")
st.markdown(f"**{literal(run.model)} {literal(run.version)}** · {sentence_of_data(data)}")

for section in run.sections:
    if section.status is Status.FAILED:
        st.error(
            f"The probe {literal(wording.probe(section.probe))} failed; what it measures is missing here.",
            icon=":material/warning:",
        )

st.header("All rows together", divider="gray")
everyone = cache.frame(folder, mark, "group_error", "slices", slice="all")
headline.draw(everyone, data["outputs"])

st.header("Findings", divider="gray")
findings.draw(ranked, findings.why_none(run))

st.header("What was not tested, and why", divider="gray")
untested.draw(run)

measured = len(everyone) > 0
if data["attributes"] and measured:
    st.header("Do the groups differ at all?", divider="gray")
    families.draw_primary(cache.frame(folder, mark, "group_error", "families"))

    st.header(f"Gaps beside chance: {literal(chosen.output)}", divider="gray")
    families.draw_spread(
        cache.frame(folder, mark, "group_error", "spread"),
        chosen.output,
        data["outputs"],
        untested.fixing(run, chosen.output),
    )
