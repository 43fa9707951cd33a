"""Exact Shapley values by enumeration, for examples of few features."""

from __future__ import annotations

from collections.abc import Callable
from math import factorial

import numpy as np
from numpy.typing import NDArray

from audit.attribution.explanation import Explanation
from audit.attribution.sampling import Masks
from audit.errors import InputError

Array = NDArray[np.float64]
MOST = 10
"""Features up to which all 2^F masks are scored: 1,024."""


def shapley(score: Callable[[Masks], Array], features: int, columns: tuple[str, ...]) -> Explanation:
    """Explain one example by the average change that each feature makes over all orders.

    Args:
        score: (n, F) masks -> (n, K) scores.
        features: F, at most `MOST`.
        columns: names of the K scores.

    Raises:
        InputError: too many features.

    Source:
        Shapley (1953); equal to `shap.explainers.Exact`, shap 0.51.
    """
    if features > MOST:
        raise InputError(
            "exact Shapley values",
            f"at most {MOST} features; these are {features}.",
            "Use Owen values (shap).",
        )
    codes = np.arange(2**features)
    masks = (codes[:, None] >> np.arange(features) & 1).astype(np.bool_)  # (2^F, F)
    scores = score(masks)
    shown = masks.sum(axis=1)
    share = np.array(
        [factorial(s) * factorial(features - s - 1) / factorial(features) for s in range(features)] or [0.0]
    )
    with_it = share[np.maximum(shown - 1, 0)]
    without = share[np.minimum(shown, features - 1)] if features else with_it
    signed = np.where(masks, with_it[:, None], -without[:, None])  # (2^F, F)
    return Explanation(
        method="shapley",
        engine="plumbline",
        columns=columns,
        weights=signed.T @ scores,
        base=scores[0],
        score=scores[-1],
        samples=len(masks),
        passes=len(masks),
    )
