"""What to do about copies: lists of rows to keep and to drop, and new splits that keep copies together.

Nothing here touches a file: a list is advice.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.leakage.clusters import Copies


@dataclass(frozen=True, kw_only=True)
class Choice:
    """Keep or drop, for n rows."""

    keep: NDArray[np.bool_]
    """(n,) true also for rows without a copy and rows that took no part."""
    kept_instead: NDArray[np.int64]
    """(n,) of a dropped row, the kept row that it is a direct copy of; -1 for kept rows."""
    equal: NDArray[np.bool_]
    """(n,) a dropped row holds the same content as the row kept instead."""


def choose(copies: Copies, priority: NDArray[np.integer]) -> Choice:
    """Choose rows to keep: one after the other by priority, unless a direct copy is kept already.

    A row is never dropped for being a copy of a copy: the chain a-b-c, in which a and c differ, keeps a and
    c.

    Args:
        copies: of n rows.
        priority: (n,) smaller is kept first; ties go to the earlier row.
    """
    n = copies.n
    keep = np.ones(n, dtype=np.bool_)
    instead = np.full(n, -1, dtype=np.int64)
    equal = np.zeros(n, dtype=np.bool_)
    begin, partner = _partners(copies)
    kept_of = np.full(n, -1, dtype=np.int64)  # of each content, the row kept for it
    order = np.argsort(priority, kind="stable")
    several = np.bincount(copies.content[copies.content >= 0], minlength=n) > 1
    linked = np.diff(begin) > 0
    touched = (copies.content >= 0) & (several | linked)[np.maximum(copies.content, 0)]
    for row in order[touched[order]].tolist():
        content = copies.content[row]
        if kept_of[content] >= 0:
            keep[row], instead[row], equal[row] = False, kept_of[content], True
            continue
        near = kept_of[partner[begin[content] : begin[content + 1]]]
        near = near[near >= 0]
        if near.size:
            keep[row], instead[row] = False, near[0]
        else:
            kept_of[content] = row
    return Choice(keep=keep, kept_instead=instead, equal=equal)


def _partners(copies: Copies) -> tuple[NDArray[np.int64], NDArray[np.int64]]:
    """Adjacent contents of each content: where they begin, and which."""
    i = np.concatenate([copies.left, copies.right])
    j = np.concatenate([copies.right, copies.left])
    by = np.lexsort((j, i))
    return np.searchsorted(i[by], np.arange(copies.n + 1)), j[by]


def grouped_split(
    group: NDArray[np.integer], label: NDArray[np.integer], shares: tuple[float, ...], seed: int
) -> NDArray[np.int8]:
    """Split rows anew so that no group is divided and labels are spread as evenly as whole groups allow.

    Groups go, largest first and otherwise in a seeded order, to the split that lacks most rows of the
    group's labels.

    Args:
        group: (n,) code of rows that belong together; below 0: the row by itself.
        label: (n,) codes from 0.
        shares: of each split; they sum to 1.
        seed: of the order.

    Returns:
        (n,) split, 0 … len(shares) - 1.

    Raises:
        ValueError: the shares do not sum to 1 or are not positive.
    """
    wanted = np.array(shares, dtype=np.float64)
    if (wanted <= 0).any() or abs(wanted.sum() - 1) > 1e-9:
        raise ValueError(f"shares must be positive and sum to 1, got {shares}")
    own = np.where(group >= 0, group, group.max(initial=-1) + 1 + np.arange(group.size))
    _, code = np.unique(own, return_inverse=True)
    groups, labels = int(code.max(initial=-1)) + 1, int(label.max(initial=-1)) + 1
    held = np.zeros((groups, labels), dtype=np.int64)
    np.add.at(held, (code, label), 1)
    lacking = wanted[:, None] * held.sum(axis=0)[None, :]
    total = lacking.sum(axis=0).clip(min=1)
    shuffled = np.random.default_rng(seed).permutation(groups)
    order = shuffled[np.argsort(-held.sum(axis=1)[shuffled], kind="stable")]
    chosen = np.zeros(groups, dtype=np.int8)
    for one in order.tolist():
        rows = held[one]
        weight = rows / total
        best = int(np.argmax((lacking * weight).sum(axis=1) / wanted))
        chosen[one] = best
        lacking[best] -= rows
    return chosen[code]
