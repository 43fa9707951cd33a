"""Pairs side by side: pictures blurred and texts masked until asked for, copies told from look-alikes."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from dashboard import cache, state
from dashboard.charts import numbers
from dashboard.panels import leakage_look, leakage_members, leakage_words, pictures
from dashboard.panels.leakage_look import ALIKE, IMAGES, PARTS, Look
from dashboard.panels.leakage_members import Members
from dashboard.panels.sentences import literal

SHOWN = {True: 9, False: 5}
"""Pairs of pictures, of texts, that are drawn at first; each press shows as many more."""
COLUMNS = 3
WIDTH = 122
"""Of a picture, in pixels."""
COPY, LOOK_ALIKE, MODEL = "copy", "look-alike, no copy", "alike for the model, no copy"
FILTERS = ("only across splits", "only copies")


def draw(chosen: state.Chosen, pairs: pa.Table, look: Look, sampled: str) -> None:
    """Draw filters and the pairs at the chosen distance.

    Args:
        chosen: run and output.
        pairs: of what is looked at.
        look: the distance.
        sampled: remark on pairs at this distance that the run does not list; empty where it has all.
    """
    wanted = st.pills(
        "Show", FILTERS, selection_mode="multi", key="leak_filters", label_visibility="collapsed"
    )
    found = leakage_look.at(pairs, look, across=FILTERS[0] in wanted, confirmed=FILTERS[1] in wanted)
    if not found.num_rows:
        st.info(f"No pair at {look.words}{' passes these filters' if wanted else ''}. {sampled}".strip())
        return
    as_pictures = look.what in (IMAGES, PARTS) or (look.what == ALIKE and "image" in columns(chosen))
    key = f"leak_pairs_{look.what}_{look.stop}_{'_'.join(sorted(wanted))}"
    step = SHOWN[as_pictures]
    shown = int(st.session_state.get(key, step))
    page = found.slice(0, shown).to_pandas()
    members = leakage_members.read(chosen, [*page["a"], *page["b"]])
    if as_pictures:
        _pictures(page, members)
    else:
        _texts(page, members)
    st.caption(f"{len(page):,} of {found.num_rows:,} pairs at {look.words}. {sampled}".strip())
    if found.num_rows > shown:
        st.button("Show more pairs", key="leak_more", on_click=state.show_more, args=(key, shown, step))


def columns(chosen: state.Chosen) -> list[str]:
    """Columns of the run's predictions."""
    return cache.columns(chosen.folder, chosen.mark)


def kind_of(row: Mapping[str, Any]) -> str:
    """What a pair is: a copy, or only alike."""
    if row["confirmed"]:
        return COPY
    return MODEL if row["kind"] == "similar" else LOOK_ALIKE


def about(row: Mapping[str, Any]) -> str:
    """How a pair was found and what the second check measured."""
    if str(row["kind"]).startswith("identical"):
        return str(row["kind"])
    if "text" in str(row["kind"]):
        order = "" if numbers.absent(row["check"]) else f" · words in order {row['check'] * 100:.0f}%"
        return f"{row['kind']} · {(1 - row['distance']) * 100:.0f}% of words shared{order}"
    if row["kind"] == "similar":
        return f"cosine {1 - row['distance']:.3f}"
    check = "not checked" if numbers.absent(row["check"]) else f"detail correlates at {row['check']:.2f}"
    return f"{row['kind']} · {row['distance']:.0f} bits · {check}"


def _records(page: pd.DataFrame) -> list[dict[str, Any]]:
    return [{str(name): value for name, value in row.items()} for row in page.to_dict("records")]


def _badge(row: Mapping[str, Any]) -> None:
    kind = kind_of(row)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        if kind == COPY:
            st.badge(kind, icon=":material/content_copy:", color="orange")
        else:
            st.badge(kind, icon=":material/difference:", color="gray")
        if row["split_a"] != row["split_b"]:
            st.badge("across splits", icon=":material/call_split:", color="red")
    st.caption(about(row))


def _pictures(page: pd.DataFrame, members: Members) -> None:
    sharp = st.toggle(
        "Show pictures sharp",
        key="show_pictures",
        help="They may show people, so they are blurred until you ask for them.",
    )
    missing = 0
    rows = _records(page)
    for start in range(0, len(rows), COLUMNS):
        for place, row in zip(st.columns(COLUMNS), rows[start : start + COLUMNS], strict=False):
            with place, st.container(border=True):
                _badge(row)
                missing += thumbnails([row["a"], row["b"]], members, sharp=sharp)
    if missing:
        where = f"under {members.root}" if members.root else "because the run does not know the data's folder"
        st.caption(f"{missing} of {2 * len(rows)} pictures were not found {literal(where)}.")


def thumbnails(
    ids: list[str], members: Members, *, sharp: bool, notes: Mapping[str, str] | None = None
) -> int:
    """Draw the pictures of some rows beside each other, cut to squares.

    Args:
        ids: of the rows.
        members: what is known of them.
        sharp: not blurred.
        notes: id -> words for its caption.

    Returns:
        How many were not found.
    """
    found = [pictures.read(members.value(row, "image"), members.root, blurred=not sharp) for row in ids]
    st.image(
        [picture or pictures.placeholder() for picture in found],
        caption=[_caption(row, members, (notes or {}).get(row, "")) for row in ids],
        width=WIDTH,
    )
    return found.count(None)


def _caption(row: str, members: Members, note: str) -> str:
    parts = (str(members.value(row, "split") or ""), members.truth(row), note, row)
    return literal(" · ".join(part for part in parts if part))


def _texts(page: pd.DataFrame, members: Members) -> None:
    opened = st.toggle(
        "Show texts that the truth or the model flags",
        key="show_texts",
        help="They may hold slurs and threats; until then every letter of them is a dot.",
    )
    for row in _records(page):
        hide = not opened and any(members.hidden.get(row[end], True) for end in "ab")
        sides = leakage_words.side_by_side(
            members.value(row["a"], "text"), members.value(row["b"], "text"), hide=hide
        )
        with st.container(border=True):
            _badge(row)
            for place, end, words in zip(st.columns(2, gap="medium"), "ab", sides, strict=True):
                with place:
                    st.caption(_caption(row[end], members, ""))
                    st.markdown(words)
