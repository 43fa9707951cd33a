"""The probe `identity_terms`: what a text model makes of a mention of a group, label by label."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from itertools import islice
from typing import Any

import numpy as np
import pyarrow as pa

from audit.core import Level, Reason, Section, Status, TaskKind
from audit.identity_terms import tables
from audit.identity_terms.cells import SHOWN_ONLY
from audit.identity_terms.finder import find_terms
from audit.identity_terms.findings import PROBE, findings
from audit.identity_terms.label import label_of, labels_given, yes_no_targets
from audit.identity_terms.lexicon import Lexicon, lexicon_of
from audit.identity_terms.measure import Measured, measure_label
from audit.identity_terms.memberships import Memberships, declared, found, mentioned
from audit.identity_terms.ranked import ADJUSTMENT, RankedCells, rank_cells
from audit.identity_terms.thresholds import COST
from audit.identity_terms.with_model import counterfactuals
from audit.protocols import Context

BATCH = 50_000
"""Texts read at a time."""
CLUSTERS_NOTE = (
    "AUCs, AEGs, power means, FPR, FNR, FPED and FNED allow for clusters; the what-if thresholds take rows "
    "as independent"
)


class IdentityTerms:
    """Identity terms; runs on predictions alone, by declared columns or by terms found in the texts."""

    name = PROBE

    def applies(self, context: Context) -> Reason | None:
        """Where yes/no questions were asked of rows whose identities are declared or can be found."""
        if not context.predictions or not context.audited.any():
            return Reason.NO_ROWS
        if not context.examples.identities and not _has_texts(context):
            return Reason.NO_IDENTITIES
        kinds = {p.task.kind for p in context.predictions.values()}
        return None if kinds & {TaskKind.BINARY, TaskKind.MULTILABEL} else Reason.NO_YES_NO

    def run(self, context: Context) -> Section:
        """Measure every label over every identity, test all cells as one family, rank."""
        lexicon = lexicon_of(context.spec.identity)
        every = found_memberships(context, lexicon)
        memberships = mentioned(every)
        measured = _measure(context, memberships) if len(memberships) else []
        ranked = rank_cells([c for m in measured for c in m.cells], context.spec)
        swapped, facts = counterfactuals(context, lexicon)
        made = {"terms": tables.terms_table(every, context.audited), **_tables(measured, ranked, memberships)}
        made |= swapped
        return Section(
            probe=self.name,
            status=Status.OK,
            findings=findings(ranked, memberships, context.examples),
            tables={name: table for name, table in made.items() if table.num_rows},
            summary=_summary(context, every, memberships, measured, ranked) | facts,
        )


def _has_texts(context: Context) -> bool:
    return context.payloads is not None and "text" in context.examples.source.payloads


def found_memberships(context: Context, lexicon: Lexicon) -> Memberships:
    """Declared identities where the file has any, else terms found in the audited texts."""
    identities = context.examples.identities
    if identities:
        return declared(identities, context.spec.identity_threshold, lexicon.groups)
    rows = np.flatnonzero(context.audited)
    parts, done = [], 0
    for batch in _texts(context, rows):
        parts.append(find_terms(batch, lexicon))
        done += len(batch)
        context.progress.step("identity terms: texts", done, rows.size)
    return found(np.concatenate(parts), lexicon.identities, lexicon.groups, rows, context.examples.n)


def _texts(context: Context, rows: np.ndarray[Any, np.dtype[np.int64]]) -> Iterator[list[str | None]]:
    assert context.payloads is not None
    texts = iter(context.payloads("text", rows))
    while batch := list(islice(texts, BATCH)):
        yield batch


def _measure(context: Context, memberships: Memberships) -> list[Measured]:
    """One task a label; threads share the tables, and the work is compiled code that lets others run."""
    examples, tasks = context.examples, []
    questions = list(yes_no_targets(context))
    given = labels_given(questions, examples.n) if len(questions) > 1 else None
    for i, (name, target) in enumerate(questions):
        label = label_of(name, target, memberships, examples.clusters, examples.n, given)
        tasks.append(context.executor.submit(measure_label, label, context.spec, (context.seed, i)))
    measured = []
    for task in tasks:
        measured.append(task.result())
        context.progress.step("identity terms: labels", len(measured), len(tasks))
    return measured


def _tables(
    measured: Sequence[Measured], ranked: Sequence[RankedCells], memberships: Memberships
) -> dict[str, pa.Table]:
    if not measured:
        return {}
    made = {
        "cells": tables.cells_table(ranked, memberships, {m.label.target.name: m.other for m in measured}),
        "summary": tables.summary_table([(m.label, m.means, m.deviations) for m in measured]),
        "choices": tables.choices_table([(m.label, c) for m in measured for c in m.choices], memberships),
    }
    grids = [m.grid for m in measured if m.grid is not None]
    return made | ({"thresholds": tables.thresholds_table(grids, memberships)} if grids else {})


def _summary(
    context: Context,
    every: Memberships,
    memberships: Memberships,
    measured: Sequence[Measured],
    ranked: Sequence[RankedCells],
) -> dict[str, Any]:
    untested: dict[str, int] = {}
    for r in ranked:
        for word in r.cells.untested[~np.isin(r.cells.untested, ("", SHOWN_ONLY))]:
            untested[word] = untested.get(word, 0) + 1
    established = [r.ranks.level != Level.NOT_ESTABLISHED.value for r in ranked]
    return {
        "rows": int(context.audited.sum()),
        "source": every.source,
        "identities": len(every),
        "identities_mentioned": len(memberships),
        "labels": len(measured),
        "cells": sum(len(memberships) for _ in ranked),
        "tests": ranked[0].tests if ranked else 0,
        "adjustment": ADJUSTMENT,
        "established": int(sum(e.sum() for e in established)),
        "untested": untested,
        "minimum_n": context.spec.minimum_n,
        "level": context.spec.level,
        "identity_threshold": context.spec.identity_threshold,
        "cost": COST,
        "clusters": context.examples.clusters is not None,
        "clusters_note": CLUSTERS_NOTE if context.examples.clusters is not None else "",
        "without_truth": [m.label.target.name for m in measured if m.label.target.truth is None],
        "without_scores": [m.label.target.name for m in measured if m.label.target.scores is None],
    }
