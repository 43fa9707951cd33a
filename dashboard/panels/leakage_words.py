"""Two texts beside each other, with the words that differ marked."""

from __future__ import annotations

from collections.abc import Sequence
from difflib import SequenceMatcher

from audit.leakage.text import normalise, shingles
from dashboard.panels.rows import masked
from dashboard.panels.sentences import literal

MOST_WORDS = 150
"""Words of each text that are shown; how many follow is said."""
Piece = tuple[str, bool]
"""A run of words, and whether the other text lacks it."""


def differing(first: str, second: str) -> tuple[list[Piece], list[Piece]]:
    """Split two texts into words that they share and words that they do not, in order.

    Letter case and punctuation around a word do not count, as they do not in the search.

    Args:
        first: a text.
        second: the other.
    """
    a, b = first.split(), second.split()
    left: list[Piece] = []
    right: list[Piece] = []
    keys = [[" ".join(shingles(normalise(word))) for word in words] for words in (a, b)]
    for what, a1, a2, b1, b2 in SequenceMatcher(None, keys[0], keys[1], autojunk=False).get_opcodes():
        for pieces, words in ((left, a[a1:a2]), (right, b[b1:b2])):
            if words:
                pieces.append((" ".join(words), what != "equal"))
    return left, right


def markdown(pieces: Sequence[Piece], *, hide: bool) -> str:
    """Pieces as Markdown: what differs is bold on colour, all text is literal.

    Args:
        pieces: of one text.
        hide: whether letters are replaced by dots.
    """
    said = []
    for text, differs in pieces:
        words = literal(masked(text) if hide else text)
        said.append(f"**:orange-background[{words}]**" if differs else words)
    return " ".join(said)


def side_by_side(first: object, second: object, *, hide: bool) -> tuple[str, str]:
    """Two texts of a pair as Markdown, each cut after `MOST_WORDS` words.

    Args:
        first: a text; anything else is said to be missing.
        second: the other.
        hide: whether letters are replaced by dots.
    """
    if not isinstance(first, str) or not isinstance(second, str):
        return tuple(_one(text, hide) for text in (first, second))  # type: ignore[return-value]
    cut = [" ".join(text.split()[:MOST_WORDS]) for text in (first, second)]
    left, right = (markdown(pieces, hide=hide) for pieces in differing(*cut))
    return left + _rest(first), right + _rest(second)


def one(text: object, *, hide: bool) -> str:
    """A text by itself as Markdown, cut after `MOST_WORDS` words."""
    return _one(text, hide)


def _one(text: object, hide: bool) -> str:
    if not isinstance(text, str):
        return "*(no text)*"
    cut = " ".join(text.split()[:MOST_WORDS])
    return literal(masked(cut) if hide else cut) + _rest(text)


def _rest(text: str) -> str:
    more = len(text.split()) - MOST_WORDS
    return f" *… and {more:,} more words*" if more > 0 else ""
