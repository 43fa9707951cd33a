"""The frame of the app: page setup, shared selectors, navigation. Started by `plumbline dashboard`."""

from __future__ import annotations

from pathlib import Path

import streamlit as st

from dashboard import state
from dashboard.panels import icon, sidebar

st.set_page_config(
    page_title="Plumbline",
    page_icon=icon.plumb_line(),
    layout="wide",
    initial_sidebar_state=320,
)
st.html(Path(__file__).with_name("style.css"))
page = st.navigation(
    [
        st.Page("views/overview.py", title="Overview", icon=":material/summarize:", default=True),
        st.Page("views/slices.py", title="Slices", icon=":material/bar_chart:"),
    ]
)
state.begin()
chosen = sidebar.choose_run()
if chosen is not None:
    state.choose(chosen)
    page.run()
    state.end(state.LINKED if page.title == "Slices" else (state.RUN, state.OUTPUT))
