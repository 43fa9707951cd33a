"""What a method says of one example."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class Stability:
    """How alike two runs of a sampling method would be, one value a column."""

    overlap: Array
    """(K,) expected share of the top features that two runs have in common."""
    correlation: Array
    """(K,) expected rank correlation of all weights; NaN where they are all equal."""


@dataclass(frozen=True, kw_only=True)
class Explanation:
    """Weights of an example's features for every column."""

    method: str
    """``lime``, ``shap`` (Owen values), ``shapley`` (exact Shapley values)."""
    engine: str
    """``plumbline``, ``lime`` or ``shap``."""
    columns: tuple[str, ...]
    weights: Array
    """(F, K) for features: superpixels, words, or the pixels of a picture row by row."""
    base: Array
    """(K,) the linear model's intercept; or the score with everything hidden."""
    score: Array
    """(K,) the model's score of the example."""
    samples: int
    """Masked versions that were asked for, equal ones included."""
    passes: int
    """Versions that the model scored."""
    fit: Array | None = None
    """(K,) R² of the linear model, NaN where the score never changed; None for methods that fit none."""
    stability: Stability | None = None
    """None where it was not estimated."""
    settled: bool = True
    """False where sampling stopped at its limit before the top features were stable."""

    def of(self, column: str) -> Array:
        """(F,) weights of one column."""
        weights: Array = self.weights[:, self.columns.index(column)]
        return weights
