"""Owen values: Shapley values of a tree of features, evaluated where they matter most first.

The tree's root holds all features; each node is split in two, the change that the node makes is shared by its
halves, once with the other half hidden and once with it shown. Nodes with the largest change are split first
until the budget is spent; what is left in a node is shared equally by its features. That is the algorithm of
`shap.explainers.Partition` (shap 0.51), and equal to it where batches are equal; larger batches, which a
network needs, only change which nodes a budget that ends too early has reached.

Source: Owen (1977), "Values of games with a priori unions".
"""

from __future__ import annotations

import heapq
from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import NamedTuple, Protocol

import numpy as np
from numpy.typing import NDArray

Array = NDArray[np.float64]
Shown = tuple[int, ...]
"""Nodes of a tree, none inside another: all that is shown."""


class Tree(Protocol):
    """Features in nested halves; nodes are whole numbers."""

    root: int

    def halves(self, node: int) -> tuple[int, int] | None:
        """The two parts of a node; None for a single feature."""
        ...


@dataclass(frozen=True, kw_only=True)
class OwenSettings:
    """How far the tree is followed."""

    evaluations: int = 500
    """Masked versions at most, those with all and with nothing shown included."""
    batch: int = 64
    """Versions that are scored together (shap: 10 for pictures, 5 for texts)."""
    scale: tuple[float, ...] = ()
    """(K,) a change that matters in each column's unit: decides which node is split first; empty: 1."""


class Owen(NamedTuple):
    """What is left in the nodes."""

    values: dict[int, Array]
    """node -> (K,) change of the score that its features make together."""
    empty: Array
    """(K,) score with everything hidden."""
    full: Array
    """(K,) score of the example."""
    evaluations: int
    finished: bool
    """Every node was followed down to single features."""


class _Open(NamedTuple):
    """A node whose change is not shared yet; the heap takes the most negative urgency first."""

    urgency: float
    turn: int
    shown: Shown
    without: Array
    with_it: Array
    node: int
    weight: float


def owen(score: Callable[[Sequence[Shown]], Array], tree: Tree, settings: OwenSettings) -> Owen:
    """Share the change from nothing shown to all shown among the nodes of a tree.

    Args:
        score: scores of what is shown: n tuples of nodes -> (n, K).
        tree: of the features.
        settings: budget and batch.
    """
    empty, full = score([(), (tree.root,)])
    scale = np.array(settings.scale) if settings.scale else np.ones(len(full))
    values: dict[int, Array] = {}
    waiting = [_Open(0.0, 0, (), empty, full, tree.root, 1.0)]
    count, turn, limit = 0, 1, settings.evaluations - 2
    while waiting and count < limit:
        chosen: list[tuple[_Open, int, int]] = []
        while waiting and 2 * len(chosen) < settings.batch and count + 2 * len(chosen) < limit:
            one = heapq.heappop(waiting)
            halves = tree.halves(one.node)
            if halves is None:
                _add(values, one)
            else:
                chosen.append((one, *halves))
        if not chosen:
            continue
        scored = score([(*one.shown, half) for one, *both in chosen for half in both])
        count += 2 * len(chosen)
        for i, (one, left, right) in enumerate(chosen):
            for half, other, alone, rest in (
                (left, right, scored[2 * i], scored[2 * i + 1]),
                (right, left, scored[2 * i + 1], scored[2 * i]),
            ):
                weight = one.weight / 2
                for shown, without, with_it in (
                    (one.shown, one.without, alone),
                    ((*one.shown, other), rest, one.with_it),
                ):
                    urgency = -float(np.max(np.abs(with_it - without) / scale)) * weight
                    heapq.heappush(waiting, _Open(urgency, turn, shown, without, with_it, half, weight))
                    turn += 1
    finished = all(tree.halves(one.node) is None for one in waiting)
    for one in waiting:
        _add(values, one)
    return Owen(values, empty, full, count + 2, finished)


def _add(values: dict[int, Array], one: _Open) -> None:
    change = (one.with_it - one.without) * one.weight
    values[one.node] = values[one.node] + change if one.node in values else change
