"""LIME of a picture or a text: equal to the `lime` library on the same masks, and it says when to stop.

The library takes 1,000 samples (5,000 for texts) whatever the example. Here samples come in portions, and
sampling stops once two runs of that size would agree on the top features. That is estimated without a pass
more: samples are independent, so drawing them again with replacement imitates another seed.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import Literal

import numpy as np
from numpy.typing import NDArray

from audit.attribution.agreement import TOP, rank_correlation, top_overlap
from audit.attribution.explanation import Explanation, Stability
from audit.attribution.sampling import Masks, picture_masks, word_masks
from audit.attribution.surrogate import (
    PICTURE_WIDTH,
    TEXT_SCALE,
    TEXT_WIDTH,
    Fit,
    fit,
    proximity,
    refits,
)

Array = NDArray[np.float64]
Score = Callable[[Masks], Array]
"""(n, F) masks -> (n, K) scores."""
FIRST = 128
STEPS = (128, 192, 256, 320, 384, 448, 512, 640, 768, 896, 1024)
"""Samples after which stability is looked at; beyond the last, every 256."""


@dataclass(frozen=True, kw_only=True)
class LimeSettings:
    """How LIME samples and fits."""

    samples: int = 1000
    """At most."""
    features: int | None = None
    """Features in the explanation; None: all. (`lime`: 10 for texts.)"""
    seed: int = 0
    adaptive: bool = True
    """Stop when the top features are stable; else take all samples."""
    overlap: float = 0.9
    """Expected share of the top features, near ties aside, that two runs must have in common."""
    top: int = TOP
    replicates: int = 20
    """Refits from which stability is estimated."""
    watch: tuple[int, ...] = ()
    """Columns that must be stable before sampling stops; empty: all."""


def lime(
    score: Score,
    features: int,
    columns: tuple[str, ...],
    kind: Literal["image", "text"],
    settings: LimeSettings | None = None,
) -> Explanation:
    """Explain one example.

    Args:
        score: of masked versions; see `audit.attribution.scoring`.
        features: F.
        columns: names of the K scores.
        kind: decides how masks are drawn and how far a mask is from the example, as in `lime`.
        settings: None: the defaults.

    Returns:
        Weights of every column; without features they are empty and the score is all there is.
    """
    chosen = settings or LimeSettings()
    draw = picture_masks if kind == "image" else word_masks
    masks = draw(max(chosen.samples, 2), features, chosen.seed)
    if features == 0:
        return _nothing(score(masks[:1]), columns)
    width, scale = (PICTURE_WIDTH, 1.0) if kind == "image" else (TEXT_WIDTH, TEXT_SCALE)
    weights = proximity(masks, width, scale)
    scores = np.empty((0, len(columns)))
    stability, settled = None, True
    for n in _portions(chosen, len(masks)):
        scores = np.concatenate([scores, score(masks[len(scores) : n])])
        if chosen.replicates:
            stability, shares = _stability(masks[:n], scores, weights[:n], chosen)
            settled = bool(shares.min(initial=1.0) >= chosen.overlap)
        if settled and chosen.adaptive:
            break
    n = len(scores)
    found = fit(masks[:n], scores, weights[:n], chosen.features)
    return _explanation(found, scores, columns, stability, settled)


def _portions(settings: LimeSettings, most: int) -> list[int]:
    if not settings.adaptive or not settings.replicates:
        return [most]
    later = range(STEPS[-1] + 256, most, 256)
    return [*(n for n in (*STEPS, *later) if n < most), most]


def _stability(
    masks: Masks, scores: Array, weights: Array, settings: LimeSettings
) -> tuple[Stability, Array]:
    """Agreement of pairs of refits, and the overlap of the watched columns that vary at all."""
    again = refits(masks, scores, weights, settings.replicates, settings.seed).transpose(0, 2, 1)  # (R, K, F)
    pairs = again, np.roll(again, 1, axis=0)
    overlap = top_overlap(*pairs, settings.top).mean(axis=0)
    every = rank_correlation(*pairs)
    known = ~np.isnan(every)
    correlation = np.where(
        known.any(axis=0),
        np.where(known, every, 0.0).sum(axis=0) / np.maximum(known.sum(axis=0), 1),
        np.nan,
    )
    varies = np.ptp(scores, axis=0) > 0
    watched = np.zeros(len(varies), dtype=np.bool_)
    watched[list(settings.watch or range(len(varies)))] = True
    return Stability(overlap=overlap, correlation=correlation), overlap[varies & watched]


def _explanation(
    found: Fit, scores: Array, columns: tuple[str, ...], stability: Stability | None, settled: bool
) -> Explanation:
    return Explanation(
        method="lime",
        engine="plumbline",
        columns=columns,
        weights=found.weights,
        base=found.intercept,
        score=scores[0],
        samples=len(scores),
        passes=len(scores),
        fit=found.r2,
        stability=stability,
        settled=settled,
    )


def _nothing(scores: Array, columns: tuple[str, ...]) -> Explanation:
    return Explanation(
        method="lime",
        engine="plumbline",
        columns=columns,
        weights=np.zeros((0, len(columns))),
        base=scores[0],
        score=scores[0],
        samples=1,
        passes=1,
    )
