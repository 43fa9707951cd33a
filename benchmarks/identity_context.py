"""An audit's context around made-up comments that speak of declared identities."""

from __future__ import annotations

from collections.abc import Mapping
from concurrent.futures import Executor
from pathlib import Path

import numpy as np
import pyarrow as pa

from audit.core import Examples, Predictions, Source, Task, TaskKind
from audit.protocols import Context
from audit.spec import Spec


def comments_context(
    labels: tuple[str, ...],
    truth: np.ndarray,
    scores: np.ndarray,
    identities: Mapping[str, np.ndarray],
    *,
    clusters: np.ndarray | None,
    seed: int,
    executor: Executor,
    cache: Path,
) -> Context:
    """(n, L) truths and scores of labels, decided at a half; every row is audited."""
    n = len(truth)
    examples = Examples(
        ids=pa.array(np.arange(n)).cast(pa.string()),
        split=np.full(n, 2, np.int8),
        attributes={},
        identities=identities,
        clusters=clusters,
        images=None,
        source=Source(path="made", sha256="", data_root="."),
    )
    predictions = Predictions(
        output="comment",
        task=Task(kind=TaskKind.MULTILABEL, classes=labels),
        rows=np.arange(n),
        truth=truth,
        scores=scores,
        decision=(scores >= 0.5).astype(np.int8),
        thresholds=(0.5,) * len(labels),
    )
    return Context(
        examples=examples,
        predictions={"comment": predictions},
        audited=np.ones(n, bool),
        spec=Spec(),
        seed=seed,
        executor=executor,
        cache=cache,
    )
