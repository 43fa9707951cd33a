"""The survey's sums by group: which rows, which methods, which tables and findings."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.attribution import comparisons, tables
from audit.attribution.background import CENTRE, by_group
from audit.attribution.columns import columns as columns_of
from audit.attribution.comparisons import Comparison
from audit.attribution.outcomes import choose, group_strata
from audit.attribution.survey import (
    PictureSurvey,
    picture_survey,
    removal_means,
    survey_means,
    text_survey,
)
from audit.core import Finding, TaskKind
from audit.identity_terms.finder import find_terms
from audit.identity_terms.lexicon import Lexicon, lexicon_of
from audit.protocols import Context, Model

Rows = NDArray[np.int64]
FAMILY_GROUPS = "attribution: share outside the centre by group"
FAMILY_TERMS = "attribution: what naming an identity adds"


@dataclass(frozen=True, kw_only=True)
class Groups:
    """What the survey gives to the section."""

    findings: tuple[Finding, ...] = ()
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)


def survey(context: Context, model: Model, own: str | None) -> Groups:
    """Explain more rows, briefly, and sum by group.

    Args:
        context: of the audit.
        model: the audited model.
        own: the model's own method, or None.
    """
    return _pictures(context, model, own) if model.payload == "image" else _texts(context, model)


def _pictures(context: Context, model: Model, own: str | None) -> Groups:
    examples, spec = context.examples, context.spec
    rows = np.flatnonzero(context.audited)
    strata = group_strata(rows, examples.attributes) or [rows]
    outputs = _outputs(model)
    sizes = {"shap": spec.attribution.survey} | ({own: spec.attribution.fast} if own else {})
    made: dict[str, list[Comparison]] = {}
    maps: list[tuple[str, str, str, str, int, Any]] = []
    counted: dict[str, int] = {}
    for method, size in sizes.items():
        chosen = choose([[part] for part in strata], size, context.seed)
        found = picture_survey(
            context, model, chosen, dict(model.tasks), None if method == "shap" else method
        )
        counted[method] = len(found.rows)
        if not len(found.rows):
            continue
        for k, output in enumerate(outputs):
            means = by_group(
                found.outside[:, k], found.rows, examples.attributes, examples.clusters, spec.level
            )
            made.setdefault(method, []).extend(comparisons.of_groups(means, output, method, spec.minimum_n))
            maps += _mean_maps(context, found, k, output, method)
    tested = [one for method in made for one in comparisons.adjusted(made[method])]
    main = own if own in made else "shap"
    return Groups(
        findings=comparisons.findings(
            [one for one in tested if one.method == main], spec.margins["rate"], FAMILY_GROUPS
        ),
        tables={
            "background": comparisons.table(tested, 1 - CENTRE**2),
            "group_maps": tables.group_maps(maps),
        },
        summary={"survey": counted, "centre": CENTRE, "findings_by": main, "tests": _tests(tested, main)},
    )


def _mean_maps(
    context: Context, found: PictureSurvey, k: int, output: str, method: str
) -> list[tuple[str, str, str, str, int, Any]]:
    everyone = [("", "all", np.ones(len(found.rows), dtype=np.bool_))]
    groups = [
        (attribute.name, value, attribute.codes[found.rows] == code)
        for attribute in context.examples.attributes.values()
        for code, value in enumerate(attribute.values)
    ]
    return [
        (output, method, name, value, int(mine.sum()), found.grids[mine, k].mean(axis=0))
        for name, value, mine in everyone + groups
        if mine.any()
    ]


def _texts(context: Context, model: Model) -> Groups:
    spec = context.spec
    lexicon = lexicon_of(spec.identity)
    strata = _naming(context, lexicon)
    if not strata:
        return Groups(summary={"survey": {}, "identities": "no audited text names an identity"})
    chosen = choose([[part] for part in strata], spec.attribution.survey, context.seed)
    surveyed = text_survey(context, model, chosen, dict(model.tasks), lexicon)
    rng = np.random.default_rng(context.seed)
    drawn = [rng.permutation(rows)[: spec.attribution.terms] for rows in strata]
    rows = np.unique(np.concatenate(drawn))
    removed, passes = removal_means(context, model, rows, lexicon)
    names = columns_of(model.tasks).names
    scores = [i for i, name in enumerate(columns_of(model.tasks).outputs) if _is_score(model, name)]
    by_removal = comparisons.adjusted(
        _scores_only(comparisons.of_terms(removed, names, "removal", spec.minimum_n), names, scores)
    )
    by_shap = comparisons.adjusted(
        comparisons.of_terms(survey_means(context, surveyed, "identity"), names, "shap", spec.minimum_n)
    )
    by_term = comparisons.of_terms(
        survey_means(context, surveyed, "term"), names, "shap", spec.minimum_n, kind="term"
    )
    return Groups(
        findings=comparisons.findings(by_removal, spec.margins["rate"], FAMILY_TERMS),
        tables={
            "identities": comparisons.table(by_removal + by_shap),
            "terms": comparisons.table(comparisons.adjusted(by_term)),
        },
        summary={
            "survey": {"shap": len(surveyed.rows), "removal": len(rows)},
            "removal_passes": passes,
            "findings_by": "removal",
            "tests": _tests(by_removal, "removal"),
        },
    )


def _naming(context: Context, lexicon: Lexicon) -> list[Rows]:
    """Audited rows that name each identity; identities that nobody names are left out."""
    rows = np.flatnonzero(context.audited)
    assert context.payloads is not None
    named = find_terms(list(context.payloads("text", rows)), lexicon)
    return [rows[column] for column in named.T if column.any()]


def _outputs(model: Model) -> list[str]:
    """One a column of `subject.Subject`: labels by name, of many classes the output alone."""
    every = columns_of(model.tasks)
    several = {output for output, task in model.tasks.items() if task.kind is TaskKind.MULTICLASS}
    return list(
        dict.fromkeys(
            output if output in several else name
            for output, name in zip(every.outputs, every.names, strict=True)
        )
    )


def _is_score(model: Model, output: str) -> bool:
    return model.tasks[output].kind is not TaskKind.REGRESSION


def _scores_only(found: list[Comparison], names: tuple[str, ...], scores: list[int]) -> list[Comparison]:
    """Numbers have another unit than scores, and no harmful direction: they are not tested with them."""
    kept = {names[i] for i in scores}
    return [one for one in found if one.output in kept]


def _tests(found: list[Comparison], method: str) -> int:
    return max((one.tests for one in found if one.method == method), default=0)
