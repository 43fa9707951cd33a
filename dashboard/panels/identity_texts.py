"""The comments behind a cell: the errors first, masked until asked for, mentions marked, a page at a time."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from audit.core import Section
from dashboard import cache, state
from dashboard.panels import identity_members, identity_words, rows
from dashboard.panels.sentences import literal

PAGE = 10
FIRST = {
    "fpr": rows.FALSE_POSITIVES,
    "bpsn_auc": rows.FALSE_POSITIVES,
    "negative_aeg": rows.FALSE_POSITIVES,
    "fnr": rows.FALSE_NEGATIVES,
    "bnsp_auc": rows.FALSE_NEGATIVES,
    "positive_aeg": rows.FALSE_NEGATIVES,
}
"""Metric -> the texts that it is about."""


def draw(
    chosen: state.Chosen, section: Section, identity: str, output: str, metric: str, stored: int
) -> None:
    """Draw the texts that speak of an identity.

    Args:
        chosen: the run.
        section: of the probe.
        identity: the chosen one.
        output: the chosen label.
        metric: the chosen one; it gives the first filter.
        stored: texts that the audit counted, to be told where others are found now.
    """
    why = identity_members.why_not(chosen, section)
    present = cache.columns(chosen.folder, chosen.mark)
    columns = rows.columns_of(output, chosen.run.data["outputs"], present)
    if why or columns is None:
        st.info(why or "The run keeps no decision of this output.")
        return
    ids = identity_members.ids_of(chosen, section, identity)
    if len(ids) != stored:
        st.warning(
            f"The audit counted {stored:,} texts; the lexicon of this version of Plumbline finds "
            f"{len(ids):,}."
        )
    found = cache.details(chosen.folder, chosen.mark, tuple(ids), columns.names)
    offered = rows.filters_of(columns)
    key = f"identity_rows_{output}_{metric}"
    first = _first(found, columns, FIRST.get(metric, rows.ERRORS), offered)
    state.settle(key, offered, first)
    wanted = st.segmented_control(
        "Texts",
        offered,
        key=key,
        label_visibility="collapsed",
        format_func=lambda name: f"{name} ({len(rows.select(found, columns, name)):,})",
    )
    kept = rows.select(found, columns, wanted or rows.ALL)
    if kept.empty:
        st.info(f"No text is among “{wanted}”. Choose “all” to see {len(found):,} texts.")
        return
    open_ = st.toggle(
        "Show texts that the truth or the model flags, and slurs",
        key="identity_show_texts",
        help="They may hurt; until then every letter of them is a dot, and the mention stays readable.",
    )
    _page(chosen, kept, columns, identity, f"{identity}{output}{wanted}", open_=open_)


def _first(found: pd.DataFrame, columns: rows.Columns, wanted: str, offered: list[str]) -> str:
    """The filter that the metric is about, unless nothing passes it."""
    if wanted in offered and len(rows.select(found, columns, wanted)):
        return wanted
    return rows.ALL


def _page(
    chosen: state.Chosen, kept: pd.DataFrame, columns: rows.Columns, identity: str, key: str, *, open_: bool
) -> None:
    pages = -(-len(kept) // PAGE)
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    number = 1
    if pages > 1:
        with right:
            number = int(st.number_input(f"Page (of {pages:,})", 1, pages, 1, key=f"identity_page_{key}"))
    start = (number - 1) * PAGE
    page = kept.iloc[start : start + PAGE]
    with left:
        st.markdown(f"Texts {start + 1:,}–{start + len(page):,} of **{len(kept):,}**")
    texts = cache.details(chosen.folder, chosen.mark, tuple(page["id"]), ("text",))["text"]
    hide = rows.flagged(page, columns) & (not open_)
    for (_, row), text, hidden in zip(page.iterrows(), texts, hide, strict=True):
        with st.container(border=True):
            st.caption(_facts(row, columns))
            st.markdown(_text(text, identity, hide=bool(hidden), slurs=open_))


def _text(text: object, identity: str, *, hide: bool, slurs: bool) -> str:
    if not isinstance(text, str) or not text:
        return "*(no text)*"
    marks = identity_words.terms_of(text, identity_members.lexicon(), identity)
    return identity_words.markdown(text, marks, hide=hide, slurs=slurs)


def _facts(row: pd.Series, columns: rows.Columns) -> str:
    parts = [literal(str(row["id"]))]
    if columns.truth:
        parts.append(f"true {literal(_short(row[columns.truth]))}")
    parts.append(f"said {literal(_short(row[columns.decision]))}")
    if len(columns.scores) == 1:
        parts.append(f"score {row[columns.scores[0]]:.3f}")
    return " · ".join(parts)


def _short(value: object) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
