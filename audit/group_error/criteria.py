"""Gaps between groups under their names, beside what equality would give; impact ratios."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from audit.core import TaskKind
from audit.group_error.columns import cluster_shares, indicator
from audit.group_error.compare import Column
from audit.group_error.families import Measured
from audit.group_error.forms import Rate
from audit.group_error.impact import FOUR_FIFTHS, impact
from audit.group_error.spread import Spread, normal_spread, rate_spread
from audit.intervals import normal_quantile
from audit.slices import Partition
from audit.spec import Spec

CRITERIA: Mapping[str, str] = {
    "selection_rate": "demographic parity",
    "tpr": "equal opportunity",
    "fpr": "predictive equality",
    "ppv": "predictive parity",
    "calibration_error": "calibration gap",
    "log_loss": "worst-group loss",
}
SPREADS = (
    "selection_rate", "error_rate", "accuracy", "tpr", "fpr", "ppv", "auc", "brier", "log_loss",
    "calibration_error", "macro_f1", "exact_match", "mae", "bias", "rmse",
)  # fmt: skip
NAMES = ("output", "attribute", "metric", "criterion", "largest", "smallest")
NUMBERS = ("gap", "expected", "low", "high", "p", "between", "ratio", "expected_ratio")
SCHEMA = pa.schema(
    [(name, pa.string()) for name in NAMES]
    + [("groups", pa.int64())]
    + [(name, pa.float64()) for name in NUMBERS]
)


def spread_table(found: Sequence[tuple[Measured, Sequence[Column]]], spec: Spec) -> pa.Table:
    """One row an output x attribute x metric: largest - smallest, what chance alone would give, p.

    Columns output, attribute, metric, criterion (its name in the literature, or ""), largest, smallest
    (group), groups, gap, expected, low, high (95 % range under equality), p (not adjusted), between (standard
    deviation between groups corrected for sampling), ratio (smallest ÷ largest), expected_ratio. Equalised
    odds is the larger of the gaps of TPR and FPR; its own null is not simulated, so it stands without one.
    """
    rows: list[dict[str, Any]] = []
    for m, columns in found:
        by_name = {c.metric.name: c for c in columns}
        for part in m.slices.partitions:
            if len(part.attributes) == 1 and part.known.sum() > 1:
                rows += _attribute(m, part, by_name, spec)
    return pa.Table.from_pylist(rows, schema=SCHEMA)


def _attribute(
    m: Measured, part: Partition, by_name: Mapping[str, Column], spec: Spec
) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = []
    known = np.flatnonzero(part.known) + part.first
    for name in SPREADS:
        if name in by_name:
            spread = _spread(m, by_name[name], known, spec)
            if not np.isnan(spread.gap):
                rows.append(_row(m, part, name, CRITERIA.get(name, ""), spread, known))
    gaps = {row["metric"]: row for row in rows}
    if "tpr" in gaps and "fpr" in gaps:
        wider = max(gaps["tpr"], gaps["fpr"], key=lambda row: float(row["gap"]))
        blank = dict.fromkeys(("expected", "low", "high", "p", "between", "ratio", "expected_ratio"))
        rows.append({**wider, **blank, "metric": "equalised_odds", "criterion": "equalised odds"})
    return rows


def _spread(m: Measured, column: Column, known: np.ndarray, spec: Spec) -> Spread:
    form = m.measures.forms.get(column.metric.name)
    if isinstance(form, Rate) and not form.transform:
        values, counted = indicator(m.target, m.measures, column.metric.name)
        share = cluster_shares(values, counted, m.slices, m.clusters, spec.level).own[known]
        return rate_spread(column.own.events[known], column.own.n[known], share, spec.seed, spec.draws)
    width = column.own.high[known] - column.own.low[known]
    error = width / (2 * normal_quantile(spec.level))
    return normal_spread(
        column.own.value[known], error, spec.seed, spec.draws, bounded=column.metric.unit in ("rate", "AUC")
    )


def _row(
    m: Measured, part: Partition, name: str, criterion: str, spread: Spread, known: np.ndarray
) -> dict[str, Any]:
    values = [m.slices.slices[i].of[0][1] for i in known]
    return {
        "output": m.target.name,
        "attribute": part.attributes[0],
        "metric": name,
        "criterion": criterion,
        "largest": values[spread.largest],
        "smallest": values[spread.smallest],
        "groups": spread.groups,
        **{n: _none(getattr(spread, n)) for n in NUMBERS},
    }


IMPACT = pa.schema(
    [(name, pa.string()) for name in ("output", "attribute", "value", "reference")]
    + [("n", pa.int64()), ("selected", pa.int64())]
    + [
        (name, pa.float64())
        for name in ("selection_rate", "ratio", "low", "high", "expected", "fires_by_chance")
    ]
    + [("below_four_fifths", pa.bool_())]
)


def impact_table(found: Sequence[Measured], spec: Spec) -> pa.Table:
    """Impact ratios of every yes/no target by attribute; `unknown` is no category.

    `fires_by_chance`: probability that some category falls below 0.8 when all selection rates are equal.
    """
    rows: list[dict[str, Any]] = []
    for m in found:
        if m.target.task.kind is not TaskKind.BINARY:
            continue
        form = m.measures.forms["selection_rate"]
        own = form.summary(m.measures.moments, np.ones(len(m.slices)), spec.level)
        for part in m.slices.partitions:
            if len(part.attributes) == 1 and part.known.sum() > 1:
                rows += _impact_rows(m, part, own.events, own.n, spec)
    return pa.Table.from_pylist(rows, schema=IMPACT)


def _impact_rows(
    m: Measured, part: Partition, events: np.ndarray, n: np.ndarray, spec: Spec
) -> list[dict[str, Any]]:
    known = np.flatnonzero(part.known) + part.first
    result = impact(events[known], n[known], spec.impact_minimum_share, spec.level, spec.seed)
    values = [m.slices.slices[i].of[0][1] for i in known]
    return [
        {
            "output": m.target.name,
            "attribute": part.attributes[0],
            "value": value,
            "reference": values[result.reference] if result.reference >= 0 else "",
            "n": int(n[i]),
            "selected": int(events[i]),
            "selection_rate": float(events[i] / n[i]),
            "ratio": _none(result.ratio[j]),
            "low": _none(result.low[j]),
            "high": _none(result.high[j]),
            "expected": _none(result.expected[j]),
            "fires_by_chance": _none(result.fires),
            "below_four_fifths": bool(result.ratio[j] < FOUR_FIFTHS),
        }
        for j, (i, value) in enumerate(zip(known, values, strict=True))
    ]


def _none(x: float) -> float | None:
    return None if np.isnan(x) else float(x)
