"""Text pairs equal brute force; normalisation folds what a reader does not see."""

from collections import Counter

import numpy as np
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from audit.leakage.pair_list import NEAR_TEXT, REORDERED, SAME_TEXT
from audit.leakage.text import normalise, shingles, text_pairs
from audit.leakage.texts import search_texts


def brute_force(texts, threshold, size=1):
    """Jaccard similarity of multisets, pair by pair."""
    bags = [Counter(shingles(normalise(text), size)) for text in texts]
    found = []
    for i in range(len(bags)):
        for j in range(i + 1, len(bags)):
            shared, either = (bags[i] & bags[j]).total(), (bags[i] | bags[j]).total()
            if either and shared >= threshold * either - 1e-12:
                found.append((i, j, shared / either))
    return found


def distinct(texts):
    """Equal texts are groups, not pairs."""
    return list({normalise(text): text for text in texts}.values())


def check(texts, threshold, size=1):
    texts = distinct(texts)
    made, wanted = text_pairs(texts, threshold, size), brute_force(texts, threshold, size)
    assert list(zip(made.left.tolist(), made.right.tolist(), strict=True)) == [(i, j) for i, j, _ in wanted]
    assert np.allclose(made.similarity, [s for _, _, s in wanted])


@pytest.mark.parametrize("threshold", [0.2, 0.5, 0.7, 0.75, 0.8, 0.9, 1.0])
@pytest.mark.parametrize("size", [1, 2, 3])
def test_no_pair_is_missed(threshold, size):
    rng = np.random.default_rng(int(threshold * 100) + size)
    short = [" ".join(rng.choice(list("abcdefgh"), rng.integers(1, 9))) for _ in range(150)]
    words = np.array([f"w{k}" for k in range(300)])
    long = [rng.choice(words, rng.integers(10, 40)) for _ in range(40)]
    copies = [np.where(rng.random(one.size) < 0.1, rng.choice(words, one.size), one) for one in long]
    check(short, threshold, size)
    check([" ".join(one) for one in long + copies], threshold, size)


@given(st.lists(st.text("ab c", max_size=12), max_size=14), st.sampled_from([0.3, 0.5, 2 / 3, 0.7, 1.0]))
@settings(max_examples=100, deadline=None)
def test_any_texts(texts, threshold):
    check(texts, threshold)


@pytest.mark.parametrize(
    ("first", "second"),
    [
        ("Hello  World", "hello world"),
        ("ＦＵＬＬ width", "full WIDTH"),
        ("in\u200bvisi\u2060ble\ufeff", "invisible"),
        ("Straße", "STRASSE"),
        ("ﬁne", "fine"),
        ("e\u0301te\u0301", "été"),
        ("tabs\tand\nlines ", "tabs and lines"),
    ],
)
def test_normalisation_folds(first, second):
    assert normalise(first) == normalise(second)


@given(st.text(max_size=40))
@settings(max_examples=200, deadline=None)
def test_normalisation_is_stable(text):
    assert normalise(normalise(text)) == normalise(text)


@pytest.mark.parametrize(("first", "second"), [("you", "yоu"), ("a b", "ab"), ("stop!", "stop")])
def test_normalisation_keeps_what_differs(first, second):
    assert normalise(first) != normalise(second)


def test_groups_and_kinds():
    one = "the quick brown fox jumps over the lazy dog near the river bank"
    shuffled = " ".join(sorted(one.split(), reverse=True))
    texts = [
        one,
        "unrelated words altogether",
        one.upper(),
        one.replace("lazy", "sleepy"),
        None,
        "  ",
        shuffled,
    ]
    found = search_texts(texts)
    kinds = {(a, b): k for a, b, k in zip(found.pairs.a, found.pairs.b, found.pairs.kind, strict=True)}
    assert kinds == {
        (0, 2): SAME_TEXT,
        (0, 3): NEAR_TEXT,
        (0, 6): REORDERED,
        (3, 6): REORDERED,
    }
    assert found.counts == {"texts": 7, "used": 5, "distinct": 4, "identical": 1}
    assert found.copies.clusters().tolist() == [0, -1, 0, 0, -1, -1, 0]
    assert found.pairs.confirmed.all()


@pytest.mark.parametrize(("threshold", "size"), [(0.0, 1), (1.1, 1), (0.7, 0)])
def test_bad_arguments_are_refused(threshold, size):
    with pytest.raises(ValueError, match="threshold must be in"):
        text_pairs(["a"], threshold, size)
