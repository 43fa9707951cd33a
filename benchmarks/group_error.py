"""Error by group against fairlearn's MetricFrame and scikit-learn, both sides in one run; medians.

Run: python benchmarks/group_error.py [--rows 1000000] [--repeats 5] [--audit] [--ten]
Claims (1,000,000 rows, three attributes crossed into 60 slices):
    rates >= 100 x MetricFrame; rates with intervals >= 1,000 x MetricFrame(n_boot=2000), extrapolated;
    AUC of 6 labels with intervals >= 200 x roc_auc_score resampled 2,000 times, no slower than its bare
    points; --audit: `plumbline audit` < 20 s and < 2 GB;  --ten: 10 x the rows in at most 12.5 x the time.
"""

from __future__ import annotations

import argparse
import os
import statistics
import subprocess
import sys
import tempfile
import time
import warnings
from collections.abc import Callable
from pathlib import Path

import numpy as np
import pandas as pd
import pyarrow as pa
import pyarrow.csv as pacsv
from fairlearn.metrics import MetricFrame, false_positive_rate, selection_rate, true_positive_rate
from sklearn.metrics import accuracy_score, roc_auc_score

from audit import intervals
from audit.auc import auc_by_slice
from audit.core import Attribute
from audit.counts import cell_counts
from audit.placements import rank
from audit.slices import SliceSet, slice_set

SIZES = {"age": 5, "ethnicity": 4, "gender": 3}
RATES = {
    "selection": selection_rate,
    "tpr": true_positive_rate,
    "fpr": false_positive_rate,
    "accuracy": accuracy_score,
}
BOOT, BOOT_ROWS, BOOT_DONE = 2_000, 100_000, 10


def median(function: Callable[[], object], repeats: int) -> float:
    """Median seconds of a call, one warm-up first."""
    function()
    seconds = []
    for _ in range(repeats):
        start = time.perf_counter()
        function()
        seconds.append(time.perf_counter() - start)
    return statistics.median(seconds)


def table(rows: int, labels: int = 1) -> tuple[dict[str, Attribute], np.ndarray, np.ndarray]:
    """Attributes, truths (labels, n) and scores (labels, n)."""
    rng = np.random.default_rng(0)
    attributes = {
        name: Attribute(
            name=name,
            values=tuple(f"{name}{i}" for i in range(k)),
            codes=rng.integers(0, k, rows).astype(np.int32),
        )
        for name, k in SIZES.items()
    }
    truth = (rng.random((labels, rows)) < 0.3).astype(np.int8)
    scores = np.clip(0.3 * truth + 0.7 * rng.random((labels, rows)), 0, 1)
    return attributes, truth, scores


def crossing(attributes: dict[str, Attribute], rows: int) -> SliceSet:
    """The 60 cells of all three attributes, and everything above them."""
    return slice_set(attributes, np.arange(rows), len(SIZES), {}, 30)


def rates(cells: np.ndarray, attributes: dict[str, Attribute], with_intervals: bool) -> list[object]:
    """Count the 60 cells and read the four rates, with Wilson and Newcombe intervals on request."""
    code = np.zeros(len(cells), dtype=np.int64)
    for attribute in attributes.values():
        code = code * len(attribute.values) + attribute.codes
    tn, fp, fn, tp = np.bincount(code * 4 + cells, minlength=240).reshape(60, 4).T.astype(float)
    n = tn + fp + fn + tp
    pairs = [(fp + tp, n), (tp, fn + tp), (fp, tn + fp), (tn + tp, n)]
    if not with_intervals:
        return [e / d for e, d in pairs]
    found: list[object] = []
    for e, d in pairs:
        found += [intervals.wilson(e, d), intervals.newcombe(e, d, e.sum() - e, d.sum() - d)]
    return found


def compare_rates(rows: int, repeats: int) -> None:
    """Point estimates and intervals against MetricFrame."""
    attributes, truth, scores = table(rows)
    decision = (scores[0] >= 0.5).astype(np.int8)
    frame = pd.DataFrame({k: np.array(a.values, dtype=object)[a.codes] for k, a in attributes.items()})
    cells = truth[0].astype(np.int64) * 2 + decision
    ours = median(lambda: rates(cells, attributes, False), repeats)
    theirs = median(
        lambda: (
            MetricFrame(metrics=RATES, y_true=truth[0], y_pred=decision, sensitive_features=frame).by_group
        ),
        1,
    )
    print(
        f"rates, 60 slices of {rows:,} rows: {ours:.3f} s, MetricFrame {theirs:.1f} s: {theirs / ours:,.0f} x"
    )
    slices = crossing(attributes, rows)
    every = median(lambda: cell_counts(slices, cells, 4), repeats)
    print(f"  counts of all {len(slices)} slices of depth <= 3: {every:.3f} s")
    ours = median(lambda: rates(cells, attributes, True), repeats)
    few = slice(0, BOOT_ROWS)
    start = time.perf_counter()
    MetricFrame(
        metrics=RATES,
        y_true=truth[0][few],
        y_pred=decision[few],
        sensitive_features=frame[few],
        n_boot=BOOT_DONE,
        ci_quantiles=[0.025, 0.975],
    )
    spent = time.perf_counter() - start
    theirs = spent * BOOT / BOOT_DONE * rows / BOOT_ROWS
    print(
        f"rates with 95 % intervals: {ours:.3f} s, MetricFrame(n_boot={BOOT}) {theirs:,.0f} s "
        f"(extrapolated from {BOOT_DONE} on {BOOT_ROWS:,} rows, {spent:.1f} s): {theirs / ours:,.0f} x"
    )


def compare_auc(rows: int, repeats: int, labels: int = 6) -> None:
    """AUC with closed-form intervals against scikit-learn looped over the slices."""
    attributes, truth, scores = table(rows, labels)
    code = np.zeros(rows, dtype=np.int32)
    for attribute in attributes.values():
        code = code * len(attribute.values) + attribute.codes

    def ours() -> None:
        for y, s in zip(truth, scores, strict=True):
            auc_by_slice(rank(s), y, code, 60)

    def theirs() -> None:
        for y, s in zip(truth, scores, strict=True):
            for k in range(60):
                inside = code == k
                roc_auc_score(y[inside], s[inside])

    one, other = median(ours, repeats), median(theirs, 1)
    print(
        f"AUC, {labels} labels x 60 slices, intervals and outsides: {one:.2f} s; roc_auc_score, points only "
        f"{other:.1f} s ({other / one:.1f} x), {BOOT:,} resamples extrapolated {other * BOOT:,.0f} s "
        f"({other * BOOT / one:,.0f} x)"
    )


def audit(rows: int) -> float:
    """Time `plumbline audit` on a file, process start to run written."""
    attributes, truth, scores = table(rows)
    with tempfile.TemporaryDirectory() as folder:
        path = Path(folder) / "big.csv"
        columns = {
            "id": np.arange(rows).astype(str),
            "true.out": truth[0],
            "score.out": np.round(scores[0], 6),
            **{f"group.{k}": np.array(a.values, dtype=object)[a.codes] for k, a in attributes.items()},
        }
        pacsv.write_csv(pa.table(columns), path)
        del columns, truth, scores
        command = [sys.executable, "-m", "dashboard.cli.main", "audit", "--predictions", str(path)]
        start = time.perf_counter()
        child = subprocess.Popen([*command, "--runs", folder + "/runs"], stdout=subprocess.DEVNULL)
        _, status, usage = os.wait4(child.pid, 0)
        spent = time.perf_counter() - start
        child.returncode = os.waitstatus_to_exitcode(status)
    if child.returncode:
        raise SystemExit(f"plumbline audit ended with {child.returncode}")
    print(
        f"plumbline audit, {rows:,} rows x 3 attributes: {spent:.1f} s, peak {usage.ru_maxrss / 1e6:.2f} GB"
    )
    return spent


def main() -> None:
    """Run what was asked for."""
    parser = argparse.ArgumentParser(description=__doc__.split("\n")[0] if __doc__ else "")
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument("--audit", action="store_true")
    parser.add_argument("--ten", action="store_true", help="audit of ten times the rows as well")
    args = parser.parse_args()
    warnings.simplefilter("ignore")
    compare_rates(args.rows, args.repeats)
    compare_auc(args.rows, min(args.repeats, 3))
    if args.audit or args.ten:
        once = statistics.median(audit(args.rows) for _ in range(3))
        if args.ten:
            print(f"growth to {10 * args.rows:,} rows: {audit(10 * args.rows) / once:.1f} x")


if __name__ == "__main__":
    main()
