"""The whole search among texts: equal once normalised, near by shared words, order as second check."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np

from audit.leakage.clusters import Copies
from audit.leakage.hamming import TooManyPairsError
from audit.leakage.pair_list import NEAR_TEXT, REORDERED, SAME_TEXT, PairList, joined, pair_list, star
from audit.leakage.text import THRESHOLD, text_pairs
from audit.protocols import NoProgress, Progress

IN_ORDER = 0.5
"""Share of words in the same order from which a pair is a copy with edits; below, the same words were
shuffled."""
SMALLEST_STEP = 0.05


@dataclass(frozen=True, kw_only=True)
class TextSearch:
    """What was found among n texts."""

    copies: Copies
    """Equal texts and near ones, shuffled ones included: the words of a shuffled copy leak all the same."""
    pairs: PairList
    threshold: float
    """Jaccard similarity that was used: more than asked where there were too many pairs."""
    counts: dict[str, int]
    """Texts, used, distinct, identical (copies beyond the first)."""


def search_texts(
    texts: Sequence[str | None], threshold: float = THRESHOLD, size: int = 1, progress: Progress | None = None
) -> TextSearch:
    """Search texts for copies of one another; no pair with the similarity asked for is missed.

    Args:
        texts: (n,) None and white space take no part.
        threshold: Jaccard similarity of words, in (0, 1].
        size: words in a shingle.
        progress: told when it starts and ends.
    """
    progress = progress or NoProgress()
    progress.step("texts", 0, len(texts))
    while True:
        try:
            found = text_pairs(texts, threshold, size, progress=progress)
            break
        except TooManyPairsError:
            if threshold >= 1:
                raise
            threshold = min(1.0, threshold + SMALLEST_STEP)
    progress.step("texts", len(texts), len(texts))
    kinds = np.where(found.order >= IN_ORDER, NEAR_TEXT, REORDERED).astype(object)
    near = pair_list(found.left, found.right, kinds, 1 - found.similarity, found.order, True)
    used = found.groups >= 0
    first = found.groups == np.arange(found.groups.size)
    return TextSearch(
        copies=Copies(content=found.groups, left=near.a, right=near.b),
        pairs=joined([star(found.groups, SAME_TEXT), near]),
        threshold=threshold,
        counts={
            "texts": len(texts),
            "used": int(used.sum()),
            "distinct": int(first.sum()),
            "identical": int((used & ~first).sum()),
        },
    )
