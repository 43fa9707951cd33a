"""Which rows speak of which identity, and which rows nobody asked about it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

DECLARED, LEXICON = "declared", "lexicon"


@dataclass(frozen=True, kw_only=True)
class Memberships:
    """K identities over n rows; they overlap: a text may speak of several."""

    names: tuple[str, ...]
    groups: tuple[str, ...]
    """(K,) such as "religion"; empty where none is known."""
    source: str
    """DECLARED: columns of the file; LEXICON: terms found in the texts."""
    members: tuple[NDArray[np.int64], ...]
    """(K,) arrays of the rows that speak of the identity, increasing."""
    annotated: tuple[NDArray[np.bool_], ...]
    """Distinct sets of annotated rows, (n,) each: few, since identities are mostly annotated together."""
    mask: tuple[int, ...]
    """(K,) the identity's entry in `annotated`."""

    def __len__(self) -> int:
        """Number of identities."""
        return len(self.names)


def declared(
    identities: Mapping[str, NDArray[np.float32]], threshold: float, groups: Mapping[str, str]
) -> Memberships:
    """Memberships from the file's columns.

    Args:
        identities: name -> (n,) share of annotators in [0, 1], or 0 and 1; NaN: not annotated for it.
        threshold: a row is a member where its share is at least this.
        groups: group of the names that have a known one.
    """
    annotated: list[NDArray[np.bool_]] = []
    known: dict[bytes, int] = {}
    mask = []
    for share in identities.values():
        asked = ~np.isnan(share)
        key = np.packbits(asked).tobytes()
        if key not in known:
            known[key] = len(annotated)
            annotated.append(asked)
        mask.append(known[key])
    return Memberships(
        names=tuple(identities),
        groups=tuple(groups.get(name, "") for name in identities),
        source=DECLARED,
        members=tuple(np.flatnonzero(share >= np.float32(threshold)) for share in identities.values()),
        annotated=tuple(annotated),
        mask=tuple(mask),
    )


def found(
    matrix: NDArray[np.bool_],
    names: Sequence[str],
    groups: Mapping[str, str],
    rows: NDArray[np.int64],
    n: int,
) -> Memberships:
    """Memberships from terms found in texts.

    Args:
        matrix: (m, K) true where a text has a term of the identity.
        names: (K,) identities.
        groups: group of each.
        rows: (m,) the texts' rows, increasing; other rows were not read and count as not annotated.
        n: number of rows.
    """
    if matrix.shape != (rows.size, len(names)):
        raise ValueError(f"the matrix must be ({rows.size}, {len(names)}), got {matrix.shape}")
    read = np.zeros(n, dtype=np.bool_)
    read[rows] = True
    return Memberships(
        names=tuple(names),
        groups=tuple(groups.get(name, "") for name in names),
        source=LEXICON,
        members=tuple(rows[np.flatnonzero(column)] for column in matrix.T),
        annotated=(read,),
        mask=(0,) * len(names),
    )


def mentioned(memberships: Memberships) -> Memberships:
    """Identities that some row speaks of, where terms were looked for; declared ones stay all."""
    if memberships.source == DECLARED:
        return memberships
    kept = [k for k, rows in enumerate(memberships.members) if rows.size]
    return Memberships(
        names=tuple(memberships.names[k] for k in kept),
        groups=tuple(memberships.groups[k] for k in kept),
        source=memberships.source,
        members=tuple(memberships.members[k] for k in kept),
        annotated=memberships.annotated,
        mask=tuple(memberships.mask[k] for k in kept),
    )
