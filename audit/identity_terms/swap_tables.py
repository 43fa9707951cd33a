"""Counterfactual swaps as tables of a run: effects, the worst examples, and what was left out by which rule.

`swaps`: one row an ordered pair x label.
    source: "texts" or the name of a suite; output: yes/no output, or ``output/label``; group; given, wanted:
    identity taken out and put in; n: swaps; shift, shift_low, shift_high: mean of score after - before with
    its paired t interval; flip_rate, up_rate, down_rate with _low and _high (Wilson): decisions that turned,
    to yes, to no; ups, downs: their counts; asymmetry, asymmetry_low, asymmetry_high: shift of the pair plus
    that of its mirror (null without one); p_shift, p_flips: Student's t and McNemar's exact (null below the
    minimum n); p_adjusted: p_shift by Benjamini-Hochberg over the `tests` rows of the source; mark: "small"
    below the minimum n.
`swap_examples`: the worst swaps of each row above, flips first, then by the size of the shift.
    source, output, given, wanted; id: of the row, or of the suite's case; term, becomes: the first exchange;
    before, after: scores; shift; turned: 1 to yes, -1 to no, 0; edits: JSON list of [start, end, was,
    becomes] in the text, articles included; text: the sentence, empty for rows of the audit, stored once.
`swap_excluded`: one row a rule x identity, and counterpart where the rule asks for it.
    source, group, given, wanted ("" for every counterpart), rule (a key of `exchange.RULES`), n: texts.
"""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from typing import Any

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.identity_terms.exchange import Edit
from audit.identity_terms.lexicon import Lexicon
from audit.identity_terms.swap_effects import Effects
from audit.identity_terms.swaps import Plan

EXAMPLES = 3
"""Swaps kept as evidence of each pair and label."""
LEAST_SHIFT = 0.01
"""A swap that moves the score less, and turns no decision, is no evidence."""


@dataclass(frozen=True)
class SwapTables:
    """What swaps of one source showed, or why nothing was measured."""

    tables: Mapping[str, pa.Table]
    """swaps, swap_examples, swap_excluded; empty ones are absent."""
    effects: Effects | None
    """None: there was no swap to make, or the model failed."""
    texts: int = 0
    """Texts that were drawn."""
    scored: int = 0
    """Texts that the model scored, swapped ones included, equal ones once."""
    reason: str = ""
    """Why nothing was measured, in words; empty where it was."""


def effects_table(source: str, found: Effects, lexicon: Lexicon, minimum_n: int) -> pa.Table:
    """`swaps`, pairs in the order of the lexicon, labels within each."""
    pairs, labels = len(found.pairs), len(found.labels)
    given, wanted = zip(*found.pairs, strict=True)
    columns: dict[str, Any] = {
        "source": [source] * (pairs * labels),
        "output": list(found.labels) * pairs,
        "group": np.repeat([lexicon.groups[one] for one in given], labels),
        "given": np.repeat(given, labels),
        "wanted": np.repeat(wanted, labels),
        "n": np.repeat(found.n, labels),
        "ups": _counted(found, 1),
        "downs": _counted(found, -1),
    }
    for name, interval in {
        "shift": found.shift,
        "flip_rate": found.flips,
        "up_rate": found.up,
        "down_rate": found.down,
        "asymmetry": found.asymmetry,
    }.items():
        columns[name], columns[f"{name}_low"], columns[f"{name}_high"] = map(_number, interval)
    for name in ("p_shift", "p_flips", "p_adjusted"):
        columns[name] = _number(getattr(found, name))
    columns["tests"] = np.full(pairs * labels, found.tests)
    columns["mark"] = np.repeat(np.where(found.n < minimum_n, "small", "").astype(object), labels)
    return pa.table({name: pa.array(values) for name, values in columns.items()})


def examples_table(source: str, plan: Plan, found: Effects, ids: Mapping[int, str], quote: bool) -> pa.Table:
    """`swap_examples`.

    Args:
        source: "texts" or the name of a suite.
        plan: the swaps.
        found: their effects.
        ids: row -> id.
        quote: keep the sentence itself.
    """
    rows: list[dict[str, Any]] = []
    shift = found.after - found.before
    ends = np.searchsorted(found.of, np.arange(len(found.pairs) + 1))
    for p, (start, stop) in enumerate(zip(ends[:-1], ends[1:], strict=True)):
        for k, label in enumerate(found.labels):
            size = np.abs(shift[start:stop, k])
            flipped = found.turned[start:stop, k] != 0
            worst = start + np.lexsort((-size, ~flipped))[:EXAMPLES]
            for i in worst[flipped[worst - start] | (size[worst - start] >= LEAST_SHIFT)].tolist():
                swap = plan.swaps[i]
                rows.append(
                    {
                        "source": source,
                        "output": label,
                        "given": found.pairs[p][0],
                        "wanted": found.pairs[p][1],
                        "id": ids[swap.row],
                        "term": swap.edits[0].was,
                        "becomes": swap.edits[0].becomes,
                        "before": float(found.before[i, k]),
                        "after": float(found.after[i, k]),
                        "shift": float(shift[i, k]),
                        "turned": int(found.turned[i, k]),
                        "edits": edits_json(swap.edits),
                        "text": plan.texts[swap.row] if quote else "",
                    }
                )
    return pa.Table.from_pylist(rows) if rows else pa.table({})


def excluded_table(source: str, plan: Plan, lexicon: Lexicon) -> pa.Table:
    """`swap_excluded`, most texts first within an identity."""
    column = {identity: i for i, identity in enumerate(lexicon.identities)}
    keys = sorted(
        plan.left_out, key=lambda key: (column[key[0]], -plan.left_out[key], column.get(key[1], -1), key[2])
    )
    return pa.table(
        {
            "source": pa.array([source] * len(keys), pa.string()),
            "group": pa.array([lexicon.groups[given] for given, _, _ in keys], pa.string()),
            "given": pa.array([given for given, _, _ in keys], pa.string()),
            "wanted": pa.array([wanted for _, wanted, _ in keys], pa.string()),
            "rule": pa.array([rule for _, _, rule in keys], pa.string()),
            "n": pa.array([plan.left_out[key] for key in keys], pa.int64()),
        }
    )


def edits_json(edits: Sequence[Edit]) -> str:
    """The changes of a text as a page or a table keeps them; `edits_of` reads them."""
    listed = [[one.start, one.end, one.was, one.becomes] for one in edits]
    return json.dumps(listed, ensure_ascii=False)


def edits_of(kept: str) -> tuple[Edit, ...]:
    """The changes of the column `edits`, for `exchange.applied`."""
    return tuple(Edit(*one) for one in json.loads(kept))


def _counted(found: Effects, sign: int) -> NDArray[np.int64]:
    """(P * K,) decisions that turned one way."""
    turned = found.turned == sign
    return np.stack(
        [np.bincount(found.of, turned[:, k], len(found.pairs)) for k in range(turned.shape[1])], axis=1
    ).astype(np.int64).ravel()  # fmt: skip


def _number(values: NDArray[np.float64]) -> pa.Array:
    return pa.array(np.asarray(values, dtype=np.float64).ravel(), from_pandas=True)
