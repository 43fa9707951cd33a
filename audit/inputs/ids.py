"""The id of every record: text, not empty, unique."""

from __future__ import annotations

from collections.abc import Mapping

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from audit.inputs.columns import Column
from audit.inputs.door import Door
from audit.inputs.raw import text_of

CHUNK = 1 << 20
WORD = 8
MULTIPLIER, SEED = np.uint64(0x9E3779B97F4A7C15), np.uint64(0xD6E8FEB86659FD93)
"""Odd constants of multiplicative hashing (Knuth; the golden ratio in 64 bits)."""


def read_ids(door: Door, column: Column) -> tuple[pa.Array, Mapping[int, str]]:
    """Ids as text, and the rows whose id is bad with the reason: the first of equal ids is good.

    Args:
        door: the file.
        column: the id column.
    """
    ids = text_of(door.raw.columns[column.source])
    bad: dict[int, str] = {}
    for row in np.flatnonzero(ids.is_null().to_numpy(zero_copy_only=False)).tolist():
        bad[row] = "the id is empty"
    with_nul = pc.fill_null(pc.match_substring(ids, "\0"), False)
    for row in np.flatnonzero(with_nul.to_numpy(zero_copy_only=False)).tolist():
        bad[row] = "the id holds a NUL byte"
    for row, original in repeated(ids):
        bad.setdefault(row, f"the id is that of record {door.raw.records[original]:,}")
    return ids, bad


def repeated(ids: pa.Array) -> list[tuple[int, int]]:
    """(row, first row with the same id) of every row whose id came before; missing ids are never equal.

    Hashing and sorting takes a tenth of the memory of a hash table of all ids; only ids with equal hashes are
    compared as text.

    Args:
        ids: (n,) text.
    """
    hashes = hash_text(ids)
    ordered = np.sort(hashes)
    twice = np.unique(ordered[1:][ordered[1:] == ordered[:-1]])
    if not len(twice):
        return []
    suspects = np.flatnonzero(np.isin(hashes, twice) & ids.is_valid().to_numpy(zero_copy_only=False))
    codes = ids.take(pa.array(suspects)).dictionary_encode().indices.to_numpy()
    _, first = np.unique(codes, return_index=True)
    originals = suspects[first[codes]]
    later = suspects != originals
    return list(zip(suspects[later].tolist(), originals[later].tolist(), strict=True))


def hash_text(texts: pa.Array) -> NDArray[np.uint64]:
    """(n,) 64-bit hashes: equal texts have equal ones, different texts nearly never.

    Args:
        texts: (n,) of type string.
    """
    _, offset_buffer, data_buffer = texts.buffers()
    offsets = np.frombuffer(offset_buffer, dtype=np.int32)[texts.offset : texts.offset + len(texts) + 1]
    data = np.zeros(int(offsets[-1] - offsets[0]) + WORD, dtype=np.uint8)
    if data_buffer is not None:
        data[:-WORD] = np.frombuffer(data_buffer, dtype=np.uint8)[offsets[0] : offsets[-1]]
    words = np.ndarray(len(data) - WORD + 1, dtype="<u8", buffer=data.data, strides=(1,))
    hashes = np.empty(len(texts), dtype=np.uint64)
    for start in range(0, len(texts), CHUNK):
        bounds = offsets[start : start + CHUNK + 1].astype(np.int64) - int(offsets[0])
        hashes[start : start + CHUNK] = _hash_rows(words, bounds[:-1], np.diff(bounds))
    return hashes


def _hash_rows(
    words: NDArray[np.uint64], starts: NDArray[np.int64], lengths: NDArray[np.int64]
) -> NDArray[np.uint64]:
    """Fold the text of each row into its hash, eight bytes at a time.

    Args:
        words: the eight bytes that start at each byte of the data.
        starts: (n,) first byte of each row.
        lengths: (n,) bytes of each row.
    """
    hashes = (lengths.astype(np.uint64) + np.uint64(1)) * SEED
    for at in range(0, int(lengths.max(initial=0)), WORD):
        rows = np.flatnonzero(lengths > at)
        left = np.minimum(lengths[rows] - at, WORD).astype(np.uint64)
        unused = (np.uint64(WORD) - left) * np.uint64(8)
        value = (words[starts[rows] + at] << unused) >> unused
        mixed = (hashes[rows] ^ value) * MULTIPLIER
        hashes[rows] = mixed ^ (mixed >> np.uint64(29))
    return hashes
