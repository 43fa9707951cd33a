"""How often values occur, alone and crossed: pure functions of codes. A code below 0 is not counted."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import SPLITS, Attribute


def distribution(group: Attribute) -> pa.Table:
    """Columns value, n, share: how often each value occurs, in the group's order.

    The share is null where there is no row at all.
    """
    n = _count(group.codes, len(group.values))
    return pa.table({"value": list(group.values), "n": n, "share": shares(n, n.sum())})


def crossing(first: Attribute, second: Attribute) -> pa.Table:
    """Columns of both names, n, share_of_first: every pair of values, those that never occur included.

    Rows that miss either value are left out. The share is null where the first value has no row.
    """
    wide = len(second.values)
    known = (first.codes >= 0) & (second.codes >= 0)
    cell = np.where(known, first.codes.astype(np.int64) * wide + second.codes, -1)
    n = _count(cell, len(first.values) * wide)
    whole = np.repeat(n.reshape(-1, wide).sum(axis=1), wide)
    return pa.table(
        {
            first.name: np.repeat(np.array(first.values, dtype=object), wide),
            second.name: np.tile(np.array(second.values, dtype=object), len(first.values)),
            "n": n,
            "share_of_first": shares(n, whole),
        }
    )


def split_attribute(split: NDArray[np.int8]) -> Attribute:
    """Codes of splits as an attribute, so that they can be counted and crossed like one."""
    return Attribute(name="split", values=SPLITS, codes=split.astype(np.int32))


def among(group: Attribute, kept: NDArray[np.bool_]) -> Attribute:
    """The attribute with the rows that are not kept made missing."""
    return Attribute(
        name=group.name, values=group.values, codes=np.where(kept, group.codes, np.int32(-1)).astype(np.int32)
    )


def coded(name: str, values: Sequence[str], codes: NDArray[np.integer]) -> Attribute:
    """Codes of any integer type as an attribute."""
    return Attribute(name=name, values=tuple(values), codes=codes.astype(np.int32))


def shares(part: NDArray[np.integer], whole: NDArray[np.integer] | np.integer | int) -> pa.Array:
    """Shares; 0 of 0 is null."""
    whole = np.broadcast_to(np.asarray(whole), part.shape)
    return pa.array(part / np.maximum(whole, 1), mask=whole == 0)


def _count(codes: NDArray[np.integer], size: int) -> NDArray[np.int64]:
    """(size,) rows of each code; codes below 0 are left out."""
    return np.bincount(codes.astype(np.int64) + 1, minlength=size + 1)[1:]
