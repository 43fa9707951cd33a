"""Duplicate texts: equal after normalisation, and near by the words they share; no pair is missed.

Words are compared as a multiset (the second "the" is another element than the first), as single words or as
shingles of several. Pairs with Jaccard similarity of at least t come from the exact prefix filter: two sets
that alike must share one of their rarest elements, so only texts that do are compared.

Source: Chaudhuri, Ganti and Kaushik (2006), A primitive operator for similarity joins in data cleaning;
Xiao, Wang, Lin and Yu (2008), Efficient similarity joins for near duplicate detection (positional filter).
"""

from __future__ import annotations

import re
import unicodedata
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.leakage.hamming import PAIR_CAP, TooManyPairsError
from audit.protocols import NoProgress, Progress

THRESHOLD = 0.7
TOLD = 20_000
"""Texts between two words about progress."""
INVISIBLE = re.compile(
    "[\u00ad\u034f\u061c\u115f\u1160\u17b4\u17b5\u180b-\u180f\u200b-\u200f\u202a-\u202e\u2060-\u206f\ufe00-\ufe0f\ufeff]"
)
"""Zero-width and direction characters, soft hyphens, variation selectors."""
WORD = re.compile(r"[^\W_]+")


@dataclass(frozen=True, kw_only=True)
class TextPairs:
    """Near duplicates among texts."""

    left: NDArray[np.int64]
    """(p,) position, smaller than `right`; of the first text of each group of equal ones."""
    right: NDArray[np.int64]
    similarity: NDArray[np.float64]
    """(p,) Jaccard similarity of the words, in [threshold, 1]."""
    order: NDArray[np.float64]
    """(p,) share of the longer text's words that come in the same order in both, in [0, 1]: the second
    check."""
    groups: NDArray[np.int64]
    """(n,) position of the first text that is equal after normalisation; its own where there is none before;
    -1 where nothing is left after normalisation."""


def normalise(text: str) -> str:
    """Fold what a reader does not see as a difference: width, case, invisible characters, white space.

    Args:
        text: any.

    Returns:
        NFKC of the case-folded NFKC, without invisible characters, white space as single spaces.
    """
    folded = unicodedata.normalize("NFKC", unicodedata.normalize("NFKC", text).casefold())
    return " ".join(INVISIBLE.sub("", folded).split())


def shingles(normalised: str, size: int = 1) -> list[str]:
    """Cut a normalised text into overlapping runs of words; its signs where it has no word.

    Args:
        normalised: by `normalise`.
        size: words in a run.
    """
    words = WORD.findall(normalised) or normalised.split()
    if size == 1 or len(words) <= size:
        return words if size == 1 else [" ".join(words)]
    return [" ".join(words[start : start + size]) for start in range(len(words) - size + 1)]


def text_pairs(
    texts: Sequence[str | None],
    threshold: float = THRESHOLD,
    size: int = 1,
    cap: int = PAIR_CAP,
    progress: Progress | None = None,
) -> TextPairs:
    """Find all pairs of texts whose words have a Jaccard similarity of at least the threshold.

    Args:
        texts: (n,) None and texts of white space alone take no part.
        threshold: in (0, 1].
        size: words in a shingle; 1 compares bags of words and leaves order to the second check.
        cap: most pairs of distinct texts.
        progress: told how many texts are normalised, and how many are cut into words.

    Raises:
        TooManyPairsError: more than `cap` pairs.
        ValueError: the threshold is outside (0, 1], or `size` below 1.
    """
    if not 0 < threshold <= 1 or size < 1:
        raise ValueError(f"threshold must be in (0, 1] and size 1 or more, got {threshold} and {size}")
    first: dict[str, int] = {}
    groups = np.full(len(texts), -1, dtype=np.int64)
    told = progress or NoProgress()
    for row, text in enumerate(texts):
        if row % TOLD == 0:
            told.step("normalise the texts", row, len(texts))
        if text is not None and (plain := normalise(text)):
            groups[row] = first.setdefault(plain, row)
    rows = np.fromiter(first.values(), dtype=np.int64, count=len(first))
    bags = Bags.of(list(first), size, told)
    left, right, similarity = jaccard_pairs(bags, threshold, cap)
    order = same_order(bags, left, right)
    i, j = rows[left], rows[right]
    by = np.lexsort((np.maximum(i, j), np.minimum(i, j)))
    return TextPairs(
        left=np.minimum(i, j)[by],
        right=np.maximum(i, j)[by],
        similarity=similarity[by],
        order=order[by],
        groups=groups,
    )


@dataclass(frozen=True, kw_only=True)
class Bags:
    """Texts as bags of numbered words, rarest word first."""

    begin: NDArray[np.int64]
    """(n + 1,) where each text's words begin."""
    ranked: NDArray[np.int32]
    """Words of each text as distinct elements, numbered from the rarest of the corpus, increasing."""
    spoken: NDArray[np.int32]
    """Words of each text in the order of the text."""

    @classmethod
    def of(cls, normalised: Sequence[str], size: int, progress: Progress | None = None) -> Bags:
        """Number the words of (n,) texts; the k-th occurrence in a text is an element of its own."""
        told = progress or NoProgress()
        codes: dict[tuple[str, int] | str, int] = {}
        elements: list[int] = []
        spoken: list[int] = []
        begin = np.zeros(len(normalised) + 1, dtype=np.int64)
        for row, text in enumerate(normalised):
            if row % TOLD == 0:
                told.step("number their words", row, len(normalised))
            seen: dict[str, int] = {}
            for word in shingles(text, size):
                again = seen.get(word, 0)
                seen[word] = again + 1
                plain = codes.setdefault(word, len(codes))
                spoken.append(plain)
                elements.append(plain if again == 0 else codes.setdefault((word, again), len(codes)))
            begin[row + 1] = len(elements)
        made = np.array(elements, dtype=np.int64)
        frequency = np.bincount(made, minlength=len(codes))
        rank = np.empty(len(codes), dtype=np.int64)
        rank[np.argsort(frequency, kind="stable")] = np.arange(len(codes))
        owner = np.repeat(np.arange(len(normalised)), np.diff(begin))
        ranked = rank[made]
        by = np.lexsort((ranked, owner))
        return cls(begin=begin, ranked=ranked[by].astype(np.int32), spoken=np.array(spoken, dtype=np.int32))


def jaccard_pairs(
    bags: Bags, threshold: float, cap: int = PAIR_CAP
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float64]]:
    """Find all pairs of bags with a Jaccard similarity of at least the threshold.

    Args:
        bags: n of them; empty ones have no pair.
        threshold: in (0, 1].
        cap: most pairs.

    Returns:
        (left, right, similarity), each (p,), left != right, no pair twice.

    Raises:
        TooManyPairsError: more than `cap` pairs.
    """
    from audit.leakage.prefix_filter import join

    sizes = np.diff(bags.begin)
    order = np.argsort(sizes, kind="stable")
    order = order[sizes[order] > 0]
    elements = int(bags.ranked.max()) + 1 if bags.ranked.size else 0
    count, left, right, shared = join(bags.begin, bags.ranked, order, elements, threshold, cap)
    if count > cap:
        raise TooManyPairsError(cap, 0, order.size)
    left, right, shared = left[:count], right[:count], shared[:count]
    return left, right, shared / (sizes[left] + sizes[right] - shared)


def same_order(bags: Bags, left: NDArray[np.int64], right: NDArray[np.int64]) -> NDArray[np.float64]:
    """Measure how much of two texts comes in the same order: longest common subsequence ÷ longer text.

    Args:
        bags: the texts.
        left: (p,) positions.
        right: (p,) positions.

    Returns:
        (p,) in [0, 1]. The same words shuffled give about 2 ÷ sqrt(words); a copy with one word changed gives
        1 - 1 ÷ words.
    """
    from audit.leakage.prefix_filter import common_order

    return np.asarray(common_order(bags.begin, bags.spoken, left, right))
