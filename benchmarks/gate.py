"""How often the version gate is wrong, and how fast it is; writes docs/gate-simulations.md.

Run: python benchmarks/gate.py [--simulate] [--rows-check] [--speed] [--repeats 2000]   (all: half an hour)
Claims: two equal versions, 40 slices of 30 to 3,000 rows: at most 5 % of comparisons have any false
"regressed"; a loss of 10 points in one slice of 400 with at most 20 % of its rows changed, one metric over
40 slices, is found in at least 90 %. Beside it the gate that others use: "a point estimate dropped by more
than 2 points". Speed, 1,000,000 paired rows, 60 slices, 10 metrics, 2,000 replicates: < 15 s, and at least
100 times a loop of scikit-learn's metrics over resampled rows (extrapolated from 20).
"""

from __future__ import annotations

import argparse
from collections.abc import Iterable
from pathlib import Path
from typing import NamedTuple

import numpy as np
from gate_speed import scored_pair, slices_of, speed

from audit.core import TaskKind
from audit.group_error.compare import reference_keys
from audit.intervals import Interval
from audit.metrics import METRICS
from audit.slices import SliceSet
from audit.versions.changes import ChangeColumn, change_columns
from audit.versions.judging import judge_columns
from audit.versions.paired import PairedRate, Settings
from audit.versions.policy import Gate, Policy

SLICES, LOST_N, LOSS, DROP = 40, 400, 0.10, 0.02
ERROR = 0.20
"""Error rate of both versions."""
FORM = PairedRate(both=(0,), only_old=(1,), only_new=(2,), neither=(3,))
OUT = Path(__file__).parents[1] / "docs" / "gate-simulations.md"


class Tally(NamedTuple):
    """What one comparison ended in."""

    code: int
    planted: bool
    dropped: bool
    dropped_planted: bool
    demanded: float


def joint(rng: np.random.Generator, sizes: np.ndarray, changed: float, lost: np.ndarray) -> np.ndarray:
    """Counts (both wrong, only old, only new, neither) of everyone and of each slice.

    `changed` is the share of rows whose answer changed, `lost` (K,) the share by which errors grow.
    """
    only_new, only_old = (changed + lost) / 2, (changed - lost) / 2
    both = np.maximum(ERROR - only_old, 0.0)
    shares = np.stack([both, only_old, only_new, 1 - both - only_old - only_new], axis=1)
    counts = rng.multinomial(sizes, shares).astype(float)
    return np.vstack([counts.sum(axis=0), counts])


def column(counts: np.ndarray, slices: SliceSet, output: str) -> ChangeColumn:
    """The error rate's change, as `plumbline compare` computes it."""
    nothing = np.full(len(slices), np.nan)
    return ChangeColumn(
        output=output,
        metric=METRICS["error_rate"],
        slices=slices,
        change=FORM.change(counts, np.ones(len(slices)), Settings()),
        gap=Interval(nothing, nothing, nothing),
        reference=reference_keys(slices),
        method=FORM.method,
        test=FORM.test,
        discrete=True,
    )


def one(
    rng: np.random.Generator, metrics: int, changed: float, loss: float, policy: Policy, smallest: int
) -> Tally:
    """One comparison; the loss, if any, is in the first slice of the first metric, whose n is LOST_N."""
    sizes = np.exp(rng.uniform(np.log(smallest), np.log(3000), SLICES)).astype(int)
    sizes[0] = LOST_N if loss else sizes[0]
    slices = slices_of(sizes)
    lost = np.zeros(SLICES)
    columns = []
    for k in range(metrics):
        lost[0] = loss if k == 0 else 0.0
        columns.append(column(joint(rng, sizes, changed, lost), slices, f"m{k}"))
    kinds = {c.output: TaskKind.BINARY for c in columns}
    judged, _, _, answer = judge_columns(columns, policy, kinds)
    role = np.concatenate([j.role for j in judged])
    regressed = (answer.verdict == "regressed") & (role != "watched")
    open_ones = (role == "demanded") & (answer.verdict == "cannot_tell")
    drops = np.concatenate([c.change.value[1:] for c in columns]) > DROP
    return Tally(
        2 if regressed.any() else 3 if open_ones.any() else 0,
        bool(regressed[1]),
        bool(drops.any()),
        bool(drops[0]),
        float((role == "demanded").mean()),
    )


def shares(tallies: Iterable[Tally]) -> tuple[float, ...]:
    """Shares of: any regressed, ends in cannot tell, planted found; any drop, planted drop; and demanded."""
    rows = list(tallies)
    n = len(rows)
    return (
        sum(t.code == 2 for t in rows) / n,
        sum(t.code == 3 for t in rows) / n,
        sum(t.planted for t in rows) / n,
        sum(t.dropped for t in rows) / n,
        sum(t.dropped_planted for t in rows) / n,
        sum(t.demanded for t in rows) / n,
    )


def say(lines: list[str], line: str) -> None:
    """Keep a line and show it."""
    lines.append(line)
    print(line, flush=True)


def simulate(repeats: int, seed: int = 0) -> list[str]:
    """Tables of false alarms and of power, as Markdown."""
    policy = Policy(gates=(Gate(metric="error_rate"),))
    few = repeats // 4
    lines = [
        "## Two equal versions",
        "",
        f"{SLICES} slices of one attribute, n log-uniform from 30 to 3,000, error rate {ERROR:.0%} in both,",
        f"default policy (margin 5 points); {repeats:,} comparisons a row of one metric, {few:,} of ten",
        "independent ones. *False*: comparisons with any slice called regressed. *Demanded*: share of slices",
        "that the default policy finds large enough to demand; the others are tested for a regression only.",
        "",
        "| metrics | rows changed | false regressed | cannot tell | passes | demanded | one fell > 2 pts |",
        "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |",
    ]
    for metrics in (1, 10):
        for changed in (0.02, 0.10, 0.20, 0.30):
            rng = np.random.default_rng([seed, metrics, int(changed * 100)])
            times = repeats if metrics == 1 else few
            false, open_, _, fell, _, demanded = shares(
                one(rng, metrics, changed, 0.0, policy, 30) for _ in range(times)
            )
            cells = (false, open_, 1 - false - open_, demanded, fell)
            say(lines, f"| {metrics} | {changed:.0%} | " + " | ".join(f"{x:.1%}" for x in cells) + " |")
    lines += [
        "",
        "## A planted loss",
        "",
        f"{LOSS:.0%} more errors in one slice of n={LOST_N}, all other slices and metrics equal. *Found*:",
        "that slice is called regressed. A gate on a fall of more than 2 points finds it too, and finds one",
        "in nearly every comparison of two equal versions (above).",
        "",
        "| metrics | rows changed | found | fell > 2 points |",
        "| ---: | ---: | ---: | ---: |",
    ]
    for metrics in (1, 10):
        for changed in (0.10, 0.15, 0.20, 0.25, 0.30):
            rng = np.random.default_rng([seed + 1, metrics, int(changed * 100)])
            times = repeats if metrics == 1 else few
            _, _, found, _, fell, _ = shares(
                one(rng, metrics, changed, LOSS, policy, 30) for _ in range(times)
            )
            say(lines, f"| {metrics} | {changed:.0%} | {found:.1%} | {fell:.1%} |")
    return lines


def rows_check(repeats: int, seed: int = 3) -> list[str]:
    """False alarms where every metric is computed from rows: all tests, not only McNemar's."""
    names = ("error_rate", "fpr", "fnr", "ppv", "f1", "balanced_accuracy", "auc", "brier", "log_loss")
    names += ("average_precision", "calibration_error")
    policy = Policy(gates=tuple(Gate(metric=name) for name in names), replicates=500)
    settings = Settings(replicates=policy.replicates)
    rng = np.random.default_rng(seed)
    false, open_ = 0, 0
    by_metric = dict.fromkeys(names, 0)
    tested = dict.fromkeys(names, 0)
    for _ in range(repeats):
        sizes = np.exp(rng.uniform(np.log(30), np.log(3000), SLICES)).astype(int)
        slices = slices_of(sizes)
        pair = scored_pair(rng, int(sizes.sum()))
        columns = change_columns(pair, slices, None, settings)
        judged, _, _, answer = judge_columns(columns, policy, {"out": TaskKind.BINARY})
        role = np.concatenate([j.role for j in judged])
        regressed = (answer.verdict == "regressed") & (role != "watched")
        waiting = (role == "demanded") & (answer.verdict == "cannot_tell")
        false += bool(regressed.any())
        open_ += bool(waiting.any() and not regressed.any())
        for c in columns:
            if c.metric.name in by_metric:
                p = c.change.p[1:]
                by_metric[c.metric.name] += int((p <= 0.05).sum())
                tested[c.metric.name] += int((~np.isnan(p)).sum())
    rates = ", ".join(f"{name} {by_metric[name] / tested[name]:.1%}" for name in names)
    text = [
        "",
        "## Every metric from rows",
        "",
        f"Two exchangeable models with scores, {SLICES} slices of 30 to 3,000 rows, {len(names)} metrics",
        f"gated, {repeats:,} comparisons: any false regressed in {false / repeats:.1%}, ends in cannot tell",
        f"in {open_ / repeats:.1%}. Unadjusted p at most .05 (nominal 5 %): {rates}.",
    ]
    print("\n".join(text), flush=True)
    return text


def main() -> None:
    """Run what was asked for; with nothing asked, everything, and write the page."""
    parser = argparse.ArgumentParser(description=(__doc__ or "").split("\n")[0])
    parser.add_argument("--simulate", action="store_true")
    parser.add_argument("--rows-check", action="store_true")
    parser.add_argument("--speed", action="store_true")
    parser.add_argument("--repeats", type=int, default=2_000)
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--done", type=int, default=20, help="replicates of the loop that are measured")
    parser.add_argument("--out", type=Path, default=OUT)
    args = parser.parse_args()
    everything = not (args.simulate or args.rows_check or args.speed)
    text = ["# What the version gate gets wrong, and how fast it is", ""]
    text += ["Written by `python benchmarks/gate.py`. The rules are in [versions](versions.md).", ""]
    if args.simulate or everything:
        text += simulate(args.repeats)
    if args.rows_check or everything:
        text += rows_check(max(args.repeats // 10, 20))
    if args.speed or everything:
        text += speed(args.rows, done=args.done)
    if everything:
        args.out.write_text("\n".join(text) + "\n", encoding="utf-8")


if __name__ == "__main__":
    main()
