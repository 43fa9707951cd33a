"""Models without a framework whose right explanation is known."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence

import numpy as np

from audit.core import Task, TaskKind


class FakeModel:
    """Scores by a function of the whole batch, and counts what it was asked."""

    def __init__(self, payload: str, tasks: Mapping[str, Task], score: Callable) -> None:
        self.payload, self.tasks, self.score, self.seen = payload, tasks, score, 0

    def predict(self, batch: Sequence) -> dict[str, np.ndarray]:
        self.seen += len(batch)
        return {output: np.asarray(values, float) for output, values in self.score(batch).items()}


YES_NO = Task(kind=TaskKind.BINARY, classes=("no", "yes"))
NUMBER = Task(kind=TaskKind.REGRESSION, unit="years")
KINDS = Task(kind=TaskKind.MULTICLASS, classes=("a", "b", "c"))

BAD = {"awful": 0.5, "stupid": 0.3, "rude": 0.15, "kind": -0.2}


def word_sums() -> FakeModel:
    """Yes/no output: the sum of known words' weights; a number: how many words there are."""

    def score(batch: Sequence[str]) -> dict:
        words = [text.lower().split() for text in batch]
        return {
            "toxic": [0.1 + sum(BAD.get(word.strip(".,!"), 0.0) for word in line) for line in words],
            "length": [len(line) for line in words],
        }

    return FakeModel("text", {"toxic": YES_NO, "length": NUMBER}, score)


def tangled_words() -> FakeModel:
    """Two outputs to which every word counts, some against each other, and the rest of the text too."""

    def score(batch: Sequence[str]) -> dict:
        weight = [[np.sin(sum(map(ord, word))) for word in text.split()] for text in batch]
        total = np.array([sum(line) for line in weight])
        pairs = np.array([sum(a * b for a, b in zip(line, line[1:], strict=False)) for line in weight])
        return {"toxic": 1 / (1 + np.exp(-total - pairs)), "length": total**2 + pairs}

    return FakeModel("text", {"toxic": YES_NO, "length": NUMBER}, score)


def both_words(first: str = "not", second: str = "good") -> FakeModel:
    """AND: 1 where both words are there."""
    return FakeModel(
        "text",
        {"toxic": YES_NO},
        lambda batch: {"toxic": [first in t.split() and second in t.split() for t in batch]},
    )


def smooth_pictures() -> FakeModel:
    """Three outputs of mixed kinds that depend smoothly, and not additively, on every pixel."""

    def score(batch: Sequence[np.ndarray]) -> dict:
        x = np.stack(batch).astype(float) / 255  # (n, H, W, 3)
        n, height, width, _ = x.shape
        wave = np.sin(np.arange(height)[:, None] * 0.7 + np.arange(width)[None] * 0.31)
        a = (x[..., 0] * wave).mean((1, 2))
        b = (x[..., 1] ** 2 * np.cos(wave * 3)).mean((1, 2))
        logits = np.stack([a * 9, b * 7, a * b * 50], axis=1)
        shares = np.exp(logits) / np.exp(logits).sum(1, keepdims=True)
        return {"age": 30 + 40 * a - 25 * b + 60 * a * b, "gender": 1 / (1 + np.exp(-8 * a)), "kind": shares}

    return FakeModel("image", {"age": NUMBER, "gender": YES_NO, "kind": KINDS}, score)


def patch_pictures(rows: slice = slice(0, 8), columns: slice = slice(0, 8)) -> FakeModel:
    """A yes/no output that looks at one patch alone: its mean brightness."""
    return FakeModel(
        "image",
        {"marked": YES_NO},
        lambda batch: {"marked": [p[rows, columns].mean() / 255 for p in batch]},
    )


def constant(payload: str, value: float = 0.5) -> FakeModel:
    """Says the same of everything."""
    return FakeModel(payload, {"same": YES_NO}, lambda batch: {"same": [value] * len(batch)})


def picture(height: int = 40, width: int = 48, seed: int = 0) -> np.ndarray:
    """A picture of coarse blocks with noise on them."""
    rng = np.random.default_rng(seed)
    blocks = rng.integers(0, 256, (-(-height // 8), -(-width // 8), 3)).repeat(8, 0).repeat(8, 1)
    noisy = blocks[:height, :width] + rng.normal(0, 6, (height, width, 3))
    return np.clip(noisy, 0, 255).astype(np.uint8)
