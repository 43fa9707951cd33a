"""One text with one identity's terms exchanged for another's, or the rule that says it may not be.

A swap is meant to change who a sentence is about and nothing else. Texts where it would change more are left
out by the rules of `RULES`, and counted by rule.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Mapping, Sequence
from dataclasses import dataclass
from functools import lru_cache

from audit.identity_terms.finder import Span, term_spans
from audit.identity_terms.folding import words_of
from audit.identity_terms.forms import ARTICLE, form_here, in_case_of, with_article
from audit.identity_terms.lexicon import PHRASE, SLUR, Lexicon, Term

NOT_DRAWN, SLUR_IN_TEXT, SET_PHRASE, IN_LINK = "not_drawn", "slur", "set_phrase", "in_link"
NAMES_BOTH, NO_COUNTERPART = "names_both", "no_counterpart"
RULES: Mapping[str, str] = {
    NOT_DRAWN: "the text is not in the sample that was drawn with the seed",
    SLUR_IN_TEXT: "the text holds a slur: it stays an attack on that group, whichever word is put beside it",
    SET_PHRASE: "the text holds a set phrase made of a term of the identity (White House), so nobody",
    IN_LINK: "a term stands in a web address or a file name, which a swap would break",
    NAMES_BOTH: "the text names both identities: after the swap it would set one against itself",
    NO_COUNTERPART: "a term of the identity has no counterpart of its grammatical form in the other",
}
"""Why a text is not swapped, in the order in which the rules are asked."""
CONTEXT = 80  # characters beside a term that its form is told from
_LINK = re.compile(r"\S*(?:://|www\.|\w\.\w|@|[\w)]/[\w(])\S*")


@dataclass(frozen=True)
class Edit:
    """A change of one place of a text."""

    start: int
    end: int
    was: str
    becomes: str


@dataclass(frozen=True)
class Read:
    """A text with its terms found."""

    text: str
    spans: tuple[Span, ...]
    named: frozenset[str]
    """Identities with a term in it that may be swapped."""
    refused: Mapping[str, str]
    """Identity -> the rule by which no swap of its terms is made; under "" what holds for all."""


def read(text: str, lexicon: Lexicon, uses: Collection[str]) -> Read:
    """Find the terms of a text and ask the rules that hold whatever is put in.

    Args:
        text: as it was written.
        lexicon: the terms.
        uses: which terms are swapped (`lexicon.USES`).
    """
    spans = term_spans(text, lexicon)
    links = [found.span() for found in _LINK.finditer(text)]
    refused: dict[str, str] = {}
    for span in spans:
        if SLUR in span.uses:
            refused[""] = SLUR_IN_TEXT
        if PHRASE in span.uses:
            for identity in _identities_inside(span.terms[0], lexicon):
                refused[identity] = SET_PHRASE
    for span in spans:
        if any(start < span.end and span.start < end for start, end in links):
            for one in span.terms:
                refused.setdefault(one.identity, IN_LINK)
    named = frozenset(one.identity for span in spans for one in span.terms if one.use in uses)
    return Read(text, tuple(spans), named, refused)


def exchange(
    found: Read, given: str, wanted: str, lexicon: Lexicon, uses: Collection[str]
) -> str | tuple[Edit, ...]:
    """Put the terms of one identity in the place of another's.

    Args:
        found: the text.
        given: identity whose terms are taken out; it has at least one.
        wanted: identity of the same group, whose terms are put in.
        lexicon: the terms.
        uses: which terms are swapped.

    Returns:
        The changes from left to right, articles included; or the rule that forbids the swap.
    """
    rule = found.refused.get("") or found.refused.get(given)
    if rule:
        return rule
    if wanted in found.named or wanted in found.refused:
        return NAMES_BOTH
    edits = []
    for span in found.spans:
        readings = [one for one in span.terms if one.identity == given and one.use in uses]
        if not readings:
            continue
        edit = _edit(found.text, span, readings, wanted, lexicon)
        if edit is None:
            return NO_COUNTERPART
        edits.append(edit)
    return tuple(edits)


def applied(text: str, edits: Sequence[Edit]) -> str:
    """The text after the changes."""
    parts, at = [], 0
    for edit in edits:
        parts += [text[at : edit.start], edit.becomes]
        at = edit.end
    return "".join([*parts, text[at:]])


def counterparts(lexicon: Lexicon, group: str) -> list[tuple[str, str]]:
    """Ordered pairs of different identities of a group with at least one form in common."""
    forms: dict[str, set[tuple[str, str]]] = {}
    for one in lexicon.terms:
        if one.group == group and one.sense and one.use not in (SLUR, PHRASE):
            forms.setdefault(one.identity, set()).add((one.sense, one.form))
    return [(a, b) for a in forms for b in forms if a != b and forms[a] & forms[b]]


def _edit(text: str, span: Span, readings: Sequence[Term], wanted: str, lexicon: Lexicon) -> Edit | None:
    swappable = [one for one in readings if one.sense]
    if not swappable:
        return None
    before, after = text[max(0, span.start - CONTEXT) : span.start], text[span.end : span.end + CONTEXT]
    form = form_here([one.form for one in swappable], before, after)
    term = next(one for one in swappable if one.form == form)
    target = _first_terms(lexicon).get((term.group, term.sense, form, wanted))
    if target is None:
        return None
    written = text[span.start : span.end]
    becomes = in_case_of(written, term.term, target, before)
    agreed = with_article(before, becomes)
    kept = len(_kept(before, agreed))
    start = span.start - (len(before) - kept)
    return Edit(start, span.end, text[start : span.end], agreed[kept:] + becomes)


def _kept(first: str, second: str) -> str:
    """What stays of the text before a term: all of it, or what stands before the article that differs."""
    if first == second:
        return first
    article = ARTICLE.search(first)
    return first if article is None else first[: article.start()]


@lru_cache(maxsize=4)
def _first_terms(lexicon: Lexicon) -> dict[tuple[str, str, str, str], str]:
    """Group, sense, form and identity -> the term that is put in."""
    first: dict[tuple[str, str, str, str], str] = {}
    for one in lexicon.terms:
        if one.sense and one.use not in (SLUR, PHRASE):
            first.setdefault((one.group, one.sense, one.form, one.identity), one.term)
    return first


@lru_cache(maxsize=1 << 10)
def _identities_inside(phrase: Term, lexicon: Lexicon) -> frozenset[str]:
    """Identities whose terms a set phrase is made with."""
    words, found = phrase.words, set()
    terms: dict[tuple[str, ...], set[str]] = {}
    for one in lexicon.terms:
        if one.use != PHRASE:
            terms.setdefault(words_of(one.term), set()).add(one.identity)
    for i in range(len(words)):
        for j in range(i + 1, len(words) + 1):
            found |= terms.get(words[i:j], set())
    return frozenset(found)
