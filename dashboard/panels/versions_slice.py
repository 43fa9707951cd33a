"""One slice of a comparison: its verdict as sentences, all its metrics, and the ways from here."""

from __future__ import annotations

from urllib.parse import urlencode

import pandas as pd
import streamlit as st

from audit.core import Slice
from audit.versions.codes import WORDS, Role, Verdict, reason
from dashboard import cache, state
from dashboard.charts import numbers
from dashboard.charts.versions_looks import EVERYONE, LOOKS, name_of, size, with_unit
from dashboard.panels.sentences import literal, title
from dashboard.panels.versions_choice import Compared
from dashboard.panels.versions_tools import MOST_OFFERED, Picked
from dashboard.panels.versions_verdicts import table_frame


def choose(picked: Picked) -> Slice:
    """Draw the selector of one slice, worst first.

    Args:
        picked: output, metric, and their rows.
    """
    listed = picked.rows["slice"]
    first = [EVERYONE] if (listed == EVERYONE).any() else []  # identities overlap: nobody is everyone
    keys = list(dict.fromkeys([*first, *listed.head(MOST_OFFERED)]))
    asked = state.chosen(state.SLICE)
    if asked and asked not in keys and (picked.rows["slice"] == asked).any():
        keys.append(asked)
    state.settle(state.SLICE, keys)
    key = st.selectbox("Slice", keys, key=state.SLICE, format_func=name_of)
    own = picked.rows[picked.rows["slice"] == key]
    if own.empty:
        return Slice(of=(), n=0)
    row = own.iloc[0]
    return Slice(of=tuple(zip(row["attributes"], row["values"], strict=True)), n=int(row["rows"]))


def draw(compared: Compared, picked: Picked, cut: Slice) -> None:
    """Draw the sentences, all metrics of the slice, the link and the way to the page Slices.

    Args:
        compared: the comparison.
        picked: output, metric, and their rows.
        cut: the slice.
    """
    own = picked.rows[picked.rows["slice"] == cut.key]
    if own.empty:
        st.info("The comparison has no row of this slice in this metric.")
        return
    row = own.iloc[0]
    verdict = Verdict(row["verdict"])
    with st.container(border=True):
        st.markdown(f"{LOOKS[verdict].sign} **{WORDS[verdict].capitalize()}** · {headline(row, picked.unit)}")
        for line in (certainty(row), changed(row), gap(row, picked.unit)):
            if line:
                st.caption(line)
    rows = cache.frame(
        compared.folder, compared.mark, "versions", "verdicts", output=picked.output, slice=cut.key
    )
    with st.expander("All metrics of this slice"):
        shown = table_frame(rows, compared.outputs).drop(columns="Slice")
        st.dataframe(shown, hide_index=True, width="stretch")
    with st.expander("Link to this slice"):
        link = {
            state.RUN: compared.entry.runs[-1],
            state.VERSUS: compared.entry.run_id,
            state.OUTPUT: picked.output,
            state.METRIC: picked.metric,
            state.SLICE: cut.key,
        }
        address = str(st.context.url or "").split("?")[0]
        st.code(f"{address}?{urlencode(link)}", language=None, wrap_lines=True)
    opened = st.button(
        "See this slice in the new version",
        key="open_slices",
        type="tertiary",
        icon=":material/arrow_forward:",
        icon_position="right",
        help="Opens the Slices page at this slice, for the version that was judged",
        on_click=state.go,
        args=(picked.output, picked.metric, cut.key, cut.attributes, compared.entry.runs[-1]),
        disabled=not compared.new,
    )
    if opened:
        st.switch_page("views/slices.py")


def headline(row: pd.Series, unit: str) -> str:
    """Old and new value, harm with interval and margin, n."""
    old, new = numbers.number(row["old"], unit), numbers.number(row["new"], unit)
    words = f"{title(row['metric'])} of {literal(name_of(row['slice']))}: {old} → **{new}**"
    if not numbers.absent(row["harm"]):
        ends = numbers.span(row["harm_low"], row["harm_high"], unit)
        words += f", harm **{with_unit(row['harm'], unit)}** ({ends}); margin {size(row['margin'], unit)}"
    elif not numbers.absent(row["change"]):
        words += f", change {with_unit(row['change'], unit)}; neither direction is harmful by itself"
    else:
        words += f". Not computed: {reason(row['empty'])}" if row["empty"] else ""
    return f"{words} (n={numbers.count(row['n'])})"


def certainty(row: pd.Series) -> str:
    """What the verdict rests on, what it does, and what would settle it."""
    parts = []
    if not numbers.absent(row["p_adjusted"]):
        parts.append(
            f"Adjusted {numbers.p_value(row['p_adjusted'])}, {row['adjustment'].replace('-', '–')} over "
            f"{int(row['tests']):,} tests ({row['test']}); the interval ({row['method']}) is not adjusted."
        )
    elif row["method"]:
        parts.append(f"No test; the interval is of {row['method']}.")
    if row["same_rows_as"]:
        parts.append(
            f"It holds the very rows of {literal(name_of(row['same_rows_as']))} and shares that test."
        )
    parts.append(_role(row))
    if not numbers.absent(row["needed_n"]):
        needed = numbers.count(row["needed_n"])
        parts.append(f"**About {needed} rows would settle it**, were the shares the same.")
    if row["mark"] and row["mark"] != "unpaired":
        parts.append(f"Mark: {literal(row['mark'])}.")
    return " ".join(parts)


def _role(row: pd.Series) -> str:
    words = {
        Role.DEMANDED.value: "Demanded: it must be shown not worse",
        Role.TESTED.value: "Tested for a regression only",
        Role.WATCHED.value: "Shown, not gated",
    }[row["role"]]
    return f"{words} ({reason(row['role_why'])})." if row["role_why"] else f"{words}."


def changed(row: pd.Series) -> str:
    """Rows whose event came or went, for rates."""
    if numbers.absent(row["only_old"]) or numbers.absent(row["only_new"]):
        return ""
    event = "an error" if row["better"] == "lower" else "the event"
    only_new, only_old = numbers.count(row["only_new"]), numbers.count(row["only_old"])
    return f"Rows with {event} in the new version only: {only_new}; in the old version only: {only_old}."


def gap(row: pd.Series, unit: str) -> str:
    """The gap of gaps in words."""
    if numbers.absent(row["gap_change"]):
        return ""
    words = f"{with_unit(row['gap_change'], unit)}"
    ends = numbers.span(row["gap_low"], row["gap_high"], unit)
    return (
        f"Gap of gaps: its distance to {literal(row['reference'])} changed by {words} ({ends}, not adjusted)."
    )
