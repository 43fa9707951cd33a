"""Counterfactual swaps of an audit's texts, from the rows to the tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from hashlib import sha256
from itertools import islice

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.identity_terms.finder import find_terms
from audit.identity_terms.lexicon import Lexicon
from audit.identity_terms.scored import Scored, ScoringError, score_texts
from audit.identity_terms.swap_effects import effects
from audit.identity_terms.swap_tables import SwapTables, effects_table, examples_table, excluded_table
from audit.identity_terms.swaps import IN_SUITES, IN_TEXTS, Plan, draw, plan
from audit.protocols import Context

TEXTS = "texts"
"""Source of the swaps of the audited rows."""
BATCH = 50_000
"""Texts read at a time."""


def swap_tables(context: Context, lexicon: Lexicon) -> SwapTables:
    """Swap identities in the audited texts; `context.spec.identity.swap_texts` of each identity.

    Args:
        context: with a model of texts and the rows' texts.
        lexicon: the terms.

    Returns:
        The tables of `audit.identity_terms.swap_tables`; `reason` says why there are none.
    """
    per_identity = context.spec.identity.swap_texts
    if context.model is None or context.payloads is None or not per_identity:
        return SwapTables({}, None, reason="No model, no texts, or swap_texts = 0.")
    rows = np.flatnonzero(context.audited)
    named = _named(context, rows, lexicon)
    drawn = draw(named, lexicon, per_identity, context.seed)
    union = np.unique(np.concatenate([np.empty(0, np.int64), *drawn.values()]))
    texts = list(context.payloads("text", rows[union]))
    made = plan(dict(zip(union.tolist(), texts, strict=True)), named, drawn, lexicon, per_identity)
    clusters = None if context.examples.clusters is None else context.examples.clusters[rows].astype(np.int64)
    ids = {int(i): context.examples.ids[int(rows[i])].as_py() for i in union}
    return measured_swaps(context, lexicon, made, TEXTS, ids, clusters)


def suite_swap_tables(
    context: Context, lexicon: Lexicon, name: str, ids: Sequence[str], texts: Sequence[str]
) -> SwapTables:
    """Swap identities in the sentences of a suite, all of them up to `swap_texts` of each identity.

    Args:
        context: with a model of texts.
        lexicon: the terms.
        name: of the suite.
        ids: (n,) of its cases.
        texts: (n,) its sentences.
    """
    per_identity = context.spec.identity.swap_texts
    if context.model is None or not per_identity:
        return SwapTables({}, None, reason="No model, or swap_texts = 0.")
    named = find_terms(list(texts), lexicon, IN_SUITES)
    drawn = draw(named, lexicon, per_identity, context.seed)
    union = np.unique(np.concatenate([np.empty(0, np.int64), *drawn.values()])).tolist()
    made = plan({i: texts[i] for i in union}, named, drawn, lexicon, per_identity, IN_SUITES)
    return measured_swaps(context, lexicon, made, name, {i: ids[i] for i in union}, None)


def measured_swaps(
    context: Context,
    lexicon: Lexicon,
    made: Plan,
    source: str,
    ids: Mapping[int, str],
    clusters: NDArray[np.int64] | None,
) -> SwapTables:
    """Score the swaps of a plan, each text once as it stands and once a swap, and compare.

    Args:
        context: with a model.
        lexicon: the terms.
        made: the swaps.
        source: "texts" or the name of a suite.
        ids: row -> id, of the rows that were drawn.
        clusters: (rows,) codes of rows that belong together; None: each by itself.
    """
    assert context.model is not None
    tables = {"swap_excluded": excluded_table(source, made, lexicon)}
    drawn, minimum = len(made.texts), context.spec.minimum_n
    if not made.swaps:
        return SwapTables(_filled(tables), None, drawn, reason="No text could be swapped.")
    rows = [one.row for one in made.swaps]
    place = {row: i for i, row in enumerate(dict.fromkeys(rows))}
    swapped = [made.swapped(one) for one in made.swaps]
    texts = [made.texts[row] for row in place] + swapped
    keep = context.cache / "swaps" / sha256(source.encode()).hexdigest()[:12]
    try:
        scored = score_texts(context.model, texts, context.predictions, keep, context.progress)
    except ScoringError as error:
        return SwapTables(_filled(tables), None, drawn, reason=str(error))
    at = np.array([place[row] for row in rows])
    found = effects(
        made,
        _rows(scored, at),
        _rows(scored, np.arange(len(place), len(texts))),
        None if clusters is None else clusters[rows],
        context.spec.level,
        minimum,
    )
    assert found is not None
    tables["swaps"] = effects_table(source, found, lexicon, minimum)
    tables["swap_examples"] = examples_table(source, made, found, ids, quote=source != TEXTS)
    return SwapTables(_filled(tables), found, drawn, len(set(texts)))


def _named(context: Context, rows: NDArray[np.int64], lexicon: Lexicon) -> NDArray[np.bool_]:
    assert context.payloads is not None
    texts = iter(context.payloads("text", rows))
    parts, done = [np.empty((0, len(lexicon.identities)), np.bool_)], 0
    while batch := list(islice(texts, BATCH)):
        parts.append(find_terms(batch, lexicon, IN_TEXTS))
        done += len(batch)
        context.progress.step("identity terms: texts to swap", done, rows.size)
    return np.concatenate(parts)


def _rows(scored: Scored, at: NDArray[np.int64]) -> Scored:
    return Scored(scored.labels, scored.scores[at], scored.decisions[at])


def _filled(tables: Mapping[str, pa.Table]) -> dict[str, pa.Table]:
    return {name: table for name, table in tables.items() if table.num_rows}
