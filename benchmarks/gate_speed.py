"""How fast the version gate is, against a loop of scikit-learn's metrics over resampled rows.

`benchmarks/gate.py` runs it and holds the claims. Here too: what the simulations draw rows from.
"""

from __future__ import annotations

import os
import time
from collections.abc import Callable

import numpy as np
from sklearn import metrics as sk

from audit.core import Attribute, Task, TaskKind
from audit.group_error.targets import Target
from audit.slices import SliceSet, slice_set
from audit.versions.changes import ChangeColumn, change_columns
from audit.versions.join import Pair
from audit.versions.paired import Settings


def slices_of(sizes: np.ndarray) -> SliceSet:
    """Everyone and one attribute whose values have the sizes."""
    values = tuple(f"s{i:02}" for i in range(len(sizes)))
    codes = np.repeat(np.arange(len(sizes)), sizes).astype(np.int32)
    attribute = Attribute(name="group", values=values, codes=codes)
    return slice_set({"group": attribute}, np.arange(len(codes)), 1, {}, 30)


def scored_pair(rng: np.random.Generator, n: int, alike: float = 0.8) -> Pair:
    """Two exchangeable models' scores of the same rows: a shared signal and noise of their own."""
    truth = (rng.random(n) < 0.3).astype(np.int8)
    shared = rng.normal(size=n) * np.sqrt(alike) + np.where(truth == 1, 1.6, 0.0)
    task = Task(kind=TaskKind.BINARY, classes=("0", "1"))
    sides = []
    for _ in range(2):
        score = 1 / (1 + np.exp(-2 * (shared + rng.normal(size=n) * np.sqrt(1 - alike) - 1.0)))
        sides.append(
            Target(
                name="out",
                task=task,
                rows=np.arange(n),
                truth=truth,
                scores=score,
                decision=(score >= 0.5).astype(np.int8),
                threshold=0.5,
            )
        )
    return Pair(old=sides[0], new=sides[1])


def timed(function: Callable[[], object]) -> tuple[float, float]:
    """Seconds of wall clock and of this process's processors."""
    wall, cpu = time.perf_counter(), time.process_time()
    function()
    return time.perf_counter() - wall, time.process_time() - cpu


def speed(rows: int, replicates: int = 2_000, done: int = 20) -> list[str]:
    """Ours against a loop of scikit-learn's metrics over resampled rows."""
    rng = np.random.default_rng(5)
    pair = scored_pair(rng, rows)
    attributes = {
        name: Attribute(
            name=name,
            values=tuple(f"{name}{i}" for i in range(size)),
            codes=rng.integers(0, size, rows).astype(np.int32),
        )
        for name, size in {"age": 5, "ethnicity": 4, "gender": 3}.items()
    }
    slices = slice_set(attributes, np.arange(rows), 2, {}, 30)
    settings = Settings(replicates=replicates)
    small = scored_pair(rng, 1_000)
    change_columns(small, slices_of(np.array([500, 500])), None, settings)  # compiles
    columns: list[ChangeColumn] = []
    wall, cpu = timed(lambda: columns.extend(change_columns(pair, slices, None, settings)))
    names = [c.metric.name for c in columns]
    loop = sklearn_loop(pair, slices, done) / done * replicates
    text = [
        "",
        "## Speed",
        "",
        f"{rows:,} paired rows in memory, {len(slices)} slices, {len(names)} metrics ({', '.join(names)}),",
        f"{replicates:,} replicates where a bootstrap is needed, gap of gaps included: {wall:.1f} s,",
        f"{cpu:.1f} s of processor time (load {os.getloadavg()[0]:.0f} on {os.cpu_count()} cores).",
        f"A loop of scikit-learn's metrics on resampled rows, {done} done, {replicates:,} extrapolated:",
        f"{loop:,.0f} s of processor time, {loop / cpu:,.0f} times as much.",
    ]
    print("\n".join(text), flush=True)
    return text


def sklearn_loop(pair: Pair, slices: SliceSet, replicates: int) -> float:
    """Processor seconds of nine metrics of both versions in every slice, on rows drawn again."""
    rng = np.random.default_rng(0)
    truth = pair.old.truth
    assert truth is not None
    start = time.process_time()
    for part in slices.partitions:
        for k in range(part.size):
            members = np.flatnonzero(part.codes == k)
            for _ in range(replicates):
                at = members[rng.integers(0, len(members), len(members))]
                for side in (pair.old, pair.new):
                    assert side.scores is not None
                    _sklearn_metrics(truth[at], side.decision[at], side.scores[at])
    return time.process_time() - start


def _sklearn_metrics(truth: np.ndarray, decision: np.ndarray, score: np.ndarray) -> None:
    sk.accuracy_score(truth, decision)
    sk.recall_score(truth, decision)
    sk.recall_score(truth, decision, pos_label=0)
    sk.precision_score(truth, decision)
    sk.f1_score(truth, decision)
    sk.balanced_accuracy_score(truth, decision)
    sk.roc_auc_score(truth, score)
    sk.brier_score_loss(truth, score)
    sk.log_loss(truth, score)
