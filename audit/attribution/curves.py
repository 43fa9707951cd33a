"""Does hiding what an explanation calls important change the score more than hiding anything else?

Deletion hides features from the most important on, insertion shows them from the most important on. A good
order makes the score fall early and rise early: insertion area minus deletion area is large. For a random
order the two areas are equal on average, so the same difference of random orders says what chance would give.

Source: Petsiuk, Das & Saenko (2018), "RISE", arXiv 1806.07421.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.attribution.sampling import Masks

Array = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class CurveSettings:
    """How finely and against what."""

    steps: int = 8
    """Portions in which features are hidden or shown; fewer where there are fewer features."""
    random_orders: int = 10
    seed: int = 0


class Curves(NamedTuple):
    """Areas under the curves of K orders, in units of the score."""

    deletion: Array
    """(K,) small is good."""
    insertion: Array
    """(K,) large is good."""
    random: Array
    """(R, K) insertion minus deletion of each random order."""

    @property
    def gain(self) -> Array:
        """(K,) insertion minus deletion; 0 on average for a random order."""
        return self.insertion - self.deletion

    @property
    def beaten(self) -> Array:
        """(K,) share of the random orders that have a smaller difference; NaN without any."""
        if len(self.random) == 0:
            return np.full(self.deletion.shape, np.nan)
        return np.asarray((self.random < self.gain).mean(axis=0), dtype=np.float64)


def curves(score: Callable[[Masks], Array], weights: Array, settings: CurveSettings | None = None) -> Curves:
    """Hide and show features in the order of their weights, and in random orders.

    Args:
        score: (n, F) masks -> (n, K) scores.
        weights: (F, K) of an explanation; column k orders the features for score k, largest weight first: a
            feature with a negative weight lowers the score when it is shown.
        settings: None: the defaults.
    """
    chosen = settings or CurveSettings()
    features, k = weights.shape
    if features == 0:
        nothing = score(np.zeros((1, 0), dtype=np.bool_))[0]
        return Curves(nothing, nothing, np.zeros((chosen.random_orders, k)))
    counts = np.unique(np.rint(np.linspace(0, features, min(chosen.steps, features) + 1)).astype(np.int64))
    rng = np.random.default_rng(chosen.seed)
    orders = [np.argsort(-weights[:, column], kind="stable") for column in range(k)]
    orders += [rng.permutation(features) for _ in range(chosen.random_orders)]
    masks = np.concatenate([part for order in orders for part in _masks(order, counts)])
    scores = score(masks).reshape(len(orders), 2, len(counts), k)
    areas = np.trapezoid(scores, counts / features, axis=2)  # (orders, 2, K)
    own = areas[np.arange(k), :, np.arange(k)]  # (K, 2)
    others = areas[k:]
    return Curves(own[:, 0], own[:, 1], others[:, 1] - others[:, 0])


def _masks(order: NDArray[np.int64], counts: NDArray[np.int64]) -> tuple[Masks, Masks]:
    """What deletion and insertion show after so many features."""
    rank = np.empty(len(order), dtype=np.int64)
    rank[order] = np.arange(len(order))
    return rank[None, :] >= counts[:, None], rank[None, :] < counts[:, None]
