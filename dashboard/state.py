"""What a person has chosen: the only file that writes session state and query parameters.

A choice lives in three places: the widget (gone when its page is left), a copy that outlives pages, and the
address, so that a copied link shows the same thing.
"""

from __future__ import annotations

import os
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass
from typing import TypeVar

import streamlit as st

from audit.core import AuditRun

RUN, OUTPUT, ATTRIBUTE, METRIC, SLICE, VIEW = "run", "output", "attribute", "metric", "slice", "view"
VERSUS, IDENTITY, DISTANCE, CLUSTER = "versus", "identity", "distance", "cluster"
SLICES = (RUN, OUTPUT, ATTRIBUTE, METRIC, SLICE, VIEW)
"""Choices that the address of the page Slices carries."""
VERSIONS = (RUN, VERSUS, OUTPUT, METRIC, SLICE)
"""Choices that the address of the page Versions carries."""
IDENTITIES = (RUN, OUTPUT, IDENTITY, METRIC)
"""Choices that the address of the page Identity terms carries."""
LINKED = (*SLICES, VERSUS, IDENTITY, DISTANCE, CLUSTER)
"""Every choice that an address may carry."""
CROSSED = "crossed_with"
"""Second attribute of the heat map."""
_KEPT, _ADDRESS, _CHOSEN, _VERDICTS = "_kept", "_address", "_chosen", "_verdicts"
T = TypeVar("T")


@dataclass(frozen=True, kw_only=True)
class Chosen:
    """The run and output that all pages show."""

    folder: str
    mark: str
    """The run's fingerprint: with the folder, the key of every cache."""
    run: AuditRun
    output: str
    """Empty where the run measured no output."""


def runs_dir() -> str:
    """Folder of the runs, from $PLUMBLINE_RUNS; `plumbline dashboard --runs` sets it."""
    return os.environ.get("PLUMBLINE_RUNS", "") or "runs"


def begin() -> None:
    """Take choices from the address where a person changed it, else from the copy that outlives pages."""
    kept: dict[str, str] = st.session_state.setdefault(_KEPT, {})
    address = {key: st.query_params[key] for key in LINKED if key in st.query_params}
    if address != st.session_state.get(_ADDRESS, {}):
        for key, value in address.items():
            st.session_state[key] = value
        # Taken once: `end` does not run where no page is drawn, and the address must not undo a later choice.
        st.session_state[_ADDRESS] = address
    for key in LINKED:
        if key not in st.session_state and key in kept:
            st.session_state[key] = kept[key]


def end(pages: Sequence[str]) -> None:
    """Write the choices into the copy and the address.

    Args:
        pages: the choices that the page which was drawn depends on.
    """
    kept: dict[str, str] = st.session_state[_KEPT]
    kept |= {key: st.session_state[key] for key in LINKED if st.session_state.get(key)}
    address = {key: kept[key] for key in pages if key in kept}
    if address != {key: st.query_params[key] for key in st.query_params}:
        st.query_params.from_dict(address)
    st.session_state[_ADDRESS] = address


def settle(key: str, options: Sequence[T], default: T | None = None) -> None:
    """Before a widget is drawn: a choice that is not on offer becomes the default, else the first.

    Args:
        key: the widget's key.
        options: what is on offer, at least one.
        default: what to fall back to where it is on offer.
    """
    if st.session_state.get(key) not in options:
        st.session_state[key] = default if default in options else options[0]


def chosen(key: str) -> str:
    """A choice, or empty."""
    return str(st.session_state.get(key) or "")


def go(output: str, metric: str, slice_key: str, attributes: Sequence[str], run: str = "") -> None:
    """Callback of links between pages: choose a slice before the page that shows it is drawn.

    Args:
        output: of the finding.
        metric: of the finding.
        slice_key: the slice.
        attributes: those that define it; two are shown as a crossing.
        run: id of the run that has it; empty: the one that is shown.
    """
    attribute = attributes[0] if attributes else ""
    view = "crossings" if len(attributes) == 2 else "gaps"
    if len(attributes) == 2:
        st.session_state[CROSSED] = attributes[1]
    named = slice_key.removeprefix("identity=") if attribute == IDENTITY else ""
    put({RUN: run, OUTPUT: output, ATTRIBUTE: attribute, METRIC: metric, SLICE: slice_key, VIEW: view})
    put({IDENTITY: named})


def put(choices: Mapping[str, str]) -> None:
    """Callback: make several choices at once; what is empty stays as it is."""
    wanted = {key: value for key, value in choices.items() if value}
    for key, value in wanted.items():
        st.session_state[key] = value
    st.session_state[_KEPT] |= {key: value for key, value in wanted.items() if key in LINKED}


def pick(key: str, points: str) -> Callable[[], None]:
    """Callback of a chart or table: the first selected point names the choice.

    Args:
        key: the choice to make.
        points: key of the chart, whose points carry the choice first in their custom data.
    """

    def picked() -> None:
        selection = st.session_state[points].selection
        if selection.points:
            data = selection.points[0].get("customdata")
            value = data[0] if isinstance(data, list) else data
            if value:
                st.session_state[key] = value

    return picked


def pick_point(points: str, keys: Sequence[str]) -> Callable[[], None]:
    """Callback of a chart whose points stand for several choices.

    Args:
        points: key of the chart.
        keys: the choices that the points' custom data carry, in order.
    """

    def picked() -> None:
        selection = st.session_state[points].selection
        if selection.points:
            put(dict(zip(keys, selection.points[0].get("customdata") or (), strict=False)))

    return picked


def pick_row(key: str, table: str, values: Sequence[str]) -> Callable[[], None]:
    """Callback of a table: the selected row names the choice."""

    def picked() -> None:
        rows = st.session_state[table].selection.rows
        if rows and rows[0] < len(values):
            st.session_state[key] = values[rows[0]]

    return picked


def pick_choices(table: str, choices: Sequence[Mapping[str, str]]) -> Callable[[], None]:
    """Callback of a table whose rows each stand for several choices.

    Args:
        table: the table's key.
        choices: of each row, as for `put`.
    """

    def picked() -> None:
        rows = st.session_state[table].selection.rows
        if rows and rows[0] < len(choices):
            put(choices[rows[0]])

    return picked


def choose(run: Chosen) -> None:
    """Hand the run and output to the page that is drawn next."""
    st.session_state[_CHOSEN] = run


def current() -> Chosen:
    """The run and output that the entry file chose."""
    run: Chosen = st.session_state[_CHOSEN]
    return run


def keep_verdict(folder: str, words: str) -> None:
    """Remember what a verification said of a run, for as long as the browser's session."""
    st.session_state.setdefault(_VERDICTS, {})[folder] = words


def verdict(folder: str) -> str:
    """What the last verification of this session said, or empty."""
    return str(st.session_state.get(_VERDICTS, {}).get(folder, ""))


def show_more(key: str, shown: int, step: int) -> None:
    """Callback of "Show more" below a list."""
    st.session_state[key] = shown + step
