"""Which audited rows speak of an identity: by its declared column, or by finding its terms again."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st
from numpy.typing import NDArray

from audit.core import Section
from audit.identity_terms.finder import find_terms
from audit.identity_terms.lexicon import Lexicon, built_in
from audit.store import read
from dashboard import cache, state


@st.cache_resource(max_entries=1, show_spinner=False)
def lexicon() -> Lexicon:
    """The terms that ship; not changed by who reads them."""
    return built_in()


@st.cache_resource(max_entries=2, show_spinner="Finding identity terms in the texts")
def _found(folder: str, mark: str, split: str) -> tuple[pa.Array, NDArray[np.bool_]]:
    """Ids of the audited rows, and (n, identities) which of them name which identity."""
    filters: list[read.Filter] = [("split", "==", split)] if split else []
    rows = read.rows(Path(folder), filters, ("id", "text"))
    texts = rows["text"].cast(pa.large_string())
    return rows["id"].combine_chunks(), find_terms(texts, lexicon())


def why_not(chosen: state.Chosen, section: Section) -> str:
    """Why the texts behind a cell can't be shown, in Markdown; empty where they can."""
    present = cache.columns(chosen.folder, chosen.mark)
    if "text" not in present:
        return "The run keeps no texts: the audited file has no column `text`."
    if section.summary["source"] == "lexicon" and chosen.run.spec.get("identity", {}).get("lexicon"):
        return (
            "The run used a lexicon of the auditor's own, which it does not keep: the texts that its terms "
            "were "
            "found in can't be found again here. The findings list names rows as evidence."
        )
    return ""


def ids_of(chosen: state.Chosen, section: Section, identity: str) -> list[str]:
    """Ids of the audited rows that speak of an identity, in the file's order.

    Args:
        chosen: run and output.
        section: of the probe.
        identity: its name.
    """
    split = str(chosen.run.data["audited"]["split"])
    if section.summary["source"] == "declared":
        column = f"identity.{identity}"
        rows = cache.members(chosen.folder, chosen.mark, (), split, ("id", column))
        at = float(section.summary["identity_threshold"])
        found: list[str] = rows.loc[pd.to_numeric(rows[column]) >= at, "id"].tolist()
        return found
    ids, named = _found(chosen.folder, chosen.mark, split)
    where = lexicon().identities.index(identity) if identity in lexicon().identities else -1
    if where < 0:
        return []
    kept: list[str] = pc.filter(ids, pa.array(named[:, where])).to_pylist()
    return kept
