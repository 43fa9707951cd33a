"""How far an explanation can be believed, and the reason where it should not be."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from enum import StrEnum

import numpy as np
from numpy.typing import NDArray

from audit.attribution.agreement import rank_correlation, top_overlap

Array = NDArray[np.float64]


class Doubt(StrEnum):
    """Why an explanation is shown greyed."""

    NO_FEATURES = "no_features"
    FLAT = "flat"
    POOR_FIT = "poor_fit"
    UNSTABLE = "unstable"
    NOT_BETTER_THAN_RANDOM = "not_better_than_random"
    METHODS_DISAGREE = "methods_disagree"
    SURVIVES_RANDOM_WEIGHTS = "survives_random_weights"


WORDS: Mapping[Doubt, str] = {
    Doubt.NO_FEATURES: "there is nothing in it that could be hidden",
    Doubt.FLAT: "the score did not change, whatever was hidden",
    Doubt.POOR_FIT: "the linear model does not describe the score near this example",
    Doubt.UNSTABLE: "another run would name other features",
    Doubt.NOT_BETTER_THAN_RANDOM: "hiding its top features changes the score no more than hiding any",
    Doubt.METHODS_DISAGREE: "LIME and SHAP, or LIME and the model's own method, do not agree",
    Doubt.SURVIVES_RANDOM_WEIGHTS: "a model with random weights gets much the same explanation",
}


@dataclass(frozen=True, kw_only=True)
class TrustLimits:
    """Below these an explanation is greyed. Conventions, not laws: they are printed beside it."""

    fit: float = 0.5
    """R² of the linear model."""
    overlap: float = 0.7
    """Expected share of the top features that two runs have in common."""
    beaten: float = 0.9
    """Share of random orders that the explanation's order must beat."""
    agreement: float = 0.3
    """Rank correlation of LIME and SHAP; of the model's own method with LIME."""
    random_weights: float = 0.5
    """Above: rank correlation with the explanation of a model with random weights, mean over examples."""


@dataclass(frozen=True, kw_only=True)
class Trust:
    """The numbers of one explanation of one column; None where one was not computed."""

    features: int
    varies: bool
    """The score changed at all."""
    fit: float | None = None
    overlap: float | None = None
    beaten: float | None = None
    agreement: float | None = None
    random_weights: float | None = None

    def doubts(self, limits: TrustLimits) -> tuple[Doubt, ...]:
        """Every reason to grey it, the plainest first; a number that was not computed is no reason."""
        if self.features == 0:
            return (Doubt.NO_FEATURES,)
        if not self.varies:
            return (Doubt.FLAT,)
        checks = (
            (Doubt.POOR_FIT, _below(self.fit, limits.fit)),
            (Doubt.UNSTABLE, _below(self.overlap, limits.overlap)),
            (Doubt.NOT_BETTER_THAN_RANDOM, _below(self.beaten, limits.beaten)),
            (Doubt.METHODS_DISAGREE, _below(self.agreement, limits.agreement)),
            (
                Doubt.SURVIVES_RANDOM_WEIGHTS,
                self.random_weights is not None and self.random_weights > limits.random_weights,
            ),
        )
        return tuple(doubt for doubt, raised in checks if raised)


@dataclass(frozen=True, kw_only=True)
class Likeness:
    """How alike several attributions of the same features are, mean over all pairs."""

    overlap: Array
    """(K,) share of the top features in common."""
    correlation: Array
    """(K,) rank correlation; NaN where no pair has one."""


def likeness(several: Array) -> Likeness:
    """Compare runs of one method, or several methods.

    Args:
        several: (R, F, K) weights, R >= 2.
    """
    runs = several.transpose(0, 2, 1)  # (R, K, F)
    first, second = np.triu_indices(len(runs), 1)
    every = rank_correlation(runs[first], runs[second])
    known = ~np.isnan(every)
    total = np.where(known, every, 0.0).sum(axis=0)
    correlation = np.where(known.any(axis=0), total / np.maximum(known.sum(axis=0), 1), np.nan)
    return Likeness(overlap=top_overlap(runs[first], runs[second]).mean(axis=0), correlation=correlation)


def _below(value: float | None, limit: float) -> bool:
    return value is not None and value < limit
