"""Attributes that fix the truth: gender under a gender output, age band under an age output."""

from __future__ import annotations

import numpy as np

from audit.core import TaskKind
from audit.group_error.targets import Target
from audit.slices import SliceSet


def fixing_attributes(target: Target, slices: SliceSet) -> tuple[str, ...]:
    """Find the attributes whose value alone tells the truth.

    For classes: every known group of at least two rows holds one class, and at least two classes occur. For a
    number: the groups' ranges of truth do not overlap. A handful of exceptions (1 in 1,000 rows) is let pass
    as noise of annotation, for classes.

    Args:
        target: rows of one question.
        slices: their slices.

    Returns:
        Names in the order of the attributes; empty without truth and for multilabel outputs.
    """
    if target.truth is None or target.task.kind is TaskKind.MULTILABEL:
        return ()
    numeric = target.task.kind is TaskKind.REGRESSION
    found = []
    for part in slices.partitions:
        if len(part.attributes) != 1 or part.known.sum() < 2:
            continue
        inside = np.append(part.known, False)[part.codes]
        code, truth = part.codes[inside], target.truth[inside]
        fixes = _ranges_apart(code, truth, part.size) if numeric else _one_class_each(code, truth, part.size)
        if fixes:
            found.append(part.attributes[0])
    return tuple(found)


def _one_class_each(code: np.ndarray, truth: np.ndarray, size: int) -> bool:
    classes = int(truth.max(initial=0)) + 1
    table = np.bincount(code.astype(np.int64) * classes + truth, minlength=size * classes).reshape(
        size, classes
    )
    table = table[table.sum(axis=1) >= 2]
    if len(table) < 2 or (table.sum(axis=0) > 0).sum() < 2:
        return False
    minority = table.sum() - table.max(axis=1).sum()
    return bool(minority <= table.sum() / 1000 and len(np.unique(table.argmax(axis=1))) > 1)


def _ranges_apart(code: np.ndarray, truth: np.ndarray, size: int) -> bool:
    low, high = np.full(size, np.inf), np.full(size, -np.inf)
    np.minimum.at(low, code, truth)
    np.maximum.at(high, code, truth)
    order = np.argsort(low)
    low, high = low[order], high[order]
    used = np.isfinite(low)
    low, high = low[used], high[used]
    return len(low) > 1 and bool((high[:-1] < low[1:]).all())
