"""One label's rows with the identities that they speak of."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.core import TaskKind
from audit.group_error.targets import Target, targets
from audit.identity_terms.memberships import Memberships
from audit.identity_terms.order import Ints
from audit.protocols import Context


@dataclass(frozen=True, kw_only=True)
class Label:
    """A yes/no question over n rows and K identities."""

    target: Target
    """Its truth is known in every row; its scores may be missing altogether."""
    name: str
    """The label of a multilabel output, else the output."""
    members: tuple[Ints, ...]
    """(K,) positions in the target's rows, increasing."""
    annotated: tuple[NDArray[np.bool_], ...]
    """Distinct sets of annotated rows, (n,) each."""
    mask: tuple[int, ...]
    """(K,) entry of each identity in `annotated`."""
    clusters: NDArray[np.int32] | None
    """(n,) codes from 0 on, or None: independent rows."""
    other: NDArray[np.bool_] | None = None
    """(n,) rows that have another label of the audit; None: there is no other."""

    @property
    def n_clusters(self) -> int:
        """Number of clusters; of rows where they are independent."""
        return self.target.n if self.clusters is None else int(self.clusters.max(initial=-1)) + 1


def yes_no_targets(context: Context) -> Iterator[tuple[str, Target]]:
    """Yield every yes/no output and every label, over the audited rows, with the label's name."""
    for predictions in context.predictions.values():
        inside = context.audited[predictions.rows]
        audited = predictions if inside.all() else predictions.take(inside)
        for target in targets(audited):
            if target.task.kind is TaskKind.BINARY:
                yield target.name.removeprefix(f"{predictions.output}/"), target


def labels_given(questions: Sequence[tuple[str, Target]], n: int) -> Ints:
    """(n,) how many of the audit's labels each example has; 0 without truth."""
    given = np.zeros(n, dtype=np.int64)
    for _, target in questions:
        if target.truth is not None:
            given[target.rows] += target.truth
    return given


def label_of(
    name: str,
    target: Target,
    memberships: Memberships,
    clusters: NDArray[np.int32] | None,
    n: int,
    given: Ints | None = None,
) -> Label:
    """Bring identities and clusters of all examples to one target's rows.

    Args:
        name: the label.
        target: its rows.
        memberships: over the n examples.
        clusters: (n,) over the examples, or None.
        n: number of examples.
        given: `labels_given` of all labels, where there are others.
    """
    at = np.full(n, -1, dtype=np.int64)
    at[target.rows] = np.arange(target.n)
    here = (at[rows] for rows in memberships.members)
    codes = None
    if clusters is not None:
        codes = np.unique(clusters[target.rows], return_inverse=True)[1].astype(np.int32)
    return Label(
        target=target,
        name=name,
        members=tuple(rows[rows >= 0] for rows in here),
        annotated=tuple(mask[target.rows] for mask in memberships.annotated),
        mask=memberships.mask,
        clusters=codes,
        other=None if given is None or target.truth is None else given[target.rows] > target.truth,
    )
