"""What it costs to count a million stored rows for the page Data, beside pandas on the same file.

    python benchmarks/data_profile.py [--rows 1000000] [--runs 5]

A run of made-up rows is stored in a temporary folder: two yes/no outputs, a number, three attributes, texts.
Every table is timed from the file to the finished table; pandas reads the columns that it needs and no other.
"""

from __future__ import annotations

import argparse
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa

from audit.core import SPLITS, Attribute, Examples, Predictions, Source, Task, TaskKind
from audit.profile import stored
from audit.profile.counts import crossing, distribution
from audit.profile.labels import co_occurrence
from audit.profile.numbers import by_group, edges_of, histogram_by
from audit.profile.rates import base_rates
from audit.profile.sample import simple
from audit.profile.texts import text_lengths
from audit.store.layout import PREDICTIONS
from audit.store.predictions_file import write_predictions

GROUPS = {"gender": 3, "ethnicity": 9, "region": 60}
SAMPLE = 20_000
YES_NO = {"kind": TaskKind.BINARY, "classes": ("0", "1")}
NUMBER = {"kind": TaskKind.REGRESSION, "classes": ()}


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--runs", type=int, default=5)
    args = parser.parse_args()
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        store(folder, args.rows)
        print(f"{args.rows:,} rows, median of {args.runs} runs\n")
        print("| table | here, ms | pandas, ms | pandas ÷ here |\n| --- | --- | --- | --- |")
        total = 0.0
        for title, (ours, theirs) in tables(folder).items():
            mine = median(ours, args.runs)
            total += mine
            peer = median(theirs, args.runs) if theirs else None
            beside = f"{1e3 * peer:.0f} | {peer / mine:.1f}" if peer else "– | –"
            print(f"| {title} | {1e3 * mine:.0f} | {beside} |")
        print(f"\nall tables: {total:.2f} s")


def median(work: Callable[[], object], runs: int) -> float:
    work()
    seconds = []
    for _ in range(runs):
        started = time.perf_counter()
        work()
        seconds.append(time.perf_counter() - started)
    return statistics.median(seconds)


def store(folder: Path, n: int) -> None:
    """Write predictions.parquet as an audit does."""
    rng = np.random.default_rng(0)
    attributes = {
        name: Attribute(
            name=name,
            values=tuple(f"{name}{i:02d}" for i in range(size)),
            codes=rng.integers(0, size, n).astype(np.int32),
        )
        for name, size in GROUPS.items()
    }
    examples = Examples(
        ids=pa.array(np.arange(n).astype(str)),
        split=rng.integers(0, len(SPLITS), n).astype(np.int8),
        attributes=attributes,
        identities={},
        clusters=None,
        images=None,
        source=Source(path="", sha256="", data_root="", payloads=("text",)),
    )
    base = [" ".join(["lorem ipsum dolor sit amet"] * k) for k in range(20)]
    texts = pa.array([base[k] for k in rng.integers(1, 20, n)])
    write_predictions(folder / PREDICTIONS, examples, outputs(n, rng), [texts])


def outputs(n: int, rng: np.random.Generator) -> list[Predictions]:
    rows, age = np.arange(n), rng.integers(0, 90, n).astype(np.float64)
    yes_no = Task(kind=TaskKind.BINARY, classes=("0", "1"))
    found = [
        Predictions(
            output="age",
            task=Task(kind=TaskKind.REGRESSION),
            rows=rows,
            truth=age,
            scores=None,
            decision=age + 1,
        )
    ]
    for name, rate in (("toxic", 0.3), ("insult", 0.1)):
        truth = (rng.random(n) < rate).astype(np.int8)
        found.append(
            Predictions(
                output=name,
                task=yes_no,
                rows=rows,
                truth=truth,
                scores=rng.random(n),
                decision=truth,
                thresholds=(0.5,),
            )
        )
    return found


Pair = tuple[Callable[[], object], Callable[[], object] | None]


def tables(folder: Path) -> dict[str, Pair]:
    """Name of a table -> how it is made here, and by pandas."""
    questions = stored.questions({"toxic": YES_NO, "insult": YES_NO})

    def group(name: str) -> Attribute:
        return stored.attribute(folder, name, tuple(f"{name}{i:02d}" for i in range(GROUPS[name])))

    def frame(*columns: str) -> pd.DataFrame:
        return pd.read_parquet(folder / PREDICTIONS, columns=list(columns))

    def rates(by: str) -> pd.DataFrame:
        rows = frame("true.toxic", f"group.{by}")
        return (rows["true.toxic"] == "1").groupby(rows[f"group.{by}"], observed=False).agg(["size", "sum"])

    def numbers() -> pa.Table:
        values = stored.truth(folder, "age", NUMBER).number
        return histogram_by(values, group("gender"), edges_of(values))

    def quantiles() -> pd.DataFrame:
        rows = frame("true.age", "group.region").groupby("group.region", observed=False)["true.age"]
        return rows.quantile([0.05, 0.25, 0.5, 0.75, 0.95]).unstack()

    def together() -> pa.Table:
        labels = np.stack([stored.positive(folder, q) for q in questions], axis=1)
        return co_occurrence(labels, [q.name for q in questions])

    def lengths() -> pa.Table:
        rows = simple(np.arange(len(stored.splits(folder))), SAMPLE, 0)
        text = pa.array(stored.payloads(folder, rows, "text"), pa.string())
        own = group("ethnicity")
        picked = Attribute(name=own.name, values=own.values, codes=own.codes[rows])
        return by_group(text_lengths(text), picked)

    return {
        "rows of each region": (
            lambda: distribution(group("region")),
            lambda: frame("group.region")["group.region"].value_counts(),
        ),
        "ethnicity × region": (
            lambda: crossing(group("ethnicity"), group("region")),
            lambda: pd.crosstab(*(frame(f"group.{a}")[f"group.{a}"] for a in ("ethnicity", "region"))),
        ),
        "label by ethnicity, with intervals (pandas: without)": (
            lambda: base_rates(stored.positive(folder, questions[0]), group("ethnicity")),
            lambda: rates("ethnicity"),
        ),
        "histogram of a number by gender": (numbers, None),
        "quantiles of a number by region": (
            lambda: by_group(stored.truth(folder, "age", NUMBER).number, group("region")),
            quantiles,
        ),
        "two labels together": (together, None),
        f"lengths of {SAMPLE:,} sampled texts by ethnicity": (lengths, None),
    }


if __name__ == "__main__":
    main()
