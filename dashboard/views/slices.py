"""Slices: one metric in every group, what may explain it, and the rows behind each number."""

from __future__ import annotations

import streamlit as st

from audit.finding_groups import ranked
from dashboard import cache, state
from dashboard.panels import rows as rows_panel
from dashboard.panels import sentences, slice_card, tools
from dashboard.panels.headline import declared_unit
from dashboard.panels.sentences import literal

chosen = state.current()
st.title("Slices")
st.markdown(
    f"**{literal(chosen.run.model)} {literal(chosen.run.version)}** · output **{literal(chosen.output)}** · "
    f"{chosen.run.data['audited']['rows']:,} rows of split {literal(chosen.run.data['audited']['split'])}"
)
folder, mark, output = chosen.folder, chosen.mark, chosen.output
metrics = cache.metrics(folder, mark, tools.PROBE, output)
if not metrics:
    st.info(
        "This run holds no table of slices for this output. “What was not tested” on the Overview page "
        "says why; `plumbline audit` with the probe `group_error` makes one."
    )
    st.stop()
picked = tools.choose(metrics, list(chosen.run.data["attributes"]))
rows = cache.frame(folder, mark, tools.PROBE, "slices", output=output, metric=picked.metric)
tools.draw(chosen, rows, picked)

st.header("One slice", divider="gray")
found = [f for f in ranked(chosen.run) if f.output == output]
cut = tools.choose_slice(rows, picked, {f.slice.key: f.slice for f in found})
is_listed = bool((rows["slice"] == cut.key).any())
for finding in found:
    if finding.slice.key == cut.key and not is_listed:
        st.markdown(sentences.headline(finding))
        st.caption(f"{sentences.certainty(finding)} {sentences.reason(finding)}")
        st.caption("Found by search: these numbers are of the rows that confirmed it; all its rows follow.")
slice_card.draw(
    cache.frame(folder, mark, tools.PROBE, "slices", output=output, slice=cut.key),
    picked.metric,
    output,
    declared_unit(output, chosen.run.data["outputs"]),
    {
        "run": chosen.run.run_id,
        "output": output,
        "attribute": picked.attribute,
        "metric": picked.metric,
        "slice": cut.key,
        "view": picked.view,
    },
)
st.subheader("Its rows")
rows_panel.draw(chosen, cut, picked.metric)
