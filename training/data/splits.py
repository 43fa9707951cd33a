"""Train, validation and test: stratified, seeded, and never cutting a cluster of near copies apart."""

from __future__ import annotations

import hashlib
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import SPLITS
from training.data.records import UNSPLIT, Comments, DataSet, Faces

FRACTIONS = (0.70, 0.15, 0.15)
"""Shares of train, validation and test."""
TRAIN, VALIDATION, TEST = range(3)


@dataclass(frozen=True, kw_only=True)
class SplitPlan:
    """Which rows go where, and how that was decided."""

    split: NDArray[np.int8]
    """(n,) codes into `audit.core.SPLITS`; -1: left out."""
    left_out: int
    """Rows of train or validation that are near copies of a held-back row."""
    how: str


def plan_splits(data: DataSet, clusters: NDArray[np.int32], seed: int = 0) -> SplitPlan:
    """Splits for training: those declared where there are some, completed where one is missing.

    - None declared: 70/15/15 by cluster and stratum.
    - A test split declared: it stays; validation is cut from train where there is none.
    - Train and validation only (FairFace): the validation becomes the test, and a new one is cut from train.

    Rows of train and validation whose cluster reaches into the test split, and rows of train whose cluster
    reaches into validation, are left out, as are rows that declare no split where others do.

    Args:
        data: the rows.
        clusters: (n,) near copies.
        seed: of the cut.
    """
    declared = set(np.unique(data.split).tolist()) - {UNSPLIT}
    ids, strata = data.ids.to_pylist(), strata_of(data)
    if len(declared) < 2:
        split = grouped_split(ids, strata, clusters, FRACTIONS, seed)
        return SplitPlan(split=split, left_out=0, how="70/15/15, by cluster and stratum")
    split = data.split.copy()
    how = "as declared"
    if TEST not in declared:
        split[split == VALIDATION] = TEST
        declared = declared - {VALIDATION}
        how = "the declared validation rows are the test"
    split, left_out = _without_copies(split, clusters, TEST)
    if VALIDATION not in declared:
        rows = np.flatnonzero(split == TRAIN)
        part = grouped_split([ids[r] for r in rows], strata[rows], clusters[rows], (0.85, 0.15, 0.0), seed)
        split[rows] = part
        how += "; 15 % of train became validation"
    else:
        split, more = _without_copies(split, clusters, VALIDATION)
        left_out += more
    return SplitPlan(split=split, left_out=left_out, how=how)


def grouped_split(
    ids: Sequence[str] | pa.StringArray,
    strata: NDArray[np.int64],
    clusters: NDArray[np.int32],
    fractions: tuple[float, float, float] = FRACTIONS,
    seed: int = 0,
) -> NDArray[np.int8]:
    """Divide rows among the splits; whole clusters only, each stratum in the same shares.

    The same ids, strata and clusters give the same division in whatever order the rows come. With clusters of
    one row, every stratum's count in every split is less than one row from its share.

    Args:
        ids: (n,) unique.
        strata: (n,) codes of what is to be spread evenly.
        clusters: (n,) codes of rows that belong together.
        fractions: shares of train, validation and test; they sum to 1.
        seed: another seed, another division.

    Returns:
        (n,) codes into `audit.core.SPLITS`.
    """
    if abs(sum(fractions) - 1) > 1e-9 or min(fractions) < 0:
        raise ValueError(f"fractions must be three shares that sum to 1, not {fractions}")
    words = ids.to_pylist() if isinstance(ids, pa.Array) else list(ids)
    n = len(words)
    split = np.full(n, UNSPLIT, dtype=np.int8)
    if not n:
        return split
    rank = _ranks(words, seed)
    shares = np.array(fractions)
    kinds, stratum = np.unique(strata, return_inverse=True)
    want = np.bincount(stratum)[:, None] * shares
    have = np.zeros((len(kinds), 3))
    _, cluster = np.unique(clusters, return_inverse=True)
    size = np.bincount(cluster)
    order = np.argsort(cluster, kind="stable")
    groups = np.split(order, np.cumsum(size)[:-1])
    several = sorted((g for g in groups if len(g) > 1), key=lambda g: (-len(g), rank[g].min()))
    for rows in several:
        counts = np.bincount(stratum[rows], minlength=len(kinds))
        costs = (counts[:, None] * (have - want)).sum(axis=0)
        costs[shares == 0] = np.inf
        to = int(np.argmin(costs))
        split[rows] = to
        have[:, to] += counts
    _deal_singles(split, np.flatnonzero(size[cluster] == 1), stratum, rank, want - have, shares)
    return split


def strata_of(data: DataSet) -> NDArray[np.int64]:
    """(n,) code of what should be spread evenly: labels; for faces gender, ethnicity and age band crossed."""
    if isinstance(data, Comments):
        columns = [data.labels[:, i].astype(np.int64) for i in range(data.labels.shape[1])]
    elif isinstance(data, Faces):
        groups = [data.gender, data.ethnicity, data.age_band]
        columns = [attribute.codes.astype(np.int64) for attribute in groups]
    else:
        columns = [data.label.codes.astype(np.int64)]
    return np.unique(np.stack(columns, axis=1), axis=0, return_inverse=True)[1].reshape(-1)


def split_table(split: NDArray[np.int8], strata: NDArray[np.int64]) -> NDArray[np.int64]:
    """(strata, 3) rows of each stratum in each split."""
    kinds, codes = np.unique(strata, return_inverse=True)
    table = np.zeros((len(kinds), len(SPLITS)), dtype=np.int64)
    np.add.at(table, (codes[split >= 0], split[split >= 0]), 1)
    return table


def _ranks(ids: list[str], seed: int) -> NDArray[np.int64]:
    """(n,) place of each id in an order that depends on the ids and the seed alone."""
    key = str(seed).encode()
    digests = [
        hashlib.blake2b(i.encode("utf-8", "surrogatepass"), key=key, digest_size=8).digest() for i in ids
    ]
    rank = np.empty(len(ids), dtype=np.int64)
    rank[np.lexsort((np.array(ids, dtype=object).astype(str), np.frombuffer(b"".join(digests), ">u8")))] = (
        np.arange(len(ids))
    )
    return rank


def _deal_singles(
    split: NDArray[np.int8],
    rows: NDArray[np.int64],
    stratum: NDArray[np.int64],
    rank: NDArray[np.int64],
    missing: NDArray[np.float64],
    shares: NDArray[np.float64],
) -> None:
    """Give each stratum's single rows to the splits by what they lack; rounding carries on to the next."""
    carried = np.zeros(3)
    by_stratum = rows[np.lexsort((rank[rows], stratum[rows]))]
    cuts = np.flatnonzero(np.diff(stratum[by_stratum])) + 1
    groups = [g for g in np.split(by_stratum, cuts) if len(g)]
    for group in sorted(groups, key=lambda g: rank[g[0]]):
        ideal = np.maximum(missing[stratum[group[0]]], 0)
        ideal = ideal * (len(group) / ideal.sum()) if ideal.sum() else shares * len(group)
        counts = np.floor(ideal + 1e-9).astype(int)
        left = len(group) - int(counts.sum())
        wish = np.where(ideal - counts > 1e-9, ideal - counts + carried, -np.inf)
        counts[np.argsort(-wish, kind="stable")[:left]] += 1
        carried += ideal - counts
        split[group] = np.repeat(np.arange(3, dtype=np.int8), counts)


def _without_copies(
    split: NDArray[np.int8], clusters: NDArray[np.int32], held: int
) -> tuple[NDArray[np.int8], int]:
    """Leave out rows of earlier splits that share a cluster with a held-back row."""
    reached = np.unique(clusters[split == held])
    out = (split < held) & (split >= 0) & np.isin(clusters, reached)
    return np.where(out, UNSPLIT, split).astype(np.int8), int(out.sum())
