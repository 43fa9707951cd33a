"""What a text's score loses when the words that name an identity are taken away, beside other words' loss.

An experiment, not an estimate: the text with and without the words. Beside it the same number of words is
taken away that name nobody, drawn with the seed, so that a loss that any words would bring can be told apart.
"""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audit.attribution.mentions import Mention
from audit.attribution.words import Words

Array = NDArray[np.float64]


def removed_texts(
    words: Words, found: Sequence[Mention], seed: int
) -> tuple[list[str], list[str], list[str], NDArray[np.bool_]]:
    """Texts with words taken away.

    Args:
        words: of one text.
        found: identities that it names.
        seed: of the other words.

    Returns:
        Names of the I identities, I texts without the words of each, I texts without as many other words, and
        (I,) whether there were enough other words; where not, the other text is the text itself.
    """
    rng = np.random.default_rng(seed)
    places: dict[str, set[int]] = {}
    for one in found:
        places.setdefault(one.identity, set()).update(one.words)
    naming = {place for one in found for place in one.words}
    free = np.array([i for i in range(words.n) if i not in naming], dtype=np.int64)
    masks = np.ones((2, len(places), words.n), dtype=np.bool_)
    enough = np.zeros(len(places), dtype=np.bool_)
    for i, at in enumerate(places.values()):
        masks[0, i, list(at)] = False
        enough[i] = len(free) >= len(at)
        if enough[i]:
            masks[1, i, rng.choice(free, len(at), replace=False)] = False
    return list(places), words.texts(masks[0]), words.texts(masks[1]), enough
