"""A list of pairs of rows with what is known of each: the common form of all searches."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

SAME_FILE, SAME_PIXELS, SAME_TEXT = "identical file", "identical pixels", "identical text"
NEAR, NEAR_TEXT, REORDERED, SIMILAR = "near", "near text", "reordered text", "similar"
CAPTIONED, BORDERED = "captioned", "bordered"
"""The same but for rows at top or bottom; the same but for a border or bars."""


@dataclass(frozen=True, kw_only=True)
class PairList:
    """p pairs of rows."""

    a: NDArray[np.int64]
    """(p,) row; smaller than `b`."""
    b: NDArray[np.int64]
    kind: NDArray[np.object_]
    """(p,) one of the names above, or the name of the way in which one picture is turned."""
    distance: NDArray[np.float32]
    """(p,) bits of difference for images; 1 - Jaccard similarity for texts; 1 - cosine for embeddings; 0:
    identical."""
    check: NDArray[np.float32]
    """(p,) what the second check measured: correlation of images, shared order of texts; NaN: not checked."""
    confirmed: NDArray[np.bool_]
    """(p,) identical, or passed the second check."""

    @property
    def n(self) -> int:
        """Number of pairs."""
        return int(self.a.size)

    def take(self, which: NDArray[np.int64] | NDArray[np.bool_]) -> PairList:
        """Select pairs by position or mask."""
        return PairList(
            a=self.a[which],
            b=self.b[which],
            kind=self.kind[which],
            distance=self.distance[which],
            check=self.check[which],
            confirmed=self.confirmed[which],
        )

    def table(self, names: pa.StringArray) -> pa.Table:
        """Write as a table.

        Args:
            names: (n,) id or path of each row.
        """
        return pa.table(
            {
                "a": names.take(pa.array(self.a)),
                "b": names.take(pa.array(self.b)),
                "kind": pa.array(self.kind.tolist(), pa.string()),
                "distance": pa.array(self.distance.round(6), pa.float32()),
                "check": pa.array(self.check.round(4), pa.float32(), from_pandas=True),
                "confirmed": pa.array(self.confirmed),
            }
        )


def pair_list(
    a: NDArray[np.integer],
    b: NDArray[np.integer],
    kind: str | NDArray[np.object_],
    distance: NDArray[np.generic] | float = 0.0,
    check: NDArray[np.floating] | float = np.nan,
    confirmed: NDArray[np.bool_] | bool = True,
) -> PairList:
    """Make a list, smaller row first; single values stand for all pairs."""
    size = a.size
    return PairList(
        a=np.minimum(a, b).astype(np.int64),
        b=np.maximum(a, b).astype(np.int64),
        kind=np.full(size, kind, dtype=object) if isinstance(kind, str) else kind,
        distance=np.broadcast_to(np.asarray(distance, dtype=np.float32), size).copy(),
        check=np.broadcast_to(np.asarray(check, dtype=np.float32), size).copy(),
        confirmed=np.broadcast_to(np.asarray(confirmed, dtype=np.bool_), size).copy(),
    )


def joined(parts: Sequence[PairList]) -> PairList:
    """Put lists one after the other, sorted by confirmed first, distance, rows."""
    whole = PairList(
        a=np.concatenate([p.a for p in parts]),
        b=np.concatenate([p.b for p in parts]),
        kind=np.concatenate([p.kind for p in parts]),
        distance=np.concatenate([p.distance for p in parts]),
        check=np.concatenate([p.check for p in parts]),
        confirmed=np.concatenate([p.confirmed for p in parts]),
    )
    return whole.take(np.lexsort((whole.b, whole.a, whole.distance, ~whole.confirmed)))


def star(content: NDArray[np.int64], kind: str | NDArray[np.object_]) -> PairList:
    """Pair every later row of equal content with the first.

    Args:
        content: (n,) first row of equal content, -1 for rows that took no part.
        kind: name of such pairs, or one for each row.
    """
    later = np.flatnonzero((content >= 0) & (content != np.arange(content.size)))
    return pair_list(content[later], later, kind if isinstance(kind, str) else kind[later])
