"""Text as terms are looked up in it: compatibility forms and case folded, then words.

A word is a run of letters, digits, underscores and combining marks of any script. Two words are next to each
other where only white space, hyphens or apostrophes lie between them: "African-American" is "African
American", and "gay. Men" is not "gay men".
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Iterator
from functools import lru_cache

GAP, BREAK = " ", "."
"""What a character that is in no word becomes in plain text: a word may follow in the same term, or not."""
_GAPS = frozenset("-'")
_MORE_GAPS = frozenset("\u00ad\u2010\u2011\u2012\u2013\u2019")
"""Hyphens, en dash and apostrophes outside ASCII that NFKC leaves as they are."""
_PIECE = re.compile(r"[\x00-\x7f][^\x00-\x7f]*|[^\x00-\x7f]+")


def fold(text: str) -> str:
    """NFKC and case folded: ``Ｇａｙ`` and ``GAY`` are ``gay``.

    Source:
        Unicode Standard, section 3.13, compatibility caseless matching (D146), without its first step.
    """
    if text.isascii():
        return text.lower()
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


class _Plain(dict[int, str]):
    """Folded character -> itself in a word, GAP or BREAK outside; filled as characters are met."""

    def __missing__(self, code: int) -> str:
        one = chr(code)
        if one == "_" or one.isalnum() or unicodedata.category(one).startswith("M"):
            kind = one
        else:
            kind = GAP if one.isspace() or one in _GAPS or one in _MORE_GAPS else BREAK
        self[code] = kind
        return kind


_PLAIN = _Plain()


def plain(text: str) -> str:
    """Folded text whose every character outside a word is GAP or BREAK; lengths are those of `fold`."""
    return fold(text).translate(_PLAIN)


@lru_cache(maxsize=1 << 14)
def words_of(term: str) -> tuple[str, ...]:
    """The words of a term; empty where it has none or a character that may not stand between words."""
    folded = plain(term.strip())
    return () if BREAK in folded else tuple(folded.split())


def pieces(text: str) -> Iterator[tuple[int, int, str]]:
    """Cut text so that each part folds by itself: what the spans of a match are told from.

    Yields:
        Start and end in `text`, and the plain text of the part; joined they are `plain(text)`.
    """
    if text.isascii():
        yield from ((i, i + 1, one) for i, one in enumerate(plain(text)))
        return
    for found in _PIECE.finditer(text):  # nothing composes across the start of an ASCII character
        start, end, whole = found.start(), found.end(), plain(found[0])
        cut = list(_clusters(found[0]))
        folded = [plain(found[0][a:b]) for a, b in cut]
        if "".join(folded) == whole:
            yield from ((start + a, start + b, one) for (a, b), one in zip(cut, folded, strict=True))
        else:
            yield start, end, whole


def _clusters(text: str) -> Iterator[tuple[int, int]]:
    """Characters with the combining marks that follow each."""
    start = 0
    for at in range(1, len(text) + 1):
        if at == len(text) or not unicodedata.category(text[at]).startswith("M"):
            yield start, at
            start = at
