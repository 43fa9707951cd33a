"""English grammar that a swap of terms needs: which form a word has here, capitals, and a or an.

The rules look at the words beside the term, without a parser. Where they go wrong ("the Jewish said" for "the
Jew said") a sentence is odd, and a part of the shift that is measured may come of that.
"""

from __future__ import annotations

import re
from collections.abc import Sequence
from functools import lru_cache
from importlib.resources import files

DETERMINERS = frozenset(
    ["a", "an", "the", "this", "that", "another", "every", "each", "some", "any", "no", "one", "my", "your"]
    + ["his", "her", "its", "our", "their"]
)
ARTICLE = re.compile(r"\b(an?)(\s+)$", re.IGNORECASE)
_NEXT = re.compile(r"[ \t-]+([\w'\u2019]+)")
_LAST_TWO = re.compile(r"(?:([\w'\u2019]+)[ \t-]+)?([\w'\u2019]+)[ \t-]+$")
_SENTENCE_START = re.compile(r"""(?:^|[.!?:]["'\u201d)]*\s|\n)[\s"'\u201c(*\u2022>-]*$""")
_CONSONANT_SOUND = re.compile(r"(?:eu|uk|uni[^nm]|u[st][aei]|one\b|once\b)", re.IGNORECASE)
_VOWEL_SOUND = re.compile(r"(?:[aeiou]|hour|hono|heir)", re.IGNORECASE)
_SPELLED_WITH_VOWEL = frozenset("AEFHILMNORSX")


@lru_cache(maxsize=1)
def function_words() -> frozenset[str]:
    """Words after which no noun is expected to follow what stands before them."""
    text = files("audit.identity_terms").joinpath("function_words.txt").read_text(encoding="utf-8")
    return frozenset(word for line in text.splitlines() if not line.startswith("#") for word in line.split())


def form_here(forms: Sequence[str], before: str, after: str) -> str:
    """Choose the form that a word has between its neighbours.

    Args:
        forms: what it can be, in the lexicon's order; at least one.
        before: the text before it.
        after: the text after it.

    Returns:
        ``her`` and ``his`` are possessive where a noun follows; a word that is an adjective and a noun is a
        noun where a determiner stands up to two words before it and no noun follows. Else the first.
    """
    if len(forms) == 1:
        return forms[0]
    noun_follows = _content_word_follows(after)
    if "possessive" in forms:
        others = [form for form in forms if form != "possessive"]
        return "possessive" if noun_follows else others[0]
    if "adjective" in forms and "singular" in forms:
        near = _LAST_TWO.search(before)
        determined = near is not None and any((word or "").lower() in DETERMINERS for word in near.groups())
        return "singular" if determined and not noun_follows else "adjective"
    return forms[0]


def _content_word_follows(after: str) -> bool:
    found = _NEXT.match(after)
    if found is None:
        return False
    word = found[1].lower().replace("\u2019", "'")
    return not word.endswith("n't") and word.split("'")[0] not in function_words()


def in_case_of(written: str, term: str, target: str, before: str) -> str:
    """Write the target with the capitals that the term had.

    Args:
        written: the term as it stands in the text.
        term: as the lexicon has it ("Muslim", "gay").
        target: its counterpart as the lexicon has it.
        before: the text before it.

    Returns:
        In capitals where all of it was and it has more than one letter; in lower case where the writer left
        out the lexicon's capitals; else as the lexicon has it, with a capital where a sentence starts or
        where the writer set one that the lexicon has not.
    """
    letters = [one for one in written if one.isalpha()]
    if len(letters) > 1 and all(one.isupper() for one in letters) and not term.isupper():
        return target.upper()
    if written.islower() and not term.islower():
        return target if target.isupper() else target.lower()
    starts = bool(_SENTENCE_START.search(before))
    emphasised = written[:1].isupper() and not term[:1].isupper()
    return target[:1].upper() + target[1:] if starts and written[:1].isupper() or emphasised else target


def with_article(before: str, target: str) -> str:
    """The text before a target, its a or an made to agree with it.

    Args:
        before: ends with the article and blanks, or with something else, which is left as it is.
        target: what follows.
    """
    found = ARTICLE.search(before)
    if found is None:
        return before
    article = found[1]
    wanted = "an" if _begins_with_vowel_sound(target) else "a"
    if len(article) > 1 and article.isupper():
        wanted = wanted.upper()
    elif article[0].isupper():
        wanted = wanted.upper() if target.isupper() and len(target) > 1 else wanted.capitalize()
    return before[: found.start(1)] + wanted + found[2]


def _begins_with_vowel_sound(word: str) -> bool:
    """By spelling, with the exceptions that matter here: a European, an honest man, an LGBT group."""
    if word.isupper() and len(word) > 1 and not re.search("[AEIOU]", word):
        return word[0] in _SPELLED_WITH_VOWEL
    return bool(_VOWEL_SOUND.match(word)) and not _CONSONANT_SOUND.match(word)
