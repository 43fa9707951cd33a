"""Counterfactual swaps: the same text about somebody else, and what the model makes of the difference.

For an ordered pair of identities of one group, the terms of the first are exchanged for those of the second.
The label of a text should not hang on which of them it names, so every shift of the score is the model's.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.identity_terms.exchange import (
    NOT_DRAWN,
    Edit,
    Read,
    applied,
    counterparts,
    exchange,
    read,
)
from audit.identity_terms.lexicon import MENTION, SUITE, SWAP, Lexicon

IN_TEXTS = (MENTION, SWAP)
"""Terms that are swapped in what people wrote."""
IN_SUITES = (MENTION, SWAP, SUITE)
"""Terms that are swapped in sentences of a suite, which are about people."""


@dataclass(frozen=True)
class Swap:
    """One text with one identity exchanged for another."""

    row: int
    given: str
    wanted: str
    edits: tuple[Edit, ...]


@dataclass(frozen=True)
class Plan:
    """Every swap that is to be scored."""

    texts: Mapping[int, str]
    """Row -> text, of the rows that were drawn."""
    swaps: tuple[Swap, ...]
    left_out: Mapping[tuple[str, str, str], int]
    """(identity, its counterpart or "" for all of them, rule) -> texts that were not swapped."""
    per_identity: int
    """Texts of each identity that were drawn at most."""

    def swapped(self, swap: Swap) -> str:
        """The text after a swap."""
        return applied(self.texts[swap.row], swap.edits)


def draw(
    named: NDArray[np.bool_], lexicon: Lexicon, per_identity: int, seed: int
) -> Mapping[str, NDArray[np.int64]]:
    """Choose the texts of each identity.

    Args:
        named: (n, identities), `finder.find_terms` with the terms that are swapped.
        lexicon: the terms.
        per_identity: the most of each identity.
        seed: of the draw; an identity's draw does not hang on which others there are.

    Returns:
        Identity -> rows, increasing; identities without counterpart are absent.
    """
    paired = {given for group in _groups(lexicon) for given, _ in counterparts(lexicon, group)}
    drawn = {}
    for column, identity in enumerate(lexicon.identities):
        rows = np.flatnonzero(named[:, column])
        if identity in paired and len(rows):
            rng = np.random.default_rng([seed, *identity.encode()])
            drawn[identity] = np.sort(rng.permutation(rows)[:per_identity])
    return drawn


def plan(
    texts: Mapping[int, str],
    named: NDArray[np.bool_],
    drawn: Mapping[str, NDArray[np.int64]],
    lexicon: Lexicon,
    per_identity: int,
    uses: Collection[str] = IN_TEXTS,
) -> Plan:
    """Swap every text that was drawn with every counterpart that the rules allow.

    Args:
        texts: row -> text; every row that was drawn.
        named: (n, identities) as `draw` had it: the texts that were not drawn are counted.
        drawn: `draw`.
        lexicon: the terms.
        per_identity: as `draw` had it.
        uses: which terms are swapped.
    """
    column = {identity: i for i, identity in enumerate(lexicon.identities)}
    wanted_by: dict[str, list[str]] = {}
    for group in _groups(lexicon):
        for given, wanted in counterparts(lexicon, group):
            wanted_by.setdefault(given, []).append(wanted)
    found: dict[int, Read] = {}
    left_out: Counter[tuple[str, str, str]] = Counter()
    swaps = []
    for identity, rows in drawn.items():
        rest = int(named[:, column[identity]].sum()) - len(rows)
        if rest:
            left_out[identity, "", NOT_DRAWN] = rest
        for row in rows.tolist():
            if row not in found:
                found[row] = read(texts[row], lexicon, uses)
            made = _made(found[row], row, identity, wanted_by[identity], lexicon, uses)
            swaps += [one for one in made if isinstance(one, Swap)]
            left_out.update(one for one in made if not isinstance(one, Swap))
    swaps.sort(key=lambda one: (column[one.given], column[one.wanted], one.row))
    return Plan(texts, tuple(swaps), dict(left_out), per_identity)


def _made(
    found: Read, row: int, given: str, wanted: Sequence[str], lexicon: Lexicon, uses: Collection[str]
) -> list[Swap | tuple[str, str, str]]:
    """The swaps of one text, and for each that is not made what it counts under."""
    rule = found.refused.get("") or found.refused.get(given)
    if rule:
        return [(given, "", rule)]
    made: list[Swap | tuple[str, str, str]] = []
    for other in wanted:
        done = exchange(found, given, other, lexicon, uses)
        made.append((given, other, done) if isinstance(done, str) else Swap(row, given, other, done))
    return made


def _groups(lexicon: Lexicon) -> tuple[str, ...]:
    return tuple(dict.fromkeys(lexicon.groups.values()))
