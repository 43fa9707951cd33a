"""How long texts are."""

from __future__ import annotations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

_CHUNK = 10_000
"""Texts whose words are held at once."""


def text_lengths(text: pa.StringArray) -> NDArray[np.float64]:
    """(n,) characters (code points) of each text; NaN where there is no text."""
    return _floats(pc.utf8_length(text))


def word_counts(text: pa.StringArray) -> NDArray[np.float64]:
    """(n,) words of each text, as white space separates them (`str.split`); NaN where there is no text.

    It says little of languages that are written without spaces.
    """
    parts = [_words(text.slice(start, _CHUNK)) for start in range(0, len(text), _CHUNK)]
    return np.concatenate(parts) if parts else np.empty(0)


def _words(text: pa.StringArray) -> NDArray[np.float64]:
    trimmed = pc.utf8_trim_whitespace(text)
    found = pc.list_value_length(pc.utf8_split_whitespace(trimmed))
    return _floats(pc.if_else(pc.equal(trimmed, ""), 0, found))  # splitting "" gives one empty word


def _floats(counts: pa.Array) -> NDArray[np.float64]:
    return np.asarray(counts.cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)
