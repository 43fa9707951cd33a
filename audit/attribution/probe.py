"""The probe `attribution`: what a model looks at, how far to believe that, and for whom it differs."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.attribution import comparisons, surveyed, tables
from audit.attribution.checks import own_method, random_checks
from audit.attribution.columns import columns as columns_of
from audit.attribution.examples import explain_row
from audit.attribution.outcomes import choose, example_strata, outcomes
from audit.attribution.subject import subject
from audit.attribution.trust import TrustLimits
from audit.attribution.words import cut
from audit.core import Reason, Section, Status, TaskKind
from audit.protocols import Context, Model
from audit.run_rows import inputs, payload_column

Rows = NDArray[np.int64]


class Attribution:
    """LIME, SHAP and the model's own attributions of a sample of rows, and their sums by group."""

    name = comparisons.PROBE

    def applies(self, context: Context) -> Reason | None:
        """Where there are rows, a model, and what the model reads."""
        if not context.audited.any():
            return Reason.NO_ROWS
        if context.model is None:
            return Reason.NEEDS_MODEL
        return None if payload_column(context) is not None else Reason.NEEDS_DATA

    def run(self, context: Context) -> Section:
        """Explain a sample in full, survey a larger one for the sums by group."""
        model, spec, limits = context.model, context.spec.attribution, TrustLimits()
        assert model is not None
        strata = example_strata(context.predictions, context.examples.attributes, context.audited)
        rows = choose(strata or [[np.flatnonzero(context.audited)]], spec.examples, context.seed)
        payloads = dict(zip(rows.tolist(), inputs(context, rows), strict=True))
        readable = [row for row in rows.tolist() if payloads[row] is not None]
        own, why_not = own_method(model, [payloads[row] for row in readable], context.spec)
        explained = self._explain(context, model, readable, payloads, own)
        checks = random_checks(model, [payloads[row] for row in readable], context.spec, own)
        table = tables.explanations(explained, checks, limits, spec.engine)
        groups = surveyed.survey(context, model, own)
        made: dict[str, pa.Table] = {
            "explanations": table,
            "words": tables.words(explained),
            "maps": tables.maps(explained),
            "checks": tables.checks_table(checks, limits),
            **groups.tables,
        }
        return Section(
            probe=self.name,
            status=Status.OK,
            findings=groups.findings,
            tables={name: one for name, one in made.items() if one.num_rows},
            summary={
                "rows": int(context.audited.sum()),
                "strata": len(strata),
                "examples": len(readable),
                "unreadable": len(rows) - len(readable),
                "reduced": sum(int(row.arrays["reduced"]) for row in explained),
                "outputs": list(columns_of(model.tasks).names),
                "own_method": own or "",
                "own_method_missing": why_not,
                "random_weights": "checked" if checks else "the model has no twin with random weights",
                "trust": tables.doubt_counts(table),
                "limits": vars(limits),
                "engine": spec.engine,
                "samples_asked": spec.samples,
                "samples_used": _median_samples(table),
                **groups.summary,
            },
        )

    def _explain(
        self, context: Context, model: Model, rows: list[int], payloads: Mapping[int, Any], own: str | None
    ) -> list[tables.Row]:
        found = _outcomes(context)
        made = []
        for done, row in enumerate(rows):
            context.progress.step("attribution: examples", done, len(rows))
            payload = payloads[row]

            def make(payload: Any = payload) -> Any:
                return subject(model, payload, context.spec.attribution)

            arrays = explain_row(
                make, context.spec, dict(model.tasks), own, row, context.cache / f"example-{row}.npz"
            )
            hide: Any = context.spec.attribution.hide
            made.append(
                tables.Row(
                    id=context.examples.ids[row].as_py(),
                    outcomes={name: kinds[row] for name, kinds in found.items() if row in kinds},
                    arrays=arrays,
                    words=cut(payload, hide=hide) if model.payload == "text" else None,
                )
            )
        context.progress.step("attribution: examples", len(rows), len(rows))
        return made


def _outcomes(context: Context) -> dict[str, dict[int, str]]:
    """Output, or ``output/label`` -> row -> how its decision ended."""
    made: dict[str, dict[int, str]] = {}
    for name, one in context.predictions.items():
        mine = one.take(context.audited[one.rows])
        labels = one.task.classes if one.task.kind is TaskKind.MULTILABEL else ("",)
        for i, label in enumerate(labels):
            kinds = outcomes(mine, i if label else -1)
            key = f"{name}/{label}" if label else name
            made[key] = dict(zip(mine.rows.tolist(), kinds.tolist(), strict=True))
            if label:
                made.setdefault(label, made[key])  # a model may name each label as an output of its own
    return made


def _median_samples(table: pa.Table) -> float | None:
    """Of LIME, median over examples."""
    if not table.num_rows:
        return None
    used = {
        (name, samples)
        for name, method, samples in zip(
            table["id"].to_pylist(), table["method"].to_pylist(), table["samples"].to_pylist(), strict=True
        )
        if method == "lime"
    }
    return float(np.median([samples for _, samples in used]))
