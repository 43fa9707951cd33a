"""Rows whose answer changed: right before and wrong now, or the other way, by slice and with the examples."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import TaskKind
from audit.counts import cell_counts
from audit.group_error.targets import Target
from audit.significance import mcnemar_exact
from audit.slices import Partition, SliceSet
from audit.versions.join import Joined, Pair

SHOWN_IDS = 20
"""Ids of each kind that a slice carries."""
MOST_EXAMPLES = 5_000
"""Flipped rows of an output that are stored, negative flips first, the widest changes first."""

SLICES = pa.schema(
    [("output", pa.string()), ("slice", pa.string())]
    + [(name, pa.int64()) for name in ("rows", "right_both", "negative", "positive", "wrong_both")]
    + [("p", pa.float64())]
    + [(name, pa.list_(pa.string())) for name in ("negative_ids", "positive_ids")]
)


class Flips(NamedTuple):
    """What changed in one pair; fields are (n,) over its rows.

    Attributes:
        negative: right before, wrong now; a number: its error grew by more than the margin.
        positive: the other way.
        wrong: wrong now; a number: its error grew or shrank too little to count, and is not used.
        size: how far the score, or the error of a number, moved.
    """

    negative: NDArray[np.bool_]
    positive: NDArray[np.bool_]
    wrong: NDArray[np.bool_]
    size: NDArray[np.float64]


def flips(pair: Pair, margin: float) -> Flips | None:
    """Find the rows of a pair that flipped.

    Args:
        pair: n rows.
        margin: for a number: growth of the absolute error that counts as a flip.

    Returns:
        The flips; None without a truth.
    """
    old, new = pair.old.wrong, pair.new.wrong
    if old is None or new is None:
        return None
    if pair.old.task.kind is TaskKind.REGRESSION:
        moved = new - old
        return Flips(moved > margin, moved < -margin, np.zeros(len(moved), dtype=bool), np.abs(moved))
    was, now = old > 0, new > 0
    return Flips(~was & now, was & ~now, now & was, _moved(pair))


def _moved(pair: Pair) -> NDArray[np.float64]:
    one, two = pair.old.scores, pair.new.scores
    if one is None or two is None:
        return np.ones(pair.old.n)
    size = np.abs(two - one)
    return np.asarray(size if size.ndim == 1 else np.nan_to_num(size).max(axis=1))


def slice_table(pair: Pair, found: Flips, slices: SliceSet, joined: Joined, ids: pa.StringArray) -> pa.Table:
    """One row a slice: counts of flips, exact McNemar p, and the ids with the widest changes.

    Args:
        pair: n rows.
        found: its flips.
        slices: S slices of the rows.
        joined: for the place of a row in the new run.
        ids: of the new run's rows.
    """
    cell = np.where(found.negative, 1, np.where(found.positive, 2, np.where(found.wrong, 3, 0)))
    counts = cell_counts(slices, cell, 4)
    names: dict[str, list[list[str]]] = {}
    for kind, mask in (("negative_ids", found.negative), ("positive_ids", found.positive)):
        order = np.flatnonzero(mask)
        order = order[np.argsort(-found.size[order], kind="stable")]
        rows = [at for part in slices.partitions for at in _first(part, order)]
        names[kind] = [ids.take(joined.at_new[pair.new.rows[at]]).to_pylist() for at in rows]
    number = pair.old.task.kind is TaskKind.REGRESSION
    return pa.table(
        {
            "output": pa.array([pair.name] * len(slices)),
            "slice": pa.array([s.key for s in slices.slices]),
            "rows": pa.array(counts.sum(axis=1).astype(np.int64)),
            "right_both": pa.array(counts[:, 0].astype(np.int64), mask=np.full(len(slices), number)),
            "negative": pa.array(counts[:, 1].astype(np.int64)),
            "positive": pa.array(counts[:, 2].astype(np.int64)),
            "wrong_both": pa.array(counts[:, 3].astype(np.int64), mask=np.full(len(slices), number)),
            "p": pa.array(mcnemar_exact(counts[:, 1], counts[:, 2])),
            **{kind: pa.array(values, pa.list_(pa.string())) for kind, values in names.items()},
        },
        schema=SLICES,
    )


def _first(part: Partition, order: NDArray[np.int64]) -> list[NDArray[np.int64]]:
    """The first rows of every slice of a partition, in the order given."""
    inside = order[part.codes[order] >= 0]
    codes = part.codes[inside]
    by_slice = np.argsort(codes, kind="stable")
    bounds = np.searchsorted(codes[by_slice], np.arange(part.size + 1))
    return [inside[by_slice[bounds[k] : min(bounds[k] + SHOWN_IDS, bounds[k + 1])]] for k in range(part.size)]


def example_table(pair: Pair, found: Flips, joined: Joined, ids: pa.StringArray) -> pa.Table:
    """One row a flipped example, at most `MOST_EXAMPLES`: what was said before and now, and its groups."""
    rows = np.flatnonzero(found.negative | found.positive)
    rows = rows[np.lexsort((-found.size[rows], ~found.negative[rows]))][:MOST_EXAMPLES]
    at = pair.new.rows[rows]
    assert pair.new.truth is not None
    columns: dict[str, Any] = {
        "output": pa.array([pair.name] * len(rows), pa.string()),
        "id": ids.take(joined.at_new[at]).cast(pa.string()),
        "kind": pa.array(np.where(found.negative[rows], "negative", "positive").astype(object), pa.string()),
        "truth": _words(pair.new, pair.new.truth[rows]),
        "old": _words(pair.old, pair.old.decision[rows]),
        "new": _words(pair.new, pair.new.decision[rows]),
        "old_score": _scores(pair.old, rows),
        "new_score": _scores(pair.new, rows),
        "moved": pa.array(found.size[rows]),
    }
    for name, attribute in joined.attributes.items():
        values = np.array(attribute.values, dtype=object)
        columns[f"group.{name}"] = pa.array(values[attribute.codes[at]], pa.string())
    return pa.table(columns)


def _words(target: Target, codes: NDArray[Any]) -> pa.Array:
    """Classes, joined labels or numbers as text."""
    classes = target.task.classes
    if target.task.kind is TaskKind.REGRESSION:
        return pa.array([f"{value:g}" for value in codes], pa.string())
    if target.task.kind is TaskKind.MULTILABEL:
        return pa.array([_labels(classes, row) for row in codes], pa.string())
    return pa.array([classes[int(code)] for code in codes], pa.string())


def _labels(classes: Sequence[str], row: NDArray[Any]) -> str:
    return ", ".join(name for name, flag in zip(classes, row, strict=True) if flag == 1) or "none"


def _scores(target: Target, rows: NDArray[np.int64]) -> pa.Array:
    """Yes/no: the score; many classes: the score of the decision; else null."""
    if target.scores is None or target.task.kind is TaskKind.MULTILABEL:
        return pa.array(np.full(len(rows), np.nan), from_pandas=True)
    scores = target.scores[rows]
    if scores.ndim > 1:
        scores = np.take_along_axis(scores, target.decision[rows, None].astype(np.int64), axis=1)[:, 0]
    return pa.array(scores, from_pandas=True)
