"""How long the texts are, by group or label."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import streamlit as st

from audit.profile import stored
from audit.profile.numbers import by_group
from audit.profile.sample import simple
from audit.profile.texts import text_lengths, word_counts
from dashboard import state
from dashboard.panels import data_columns
from dashboard.panels.data_columns import EVERYONE
from dashboard.panels.data_numbers import cut_words, draw_spread, spread_table
from dashboard.panels.data_scope import Scope, counted_by, table_with_download

SAMPLE = 20_000
"""Texts that are measured at most: a seeded sample of the rows."""
MEASURE, BY = "data_text_measure", "data_text_by"
MEASURES = {"characters": "Characters", "words": "Words"}


@st.cache_data(max_entries=8, show_spinner=False)
def measured(folder: str, mark: str, split: str, seed: int) -> pd.DataFrame:
    """Lengths of a sample of texts: columns row, characters, words; NaN where a row has no text."""
    rows = simple(np.flatnonzero(data_columns.kept(folder, mark, split)), SAMPLE, seed)
    texts = pa.array(stored.payloads(Path(folder), rows, "text"), pa.string())
    return pd.DataFrame({"row": rows, "characters": text_lengths(texts), "words": word_counts(texts)})


def draw(scope: Scope, seed: int) -> None:
    """Draw the spread of the lengths.

    Args:
        scope: which rows.
        seed: of the sample.
    """
    with st.spinner("Reading texts"):
        lengths = measured(*scope.key, seed)
    some = int(lengths["characters"].notna().sum())
    total = int(data_columns.kept(*scope.key).sum())
    if not some:
        st.info(f"None of the {len(lengths):,} {scope.where} has a text.")
        return
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        by = counted_by(scope, BY)
        state.settle(MEASURE, list(MEASURES), "characters")
        what = st.segmented_control(
            "Length in", list(MEASURES), key=MEASURE, format_func=MEASURES.__getitem__
        )
    measure = what or "characters"
    own = data_columns.group(*scope.key, by)
    picked = replace(own, codes=own.codes[lengths["row"].to_numpy()])
    rows: pd.DataFrame = by_group(lengths[measure].to_numpy(), picked).to_pandas()
    draw_spread(rows, f"{MEASURES[measure]} of a text", scope.minimum_n, "data_texts", whole=True)
    drawn = "all" if len(lengths) == total else f"a seeded sample of {len(lengths):,} of"
    missing = f" {len(lengths) - some:,} of them have no text." if some < len(lengths) else ""
    st.caption(
        f"What it shows: the lengths of the texts of {drawn} {total:,} {scope.where}: the median, the "
        "middle half (bar) and the middle 90% (line). A model that reads a limited number of words sees "
        "only the beginning of long texts. Words are what white space separates, which says little of "
        "languages written without spaces. What it can't tell: what the texts "
        f"say.{missing}{cut_words(rows)}"
    )
    name = "everyone" if by == EVERYONE else by.replace(":", "-").lstrip(".")
    table_with_download(rows, spread_table(rows), f"text-{measure}-by-{name}")
