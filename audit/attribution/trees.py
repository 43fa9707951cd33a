"""Trees of features for Owen values: boxes of a picture, runs of words of a text."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
from numpy.typing import NDArray

from audit.attribution.hiding import Boxes
from audit.attribution.owen import Owen, Shown
from audit.attribution.sampling import Masks

Array = NDArray[np.float64]

_OPENERS, _CLOSERS = {"(": ")"}, {")": "("}
_CONNECTORS, _ENDERS = ("but", "and", "or"), (".", "?", "!")


class BoxTree:
    """A picture cut in half again and again, across its longer side, down to pixels.

    Source:
        `shap.maskers.Image`, shap 0.51; its last step, a pixel into its channels, is left out.
    """

    root = 0

    def __init__(self, height: int, width: int) -> None:
        """Begin with the whole picture; nodes are made when they are asked for."""
        self.boxes: list[tuple[int, int, int, int]] = [(0, height, 0, width)]
        self._halves: dict[int, tuple[int, int]] = {}

    def halves(self, node: int) -> tuple[int, int] | None:
        """The two parts of a box; None for a pixel."""
        if node in self._halves:
            return self._halves[node]
        top, bottom, left, right = self.boxes[node]
        height, width = bottom - top, right - left
        if height >= width and height > 1:
            middle = top + height // 2
            parts = [(top, middle, left, right), (middle, bottom, left, right)]
        elif width > 1:
            middle = left + width // 2
            parts = [(top, bottom, left, middle), (top, bottom, middle, right)]
        else:
            return None
        self._halves[node] = (len(self.boxes), len(self.boxes) + 1)
        self.boxes += parts
        return self._halves[node]

    def masks(self, shown: Sequence[Shown]) -> tuple[Boxes, Masks]:
        """The boxes that are needed, and (n, B) which of them each version shows."""
        used = sorted({node for nodes in shown for node in nodes})
        place = {node: i for i, node in enumerate(used)}
        masks = np.zeros((len(shown), len(used)), dtype=np.bool_)
        for row, nodes in enumerate(shown):
            masks[row, [place[node] for node in nodes]] = True
        return np.array([self.boxes[node] for node in used], dtype=np.int64).reshape(-1, 4), masks

    def spread(self, found: Owen) -> Array:
        """(H * W, K) value of every pixel: what is left in a box is shared by its pixels."""
        _, height, _, width = self.boxes[0]
        values = np.zeros((height, width, len(found.full)))
        for node, value in found.values.items():
            top, bottom, left, right = self.boxes[node]
            values[top:bottom, left:right] += value / ((bottom - top) * (right - left))
        return values.reshape(height * width, -1)


class WordTree:
    """Neighbouring words merged into runs, by the rules of `shap`, in time that grows as P log P in practice.

    Source:
        `shap.maskers._text.partition_tree`, shap 0.51: equal trees.
    """

    def __init__(self, words: Sequence[str]) -> None:
        """Build the tree.

        Args:
            words: P >= 1 pieces of text, each a word with the signs after it.
        """
        self.words = list(words)
        self.runs: list[tuple[int, int]] = [(i, i + 1) for i in range(len(self.words))]
        self.clustering: list[tuple[int, int]] = []
        """(P - 1) pairs of nodes in the order of their merging, as scipy's linkage names them."""
        self._closed = [word not in _OPENERS and word not in _CLOSERS for word in self.words]
        self._merge()
        self.root = len(self.runs) - 1

    def halves(self, node: int) -> tuple[int, int] | None:
        """The two parts of a run; None for a word."""
        return self.clustering[node - len(self.words)] if node >= len(self.words) else None

    def masks(self, shown: Sequence[Shown]) -> Masks:
        """(n, P) which words each version shows."""
        masks = np.zeros((len(shown), len(self.words)), dtype=np.bool_)
        for row, nodes in enumerate(shown):
            for node in nodes:
                start, stop = self.runs[node]
                masks[row, start:stop] = True
        return masks

    def spread(self, found: Owen) -> Array:
        """(P, K) value of every word: what is left in a run is shared by its words."""
        values = np.zeros((len(self.words), len(found.full)))
        for node, value in found.values.items():
            start, stop = self.runs[node]
            values[start:stop] += value / (stop - start)
        return values

    def _merge(self) -> None:
        n = len(self.words)
        node = list(range(n))  # node of the run that starts at each word
        following = list(range(1, n + 1))  # start of the next run
        before = list(range(-1, n - 1))  # start of the run before
        scores = np.full(n, -np.inf)  # of merging the run that starts here with the next
        for start in range(n - 1):
            scores[start] = self._score((start, start + 1), (start + 1, start + 2))
        for _ in range(n - 1):
            left = int(np.argmax(scores))
            right = following[left]
            self.clustering.append((node[left], node[right]))
            end = self.runs[node[right]][1]
            if self.words[left] in _OPENERS and self.words[end - 1] == _OPENERS[self.words[left]]:
                self._closed[left] = self._closed[end - 1] = True
            node[left] = len(self.runs)
            self.runs.append((left, end))
            following[left] = following[right]
            scores[right] = -np.inf
            if following[left] < n:
                before[following[left]] = left
            for start in (before[left], left):
                after = following[start] if start >= 0 else n
                scores_here = (
                    self._score(self.runs[node[start]], self.runs[node[after]]) if after < n else -np.inf
                )
                if start >= 0:
                    scores[start] = scores_here

    def _score(self, first: tuple[int, int], second: tuple[int, int]) -> float:
        """How much two neighbouring runs belong together; shap's heuristic, rule by rule."""
        words = self.words
        size = second[1] - second[0]
        opening, last, head, end = (
            words[first[0]],
            words[first[1] - 1],
            words[second[0]],
            words[second[1] - 1],
        )
        rules = (
            (head.startswith("##"), 20),
            (head == "'" and (size == 1 or (size == 2 and words[second[0] + 1] in ("t", "s"))), 15),
            (last == "'" and head in ("t", "s"), 15),
            (_control(opening) != _control(end), -1000),
            (head in _OPENERS and not self._closed[second[0]], -100),
            (last in _CLOSERS and not self._closed[first[1] - 1], -100),
            (opening in _OPENERS, -2),
            (last in _CONNECTORS or head in _CONNECTORS, -2),
            (last == ",", -10),
            (head == ",", -10 if size > 1 else -1),
            (last in _ENDERS, -20),
            (head in _ENDERS, -20 if size > 1 else -1),
        )
        return sum(points for true, points in rules if true) - (first[1] - first[0]) - size


def _control(word: str) -> bool:
    return word.startswith("[") and word.endswith("]")
