"""What needs the model itself: swaps of the audited texts, suites, and swaps of the suites' sentences."""

from __future__ import annotations

from typing import Any

import pyarrow as pa

from audit.core import Reason
from audit.identity_terms.lexicon import Lexicon
from audit.identity_terms.suite_results import suite_tables
from audit.identity_terms.swap_tables import SwapTables
from audit.identity_terms.swapping import TEXTS, suite_swap_tables, swap_tables
from audit.protocols import Context

TEXT = "text"


def reads_texts(context: Context) -> bool:
    """Whether there is a model, and it takes texts."""
    return context.model is not None and context.model.payload == TEXT


def counterfactuals(context: Context, lexicon: Lexicon) -> tuple[dict[str, pa.Table], dict[str, Any]]:
    """Run swaps and suites, or say why not.

    Args:
        context: of the audit.
        lexicon: the terms.

    Returns:
        The tables of `swap_tables` and `suite_results`, and facts for the section's summary: `swaps` by
        source and `suites`, each with the `reason` why there are none, empty where there are.

    Raises:
        InputError: a file of the spec is wrong.
    """
    if not reads_texts(context):
        reason = Reason.NEEDS_MODEL.value
        return {}, {
            "swaps": {TEXTS: {"texts": 0, "scored": 0, "reason": reason}},
            "suites": {"reason": reason},
        }
    held = suite_tables(context, lexicon)
    swapped = {TEXTS: swap_tables(context, lexicon)}
    if not held.reason:
        for suite in held.suites:
            swapped[suite.name] = suite_swap_tables(context, lexicon, suite.name, suite.ids, suite.texts)
    parts: dict[str, list[pa.Table]] = {name: [table] for name, table in held.tables.items()}
    for one in swapped.values():
        for name, table in one.tables.items():
            parts.setdefault(name, []).append(table)
    facts = {
        "swaps": {source: _facts(one) for source, one in swapped.items()},
        "suites": {"names": [suite.name for suite in held.suites], "reason": held.reason},
    }
    return {name: pa.concat_tables(tables) for name, tables in parts.items()}, facts


def _facts(one: SwapTables) -> dict[str, Any]:
    return {"texts": one.texts, "scored": one.scored, "reason": one.reason}
