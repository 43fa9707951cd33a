"""Identity terms: who a text model harms by a mention, on one screen."""

from __future__ import annotations

import streamlit as st

from dashboard import cache, state
from dashboard.panels import (
    identity_map,
    identity_one,
    identity_suites,
    identity_summary,
    identity_swaps,
    identity_texts,
    identity_verdict,
    probe_section,
)
from dashboard.panels.sentences import literal

chosen = state.current()
run, folder, mark = chosen.run, chosen.folder, chosen.mark
st.title("Identity terms")
st.markdown(f"**{literal(run.model)} {literal(run.version)}** · whom the model harms by a mention")
section = probe_section.shown(run, identity_verdict.PROBE, identity_verdict.ABSENT)
if section is None:
    st.stop()
summary = section.summary
names = (
    "cells",
    "summary",
    "thresholds",
    "choices",
    "terms",
    "swaps",
    "swap_examples",
    "swap_excluded",
    "suites",
)
tables = {name: cache.frame(folder, mark, identity_verdict.PROBE, name) for name in names}
cells, terms, minimum_n = tables["cells"], tables["terms"], int(summary["minimum_n"])
if cells.empty:
    st.info(
        "No audited text speaks of any identity, so there is nothing to compare. "
        f"{int(summary['identities']):,} identities were looked for. {identity_verdict.COLUMNS}"
    )
else:
    st.markdown(identity_verdict.verdict(cells))
    st.caption(identity_verdict.source(section, terms))
    outputs = list(dict.fromkeys(cells["output"]))
    output = chosen.output if chosen.output in outputs else outputs[0]

    st.header("Labels × identities", divider="gray")
    metric = identity_map.choose_metric(cells, identity_map.worst_metric(cells))
    place = st.container()
    st.header("One identity", divider="gray")
    identity = identity_one.choose(cells, metric, output)
    with place:
        identity_map.draw(cells, terms, metric, minimum_n, (identity, output))
    identity_one.draw_labels(cells, identity, metric, output, minimum_n)
    st.subheader(f"Errors over one threshold, label {literal(output)}")
    identity_one.draw_thresholds(tables["thresholds"], tables["choices"], identity, output)
    st.subheader("The texts behind it")
    stored = terms.loc[terms["identity"] == identity, "rows"]
    identity_texts.draw(chosen, section, identity, output, metric, int(stored.iloc[0]))

    st.header("One line a label", divider="gray")
    identity_summary.draw(tables["summary"], minimum_n)

st.header("Swapped identities", divider="gray")
identity_swaps.draw(chosen, section, tables)

st.header("Suites of sentences", divider="gray")
identity_suites.draw(section, tables["suites"], minimum_n)
