"""Several yes/no labels of one row: how often each is positive, alone, together, and among identities."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.profile.counts import shares

_CHUNK = 1 << 16
"""Rows multiplied at once: their labels as floats fit the cache, whatever n is."""


def label_counts(labels: NDArray[np.int8], names: Sequence[str]) -> pa.Table:
    """Columns label, known, positives, rate.

    Args:
        labels: (n, L) 1 positive, 0 not, -1 not known.
        names: L names.
    """
    known, positives = (labels >= 0).sum(axis=0), (labels == 1).sum(axis=0)
    return pa.table(
        {"label": list(names), "known": known, "positives": positives, "rate": shares(positives, known)}
    )


def co_occurrence(labels: NDArray[np.int8], names: Sequence[str]) -> pa.Table:
    """How often two labels are positive together, for every ordered pair.

    Args:
        labels: (n, L) 1 positive, 0 not, -1 not known.
        names: L names.

    Returns:
        Columns label, other, n (rows where both are known), both (where both are positive), share_of_label
        (of the rows with the label, those with the other too) and phi, the correlation of the two: (n·both −
        positives·positives') ÷ √(the four margins' product). Share and phi are null where they are 0 ÷ 0.

    Source:
        Yule (1912), Journal of the Royal Statistical Society 75, 579-652, for phi.
    """
    size = labels.shape[1]
    both, mine, n = (np.zeros((size, size)) for _ in range(3))
    for start in range(0, len(labels), _CHUNK):
        part = labels[start : start + _CHUNK]
        ones, known = (part == 1).astype(np.float64), (part >= 0).astype(np.float64)
        both += ones.T @ ones
        mine += ones.T @ known  # positives of the row's label among rows where the column's is known
        n += known.T @ known
    theirs = mine.T
    margins = mine * (n - mine) * theirs * (n - theirs)
    phi = (n * both - mine * theirs) / np.sqrt(np.where(margins > 0, margins, 1.0))
    return pa.table(
        {
            "label": np.repeat(np.array(list(names), dtype=object), size),
            "other": np.tile(np.array(list(names), dtype=object), size),
            "n": n.ravel().astype(np.int64),
            "both": both.ravel().astype(np.int64),
            "share_of_label": shares(both.ravel().astype(np.int64), mine.ravel().astype(np.int64)),
            "phi": pa.array(phi.ravel(), mask=margins.ravel() <= 0),
        }
    )


def identity_counts(
    labels: NDArray[np.int8],
    names: Sequence[str],
    identities: Mapping[str, NDArray[np.float32]],
    threshold: float = 0.5,
) -> pa.Table:
    """Columns identity, annotated, members, and of each label the positives and the rate among members.

    Args:
        labels: (n, L) 1 positive, 0 not, -1 not known.
        names: L names.
        identities: name -> (n,) membership in [0, 1]; NaN: not annotated.
        threshold: a row is a member at this membership or more.
    """
    columns: dict[str, list[float | int | str | None]] = {"identity": [], "annotated": [], "members": []}
    for label in names:
        columns[label], columns[f"{label}_rate"] = [], []
    for name, membership in identities.items():
        inside = labels[membership >= threshold]
        columns["identity"].append(name)
        columns["annotated"].append(int(np.isfinite(membership).sum()))
        columns["members"].append(len(inside))
        for position, label in enumerate(names):
            known, positives = int((inside[:, position] >= 0).sum()), int((inside[:, position] == 1).sum())
            columns[label].append(positives)
            columns[f"{label}_rate"].append(positives / known if known else None)
    return pa.table(columns)
