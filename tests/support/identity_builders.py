"""Fakes for identity terms: models that score by the words of a text, and contexts around them."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path

import numpy as np
import pyarrow as pa
from builders import binary_predictions, build_examples

from audit.core import Task, TaskKind
from audit.executors import Serial
from audit.protocols import Context
from audit.spec import IdentitySpec, Spec

YES_NO = Task(kind=TaskKind.BINARY, classes=("no", "yes"))


class WordModel:
    """Scores "toxic" by a function of the text, "insult" by half of it; counts what it was asked."""

    payload = "text"

    def __init__(self, score: Callable[[str], float]) -> None:
        self.tasks = {"toxic": YES_NO, "insult": YES_NO}
        self.score = score
        self.asked: list[str] = []

    def predict(self, batch: Sequence[str]) -> dict[str, np.ndarray]:
        self.asked += batch
        scores = np.array([self.score(text) for text in batch])
        return {"toxic": scores, "insult": scores / 2}


def text_context(
    texts: Sequence[str | None],
    model: object,
    cache: Path,
    clusters: Sequence[int] | None = None,
    threshold: float = 0.5,
    **identity: object,
) -> Context:
    """An audit of texts with a model; every row is audited."""
    examples = build_examples(len(texts), clusters=clusters)
    examples = replace(examples, source=replace(examples.source, payloads=("text",)))
    column = pa.array(texts, pa.string())
    return Context(
        examples=examples,
        predictions={"toxic": binary_predictions(None, np.zeros(len(texts)), threshold, "toxic")},
        audited=np.ones(len(texts), bool),
        spec=Spec(minimum_n=5, identity=IdentitySpec(**identity)),
        seed=0,
        executor=Serial(),
        cache=cache,
        payloads=lambda name, rows: column.take(pa.array(rows)).to_pylist(),
        model=model,
    )
