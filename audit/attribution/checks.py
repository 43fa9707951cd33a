"""What is found out once for a model: its own method, and whether explanations survive random weights."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.attribution.examples import (
    RANDOM_EVALUATIONS,
    RANDOM_EXAMPLES,
    RANDOM_SAMPLES,
    explain_by,
    method_settings,
    own_weights,
)
from audit.attribution.gradients import explains
from audit.attribution.local_linear import LimeSettings
from audit.attribution.random_weights import random_weights
from audit.attribution.subject import Subject, again, subject
from audit.attribution.tables import Check
from audit.core import TaskKind
from audit.errors import InputError
from audit.protocols import Model, Randomisable
from audit.spec import Spec

Array = NDArray[np.float64]
ONES = {"image": ("grad_cam", "integrated_gradients"), "text": ("gradient_x_input", "integrated_gradients")}
"""Cheapest first; the first that the model knows is taken."""


def own_method(model: Model, payloads: Sequence[Any], spec: Spec) -> tuple[str | None, str]:
    """Find the model's own method by asking for it.

    Args:
        model: the audited model.
        payloads: of which the first is tried.
        spec: of the audit.

    Returns:
        Its name, or None and why there is none.
    """
    if not explains(model, model.payload):
        return None, "the model offers no attributions of its own"
    if not payloads:
        return None, "no row could be read"
    one, problem = subject(model, payloads[0], spec.attribution), ""
    for method in ONES[model.payload]:
        try:
            own_weights(one, model, method)
        except InputError as error:
            problem = str(error)
        else:
            return method, ""
    return None, problem


def random_checks(model: Model, payloads: Sequence[Any], spec: Spec, own: str | None) -> list[Check]:
    """Compare explanations of a few rows with those of the same network with random weights.

    Args:
        model: the audited model.
        payloads: rows; the first few that have features are taken.
        spec: of the audit.
        own: the model's own method, or None.

    Returns:
        One a column and method; none where the model has no random twin or there are no rows.
    """
    if not isinstance(model, Randomisable):
        return []
    asked = spec.attribution
    subjects = [subject(model, payload, asked) for payload in payloads]
    chosen = [one for one in subjects if one.features > 1][:RANDOM_EXAMPLES]
    if not chosen:
        return []
    methods = ["lime", "shap", *([own] if own else [])]

    def explain(which: Model, example: int) -> Array:
        one = chosen[example] if which is model else again(chosen[example], which)
        return np.concatenate([_weights(one, which, method, spec) for method in methods], axis=1)

    found = random_weights(model, explain, range(len(chosen)))
    if found is None:
        return []
    names = _names(model, chosen[0])
    return [
        Check(
            output=name,
            method=method,
            correlation=float(found.correlation[m * len(names) + k]),
            overlap=float(found.overlap[m * len(names) + k]),
            examples=found.examples,
        )
        for m, method in enumerate(methods)
        for k, name in enumerate(names)
    ]


def _weights(one: Subject, model: Model, method: str, spec: Spec) -> Array:
    if method not in ("lime", "shap"):
        return own_weights(one, model, method)
    settings = method_settings(spec.attribution, dict(spec.margins), one, dict(model.tasks), spec.seed)
    settings = replace(
        settings,
        lime=LimeSettings(samples=RANDOM_SAMPLES, seed=spec.seed, adaptive=False, replicates=0),
        shap=replace(settings.shap, evaluations=RANDOM_EVALUATIONS),
    )
    found = explain_by(one, method, settings, spec.attribution.engine)  # type: ignore[arg-type]
    return one.by_feature(found.weights)


def _names(model: Model, one: Subject) -> list[str]:
    """Columns by output: of many classes each row has its own predicted one."""
    several = TaskKind.MULTICLASS
    return [
        output if model.tasks[output].kind is several else name
        for output, name in zip(one.columns.outputs, one.columns.names, strict=True)
    ]
