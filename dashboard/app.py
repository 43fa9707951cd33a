"""The frame of the app: page setup, shared selectors, navigation. Started by `plumbline dashboard`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import state
from dashboard.panels import icon, sidebar

# File in views/, title, icon, and the choices that the page's address carries. A comment and no string:
# Streamlit would write a string that stands alone in this file onto the page.
PAGES = (
    ("overview", "Overview", "summarize", (state.RUN, state.OUTPUT)),
    ("slices", "Slices", "bar_chart", state.SLICES),
    ("identity_terms", "Identity terms", "record_voice_over", state.IDENTITIES),
    ("versions", "Versions", "compare_arrows", state.VERSIONS),
    ("leakage", "Leakage", "content_copy", (state.RUN, state.OUTPUT, state.DISTANCE, state.CLUSTER)),
    ("data", "Data", "database", (state.RUN, state.OUTPUT, state.ATTRIBUTE)),
)

st.set_page_config(
    page_title="Plumbline",
    page_icon=icon.plumb_line(),
    layout="wide",
    initial_sidebar_state=320,
)
st.html(Path(__file__).with_name("style.css"))
pages = {
    st.Page(
        f"views/{name}.py", title=title, icon=f":material/{icon_name}:", default=name == "overview"
    ): linked
    for name, title, icon_name, linked in PAGES
}
page = st.navigation(list(pages))
state.begin()
chosen = sidebar.choose_run()
if chosen is not None:
    state.choose(chosen)
    page.run()
    state.end(pages[page])
