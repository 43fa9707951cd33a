"""Do the words that an explanation marks look like the words that people marked?

Plausible is not faithful: a model may be right for reasons that no person would mark. Source of the measures:
DeYoung et al. (2020), "ERASER", arXiv 1911.03429: area under the precision-recall curve and F1 of tokens,
each by text and then averaged over texts.
"""

from __future__ import annotations

from collections import Counter
from collections.abc import Collection, Iterable, Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.attribution.words import cut
from audit.means import mean_t

Array = NDArray[np.float64]
PRIOR = 1.0  # pseudo-occurrences of a word at the overall share: a word seen once is not sure


@dataclass(frozen=True, kw_only=True)
class Plausibility:
    """Agreement with people over texts in which they marked something, and not everything."""

    precision_recall: tuple[float, float, float]
    """Mean area under the precision-recall curve with its t interval."""
    f1: tuple[float, float, float]
    """Mean F1 of the words with the largest weights, as many as people mark on average."""
    texts: int
    unmarked: int
    """Texts left out because nothing, or every word, is marked."""


def marked_words(spans: Sequence[tuple[int, int]], characters: Collection[int]) -> NDArray[np.bool_]:
    """(P,) whether any character of a word is marked.

    Args:
        spans: first character and one past the last of each word.
        characters: places that people marked.
    """
    marked = np.zeros(max((end for _, end in spans), default=0) + 1, dtype=np.int64)
    places = [place for place in characters if 0 <= place < len(marked)]
    marked[places] = 1
    sums = np.concatenate([[0], np.cumsum(marked)])
    return np.array([sums[end] > sums[start] for start, end in spans], dtype=np.bool_)


def plausibility(
    truth: Sequence[NDArray[np.bool_]], weights: Sequence[Array], share: float, level: float = 0.95
) -> Plausibility:
    """Compare weights of words with what people marked.

    Args:
        truth: of each text (P,) whether people marked the word.
        weights: of each text (P,), large for words that raise the score.
        share: of a text's words that count as named by the explanation: the share that people mark elsewhere.
        level: of the intervals.
    """
    areas, f1s, left_out = [], [], 0
    for marked, weight in zip(truth, weights, strict=True):
        if not marked.any() or marked.all():
            left_out += 1
            continue
        areas.append(average_precision(marked, weight))
        named = np.zeros(len(marked), dtype=np.bool_)
        named[np.argsort(-weight, kind="stable")[: max(1, round(share * len(marked)))]] = True
        f1s.append(2 * (named & marked).sum() / (named.sum() + marked.sum()))
    return Plausibility(
        precision_recall=_mean(areas, level), f1=_mean(f1s, level), texts=len(areas), unmarked=left_out
    )


def average_precision(marked: NDArray[np.bool_], weight: Array) -> float:
    """Mean precision at the marked words, equal weights taken together; as scikit-learn computes it."""
    values, place = np.unique(-weight, return_inverse=True)
    hits = np.cumsum(np.bincount(place, marked, len(values)))
    seen = np.cumsum(np.bincount(place, minlength=len(values)))
    return float(np.sum(np.diff(hits, prepend=0.0) * hits / seen) / hits[-1])


def lexicon(texts: Iterable[str], characters: Iterable[Collection[int]]) -> tuple[dict[str, float], float]:
    """Learn the plainest baseline: how often each word is marked, wherever it stands.

    Args:
        texts: of training.
        characters: places that people marked in each.

    Returns:
        word, lower case -> share of its occurrences that are marked, pulled to the overall share; and the
        mean share of a text's words that is marked, over texts with any.
    """
    seen: Counter[str] = Counter()
    marked: Counter[str] = Counter()
    shares = []
    for text, places in zip(texts, characters, strict=True):
        words = cut(text)
        hits = marked_words(words.spans, places)
        seen.update(name.lower() for name in words.names)
        marked.update(name.lower() for name, hit in zip(words.names, hits, strict=True) if hit)
        if hits.any():
            shares.append(hits.mean())
    overall = sum(marked.values()) / max(sum(seen.values()), 1)
    learned = {word: (marked[word] + PRIOR * overall) / (n + PRIOR) for word, n in seen.items()}
    return learned, float(np.mean(shares)) if shares else 0.0


def look_up(words: Sequence[str], learned: Mapping[str, float], otherwise: float = 0.0) -> Array:
    """(P,) a lexicon's weights of words."""
    return np.array([learned.get(word.lower(), otherwise) for word in words], dtype=np.float64)


def _mean(values: Sequence[float], level: float) -> tuple[float, float, float]:
    sample = np.array(values, dtype=np.float64)
    found = mean_t([len(sample)], [sample.sum()], [(sample**2).sum()], level)
    return float(found[0][0]), float(found[1][0]), float(found[2][0])
