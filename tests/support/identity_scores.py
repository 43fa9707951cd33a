"""Made-up scores, memberships and texts with a known harm in them, for tests of identity terms."""

import numpy as np

from audit.core import Predictions, Task, TaskKind

N, K = 6000, 6


def memberships(seed=0, n=N, k=K):
    return (np.random.default_rng(seed).random((n, k)) < 0.12).astype(np.float32)


def scores_of(truth, shares, seed=1, harmless=0.0, abuse=0.0):
    """Harmless texts about g0 score higher, abuse of g1 scores lower."""
    noise = np.random.default_rng(seed).normal(size=len(truth))
    raw = noise + 2.5 * truth - 1.2 + harmless * shares[:, 0] * (1 - truth) - abuse * shares[:, 1] * truth
    return 1 / (1 + np.exp(-raw))


def truth_of(seed=2, n=N):
    return (np.random.default_rng(seed).random(n) < 0.3).astype(np.int8)


def cells_of(section):
    return section.tables["cells"].to_pandas().set_index(["output", "identity", "metric"]).sort_index()


def remarks(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    who = ["people", "Muslims", "gay men", "women", "Germans"]
    return [
        f"these {who[w]} are {'awful' if bad else 'fine'}"
        for w, bad in zip(rng.integers(0, 5, n), rng.random(n) < 0.4, strict=True)
    ]


def multilabel(truth, scores):
    return Predictions(
        output="comment",
        task=Task(kind=TaskKind.MULTILABEL, classes=("toxic", "threat")),
        rows=np.arange(len(truth)),
        truth=truth,
        scores=scores,
        decision=np.where(truth < 0, -1, scores >= 0.5).astype(np.int8),
        thresholds=(0.5, 0.5),
    )
