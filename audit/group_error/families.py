"""Families of tests: an omnibus test an output x attribute (Holm); every slice (Benjamini-Hochberg)."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray

from audit import multiplicity, omnibus, significance
from audit.errors import SpecError
from audit.group_error.columns import cluster_shares, harmless, indicator
from audit.group_error.forms import Form, Mean, Rate
from audit.group_error.measures import Measures
from audit.group_error.targets import Target
from audit.metrics import METRICS
from audit.slices import Partition, SliceSet
from audit.spec import Primary, Spec

PRIMARY = "primary: one omnibus test an output x attribute x headline metric"
SLICES = "slices: every other tested comparison"
SMALL_GROUP, MOST_ROWS = 200, 20_000
"""Means: permutations while a group is small and rows few enough, else Welch's F. Rates of clustered rows:
permutations of whole clusters while rows are few enough, else the rates' test on effective counts."""


@dataclass(frozen=True, kw_only=True)
class Omnibus:
    """One test that all known groups of an attribute are equal in one metric."""

    output: str
    attribute: str
    metric: str
    groups: int
    test: str
    statistic: float
    draws: int
    p: float
    p_adjusted: float = np.nan


@dataclass(frozen=True, kw_only=True)
class Measured:
    """A target with its slices and moments, as the tests need them."""

    target: Target
    slices: SliceSet
    measures: Measures
    clusters: NDArray[np.int32] | None
    fixing: tuple[str, ...]


def primary_tests(measured: Sequence[Measured], spec: Spec) -> list[Omnibus]:
    """Run the primary family and adjust it by Holm.

    Args:
        measured: every target.
        spec: its `primary`, or empty for every headline metric of every output x attribute that does not fix
            the truth.

    Raises:
        SpecError: a declared primary comparison names an output, attribute or metric that is not there.
    """
    found = [omnibus_test(m, part, name, spec) for m, part, name in _wanted(measured, spec)]
    adjusted = multiplicity.holm(np.array([t.p for t in found], dtype=np.float64))
    return [replace(t, p_adjusted=float(p)) for t, p in zip(found, adjusted, strict=True)]


def _wanted(measured: Sequence[Measured], spec: Spec) -> Iterator[tuple[Measured, Partition, str]]:
    if spec.primary:
        for primary in spec.primary:
            yield _declared(primary, measured)
        return
    for m in measured:
        for part in m.slices.partitions:
            if len(part.attributes) != 1 or part.attributes[0] in m.fixing or part.known.sum() < 2:
                continue
            yield from ((m, part, name) for name in headline(m, spec))


def headline(m: Measured, spec: Spec) -> list[str]:
    """FPR and FNR of a yes/no target, error rate of a many-class one, MAE and bias of a number."""
    names = [n for n in m.measures.forms if n in METRICS and METRICS[n].headline]
    passed_over = {harmless(m.target.name, spec), "error_rate" if "fpr" in names else ""}
    return [n for n in names if n not in passed_over]


def _declared(primary: Primary, measured: Sequence[Measured]) -> tuple[Measured, Partition, str]:
    outputs = {m.target.name: m for m in measured}
    if primary.output not in outputs:
        raise SpecError(
            "spec, primary",
            f"no output is called {primary.output!r}; outputs are {', '.join(outputs) or 'none'}.",
        )
    m = outputs[primary.output]
    parts = {p.attributes[0]: p for p in m.slices.partitions if len(p.attributes) == 1}
    if primary.attribute not in parts:
        raise SpecError(
            "spec, primary",
            f"no attribute is called {primary.attribute!r}; attributes are {', '.join(parts) or 'none'}.",
        )
    allowed = [n for n, f in m.measures.forms.items() if isinstance(f, Rate | Mean)]
    if primary.metric not in allowed:
        raise SpecError(
            "spec, primary",
            f"{primary.metric!r} can't be tested for {primary.output}; allowed are {', '.join(allowed)}.",
        )
    return m, parts[primary.attribute], primary.metric


def omnibus_test(m: Measured, part: Partition, name: str, spec: Spec) -> Omnibus:
    """Test that all known groups of one attribute are equal in one metric."""
    form = m.measures.forms[name]
    values, counted = indicator(m.target, m.measures, name)
    shares = cluster_shares(values, counted, m.slices, m.clusters, spec.level)
    groups = np.flatnonzero(part.known)
    moments = m.measures.moments[part.columns][groups]
    share = shares.own[part.columns][groups]
    if isinstance(form, Rate) and not _permuted(m, name):
        events, n = (moments[:, list(columns)].sum(axis=1) * share for columns in (form.events, form.of))
        found = omnibus.rate_omnibus(events, n, seed=spec.seed, draws=spec.draws)
    else:
        found = _means(m, part, values, counted, form, moments, share, spec)
    return Omnibus(
        output=m.target.name,
        attribute=part.attributes[0],
        metric=name,
        groups=found.df + 1,
        test=found.method,
        statistic=found.statistic,
        draws=found.draws,
        p=found.p,
    )


def _permuted(m: Measured, name: str) -> bool:
    """Whether a rate is tested by permuting whole clusters: its rows are known one by one, and few enough."""
    by_row = name in m.measures.indicators or name in ("error_rate", "accuracy")
    return m.clusters is not None and by_row and m.target.n <= MOST_ROWS


def _means(
    m: Measured,
    part: Partition,
    values: NDArray[np.float64],
    counted: NDArray[np.bool_],
    form: Form,
    moments: NDArray[np.float64],
    share: NDArray[np.float64],
    spec: Spec,
) -> omnibus.OmnibusTest:
    small = (
        isinstance(form, Mean)
        and (moments[:, list(form.n)].sum(axis=1) * share).min(initial=np.inf) < SMALL_GROUP
    )
    if not isinstance(form, Mean) or (small and m.target.n <= MOST_ROWS):
        known = np.append(part.known, False)[part.codes]
        groups = np.where(known & counted, part.codes, -1)
        return omnibus.permutation_means(values, groups, m.clusters, spec.seed, spec.draws)
    n = moments[:, list(form.n)].sum(axis=1)
    tested = significance.welch_anova(
        n * share, moments[:, form.total] * share, moments[:, form.total_sq] * share
    )
    used = int((n >= 2).sum())
    return omnibus.OmnibusTest(float(tested.p), float(tested.statistic), used - 1, "Welch F", 0)
