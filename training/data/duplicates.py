"""Copies inside a data set: the same bytes, the same text, and near copies joined into clusters."""

from __future__ import annotations

import hashlib
import unicodedata
from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

PHASH_DISTANCE = 4
"""Bits of 64 that two pictures' perceptual hashes may differ by and still be joined."""


def normalised_text(text: str) -> str:
    """Text without what a copy loses first: case, punctuation, width and spacing."""
    folded = unicodedata.normalize("NFKC", text).casefold()
    words = "".join(c if c.isalnum() else " " for c in folded).split()
    return " ".join(words) or " ".join(folded.split())


def equal_to_earlier(keys: Sequence[str] | NDArray[np.object_]) -> NDArray[np.int64]:
    """(n,) position of the first entry with the same key, or -1 for the first itself."""
    first: dict[str, int] = {}
    return np.array(
        [-1 if first.setdefault(key, i) == i else first[key] for i, key in enumerate(keys)], dtype=np.int64
    ).reshape(-1)


def clusters_by_hash(
    *,
    phash: NDArray[np.uint64] | None = None,
    texts: pa.StringArray | Sequence[str] | None = None,
    distance: int = PHASH_DISTANCE,
) -> NDArray[np.int32]:
    """Rows that are copies of each other, directly or through others.

    Args:
        phash: (n,) 64-bit perceptual hashes of pictures, or
        texts: (n,) comments, which are compared by `normalised_text`.
        distance: bits that two hashes may differ by.

    Returns:
        (n,) cluster codes from 0, in order of first appearance.
    """
    if texts is not None:
        every = texts.to_pylist() if isinstance(texts, pa.Array) else list(texts)
        digests = [hashlib.blake2b(normalised_text(t).encode(), digest_size=16).digest() for t in every]
        _, codes = np.unique(np.array(digests, dtype="V16"), return_inverse=True)
        return _by_appearance(codes)
    if phash is None:
        raise ValueError("either phash or texts is needed")
    distinct, codes = np.unique(phash, return_inverse=True)
    left, right = near_pairs(distinct, distance)
    graph = coo_array((np.ones(len(left), dtype=bool), (left, right)), shape=(len(distinct),) * 2)
    component = (
        connected_components(graph, directed=False)[1] if len(distinct) else np.zeros(0, dtype=np.int64)
    )
    return _by_appearance(component[codes])


def near_pairs(hashes: NDArray[np.uint64], distance: int) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Pairs of different 64-bit hashes at most `distance` bits apart.

    Cut into distance + 1 pieces, two such hashes agree in one piece at least, so only rows that share a piece
    are compared.

    Args:
        hashes: (n,) distinct hashes.
        distance: bits, 0 to 63.
    """
    lefts, rights = [np.zeros(0, dtype=np.int64)], [np.zeros(0, dtype=np.int64)]
    edges = np.linspace(0, 64, distance + 2).astype(int)
    for low, high in zip(edges, edges[1:], strict=False):
        piece = (hashes >> np.uint64(low)) & np.uint64((1 << int(high - low)) - 1)
        order = np.argsort(piece, kind="stable")
        cuts = np.flatnonzero(np.diff(piece[order])) + 1
        for rows in np.split(order, cuts):
            if len(rows) > 1:
                left, right = _within(hashes, rows, distance)
                lefts.append(left)
                rights.append(right)
    pairs = np.unique(np.stack([np.concatenate(lefts), np.concatenate(rights)]), axis=1)
    return pairs[0], pairs[1]


def _within(
    hashes: NDArray[np.uint64], rows: NDArray[np.int64], distance: int
) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    lefts, rights = [], []
    for at in range(0, len(rows), 512):
        some = rows[at : at + 512]
        apart = np.bitwise_count(hashes[some][:, None] ^ hashes[rows][None, :])
        i, j = np.nonzero(apart <= distance)
        left, right = some[i], rows[j]
        lefts.append(left[left < right])
        rights.append(right[left < right])
    return np.concatenate(lefts), np.concatenate(rights)


def _by_appearance(codes: NDArray[np.signedinteger]) -> NDArray[np.int32]:
    distinct, first, inverse = np.unique(codes, return_index=True, return_inverse=True)
    rank = np.empty(len(distinct), dtype=np.int32)
    rank[np.argsort(first)] = np.arange(len(distinct), dtype=np.int32)
    return rank[inverse]
