"""The frame's sidebar: which run, which output, and whether the run is as it was written."""

from __future__ import annotations

import streamlit as st

from audit.core import AuditRun
from audit.errors import RunError
from audit.store.find import Entry
from audit.store.hashes import Verdict
from dashboard import cache, state
from dashboard.panels.sentences import literal


def choose_run() -> state.Chosen | None:
    """Draw the selectors; None where there is nothing to show, which has then been said."""
    directory = state.runs_dir()
    entries = cache.runs(directory)
    if not entries:
        _no_runs(directory)
        return None
    by_id = {entry.run_id: entry for entry in entries}
    asked = state.chosen(state.RUN)
    if asked and asked not in by_id:
        st.warning(f"There is no run {literal(asked)} here: the link shows the newest run instead.")
    newest = next((e.run_id for e in entries if e.finished), entries[0].run_id)
    state.settle(state.RUN, list(by_id), newest)
    with st.sidebar:
        st.selectbox(
            "Run",
            list(by_id),
            key=state.RUN,
            format_func=lambda run_id: label(by_id[run_id]),
            help="Newest first. Every run is a folder; this page only reads it.",
        )
    entry = by_id[st.session_state[state.RUN]]
    try:
        run = cache.run(str(entry.folder), cache.fingerprint(str(entry.folder)))
    except RunError as error:
        st.title("This run can't be shown")
        st.error(literal(str(error)))
        st.markdown("Choose another run in the sidebar, or repeat the audit: it goes on where it stopped.")
        return None
    with st.sidebar:
        day = f"{entry.started[:16].replace('T', ' ')} UTC · " if entry.started else ""
        st.caption(f"{day}run {entry.run_id}{_trouble(entry)}")
        return _details(str(entry.folder), run)


def label(entry: Entry) -> str:
    """Model, version and the start of the id, with what is wrong with the run: it has to fit."""
    return f"{entry.model} {entry.version} · {entry.run_id[:6]}{_trouble(entry)}"


def _trouble(entry: Entry) -> str:
    folder = str(entry.folder)
    if not entry.finished:
        return " · unfinished"
    said = state.verdict(folder)
    if said:
        return "" if said.startswith("Intact") else " · ALTERED"
    return "" if cache.manifest_is_whole(folder, cache.fingerprint(folder)) else " · ALTERED"


def _details(folder: str, run: AuditRun) -> state.Chosen:
    """The output selector, the button that verifies, and facts of the run."""
    mark = cache.fingerprint(folder)
    found = cache.outputs(folder, mark, "group_error") or list(run.data["outputs"])
    output = ""
    if found:
        state.settle(state.OUTPUT, found)
        output = st.selectbox("Output", found, key=state.OUTPUT, disabled=len(found) == 1) or found[0]
    _verify(folder)
    with st.expander("About this run"):
        _about(folder, mark, run)
    return state.Chosen(folder=folder, mark=mark, run=run, output=output)


def _verify(folder: str) -> None:
    if st.button("Verify the run's hashes", key="verify", icon=":material/verified:", width="stretch"):
        with st.spinner("Recomputing every hash"):
            state.keep_verdict(folder, words(cache.verify(folder)))
        st.rerun()
    said = state.verdict(folder)
    if said.startswith("Intact"):
        st.success(said, icon=":material/check:")
    elif said:
        st.error(literal(said), icon=":material/warning:")
    elif not cache.manifest_is_whole(folder, cache.fingerprint(folder)):
        st.error("ALTERED: run.json is not as it was written.", icon=":material/warning:")


def words(verdict: Verdict) -> str:
    """What a verification found, in words that begin with "Intact" or "ALTERED"."""
    if verdict.intact:
        return "Intact: every file is as it was written."
    if not verdict.finished:
        return "ALTERED: the run is unfinished."
    parts = [
        f"{name}: {', '.join(files)}"
        for name, files in (
            ("altered", verdict.altered),
            ("missing", verdict.missing),
            ("extra", verdict.extra),
        )
        if files
    ]
    return "ALTERED. " + "; ".join(parts)


def _about(folder: str, mark: str, run: AuditRun) -> None:
    times = cache.times(folder, mark)
    weights = run.hashes.get("weights", "")
    lines = [
        f"Started {times.get('started', 'unknown')[:19].replace('T', ' ')}",
        f"Took {times['seconds']:.0f} s" if "seconds" in times else "",
        f"Plumbline {run.plumbline_version}, seed {run.seed}",
        f"Data SHA-256 {run.hashes['data'][:16]}…",
        f"Weights SHA-256 {weights[:16]}…" if weights else "",
        f"Folder {folder}",
    ]
    for line in filter(None, lines):
        st.text(line)


def _no_runs(directory: str) -> None:
    st.title("No runs yet")
    st.markdown("This app shows audits that were made before. Make one, then reload this page:")
    st.code("plumbline audit --predictions predictions.csv", language="bash")
    st.markdown("Or let Plumbline synthesise data with planted faults and audit it:")
    st.code("plumbline demo", language="bash")
    st.markdown("Runs are looked for in this folder; another one is given with `plumbline dashboard --runs`:")
    st.code(directory, language=None)
