"""Comments with identity terms marked: literal text, dots in place of letters until asked for."""

from __future__ import annotations

from collections.abc import Sequence

from audit.identity_terms.exchange import Edit
from audit.identity_terms.finder import term_spans
from audit.identity_terms.lexicon import MENTION, SLUR, Lexicon
from dashboard.panels.rows import masked
from dashboard.panels.sentences import literal

MOST = 900
"""Characters of a text that are shown; how many follow is said."""
BESIDE = 140
"""Characters before the first exchanged word of a swap that are shown."""
Mark = tuple[int, int, str]
"""Start, end, and what is done: "mark", or "slur"."""


def terms_of(text: str, lexicon: Lexicon, identity: str) -> list[Mark]:
    """Where a text names an identity, and where it holds a slur.

    Args:
        text: as it was written.
        lexicon: the terms.
        identity: whose mentions are marked; empty: nobody's.
    """
    found = []
    for span in term_spans(text, lexicon):
        if SLUR in span.uses:
            found.append((span.start, span.end, "slur"))
        elif any(one.identity == identity and one.use == MENTION for one in span.terms):
            found.append((span.start, span.end, "mark"))
    return found


def markdown(text: str, marks: Sequence[Mark], *, hide: bool, slurs: bool, most: int = MOST) -> str:
    """A text as Markdown in which none of its own signs is read as markup.

    Args:
        text: as it was written.
        marks: from left to right, not overlapping.
        hide: replace every letter outside of marked words by a dot.
        slurs: show slurs as they are written.
        most: characters that are shown.
    """
    parts, at = [], 0
    for start, end, what in marks:
        if start >= most:
            break
        parts.append(_plain(text[at:start], hide))
        word = text[start:end]
        shown = literal(masked(word) if what == "slur" and not slurs else word)
        parts.append(f"**:orange-background[{shown}]**" if what == "mark" else shown)
        at = end
    parts.append(_plain(text[at : max(most, at)], hide))
    rest = len(text) - max(most, at)
    return "".join(parts) + (f" *… and {rest:,} more characters*" if rest > 0 else "")


def _plain(text: str, hide: bool) -> str:
    return literal(masked(text) if hide else text)


def swapped(text: str, edits: Sequence[Edit], *, hide: bool) -> tuple[str, str]:
    """A text before and after its swap, both as Markdown with the exchanged words marked.

    Args:
        text: before.
        edits: the changes, from left to right.
        hide: replace every letter outside of the exchanged words by a dot.
    """
    skip = max(0, edits[0].start - BESIDE) if edits else 0
    edits = [Edit(one.start - skip, one.end - skip, one.was, one.becomes) for one in edits]
    text, opened = text[skip:], "… " if skip else ""
    before: list[Mark] = [(one.start, one.end, "mark") for one in edits]
    after, parts, at, moved = [], [], 0, 0
    for one in edits:
        parts += [text[at : one.start], one.becomes]
        start = one.start + moved
        after.append((start, start + len(one.becomes), "mark"))
        moved += len(one.becomes) - (one.end - one.start)
        at = one.end
    whole = "".join([*parts, text[at:]])
    return (
        opened + markdown(text, before, hide=hide, slurs=not hide, most=2 * BESIDE),
        opened
        + markdown(
            whole, [one for one in after if one[0] < one[1]], hide=hide, slurs=not hide, most=2 * BESIDE
        ),
    )
