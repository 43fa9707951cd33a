"""Terms are found where a slow reference finds them: whole words, folded, the longest first."""

import re
import unicodedata

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.identity_terms.finder import find_terms, term_spans
from audit.identity_terms.lexicon import MENTION, PHRASE, SLUR, SUITE, SWAP, Lexicon, Term, built_in

MARKS = "\u0301\u0307\u0308\u093e\u094d"
"""Combining marks of the alphabet below; `re` does not count them to a word."""
GAPS = "[\\s\\-'\u2019\u2010]+"
SMALL = Lexicon(
    terms=tuple(
        Term(identity=identity, group="g", term=term, use=use)
        for identity, term, use in [
            ("a", "ab", MENTION),
            ("b", "ab b", MENTION),
            ("c", "b ab a", MENTION),
            ("a", "é", MENTION),
            ("b", "ßa", MENTION),
            ("d", "a-b", SUITE),
            ("d", "काa", MENTION),
            ("e", "b'a", SWAP),
        ]
    )
    + (Term(identity="", group="", term="a b ab", use=PHRASE),)
)


def folded(text):
    return unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())


def reference(texts, lexicon, uses=(MENTION,)):
    """One alternation a lexicon, the longest term first, over folded text."""
    by_key = {}
    for one in lexicon.terms:
        words = tuple(re.split("[ '-]+", folded(one.term)))
        by_key.setdefault(words, []).append(one)
    edge = f"[\\w{MARKS}]"
    longest = sorted(by_key, key=lambda words: (-len(words), words))
    names = {f"t{i}": by_key[words] for i, words in enumerate(longest)}
    pattern = re.compile(
        f"(?<!{edge})(?:"
        + "|".join(f"(?P<t{i}>{GAPS.join(map(re.escape, words))})" for i, words in enumerate(longest))
        + f")(?!{edge})"
    )
    found = np.zeros((len(texts), len(lexicon.identities)), bool)
    for row, text in enumerate(texts):
        for match in pattern.finditer(folded(text or "")):
            for one in names[match.lastgroup]:
                if one.use in uses:
                    found[row, lexicon.identities.index(one.identity)] = True
    return found


ALPHABET = "aAbB  -'\u2019._ＡéEßk\u0130\uff41\ufb01\u1e9e\u00a0\u2010" + MARKS + "ा\u0915"


@given(st.lists(st.text(ALPHABET, max_size=14), max_size=8), st.booleans())
@settings(max_examples=400, deadline=None)
def test_any_text_of_any_script_equals_the_slow_reference(texts, all_uses):
    uses = (MENTION, SUITE, SWAP) if all_uses else (MENTION,)
    assert (find_terms(texts, SMALL, uses) == reference(texts, SMALL, uses)).all()


@given(st.lists(st.sampled_from([*"ab", "ab", "b", " ", "-", ".", "é", "\u0301"]), max_size=24).map("".join))
@settings(max_examples=400, deadline=None)
def test_spans_hold_what_is_found(text):
    every = (MENTION, SUITE, SWAP)
    spans = term_spans(text, SMALL)
    named = {one.identity for span in spans for one in span.terms if one.identity}
    row = find_terms([text], SMALL, every)[0]
    assert named == {SMALL.identities[i] for i in np.flatnonzero(row)}
    assert all(a.end <= b.start for a, b in zip(spans[:-1], spans[1:], strict=True))
    for span in spans:
        alone = term_spans(text[span.start : span.end], SMALL)
        assert [one.terms for one in alone] == [span.terms]


def test_the_whole_lexicon_equals_the_slow_reference():
    lexicon = built_in()
    rng = np.random.default_rng(0)
    words = [one.term for one in lexicon.terms] + ["the", "Gayle", "and", "x-ray", "naïve", "american's"]
    joins = np.array([" ", " ", " ", "-", ", ", ". "])
    texts = [
        "".join(str(w) + str(j) for w, j in zip(rng.choice(words, 12), rng.choice(joins, 12), strict=True))
        for _ in range(600)
    ]
    texts = [one.upper() if i % 5 == 0 else one for i, one in enumerate(texts)]
    for uses in ((MENTION,), (SLUR,), (MENTION, SUITE, SWAP)):
        found = find_terms(texts, lexicon, uses)
        assert found.any()
        assert (found == reference(texts, lexicon, uses)).all()


@pytest.mark.parametrize(
    ("text", "names"),
    [
        ("an African American writer", {"black"}),
        ("an African-American writer", {"black"}),
        ("African. American", {"african", "american"}),
        ("Gayle says gayness", set()),
        ("GAY", {"gay"}),
        ("ＧＡＹ people", {"gay"}),
        ("gay's", {"gay"}),
        ("gay_pride", set()),
        ("the White House", set()),
        ("a white house", set()),
        ("a white man", {"white", "male"}),
        ("trans women", {"transgender", "female"}),
        ("he told his mother", set()),
        ("", set()),
    ],
)
def test_what_is_and_is_not_named(text, names):
    lexicon = built_in()
    row = find_terms([text], lexicon)[0]
    assert {lexicon.identities[i] for i in np.flatnonzero(row)} == names


def test_nulls_slices_and_chunks_of_a_column():
    lexicon = built_in()
    texts = ["a Muslim", None, "un café gay", "nobody", "a Sikh café", "Jews"]
    whole = find_terms(texts, lexicon)
    assert whole.sum(axis=1).tolist() == [1, 0, 1, 0, 1, 1]
    for kind in (pa.string(), pa.large_string()):
        column = pa.array(texts, kind)
        assert (find_terms(column, lexicon) == whole).all()
        assert (find_terms(column[2:5], lexicon) == whole[2:5]).all()
        assert (find_terms(pa.chunked_array([column[:1], column[1:]]), lexicon) == whole).all()
    hidden = pa.StringArray.from_buffers(2, *pa.array(["gay", "gay"]).buffers()[1:], pa.py_buffer(b"\x01"))
    assert find_terms(hidden, lexicon).any(axis=1).tolist() == [True, False]
    assert find_terms([], lexicon).shape == find_terms(pa.array([], pa.string()), lexicon).shape
