"""Which identities a text names, and where: whole words, case and Unicode folded, the longest term first.

From the left, the longest term that begins at a word is taken and the search goes on after it: what a longer
term holds is not looked at again, so "African American" is not "American" and "White House" is nobody.
"""

from __future__ import annotations

import re
from collections.abc import Collection, Iterable, Sequence
from dataclasses import dataclass
from functools import lru_cache
from typing import TypeAlias

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from audit.identity_terms.folding import BREAK, GAP, pieces, plain
from audit.identity_terms.lexicon import MENTION, Lexicon, Term
from audit.identity_terms.scan import Automaton, automaton, scan

_WORD = re.compile(f"[^{re.escape(GAP + BREAK)}]+")
Texts: TypeAlias = "pa.StringArray | pa.LargeStringArray | pa.ChunkedArray | Sequence[str | None]"


@dataclass(frozen=True)
class Span:
    """A term in a text."""

    start: int
    end: int
    terms: tuple[Term, ...]
    """Its readings: one an identity and grammatical form, in the lexicon's order."""

    @property
    def uses(self) -> frozenset[str]:
        """What its readings are for."""
        return frozenset(one.use for one in self.terms)


def find_terms(texts: Texts, lexicon: Lexicon, uses: Collection[str] = (MENTION,)) -> NDArray[np.bool_]:
    """Tell which identities each text names, in one pass.

    Args:
        texts: n texts; null names nobody.
        lexicon: the terms.
        uses: which terms count (`lexicon.USES`); the others only keep shorter ones from being found.

    Returns:
        (n, identities), columns in the order of `lexicon.identities`.
    """
    column = {name: i for i, name in enumerate(lexicon.identities)}
    known = _known(lexicon)
    columns = [
        sorted({column[one.identity] for one in terms if one.identity and one.use in uses})
        for terms in known.readings.values()
    ]
    members = np.array([i for of_term in columns for i in of_term], np.int32)
    starts = np.zeros(len(columns) + 1, np.int64)
    np.cumsum([len(of_term) for of_term in columns], out=starts[1:])
    chunks = _chunks(texts)
    found = np.zeros((sum(len(chunk) for chunk in chunks), len(column)), np.bool_)
    first = 0
    for chunk in chunks:
        rows = np.arange(first, first + len(chunk))
        left = scan(*_buffers(chunk), known.automaton, members, starts, rows, True, found)
        if left.any():
            at = np.flatnonzero(left)
            folded = pa.array(
                [plain(text) for text in chunk.take(pa.array(at)).to_pylist()], pa.large_string()
            )
            scan(*_buffers(folded), known.automaton, members, starts, rows[at], False, found)
        first += len(chunk)
    return found


def term_spans(text: str, lexicon: Lexicon) -> list[Span]:
    """Find every term of one text, whatever it is for, from left to right.

    Args:
        text: as it was written.
        lexicon: the terms.

    Returns:
        Places in `text`; they do not overlap. A character that folds into several is marked as a whole.
    """
    known = _known(lexicon)
    folded = plain(text)
    words = [(found.start(), found.end()) for found in _WORD.finditer(folded)]
    found: list[tuple[int, int, tuple[Term, ...]]] = []
    at = 0
    while at < len(words):
        length = known.longest_from(folded, words, at)
        if length:
            start, end = words[at][0], words[at + length - 1][1]
            key = tuple(folded[a:b] for a, b in words[at : at + length])
            found.append((start, end, known.readings[key]))
        at += max(length, 1)
    return _placed(text, found)


@dataclass(frozen=True)
class _Known:
    """A lexicon made ready."""

    readings: dict[tuple[str, ...], tuple[Term, ...]]
    """Words of a term -> its readings."""
    automaton: Automaton
    lengths: dict[str, tuple[int, ...]]
    """First word -> numbers of words of the terms that begin with it, most first."""

    def longest_from(self, folded: str, words: Sequence[tuple[int, int]], at: int) -> int:
        """Number of words of the longest term that begins at word `at`, 0 for none."""
        for length in self.lengths.get(folded[slice(*words[at])], ()):
            run = words[at : at + length]
            gaps = (folded[a[1] : b[0]] for a, b in zip(run[:-1], run[1:], strict=True))
            if len(run) == length and not any(BREAK in gap for gap in gaps):
                key = tuple(folded[a:b] for a, b in run)
                if key in self.readings:
                    return length
        return 0


@lru_cache(maxsize=4)
def _known(lexicon: Lexicon) -> _Known:
    readings: dict[tuple[str, ...], tuple[Term, ...]] = {}
    for one in lexicon.terms:
        readings[one.words] = (*readings.get(one.words, ()), one)
    lengths: dict[str, set[int]] = {}
    for words in readings:
        lengths.setdefault(words[0], set()).add(len(words))
    return _Known(
        readings=readings,
        automaton=automaton(list(readings)),
        lengths={word: tuple(sorted(found, reverse=True)) for word, found in lengths.items()},
    )


def _chunks(texts: Texts) -> list[pa.StringArray | pa.LargeStringArray]:
    if isinstance(texts, pa.ChunkedArray):
        return list(texts.chunks)
    if isinstance(texts, pa.Array):
        return [texts]
    return [pa.array(texts, pa.large_string())]


def _buffers(chunk: pa.StringArray | pa.LargeStringArray) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Bytes of the texts and where each begins; a null is an empty text."""
    if not len(chunk):
        return np.zeros(1, np.uint8), np.zeros(1, np.int64)
    if chunk.null_count:  # what lies under a null is not defined
        chunk = pc.fill_null(chunk, "")
    kind = np.int64 if pa.types.is_large_string(chunk.type) else np.int32
    _, offsets, data = chunk.buffers()
    bounds = np.frombuffer(offsets, kind)[chunk.offset : chunk.offset + len(chunk) + 1].astype(np.int64)
    return np.frombuffer(data if data is not None and data.size else b"\0", np.uint8), bounds


def _placed(text: str, found: Iterable[tuple[int, int, tuple[Term, ...]]]) -> list[Span]:
    """Places in the folded text as places in the text itself."""
    found = list(found)
    if not found or text.isascii():
        return [Span(*one) for one in found]
    starts, ends = [], []
    for start, end, folded in pieces(text):
        starts += [start] * len(folded)
        ends += [end] * len(folded)
    return [Span(starts[a], ends[b - 1], terms) for a, b, terms in found]
