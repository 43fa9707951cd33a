"""A few rows of every group to look at: pictures blurred and texts masked until asked for."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pandas as pd
import streamlit as st
from numpy.typing import NDArray

from audit.profile import stored
from audit.profile.sample import stratified
from dashboard import state
from dashboard.charts import palette
from dashboard.panels import data_columns
from dashboard.panels.data_columns import EVERYONE
from dashboard.panels.data_scope import Scope, counted_by
from dashboard.panels.pictures import WIDTH, placeholder, read
from dashboard.panels.rows import masked
from dashboard.panels.sentences import literal

MOST_GROUPS = 10
"""Groups of which a sample is shown, those with the most rows."""
PICTURES, TEXTS = 6, 3
ALONE = 4
"""Times as many are shown where there is one group, everyone."""
LONGEST = 400
"""Characters of a text that are shown."""
BY, DRAWN = "data_sample_by", "data_sample"


@st.cache_data(max_entries=32, show_spinner=False)
def payloads_of(
    folder: str, mark: str, rows: dict[str, tuple[int, ...]], column: str
) -> dict[str, list[str | None]]:
    """Payloads of the sample of every value, from one pass over the file.

    Args:
        folder: the run's folder.
        mark: its fingerprint.
        rows: value -> positions.
        column: "id", "text" or "image".
    """
    every = [row for own in rows.values() for row in own]
    found = iter(stored.payloads(Path(folder), np.array(every, dtype=np.int64), column))
    return {name: [next(found) for _ in own] for name, own in rows.items()}


@st.cache_data(max_entries=16, show_spinner=False)
def sample(
    folder: str, mark: str, split: str, by: str, seed: int, size: int
) -> dict[str, tuple[int, NDArray[np.int64]]]:
    """Value -> rows it has, and positions of the sample; the values with the most rows, in their order."""
    own = data_columns.group(folder, mark, split, by)
    n = np.bincount(own.codes[own.codes >= 0], minlength=len(own.values))
    largest = {own.values[code] for code in np.argsort(-n, kind="stable")[:MOST_GROUPS]}
    found = stratified(own, size, seed)
    return {name: (int(n[own.values.index(name)]), rows) for name, rows in found.items() if name in largest}


def draw(scope: Scope, seed: int, root: Path | None, payloads: Sequence[str]) -> None:
    """Draw the sample.

    Args:
        scope: which rows.
        seed: of the first sample; each press of the button takes the next.
        root: folder of the data; None where not known.
        payloads: "text", "image", or both.
    """
    drawn = int(st.session_state.get(DRAWN, 0))
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        by = counted_by(scope, BY)
        st.button(
            "Another sample",
            key="data_again",
            icon=":material/refresh:",
            on_click=state.show_more,
            args=(DRAWN, drawn, 1),
        )
    pictures, texts = (k * ALONE if by == EVERYONE else k for k in (PICTURES, TEXTS))
    size = pictures if "image" in payloads else texts
    found = sample(*scope.key, by, seed + drawn, size)
    if not found:
        st.info(f"There are no {scope.where} to show.")
        return
    if "image" in payloads:
        _draw_pictures(scope, found, root)
    if "text" in payloads:
        _draw_texts(scope, {name: (n, rows[:texts]) for name, (n, rows) in found.items()})
    each = "" if by == EVERYONE else " of each group, as many of a small one as of a large one"
    cut = len(data_columns.attribute(scope.folder, scope.mark, by).values) > MOST_GROUPS
    st.caption(
        f"What it shows: up to {size} random {scope.where}{each}; seed "
        f"{seed + drawn}. What it can't tell: what is typical; a few rows are an "
        "impression." + (f" The {MOST_GROUPS} largest groups are shown." if cut else "")
    )


def _draw_pictures(scope: Scope, found: dict[str, tuple[int, NDArray[np.int64]]], root: Path | None) -> None:
    sharp = st.toggle(
        "Show pictures sharp",
        key="data_show_pictures",
        help="They may show people, so they are blurred until you ask for them.",
    )
    missing = shown = 0
    paths = _payloads(scope, found, "image")
    for name, (n, _) in found.items():
        pictures = [read(path, root, blurred=not sharp) for path in paths[name]]
        missing += pictures.count(None)
        shown += len(pictures)
        st.markdown(f"**{literal(name)}** · {n:,} {'row' if n == 1 else 'rows'}")
        st.image([picture or placeholder() for picture in pictures], width=WIDTH)
    if missing:
        where = f"under {root}" if root else "because the run does not know the data's folder"
        st.caption(f"{missing} of {shown} pictures could not be read {literal(where)}.")


def _draw_texts(scope: Scope, found: dict[str, tuple[int, NDArray[np.int64]]]) -> None:
    open_ = st.toggle(
        "Show texts",
        key="data_show_texts",
        help="They may hold slurs and threats; until then every letter of them is a dot.",
    )
    lines = []
    ids, texts = _payloads(scope, found, "id"), _payloads(scope, found, "text")
    for name, (n, _) in found.items():
        for own, text in zip(ids[name], texts[name], strict=True):
            short = "(no text)" if text is None else palette.shorten(text, LONGEST)
            lines.append(
                {
                    "Group": f"{name} (n={n:,})",
                    "Text": short if open_ or text is None else masked(short),
                    "id": own,
                }
            )
    st.dataframe(
        pd.DataFrame(lines),
        hide_index=True,
        width="stretch",
        height=38 + 35 * len(lines),
        column_config={"Text": st.column_config.TextColumn(width="large")},
    )


def _payloads(
    scope: Scope, found: dict[str, tuple[int, NDArray[np.int64]]], column: str
) -> dict[str, list[str | None]]:
    rows = {name: tuple(own.tolist()) for name, (_, own) in found.items()}
    return payloads_of(scope.folder, scope.mark, rows, column)
