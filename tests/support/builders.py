"""Builders of small audits, imported by tests as `builders`."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
import pyarrow as pa

from audit.core import UNKNOWN, Attribute, Examples, Predictions, Source, Task, TaskKind


def build_attribute(name: str, values: Sequence[str]) -> Attribute:
    names = sorted(set(values) - {UNKNOWN}) + ([UNKNOWN] if UNKNOWN in set(values) else [])
    place = {v: i for i, v in enumerate(names)}
    return Attribute(name=name, values=tuple(names), codes=np.array([place[v] for v in values], np.int32))


def build_examples(
    n: int, groups: Mapping[str, Sequence[str]] | None = None, clusters: Sequence[int] | None = None
) -> Examples:
    return Examples(
        ids=pa.array([f"r{i}" for i in range(n)]),
        split=np.full(n, 2, np.int8),
        attributes={k: build_attribute(k, v) for k, v in (groups or {}).items()},
        identities={},
        clusters=None if clusters is None else np.asarray(clusters, np.int32),
        images=None,
        source=Source(path="t.csv", sha256="0" * 64, data_root="."),
    )


def binary_predictions(
    truth: Sequence[int] | None,
    scores: Sequence[float],
    threshold: float = 0.5,
    name: str = "out",
) -> Predictions:
    s = np.asarray(scores, dtype=np.float64)
    return Predictions(
        output=name,
        task=Task(kind=TaskKind.BINARY, classes=("0", "1")),
        rows=np.arange(len(s)),
        truth=None if truth is None else np.asarray(truth, np.int8),
        scores=s,
        decision=(s >= threshold).astype(np.int8),
        thresholds=(threshold,),
    )
