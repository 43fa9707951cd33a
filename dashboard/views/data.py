"""Data: which rows were audited, who and what is in them, and what they look like."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from audit.core import TaskKind
from audit.profile.stored import questions
from dashboard import cache, state
from dashboard.panels import (
    data_columns,
    data_counts,
    data_groups,
    data_numbers,
    data_pictures,
    data_rates,
    data_samples,
    data_scope,
    data_texts,
    data_together,
)
from dashboard.panels.sentences import literal, sentence_of_data
from dashboard.panels.untested import fixing

chosen = state.current()
run, data = chosen.run, dict(chosen.run.data)
st.title("Data")
st.markdown(f"**{literal(run.model)} {literal(run.version)}** · {sentence_of_data(data)}")
present = data_columns.columns(chosen.folder, chosen.mark)
if not present:
    st.info("This run holds no rows of its own. Choose a run of one version in the sidebar.")
    st.stop()
scope = data_scope.choose(chosen)

st.header("Which rows there are", divider="gray")
data_counts.draw(chosen, scope)

if scope.attribute:
    st.header(f"Who is in them: {literal(scope.attribute)}", divider="gray")
    data_groups.draw(scope, list(data["attributes"]))
else:
    st.info(
        "The file declares no attributes, so there is one group: everyone. Add columns `group.ATTRIBUTE` "
        "(age band, gender, ethnicity …) and audit again."
    )

st.header(f"What is true: {literal(scope.target.name or 'no output')}", divider="gray")
if not scope.target.has_truth:
    st.info("No truth was given for this output: what is true of its rows is not known.")
elif scope.target.kind == TaskKind.MULTILABEL:
    st.info(
        "This output has several labels: all of them follow; choose one in the sidebar to see it by group."
    )
else:
    panel = data_numbers if scope.target.kind == TaskKind.REGRESSION else data_rates
    panel.draw_by_split(scope)
    if scope.attribute:
        st.subheader(f"By {literal(scope.attribute)}")
        panel.draw_by_group(scope, scope.attribute in fixing(run, scope.target.output))

asked = tuple(q.name for q in questions(data["outputs"]) if f"true.{q.suffix}" in present)
if len(asked) > 1:
    st.header("Labels together", divider="gray")
    data_together.draw(scope, asked)

if "text" in present:
    st.header("Texts", divider="gray")
    data_texts.draw(scope, run.seed)

found = cache.times(chosen.folder, chosen.mark).get("source", {}).get("data_root", "")
root = Path(found) if found else None
if "image" in present:
    st.header("Pictures", divider="gray")
    data_pictures.draw(scope, run.seed, root)

payloads = [name for name in ("image", "text") if name in present]
if payloads:
    st.header("A sample to look at", divider="gray")
    data_samples.draw(scope, run.seed, root, payloads)
