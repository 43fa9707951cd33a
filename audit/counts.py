"""Counts first: additive moments of every slice in one pass each, by `bincount` on integer codes."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audit.slices import Partition, SliceSet


def cell_counts(slices: SliceSet, cells: NDArray[np.integer], size: int) -> NDArray[np.float64]:
    """Count the rows of each slice in each cell.

    Args:
        slices: S slices of n rows.
        cells: (n,) cell of each row in [0, size); -1 for a row that is not counted.
        size: number of cells.

    Returns:
        (S, size) whole numbers as floats.
    """
    if (counted := cells >= 0).all():
        rows, kept = slice(None), cells
    else:
        rows, kept = counted, cells[counted]  # type: ignore[assignment]
    found = []
    for part in slices.partitions:
        code = _shifted(part)[rows] * size + kept
        table = np.bincount(code, minlength=(part.size + 1) * size)
        found.append(table.reshape(part.size + 1, size)[1:])
    return np.concatenate(found).astype(np.float64)


def value_sums(slices: SliceSet, values: Sequence[NDArray[np.floating]]) -> NDArray[np.float64]:
    """Sum per-row values over each slice.

    Args:
        slices: S slices of n rows.
        values: m arrays (n,).

    Returns:
        (S, m).
    """
    found = np.empty((len(slices), len(values)))
    for part in slices.partitions:
        code = _shifted(part)
        for j, column in enumerate(values):
            found[part.columns, j] = np.bincount(code, weights=column, minlength=part.size + 1)[1:]
    return found


def _shifted(part: Partition) -> NDArray[np.int64]:
    """Codes from 1, with 0 for rows in none of the slices, as `bincount` needs them."""
    return part.codes.astype(np.int64) + 1


def everyone_else(slices: SliceSet, moments: NDArray[np.float64]) -> NDArray[np.float64]:
    """Sum the moments of the rows outside each slice.

    Args:
        slices: S slices.
        moments: (S, m).

    Returns:
        (S, m): for every slice the moments of all rows whose values are known in its partition, less its own.
    """
    outside = np.empty_like(moments)
    for part in slices.partitions:
        columns = part.columns
        total = moments[columns][part.known].sum(axis=0)
        outside[columns] = total - np.where(part.known[:, None], moments[columns], 0.0)
    return outside


def rest_of_parent(
    slices: SliceSet, moments: NDArray[np.float64], position: int
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    """Sum the moments of the other known slices that share a crossing's value of one attribute.

    Args:
        slices: S slices.
        moments: (S, m).
        position: which of the crossing's attributes.

    Returns:
        (S, m) the parent restricted to rows known in the whole crossing, and (S, m) that less the slice's
        own; NaN where there is no such parent, and for slices with an unknown value.
    """
    total, rest = np.full_like(moments, np.nan), np.full_like(moments, np.nan)
    for part in slices.partitions:
        if len(part.attributes) < 2 or position >= len(part.attributes):
            continue
        columns = part.columns
        parent = slices.parents[columns, position]
        ids, inverse = np.unique(parent, return_inverse=True)
        sums = np.zeros((len(ids), moments.shape[1]))
        np.add.at(sums, inverse[part.known], moments[columns][part.known])
        total[columns] = np.where(part.known[:, None], sums[inverse], np.nan)
        rest[columns] = total[columns] - moments[columns]
    return total, rest
