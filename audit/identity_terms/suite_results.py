"""How a model passes suites: rates by what a case tests and whom it speaks of, and the worst failures.

`suites`: one row a suite x functionality x target x gold, with their margins.
    suite; kind: "functional" or "templates" (targets are terms that were found); output: the label that was
    compared; functionality, target: "" for all of them, so a row with both empty is the whole suite; target
    "(nobody)": cases that speak of no identity; gold: "yes", "no", or "both"; n; passed; rate, low, high:
    share whose decision is the gold label, Wilson; mark: "small" below the minimum n.
    Only in rows of one target and one gold label, and of no one functionality: gap, gap_low, gap_high: rate
    less the rate of all other targets (nobody left out), Newcombe; p, p_adjusted: score test or mid-p Fisher,
    Benjamini-Hochberg over the `tests` of them. In suites whose sentences are the same for every target, as
    in ours and nearly all of HateCheck, that compares like with like.
`suite_examples`: failed cases, per functionality x target x gold those furthest on the wrong side.
    suite, id, functionality, target, gold, text, score.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from dataclasses import dataclass
from itertools import product
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.identity_terms.lexicon import Lexicon, named_file
from audit.identity_terms.scored import Scored, ScoringError, labels_of, score_texts
from audit.identity_terms.suites import Suite, read_suite, shipped_suite
from audit.intervals import newcombe, wilson
from audit.multiplicity import benjamini_hochberg
from audit.protocols import Context
from audit.significance import rate_difference_p
from audit.spec import IdentitySpec

FUNCTIONAL, TEMPLATES, NOBODY, BOTH = "functional", "templates", "(nobody)", "both"
_TEXT, _NUMBER, _WHOLE = pa.string(), pa.float64(), pa.int64()
SCHEMA = pa.schema(
    dict.fromkeys(("suite", "kind", "output", "functionality", "target", "gold"), _TEXT)
    | dict.fromkeys(("n", "passed"), _WHOLE)
    | dict.fromkeys(("rate", "low", "high"), _NUMBER)
    | {"mark": _TEXT}
    | dict.fromkeys(("gap", "gap_low", "gap_high", "p", "p_adjusted"), _NUMBER)
    | {"tests": _WHOLE}
)
"""Columns of `suites`; a table without any gap has them too."""
EXAMPLES = 2
"""Failures kept of each functionality, target and gold label."""


@dataclass(frozen=True)
class SuiteTables:
    """What suites showed, or why one or all were not run."""

    tables: Mapping[str, pa.Table]
    """suites, suite_examples; empty ones are absent."""
    suites: tuple[Suite, ...]
    """Those that were read; their sentences can be swapped (`swapping.suite_swap_tables`)."""
    reason: str = ""
    """Why the model was not held against them, in words; empty where it was."""


def suites_of(asked: IdentitySpec, lexicon: Lexicon) -> tuple[Suite, ...]:
    """The suites that a spec names, and the one that ships first unless it is not wanted.

    Raises:
        InputError: a file is wrong, or is not what it was when the spec was read.
    """
    own = tuple(read_suite(named_file(asked, name), lexicon, name) for name in asked.suites)
    return ((shipped_suite(lexicon),) if asked.shipped_suite else ()) + own


def suite_tables(context: Context, lexicon: Lexicon) -> SuiteTables:
    """Hold the model's decisions against every suite of `context.spec.identity`.

    Args:
        context: with a model of texts.
        lexicon: the terms.

    Returns:
        The tables above; `reason` says why there are none.

    Raises:
        InputError: a file of the spec is wrong.
    """
    suites = suites_of(context.spec.identity, lexicon)
    if context.model is None or not suites:
        return SuiteTables({}, suites, "No model, or no suite.")
    rows: list[dict[str, Any]] = []
    examples: list[dict[str, Any]] = []
    try:
        label = chosen_label(labels_of(context.model.tasks), context.spec.identity.suite_label)
        keep = context.cache / "suites"
        texts = [text for suite in suites for text in suite.texts]
        scored = score_texts(context.model, texts, context.predictions, keep, context.progress)
    except ScoringError as error:
        return SuiteTables({}, suites, str(error))
    first = 0
    for suite in suites:
        part = slice(first, first + len(suite.texts))
        own = Scored(scored.labels, scored.scores[part], scored.decisions[part])
        rows += suite_rows(suite, own, label, context.spec.level, context.spec.minimum_n)
        examples += example_rows(suite, own, label)
        first = part.stop
    tables = {"suites": pa.Table.from_pylist(rows, SCHEMA)}
    if examples:
        tables["suite_examples"] = pa.Table.from_pylist(examples)
    return SuiteTables(tables, suites)


def chosen_label(labels: Sequence[str], wanted: str) -> str:
    """The model's label that gold labels speak of: by its whole name, or by what stands after the output's.

    Raises:
        ScoringError: none is called so, or several are.
    """
    found = [one for one in labels if one == wanted] or [
        one for one in labels if one.rpartition("/")[2].casefold() == wanted.casefold()
    ]
    if len(found) == 1:
        return found[0]
    have = ", ".join(labels) or "no yes/no label"
    raise ScoringError(
        f"The suites' labels speak of {wanted!r}; the model has {have}. Name one in [identity] suite_label."
    )


def suite_rows(
    suite: Suite, scored: Scored, label: str, level: float, minimum_n: int
) -> list[dict[str, Any]]:
    """Rows of `suites`, margins before what they are margins of.

    Args:
        suite: n cases.
        scored: of them.
        label: the one compared.
        level: of the intervals.
        minimum_n: rows with fewer cases are marked.
    """
    gold = np.array(suite.gold)
    passed = scored.decisions[:, scored.labels.index(label)] == gold
    of = (np.array(suite.functionalities), np.array([one or NOBODY for one in suite.targets]))
    rows: list[dict[str, Any]] = []
    for functionality, target, wanted, cases in _cells(of, gold):
        n, right = int(cases.sum()), int(passed[cases].sum())
        rate = wilson(right, n, level)
        row: dict[str, Any] = {
            "suite": suite.name,
            "kind": TEMPLATES if suite.by_term else FUNCTIONAL,
            "output": label,
            "functionality": functionality,
            "target": target,
            "gold": wanted,
            "n": n,
            "passed": right,
            "rate": float(rate.value),
            "low": float(rate.low),
            "high": float(rate.high),
            "mark": "small" if n < minimum_n else "",
            **dict.fromkeys(("gap", "gap_low", "gap_high", "p", "p_adjusted")),
            "tests": 0,
        }
        if target not in ("", NOBODY) and not functionality and wanted != BOTH:
            others = (of[1] != target) & (of[1] != NOBODY) & (gold == (wanted == "yes"))
            row |= _gap(right, n, passed[others], level, n >= minimum_n)
        rows.append(row)
    tested = [row for row in rows if row["p"] is not None]
    adjusted = benjamini_hochberg([row["p"] for row in tested])
    for row, p in zip(tested, adjusted, strict=True):
        row |= {"p_adjusted": float(p), "tests": len(tested)}
    return rows


def _cells(
    of: tuple[NDArray[np.str_], NDArray[np.str_]], gold: NDArray[np.bool_]
) -> Iterator[tuple[str, str, str, NDArray[np.bool_]]]:
    """Functionality, target, gold and their cases: every margin and every cell that has cases.

    Each is given for both gold labels, and for either by itself; of a functionality whose cases all have one
    gold label it would be the same twice, and is given once.
    """
    names = [("", *dict.fromkeys(column.tolist())) for column in of]
    for functionality, target in product(*names):
        cases = np.ones(len(gold), np.bool_)
        for name, column in zip((functionality, target), of, strict=True):
            if name:
                cases &= column == name
        if not cases.any():
            continue
        yield functionality, target, BOTH, cases
        split = 0 < gold[cases].sum() < cases.sum()
        for wanted, side in (("yes", gold), ("no", ~gold)) if split or not functionality else ():
            if (cases & side).any():
                yield functionality, target, wanted, cases & side


def _gap(right: int, n: int, others: NDArray[np.bool_], level: float, enough: bool) -> dict[str, Any]:
    """Rate less that of the other targets; no test where either side is too small."""
    if not others.size:
        return {}
    counts = (right, n, int(others.sum()), others.size)
    gap = newcombe(*counts, level)
    found: dict[str, Any] = {"gap": float(gap.value), "gap_low": float(gap.low), "gap_high": float(gap.high)}
    if enough:
        found["p"] = float(rate_difference_p(*counts).p)
    return found


def example_rows(suite: Suite, scored: Scored, label: str) -> list[dict[str, Any]]:
    """Rows of `suite_examples`."""
    column = scored.labels.index(label)
    score, said = scored.scores[:, column], scored.decisions[:, column]
    gold = np.array(suite.gold)
    wrong = np.flatnonzero(said != gold)
    worst_first = wrong[np.argsort(np.where(gold[wrong], score[wrong], -score[wrong]), kind="stable")]
    kept: dict[tuple[str, str, bool], list[int]] = {}
    for i in worst_first.tolist():
        of = kept.setdefault((suite.functionalities[i], suite.targets[i], suite.gold[i]), [])
        if len(of) < EXAMPLES:
            of.append(i)
    return [
        {
            "suite": suite.name,
            "id": suite.ids[i],
            "functionality": functionality,
            "target": target or NOBODY,
            "gold": "yes" if wanted else "no",
            "text": suite.texts[i],
            "score": float(score[i]),
        }
        for (functionality, target, wanted), cases in kept.items()
        for i in cases
    ]
