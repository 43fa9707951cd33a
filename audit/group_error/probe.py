"""The probe `group_error`: who the model fails, how surely, and what could not be told."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from audit.core import Predictions, Reason, Section, Status, TaskKind
from audit.group_error import ages, calibrated, criteria, custom, searched, thresholds
from audit.group_error.columns import columns
from audit.group_error.compare import Column
from audit.group_error.composition import composition
from audit.group_error.families import PRIMARY, Measured, primary_tests
from audit.group_error.findings import findings, worst_first
from audit.group_error.fixing import fixing_attributes
from audit.group_error.joint import joint_errors
from audit.group_error.ranked import RankedColumn, rank_columns
from audit.group_error.tables import families_table, slices_table
from audit.group_error.targets import Target, targets
from audit.protocols import Context
from audit.slices import SliceSet, slice_set


class GroupError:
    """Error by group; runs on predictions alone."""

    name = "group_error"

    def applies(self, context: Context) -> Reason | None:
        """Always, where there is a row to count."""
        return None if context.predictions and context.audited.any() else Reason.NO_ROWS

    def run(self, context: Context) -> Section:
        """Measure every target over every slice, compare, test, rank."""
        found = [m for p in context.predictions.values() for m in _measured(context, p)]
        ranked = rank_columns([(m, c) for m, cs in found for c in cs], context.spec)
        primary = primary_tests([m for m, _ in found], context.spec)
        tables = {
            "slices": slices_table(ranked),
            "families": families_table(primary, PRIMARY),
            "spread": criteria.spread_table(found, context.spec),
            "impact": criteria.impact_table([m for m, _ in found], context.spec),
            **_per_target(context, [m for m, _ in found]),
        }
        hits, search_tables, search_summary = searched.search(context, [m for m, _ in found])
        tables |= search_tables
        ordered = worst_first([*findings(ranked, context.examples, self.name), *hits])
        return Section(
            probe=self.name,
            status=Status.OK,
            findings=ordered,
            tables={name: table for name, table in tables.items() if table.num_rows},
            summary=_summary(context, found, ranked, primary) | search_summary,
        )


def _measured(context: Context, predictions: Predictions) -> list[tuple[Measured, list[Column]]]:
    audited = predictions.take(context.audited[predictions.rows])
    found: list[tuple[Measured, list[Column]]] = []
    shared: dict[bytes, SliceSet] = {}
    for target in targets(audited):
        key = target.rows.tobytes()
        if key not in shared:
            shared = {key: _slices(context, target)}
        slices = shared[key]
        clusters = context.examples.clusters
        own = (
            None
            if clusters is None
            else np.unique(clusters[target.rows], return_inverse=True)[1].astype(np.int32)
        )
        fixing = fixing_attributes(target, slices)
        measures, cs = columns(target, slices, own, context.spec, fixing)
        context.progress.step(f"group error: {target.name}", len(found) + 1, 1 + len(audited.task.classes))
        m = Measured(target=target, slices=slices, measures=measures, clusters=own, fixing=fixing)
        found.append((m, cs))
    return found


def _slices(context: Context, target: Target) -> SliceSet:
    spec = context.spec
    return slice_set(context.examples.attributes, target.rows, spec.depth, spec.attributes, spec.minimum_n)


def _per_target(context: Context, measured: Sequence[Measured]) -> dict[str, pa.Table]:
    """Tables beside the slices: what-if, calibration, composition, ages, joint errors, user metrics."""
    spec = context.spec
    by = context.examples.attributes.get(spec.compose_by)
    found: dict[str, list[pa.Table]] = {}

    def keep(name: str, table: pa.Table | None) -> None:
        if table is not None:
            found.setdefault(name, []).append(table)

    for m in measured:
        target, slices = m.target, m.slices
        if target.truth is None:
            continue
        keep("composition", composition(target, slices, by, spec.level))
        keep("calibration", calibrated.calibration_table(target, slices, spec.level))
        if target.task.kind is TaskKind.BINARY and target.scores is not None:
            keep("thresholds", thresholds.what_if(target, slices, spec.level))
        if target.task.kind is TaskKind.REGRESSION:
            keep("by_truth", ages.by_truth(target, slices, spec.level))
            if ages.is_age(target):
                keep("age_gates", ages.age_gates(target, slices, spec.level))
    whole = [m for m in measured if "/" not in m.target.name]
    keep("joint", joint_errors([(m.target, m.slices) for m in whole], spec.level))
    if spec.metrics:
        every = [m.target for m in measured]
        keep("custom", custom.custom_metrics(spec.metrics, every, context.examples.attributes))
    return {name: pa.concat_tables(parts) for name, parts in found.items()}


def _summary(
    context: Context,
    found: Sequence[tuple[Measured, list[Column]]],
    ranked: Sequence[RankedColumn],
    primary: Sequence[Any],
) -> dict[str, Any]:
    reasons: dict[str, int] = {}
    for r in ranked:
        if r.column.metric.finding:
            compared = r.measured.slices.depth > 0  # everyone together is a slice, and no comparison
            why = r.column.untested[compared]
            names, counts = np.unique(why[why != ""], return_counts=True)
            for name, count in zip(names, counts, strict=True):
                reasons[str(name)] = reasons.get(str(name), 0) + int(count)
    return {
        "rows": int(context.audited.sum()),
        "attributes": list(context.examples.attributes),
        "attributes_note": "" if context.examples.attributes else Reason.NO_ATTRIBUTES.value,
        "slices": max((len(m.slices) for m, _ in found), default=0),
        "crossings_left_out": max((m.slices.left_out for m, _ in found), default=0),
        "depth": context.spec.depth,
        "minimum_n": context.spec.minimum_n,
        "level": context.spec.level,
        "primary_tests": sum(not np.isnan(t.p) for t in primary),
        "primary_rejected": sum(t.p_adjusted <= 0.05 for t in primary),
        "slice_tests": ranked[0].tests if ranked else 0,
        "harmful_not_listed": int(sum((r.ranks.harmful & (r.p > 0.05)).sum() for r in ranked)),
        "untested": reasons,
        "fixed_by_attribute": {m.target.name: list(m.fixing) for m, _ in found if m.fixing},
        "without_truth": [m.target.name for m, _ in found if m.target.truth is None],
    }
