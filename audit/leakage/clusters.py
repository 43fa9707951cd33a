"""Clusters of copies, and what lies inside them: chains, splits, contradicting labels."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray
from scipy.sparse import coo_array
from scipy.sparse.csgraph import connected_components

LONE = -1
Positions = NDArray[np.int64]


@dataclass(frozen=True, kw_only=True)
class Copies:
    """Which rows hold the same content, and which contents are confirmed copies of one another.

    Rows of equal content are one node, so that a thousand equal blank pictures are one node and no pair.
    """

    content: Positions
    """(n,) first row of equal content; the row itself where it is the first; -1: took no part."""
    left: Positions
    """(e,) first row of one content; smaller than `right`."""
    right: Positions
    """(e,) first row of the other."""

    @property
    def n(self) -> int:
        """Number of rows."""
        return int(self.content.size)

    def clusters(self) -> NDArray[np.int32]:
        """Number connected rows.

        Returns:
            (n,) 0, 1, … in the order of first members; -1 for a row without a copy.
        """
        rows = np.flatnonzero(self.content >= 0)
        i = np.concatenate([rows, self.left])
        j = np.concatenate([self.content[rows], self.right])
        return number(connect(self.n, i, j))

    def neighbours(self, marked: NDArray[np.bool_]) -> NDArray[np.bool_]:
        """Find rows with a direct copy among marked rows; a copy of a copy does not count.

        Args:
            marked: (n,) rows looked for.

        Returns:
            (n,) whether another, marked row has equal content or is a confirmed copy.
        """
        rows = np.flatnonzero(self.content >= 0)
        held = np.bincount(self.content[rows], weights=marked[rows], minlength=self.n)
        near = np.zeros(self.n, dtype=np.float64)
        np.add.at(near, self.left, held[self.right])
        np.add.at(near, self.right, held[self.left])
        found = np.zeros(self.n, dtype=np.bool_)
        found[rows] = held[self.content[rows]] - marked[rows] + near[self.content[rows]] > 0
        return found


def connect(n: int, i: Positions, j: Positions) -> NDArray[np.int32]:
    """Find connected components: (n,) code of each of n nodes, given edges (i, j)."""
    graph = coo_array((np.ones(i.size, dtype=np.int8), (i, j)), shape=(n, n))
    return np.asarray(connected_components(graph, directed=False)[1], dtype=np.int32)


def number(component: NDArray[np.int32]) -> NDArray[np.int32]:
    """Number components of two or more by their first member, -1 for the others: (n,) in and out."""
    _, first, code, size = np.unique(component, return_index=True, return_inverse=True, return_counts=True)
    several = np.flatnonzero(size > 1)
    names = np.full(size.size, LONE, dtype=np.int32)
    names[several[np.argsort(first[several], kind="stable")]] = np.arange(several.size, dtype=np.int32)
    return np.asarray(names[code])


def pair_table(copies: Copies, split: NDArray[np.integer], splits: int) -> NDArray[np.int64]:
    """Count pairs of rows by the splits that they lie in.

    Args:
        copies: of n rows.
        split: (n,) codes.
        splits: K.

    Returns:
        (2, K, K) symmetric: pairs of equal content, and other confirmed pairs.
    """
    rows = np.flatnonzero(copies.content >= 0)
    held = np.zeros((copies.n, splits), dtype=np.int64)
    np.add.at(held, (copies.content[rows], split[rows]), 1)
    equal = held.T @ held
    np.fill_diagonal(equal, (held * (held - 1) // 2).sum(axis=0))
    near = held[copies.left].T @ held[copies.right]
    both = near + near.T
    np.fill_diagonal(both, np.diagonal(near))
    return np.stack([equal, both])


def diameters(cluster: NDArray[np.int32], hashes: NDArray[np.uint64], most: int = 1000) -> NDArray[np.int64]:
    """Find the greatest distance between two members of each cluster: the guard against chains.

    Args:
        cluster: (n,) codes, -1 for none.
        hashes: (n,).
        most: members compared, the first ones; a larger cluster gives a lower bound.

    Returns:
        (clusters,) bits.
    """
    widest = np.zeros(int(cluster.max(initial=-1)) + 1, dtype=np.int64)
    order = np.argsort(cluster, kind="stable")
    begin = np.searchsorted(cluster[order], np.arange(widest.size + 1))
    for code in range(widest.size):
        words = np.unique(hashes[order[begin[code] : begin[code + 1]]])[:most]
        if words.size > 1:
            widest[code] = int(np.bitwise_count(words[:, None] ^ words[None, :]).max())
    return widest


def contradictions(
    cluster: NDArray[np.int32], codes: NDArray[np.integer], missing: Sequence[int] = ()
) -> NDArray[np.int32]:
    """Find clusters whose members do not agree.

    Args:
        cluster: (n,) codes, -1 for none.
        codes: (n,) a label, class or attribute of each row.
        missing: codes that say nothing.

    Returns:
        Clusters with two values or more, increasing.
    """
    said = (cluster >= 0) & ~np.isin(codes, missing)
    pairs = np.unique(np.stack([cluster[said].astype(np.int64), codes[said].astype(np.int64)]), axis=1)
    owner, values = np.unique(pairs[0], return_counts=True)
    return owner[values > 1].astype(np.int32)
