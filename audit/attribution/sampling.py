"""Which features are hidden: the very masks that the `lime` library draws from a seed, all at once."""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

Masks = NDArray[np.bool_]
"""(n, F), true for a feature that is shown."""


def picture_masks(n: int, features: int, seed: int) -> Masks:
    """Draw masks of superpixels: each is shown with probability 1/2; the first mask shows all.

    Source:
        `lime.lime_image.LimeImageExplainer.data_labels`, lime 0.2.0.1: equal masks from an equal seed.
    """
    drawn = np.random.RandomState(seed).randint(0, 2, n * features).reshape(n, features).astype(np.bool_)
    drawn[:1] = True
    return drawn


def word_masks(n: int, features: int, seed: int) -> Masks:
    """Draw masks of words: a uniform number of words is hidden, at least one; the first mask shows all.

    Source:
        `lime.lime_text.LimeTextExplainer`, lime 0.2.0.1: equal masks from an equal seed.
    """
    random = np.random.RandomState(seed)
    masks = np.ones((n, features), dtype=np.bool_)
    if features == 0:
        return masks
    for row, hidden in enumerate(random.randint(1, features + 1, n - 1), start=1):
        # what RandomState.choice(range(features), hidden, replace=False) does, without its checks
        masks[row, random.permutation(features)[:hidden]] = False
    return masks
