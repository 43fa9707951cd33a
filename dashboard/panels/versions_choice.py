"""Which comparison the page shows, and what to do where there is none."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from shlex import quote
from typing import Any

import streamlit as st

from audit.core import AuditRun
from audit.errors import RunError
from audit.store.comparison import ComparisonEntry
from audit.versions.codes import EXITS
from dashboard import cache, state
from dashboard.panels.sentences import literal

MOST_OTHERS = 6
"""Comparisons of other runs that are offered as buttons."""


@dataclass(frozen=True, kw_only=True)
class Compared:
    """The comparison that is shown."""

    entry: ComparisonEntry
    folder: str
    mark: str
    run: AuditRun
    """The comparison itself, which is a run of its own."""
    old: str
    """Folder of the run compared against; empty where it is not here."""
    new: str
    """Folder of the run judged."""
    outputs: Mapping[str, Any]
    """Of the run judged, for units; empty where it is not here."""

    @property
    def summary(self) -> Mapping[str, Any]:
        """The section's summary."""
        return self.run.sections[0].summary

    @property
    def names(self) -> tuple[str, str]:
        """Names of the version compared against and the one judged."""
        return self.entry.versions[0], self.entry.versions[-1]

    @property
    def tables(self) -> frozenset[str]:
        """Names of the tables that it has."""
        return frozenset(self.run.sections[0].tables)


def choose(chosen: state.Chosen) -> Compared | None:
    """Draw the selector; None where there is nothing to show, which has then been said.

    Args:
        chosen: the run of the sidebar.
    """
    entries = cache.comparisons(state.runs_dir())
    own = [entry for entry in entries if chosen.run.run_id in entry.runs]
    if not own:
        _none(chosen.run, entries)
        return None
    by_id = {entry.run_id: entry for entry in own}
    asked = state.chosen(state.VERSUS)
    if asked and asked not in by_id:
        st.caption(
            f"The comparison {literal(asked)} is not of this run, or was made again: the newest is shown."
        )
    state.settle(state.VERSUS, list(by_id))
    st.selectbox(
        "Comparison",
        list(by_id),
        key=state.VERSUS,
        format_func=lambda run_id: label(by_id[run_id]),
        help="Comparisons that the run of the sidebar is part of, newest first.",
    )
    return _opened(by_id[st.session_state[state.VERSUS]])


def label(entry: ComparisonEntry) -> str:
    """Model, versions, and the verdict in a word."""
    ways = " → ".join(entry.versions)
    short = EXITS.get(entry.exit_code, "").partition(":")[0]
    return f"{entry.model}  {ways}  ·  {short}" + ("" if entry.paired else "  ·  unpaired")


def _opened(entry: ComparisonEntry) -> Compared | None:
    folder = str(entry.folder)
    mark = cache.fingerprint(folder)
    try:
        run = cache.run(folder, mark)
    except RunError as error:
        st.error(literal(str(error)))
        return None
    if not cache.manifest_is_whole(folder, mark):
        st.error("ALTERED: the comparison's run.json is not as it was written.", icon=":material/warning:")
    folders = {found.run_id: str(found.folder) for found in cache.runs(state.runs_dir())}
    new = folders.get(entry.runs[-1], "")
    outputs = cache.run(new, cache.fingerprint(new)).data["outputs"] if new else {}
    return Compared(
        entry=entry,
        folder=folder,
        mark=mark,
        run=run,
        old=folders.get(entry.runs[0], ""),
        new=new,
        outputs=outputs,
    )


def _none(run: AuditRun, entries: Sequence[ComparisonEntry]) -> None:
    st.info(f"The run {literal(run.model)} {literal(run.version)} is part of no comparison yet.")
    st.markdown("A comparison is made by the command line, the older version first; then reload this page:")
    st.code(command(run), language="bash", wrap_lines=True)
    if not entries:
        return
    st.markdown("Comparisons of other runs:")
    for entry in entries[:MOST_OTHERS]:
        st.button(
            literal(label(entry)),
            key=f"other_{entry.run_id}",
            icon=":material/compare_arrows:",
            on_click=state.put,
            args=({state.RUN: entry.runs[-1], state.VERSUS: entry.run_id},),
        )
    if len(entries) > MOST_OTHERS:
        st.caption(f"and {len(entries) - MOST_OTHERS:,} more: `plumbline runs` lists all.")


def command(run: AuditRun) -> str:
    """The command that compares a run with another version of its model."""
    others = [e for e in cache.runs(state.runs_dir()) if e.model == run.model and e.run_id != run.run_id]
    finished = [e for e in others if e.finished]
    place = f" --runs {quote(str(Path(state.runs_dir())))}"
    if not finished:
        name = quote(run.model)
        audit = f"plumbline audit --predictions NEW.csv --name {name} --version NEW{place}"
        return f"{audit}\nplumbline compare {run.run_id} {name}/NEW{place}"
    started = {e.run_id: e.started for e in cache.runs(state.runs_dir())}
    pair = sorted([run.run_id, finished[0].run_id], key=lambda run_id: started[run_id])
    return f"plumbline compare {pair[0]} {pair[1]}{place}"
