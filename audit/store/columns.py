"""Columns of a stored file as plain arrays."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray


def codes(column: pa.ChunkedArray, words: Sequence[str]) -> NDArray[np.int32]:
    """Position of each cell among words, -1 for null and for any other word.

    Args:
        column: (n,) text, or a dictionary of text, which may be in another order than the words.
        words: in the order that is wanted.
    """
    found, wanted = whole(column), pa.array(words, pa.string())
    if not isinstance(found, pa.DictionaryArray):
        return _places(found.cast(pa.string()), wanted)
    place = np.append(_places(found.dictionary.cast(pa.string()), wanted), np.int32(-1))
    index = found.indices.fill_null(-1).to_numpy(zero_copy_only=False)
    return np.asarray(place[index], dtype=np.int32)


def numbers(column: pa.ChunkedArray) -> NDArray[np.float64]:
    """Floats, NaN for null."""
    return np.asarray(whole(column).cast(pa.float64()).to_numpy(zero_copy_only=False), dtype=np.float64)


def whole(column: pa.ChunkedArray) -> pa.Array:
    """The chunks of a column as one array."""
    combined = column.combine_chunks()
    return pa.concat_arrays(combined.chunks) if isinstance(combined, pa.ChunkedArray) else combined


def _places(text: pa.Array, words: pa.Array) -> NDArray[np.int32]:
    found = pc.fill_null(pc.index_in(text, value_set=words, skip_nulls=True), -1)
    return np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int32)
