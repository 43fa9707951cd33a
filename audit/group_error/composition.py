"""Gaps standardised to a common mix: an older group has a larger age error for another reason as well.

Direct standardisation: each group's metric is computed inside strata of the truth (class; or bands of a
number) and averaged with the strata's pooled shares. Strata that a group lacks are left out of both sides,
and the share of the pooled mix that remains is printed.
"""

from __future__ import annotations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import Attribute, TaskKind
from audit.counts import cell_counts, value_sums
from audit.group_error.targets import Target
from audit.intervals import normal_quantile
from audit.slices import Partition, SliceSet

BANDS = 10
MINIMUM = 5
"""Rows that a stratum needs in a group and outside it."""


def strata(target: Target, by: Attribute | None) -> tuple[NDArray[np.int64], tuple[str, ...]]:
    """Stratum of each row, and names: a named attribute, the class, or tenths of the true number."""
    if by is not None:
        return by.codes[target.rows].astype(np.int64), by.values
    assert target.truth is not None
    if target.task.kind is not TaskKind.REGRESSION:
        return target.truth.astype(np.int64), target.task.classes
    edges = truth_edges(target.truth)
    names = tuple(f"{a:g} to {b:g}" for a, b in zip(edges[:-1], edges[1:], strict=True))
    return np.clip(np.searchsorted(edges, target.truth, side="right") - 1, 0, len(edges) - 2), names


def truth_edges(truth: NDArray[np.float64]) -> NDArray[np.float64]:
    """Edges of at most `BANDS` bands of the truth: its values where they are few, else its tenths."""
    values = np.unique(truth)
    if len(values) <= BANDS:
        return np.append(values, values[-1] + max(1.0, abs(values[-1]) * 1e-6))
    edges = np.unique(np.quantile(truth, np.linspace(0, 1, BANDS + 1)))
    edges[-1] += max(1e-9, abs(edges[-1]) * 1e-9)
    return edges


def composition(target: Target, slices: SliceSet, by: Attribute | None, level: float) -> pa.Table | None:
    """Plain and standardised gap of every known single-attribute slice to everyone else.

    Args:
        target: rows with truth.
        slices: S slices of them.
        by: attribute to whose mix to standardise; None: the truth's class or band.
        level: of the intervals, normal with the strata's own variances (approximate).

    Returns:
        Columns output, metric, slice, attribute, value, by, gap, standardised_gap, low, high, mix_covered;
        None where the target has no error to average (multilabel).
    """
    wrong = target.wrong
    if wrong is None or target.task.kind is TaskKind.MULTILABEL:
        return None
    code, names = strata(target, by)
    k = len(names)
    counts = cell_counts(slices, code, k)
    parts = [(code == j) for j in range(k)]
    sums = np.stack([value_sums(slices, (wrong * p, wrong**2 * p)) for p in parts], axis=1)
    rows: list[dict[str, object]] = []
    for part in slices.partitions:
        if len(part.attributes) == 1 and part.known.sum() > 1 and not (by and part.attributes[0] == by.name):
            rows += _partition(part, slices, counts, sums, level)
    metric = "mae" if target.task.kind is TaskKind.REGRESSION else "error_rate"
    label = by.name if by else ("truth band" if target.task.kind is TaskKind.REGRESSION else "true class")
    fixed = {"output": target.name, "metric": metric, "by": label}
    return pa.Table.from_pylist([{**fixed, **row} for row in rows], schema=SCHEMA)


SCHEMA = pa.schema(
    [(name, pa.string()) for name in ("output", "metric", "slice", "attribute", "value", "by")]
    + [(name, pa.float64()) for name in ("gap", "standardised_gap", "low", "high", "mix_covered")]
)


def _partition(
    part: Partition,
    slices: SliceSet,
    counts: NDArray[np.float64],
    sums: NDArray[np.float64],
    level: float,
) -> list[dict[str, object]]:
    known = np.flatnonzero(part.known) + part.first
    all_counts, all_sums = counts[known].sum(axis=0), sums[known].sum(axis=0)
    rows: list[dict[str, object]] = []
    for i in known:
        inside, outside = (counts[i], sums[i]), (all_counts - counts[i], all_sums - sums[i])
        use = (inside[0] >= MINIMUM) & (outside[0] >= MINIMUM)
        mix = all_counts / all_counts.sum()
        covered = float(mix[use].sum())
        if covered == 0:
            standardised, error = np.nan, np.nan
        else:
            weight = mix[use] / covered
            (m1, v1), (m2, v2) = (_mean_variance(n[use], s[use]) for n, s in (inside, outside))
            standardised = float((weight * (m1 - m2)).sum())
            error = float(np.sqrt((weight**2 * (v1 + v2)).sum()))
        half = normal_quantile(level) * error
        plain = [s[:, 0].sum() / n.sum() if n.sum() else np.nan for n, s in (inside, outside)]
        rows.append(
            {
                "slice": slices.slices[i].key,
                "attribute": part.attributes[0],
                "value": slices.slices[i].of[0][1],
                "gap": float(plain[0] - plain[1]),
                "standardised_gap": standardised,
                "low": standardised - half,
                "high": standardised + half,
                "mix_covered": covered,
            }
        )
    return rows


def _mean_variance(
    n: NDArray[np.float64], sums: NDArray[np.float64]
) -> tuple[NDArray[np.float64], NDArray[np.float64]]:
    mean = sums[:, 0] / n
    return mean, np.maximum(sums[:, 1] / n - mean**2, 0) / (n - 1)
