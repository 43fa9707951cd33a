"""The random-weights check: an explanation that a model with random weights gets as well explains nothing.

Source: Adebayo et al. (2018), "Sanity checks for saliency maps", arXiv 1810.03292.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.attribution.agreement import rank_correlation, top_overlap
from audit.protocols import Model, Randomisable

Array = NDArray[np.float64]
SEED = 1


class RandomWeights(NamedTuple):
    """How alike the explanations of the model and of its random twin are, one value a column."""

    correlation: Array
    """(K,) mean rank correlation over the examples where it is defined; NaN where it is for none."""
    overlap: Array
    """(K,) mean share of the top features in common."""
    examples: int


def random_weights(
    model: Model, explain: Callable[[Model, int], Array], examples: Sequence[int], seed: int = SEED
) -> RandomWeights | None:
    """Explain the same examples, with the same masks, by the model and by its twin with random weights.

    Args:
        model: the audited model.
        explain: (model, example) -> (F, K) weights.
        examples: at least one.
        seed: of the random weights.

    Returns:
        None where the model can't be had with random weights.
    """
    if not isinstance(model, Randomisable):
        return None
    twin = model.randomised(seed)
    correlations, overlaps = [], []
    for example in examples:
        own, random = explain(model, example).T, explain(twin, example).T  # (K, F)
        correlations.append(rank_correlation(own, random))
        overlaps.append(top_overlap(own, random))
    every = np.array(correlations)
    known = ~np.isnan(every)
    mean = np.where(known, every, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1)
    shared = np.array(overlaps)
    return RandomWeights(
        correlation=np.where(known.any(axis=0), mean, np.nan),
        overlap=np.asarray(shared.mean(axis=0), dtype=np.float64),
        examples=len(examples),
    )
