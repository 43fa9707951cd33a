"""How fast identity terms are measured, and that real scores give scikit-learn's values.

    python -m benchmarks.identity_terms [speed] [clusters] [equal FILE ...]

speed: the whole probe over 1,000,000 made comments x 6 labels x 50 declared identities, every interval, power
mean, rate and what-if threshold included, against scikit-learn's `roc_auc_score` looped over the three
subsets of each cell, without intervals, timed at 100,000 rows and multiplied by 10. equal: predictions with
texts or identity columns; every AUC of the probe against `roc_auc_score` on the subset. Finding terms has a
benchmark of its own. Times are medians of the runs stated, in wall seconds.
"""

from __future__ import annotations

import resource
import statistics
import sys
import time
from collections.abc import Callable
from pathlib import Path
from tempfile import TemporaryDirectory

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv
import pyarrow.parquet as parquet
from sklearn.metrics import roc_auc_score

from audit.executors import local
from audit.identity_terms.label import label_of, yes_no_targets
from audit.identity_terms.lexicon import built_in
from audit.identity_terms.memberships import declared, mentioned
from audit.identity_terms.probe import IdentityTerms, found_memberships
from audit.identity_terms.shares import measure_shares
from audit.inputs.load import load
from audit.protocols import Context
from audit.spec import Spec
from benchmarks.identity_context import comments_context

SEED = 0
LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
RATES = (0.1, 0.01, 0.05, 0.003, 0.05, 0.01)
IDENTITIES = 50
ROWS, FEWER = 1_000_000, 100_000


def wall(work: Callable[[], object], runs: int) -> float:
    taken = []
    for _ in range(runs):
        start = time.perf_counter()
        work()
        taken.append(time.perf_counter() - start)
    return statistics.median(taken)


def line(what: str, value: str, target: str = "", met: bool | None = None) -> None:
    verdict = "" if met is None else ("  met" if met else "  MISSED")
    print(f"{what:78}{value:>12}{'   target ' + target if target else '':22}{verdict}", flush=True)


def made(n: int, folder: Path, workers: int, clusters: int = 0) -> Context:
    """Comments of which .1 % to 10 % speak of an identity, and six scores as a float network gives them."""
    rng = np.random.default_rng(SEED)
    truth = np.stack([(rng.random(n) < rate) for rate in RATES], axis=1).astype(np.int8)
    scores = 1 / (1 + np.exp(-(rng.normal(size=truth.shape) + 2.5 * truth - 2)))
    scores = scores.astype(np.float32).astype(np.float64)
    shares = np.geomspace(0.001, 0.1, IDENTITIES)
    return comments_context(
        LABELS,
        truth,
        scores,
        {f"g{k}": (rng.random(n) < s).astype(np.float32) for k, s in enumerate(shares)},
        clusters=rng.integers(0, clusters, n).astype(np.int32) if clusters else None,
        seed=SEED,
        executor=local(workers),
        cache=folder,
    )


def subsets(truth: np.ndarray, member: np.ndarray, asked: np.ndarray) -> dict[str, np.ndarray]:
    background = asked & ~member
    return {
        "subgroup_auc": member,
        "bpsn_auc": (member & (truth == 0)) | (background & (truth == 1)),
        "bnsp_auc": (member & (truth == 1)) | (background & (truth == 0)),
    }


def loop(context: Context, labels: int = len(LABELS), step: int = 1) -> None:
    """What one writes without a library: one call a subset, of every `step`-th identity."""
    predictions = context.predictions["comment"]
    every = np.ones(context.examples.n, bool)
    for share in list(context.examples.identities.values())[::step]:
        for j in range(labels):
            truth, scores = predictions.truth[:, j], predictions.scores[:, j]
            for rows in subsets(truth, share >= 0.5, every).values():
                if 0 < truth[rows].sum() < rows.sum():
                    roc_auc_score(truth[rows], scores[rows])


def shares_alone(context: Context) -> None:
    memberships = declared(context.examples.identities, 0.5, {})
    for name, target in yes_no_targets(context):
        measure_shares(label_of(name, target, memberships, None, context.examples.n), 0.95)


def speed(folder: Path) -> None:
    print(f"\n{ROWS:,} comments x {len(LABELS)} labels x {IDENTITIES} identities")
    IdentityTerms().run(made(2000, folder, 1))
    one = made(ROWS, folder, 1)
    alone = wall(lambda: shares_alone(one), 5)
    line("AUCs, AEGs, differences, their intervals: one thread, 5 runs", f"{alone:.2f} s", "30 s", alone < 30)
    line(
        "the whole probe: one thread, 5 runs", f"{(whole := wall(lambda: IdentityTerms().run(one), 5)):.2f} s"
    )
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    line("largest memory of the process, data included", f"{memory:.2f} GB", "4 GB", memory < 4)
    two = made(ROWS, folder, 2)
    line("the whole probe: two threads, 3 runs", f"{wall(lambda: IdentityTerms().run(two), 3):.2f} s")
    few = made(FEWER, folder, 1)
    looped = wall(lambda: loop(few), 3)
    line(f"roc_auc_score over subsets: {FEWER:,} rows, 3 runs", f"{looped:.1f} s")
    there = looped * ROWS / FEWER
    line(f"the same, extrapolated to {ROWS:,}", f"{there:.0f} s")
    line("AUCs and AEGs with intervals against that", f"{there / alone:.0f} x", "50 x", there / alone >= 50)
    line("the whole probe against that", f"{there / whole:.0f} x")
    sampled = wall(lambda: loop(one, 1, 5), 1) * len(LABELS) * 5
    line(f"roc_auc_score at {ROWS:,} rows, from 10 identities of one label", f"{sampled:.0f} s")
    line("AUCs and AEGs with intervals against that", f"{sampled / alone:.0f} x")


def clusters(folder: Path) -> None:
    print(
        f"\n{FEWER:,} comments of {FEWER // 10:,} authors: every row is walked for every label and identity"
    )
    line("the whole probe, two threads, 3 runs", f"{wall(lambda: _clustered(folder), 3):.1f} s")


def _clustered(folder: Path) -> None:
    IdentityTerms().run(made(FEWER, folder, 2, FEWER // 10))


def equal(path: Path, folder: Path) -> None:
    """Largest difference to scikit-learn over every AUC that both can compute."""
    loaded = load(path, Spec())
    n = loaded.examples.n
    texts = _texts(path, loaded.examples.source.payloads)
    context = Context(
        examples=loaded.examples,
        predictions=loaded.predictions,
        audited=np.ones(n, bool),
        spec=Spec(),
        seed=SEED,
        executor=local(1),
        cache=folder,
        payloads=None if texts is None else lambda _, rows: texts.take(pa.array(rows)).to_pylist(),
    )
    section = IdentityTerms().run(context)
    worst, compared = 0.0, 0
    memberships = mentioned(found_memberships(context, built_in()))
    values = {
        (c["output"], c["identity"], c["metric"]): c["value"]
        for c in section.tables["cells"].select(["output", "identity", "metric", "value"]).to_pylist()
    }
    for name, target in yes_no_targets(context):
        label = label_of(name, target, memberships, None, n)
        for k, rows in enumerate(label.members):
            member = np.zeros(target.n, bool)
            member[rows] = True
            asked = label.annotated[label.mask[k]]
            for metric, mask in subsets(target.truth, member, asked).items():
                value = values[target.name, memberships.names[k], metric]
                if not 0 < target.truth[mask].sum() < mask.sum():
                    assert value is None
                    continue
                expected = roc_auc_score(target.truth[mask], target.scores[mask])
                worst, compared = max(worst, abs(value - expected)), compared + 1
    line(f"{path.name}: largest difference of {compared:,} AUCs", f"{worst:.1e}", "1e-9", worst <= 1e-9)


def _texts(path: Path, payloads: tuple[str, ...]) -> pa.ChunkedArray | None:
    if "text" not in payloads:
        return None
    if path.suffix == ".parquet":
        return parquet.read_table(path, columns=["text"])["text"]
    return arrow_csv.read_csv(path, parse_options=arrow_csv.ParseOptions(newlines_in_values=True))["text"]


def main(words: list[str]) -> None:
    with TemporaryDirectory() as folder:
        if not words or "speed" in words:
            speed(Path(folder))
        if not words or "clusters" in words:
            clusters(Path(folder))
        if "equal" in words:
            for path in words[words.index("equal") + 1 :]:
                equal(Path(path), Path(folder))


if __name__ == "__main__":
    main(sys.argv[1:])
