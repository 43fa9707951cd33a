"""Which rows leaked, and whose: copies between the splits of an audit, by group."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.core import SPLITS, Attribute, Examples
from audit.intervals import Interval, newcombe, wilson
from audit.leakage.actions import Choice, choose
from audit.leakage.clusters import Copies, connect
from audit.significance import rate_difference_p

TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True, kw_only=True)
class Leaks:
    """What copies mean for the splits. Arrays are (n,) over all examples."""

    copies: Copies
    cluster: NDArray[np.int32]
    """Code of the cluster of copies, -1 without a copy."""
    leaked: NDArray[np.bool_]
    """Audited rows with a direct copy in training."""
    tuned: NDArray[np.bool_]
    """Audited rows with a direct copy in validation: what thresholds were tuned on."""
    together: NDArray[np.int32]
    """Rows that are one unit of resampling: copies, and the declared clusters."""
    choice: Choice
    """Rows to keep for retraining: held-out rows stay, their copies in training go."""


def find_leaks(
    examples: Examples, audited: NDArray[np.bool_], copies: Copies, size: NDArray[np.integer] | None
) -> Leaks:
    """Work out what copies mean for the splits.

    Args:
        examples: n rows.
        audited: (n,) rows that metrics use.
        copies: between rows.
        size: (n,) pixels of each image, of which the larger is kept; None: no preference.
    """
    cluster = copies.clusters()
    own = np.arange(examples.n)
    first = np.full(int(cluster.max(initial=-1)) + 1, examples.n, dtype=np.int64)
    np.minimum.at(first, cluster[cluster >= 0], own[cluster >= 0])
    i, j = own[cluster >= 0], first[cluster[cluster >= 0]]
    if examples.clusters is not None:
        _, begin, code = np.unique(examples.clusters, return_index=True, return_inverse=True)
        i, j = np.concatenate([i, own]), np.concatenate([j, begin[code]])
    split_rank = np.array([2, 1, 0])[examples.split]
    largest = np.zeros(examples.n, dtype=np.int64) if size is None else size
    rank = np.lexsort((own, -largest, split_rank))
    priority = np.empty(examples.n, dtype=np.int64)
    priority[rank] = own
    return Leaks(
        copies=copies,
        cluster=cluster,
        leaked=audited & copies.neighbours(examples.split == TRAIN),
        tuned=audited & copies.neighbours(examples.split == VALIDATION),
        together=connect(examples.n, i, j),
        choice=choose(copies, priority),
    )


@dataclass(frozen=True, kw_only=True)
class GroupShares:
    """Share of rows with some property, by value of one attribute. Arrays are (K,)."""

    attribute: str
    values: tuple[str, ...]
    n: NDArray[np.int64]
    events: NDArray[np.int64]
    share: Interval
    others: NDArray[np.float64]
    """Share among everyone else with a known value."""
    gap: Interval
    """share - others."""
    p: NDArray[np.float64]
    method: NDArray[np.str_]


def shares_by_group(
    attributes: Mapping[str, Attribute],
    rows: NDArray[np.bool_],
    marked: NDArray[np.bool_],
    level: float,
) -> list[GroupShares]:
    """Count marked rows by group.

    Args:
        attributes: of all n examples.
        rows: (n,) that count.
        marked: (n,) that have the property.
        level: of intervals.
    """
    found = []
    for attribute in attributes.values():
        known = rows & (attribute.codes != attribute.unknown_code)
        names = attribute.values[: len(attribute.values) - (attribute.unknown_code >= 0)]
        n = np.bincount(attribute.codes[known], minlength=len(names))
        events = np.bincount(attribute.codes[known & marked], minlength=len(names))
        other_n, other_events = n.sum() - n, events.sum() - events
        if len(names) < 2:
            continue
        test = rate_difference_p(events, n, other_events, other_n)
        found.append(
            GroupShares(
                attribute=attribute.name,
                values=names,
                n=n,
                events=events,
                share=wilson(events, n, level),
                others=other_events / np.where(other_n > 0, other_n, np.nan),
                gap=newcombe(events, n, other_events, other_n, level),
                p=test.p,
                method=test.method,
            )
        )
    return found


def split_names(split: NDArray[np.int8]) -> list[str]:
    """Name of the split of each row."""
    return [SPLITS[code] for code in split.tolist()]
