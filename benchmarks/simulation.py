"""What the intervals cover and how often an audit of equal groups cries wolf; writes docs/simulations.md.

Run: python benchmarks/simulation.py [--repeats 2000] [--out docs/simulations.md]   (about half an hour)
Claims: with truly equal groups at most 5 % of audits have a false alarm in the primary family (within the
Monte Carlo error); 95 % intervals of slice values and of slice - reference cover at least 94 % on average
and nowhere below 90 %. Rates, tests and shares are those that the probe calls. Beside them what others use:
the 0.8 rule, a bootstrap interval of the largest gap, a percentile bootstrap of a rate.
"""

from __future__ import annotations

import argparse
import itertools
import time
from collections.abc import Iterable
from pathlib import Path

import numpy as np
from scipy.stats import chi2

from audit import intervals, means, multiplicity
from audit.auc import auc_by_slice
from audit.clusters import design_effect, effective_n
from audit.group_error.spread import rate_spread
from audit.omnibus import permutation_means, rate_omnibus
from audit.placements import rank

GROUPS, SIZES, RATES = (2, 5, 10, 20), (20, 50, 100, 500), (0.05, 0.1, 0.3, 0.5)
CLUSTER, CORRELATION = 5, 0.3
DRAWS = 999
"""Of the Monte Carlo tests inside the simulation: fewer than the probe's 9,999 are as valid, only coarser."""


def clustered(rng: np.random.Generator, n: int, rate: float) -> tuple[np.ndarray, np.ndarray]:
    """Rows in clusters of CLUSTER, beta-binomial with intracluster correlation CORRELATION: values, codes."""
    count = max(n // CLUSTER, 1)
    scale = (1 - CORRELATION) / CORRELATION
    own = rng.beta(rate * scale, (1 - rate) * scale, count)
    codes = np.repeat(np.arange(count), CLUSTER)
    return (rng.random(count * CLUSTER) < own[codes]).astype(float), codes


def false_alarm(rng: np.random.Generator, k: int, n: int, rate: float, grouped: bool) -> bool:
    """One audit of k equal groups: FPR and FNR, one omnibus test each, Holm."""
    p = []
    for _ in range(2):
        if grouped:
            rows = [clustered(rng, n, rate) for _ in range(k)]
            values = np.concatenate([v for v, _ in rows])
            groups = np.repeat(np.arange(k), [len(v) for v, _ in rows])
            codes = np.concatenate([c + i * n for i, (_, c) in enumerate(rows)])
            seed = int(rng.integers(1 << 31))
            p.append(permutation_means(values, groups, codes, seed, DRAWS, DRAWS).p)
        else:
            events, seed = rng.binomial(n, rate, k), int(rng.integers(1 << 31))
            p.append(1.0 if plainly_equal(events, n) else rate_omnibus(events, np.full(k, n), seed, DRAWS).p)
    return bool((multiplicity.holm(np.array(p)) <= 0.05).any())


def alarms(repeats: int) -> Iterable[str]:
    """Share of audits of equal groups with at least one false alarm, and what the 0.8 rule does with them."""
    yield "| groups | n a group | base rate | independent rows | clustered rows | 0.8 rule fires |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: |"
    shares: dict[bool, list[float]] = {False: [], True: []}
    for k, n, rate in itertools.product(GROUPS, SIZES, RATES):
        rng = np.random.default_rng([k, n, int(rate * 100)])
        found = {}
        for grouped in (False, True):
            times = repeats if not grouped else max(repeats // 4, 1)
            found[grouped] = float(np.mean([false_alarm(rng, k, n, rate, grouped) for _ in range(times)]))
            shares[grouped].append(found[grouped])
        selected = rng.binomial(n, rate, (repeats, k)) / n
        top = selected.max(axis=1)
        rule = float(((selected / np.where(top > 0, top, 1)[:, None]).min(axis=1) < 0.8)[top > 0].mean())
        yield f"| {k} | {n} | {rate} | {found[False]:.3f} | {found[True]:.3f} | {rule:.2f} |"
    for grouped, name in ((False, "independent"), (True, "clustered")):
        x = np.array(shares[grouped])
        yield f"\n{name} rows: mean {x.mean():.4f}, largest {x.max():.4f}"


def plainly_equal(events: np.ndarray, n: int) -> bool:
    """Chi-square's p is above .5: the exact test, which is then far from .05, need not be run."""
    pooled = events.mean() / n
    if pooled in (0, 1):
        return True
    statistic = ((events - n * pooled) ** 2).sum() / (n * pooled * (1 - pooled))
    return bool(chi2.sf(statistic, len(events) - 1) > 0.5)


def covers(interval: intervals.Interval, truth: float) -> float:
    """Share of intervals that hold the truth."""
    return float(np.mean((interval.low <= truth + 1e-12) & (interval.high >= truth - 1e-12)))


def rate_coverage(repeats: int) -> Iterable[str]:
    """Wilson of a slice, Newcombe of slice - reference (five times as many rows), percentile bootstrap."""
    yield "| n | base rate | Wilson | Newcombe | Wilson, clusters | Newcombe, clusters | bootstrap |"
    yield "| ---: | ---: | ---: | ---: | ---: | ---: | ---: |"
    columns: list[list[float]] = [[], [], [], []]
    for n, rate in itertools.product(SIZES, RATES):
        rng = np.random.default_rng([n, int(rate * 100)])
        e, other = rng.binomial(n, rate, repeats), rng.binomial(5 * n, rate, repeats)
        own = [
            covers(intervals.wilson(e, n), rate),
            covers(intervals.newcombe(e, n, other, 5 * n), 0.0),
            *cluster_coverage(rng, n, rate, max(repeats // 2, 1)),
        ]
        for column, x in zip(columns, own, strict=True):
            column.append(x)
        few = e[:500]
        boot = rng.binomial(n, (few / n)[:, None], (len(few), 2000)) / n
        low, high = np.quantile(boot, [0.025, 0.975], axis=1)
        percentile = float(np.mean((low <= rate) & (rate <= high)))
        yield f"| {n} | {rate} | " + " | ".join(f"{x:.3f}" for x in own) + f" | {percentile:.3f} |"
    for name, column in zip(
        ("Wilson", "Newcombe", "Wilson, clusters", "Newcombe, clusters"), columns, strict=True
    ):
        yield f"\n{name}: mean {np.mean(column):.4f}, smallest {np.min(column):.4f}"


def cluster_coverage(rng: np.random.Generator, n: int, rate: float, repeats: int) -> tuple[float, float]:
    """The same two on effective counts: the slice and everyone else are two slices of one partition."""
    hits = np.zeros(2)
    for _ in range(repeats):
        (a, ca), (b, cb) = clustered(rng, n, rate), clustered(rng, 5 * n, rate)
        codes = np.concatenate([np.zeros(len(a), int), np.ones(len(b), int)])
        clusters = np.concatenate([ca, cb + 10 * n])
        effect = design_effect(np.concatenate([a, b]), clusters, codes, 2)
        size = effective_n(effect.rows, effect.deff, effect.df)
        e = np.array([a.mean(), b.mean()]) * size
        own = intervals.wilson(e[:1], size[:1])
        gap = intervals.newcombe(e[:1], size[:1], e[1:], size[1:])
        hits += [covers(own, rate), covers(gap, 0.0)]
    return float(hits[0] / repeats), float(hits[1] / repeats)


def mean_coverage(repeats: int) -> Iterable[str]:
    """The t interval of a mean error, by distribution: as it is."""
    kinds = {
        "normal": (lambda r, s: r.normal(0, 1, s), 0.0),
        "half-normal (absolute error)": (lambda r, s: np.abs(r.normal(0, 1, s)), float(np.sqrt(2 / np.pi))),
        "exponential": (lambda r, s: r.exponential(1, s), 1.0),
        "log-normal": (lambda r, s: r.lognormal(0, 1, s), float(np.exp(0.5))),
    }
    yield "| distribution of the error | " + " | ".join(f"n={n}" for n in SIZES) + " |"
    yield "| --- |" + " ---: |" * len(SIZES)
    for name, (draw, truth) in kinds.items():
        cells = []
        for n in SIZES:
            x = draw(np.random.default_rng([n, len(name)]), (repeats, n))
            found = means.mean_t(np.full(repeats, n), x.sum(axis=1), (x**2).sum(axis=1))
            cells.append(f"{covers(found, truth):.3f}")
        yield f"| {name} | " + " | ".join(cells) + " |"


def auc_coverage(repeats: int) -> Iterable[str]:
    """AUC of binormal scores with few positives and 300 negatives: as it is."""
    sizes = (5, 10, 20, 60, 200)
    yield "| true AUC | " + " | ".join(f"{m} positives" for m in sizes) + " |"
    yield "| ---: |" + " ---: |" * len(sizes)
    for auc, shift in (
        (0.7, 0.7416),
        (0.9, 1.8124),
        (0.97, 2.6598),
    ):  # shift = sqrt(2) times the normal quantile
        cells = []
        for m in sizes:
            rng = np.random.default_rng([m, int(auc * 100)])
            hits = 0.0
            side = np.r_[np.ones(m, np.int8), np.zeros(300, np.int8)]
            code = np.zeros(m + 300, np.int32)
            for _ in range(repeats):
                scores = np.r_[rng.normal(shift, 1, m), rng.normal(0, 1, 300)]
                own, _ = auc_by_slice(rank(scores), side, code, 1)
                hits += own.low[0] <= auc <= own.high[0]
            cells.append(f"{hits / repeats:.3f}")
        yield f"| {auc} | " + " | ".join(cells) + " |"


def gap_bootstrap(repeats: int) -> Iterable[str]:
    """A percentile bootstrap interval of max - min, n = 100 a group, rate .3: the true gap is 0."""
    yield "| groups | bootstrap interval of max - min covers 0 | our p of the gap <= .05 |"
    yield "| ---: | ---: | ---: |"
    for k in GROUPS:
        rng = np.random.default_rng(k)
        e = rng.binomial(100, 0.3, (repeats, k))
        boot = rng.binomial(100, (e / 100)[:, None, :], (repeats, 500, k)) / 100
        low = np.quantile(boot.max(axis=2) - boot.min(axis=2), 0.025, axis=1)
        own = [rate_spread(row, np.full(k, 100.0), np.ones(k), i, DRAWS).p <= 0.05 for i, row in enumerate(e)]
        yield f"| {k} | {float(np.mean(low <= 0)):.3f} | {float(np.mean(own)):.3f} |"


def main() -> None:
    """Write every table."""
    parser = argparse.ArgumentParser(description="Coverage and false alarms by simulation")
    parser.add_argument("--repeats", type=int, default=2000)
    parser.add_argument("--out", type=Path, default=None)
    args = parser.parse_args()
    start = time.perf_counter()
    r = args.repeats
    parts = [
        ("Audits of equal groups that cry wolf", alarms(r)),
        ("Coverage of rates and their differences", rate_coverage(r)),
        ("Coverage of the mean of an error", mean_coverage(r)),
        ("Coverage of an AUC with few positives", auc_coverage(max(r // 4, 1))),
        ("The largest gap", gap_bootstrap(max(r // 4, 1))),
    ]
    lines = [
        f"# Simulations\n\nWritten by `python benchmarks/simulation.py --repeats {r}`.\n\n{INTRODUCTION}"
    ]
    for title, rows in parts:
        lines.append(f"\n## {title}\n")
        for row in rows:
            lines.append(row)
            print(row, flush=True)
    lines.append(f"\n{time.perf_counter() - start:.0f} s.")
    if args.out:
        args.out.write_text("\n".join(lines) + "\n")


INTRODUCTION = f"""Nominal level 95 %. Independent: binomial rows. Clustered: clusters of {CLUSTER} rows with
an intracluster correlation of {CORRELATION} (beta-binomial), a quarter of the repetitions for alarms and
half for coverage. An audit is a yes/no output over one attribute: the omnibus tests of FPR and FNR, adjusted
by Holm; Monte Carlo tests draw {DRAWS} tables here. With 2,000 repetitions the Monte Carlo error of a share
of .05 is .005 (one standard error)."""


if __name__ == "__main__":
    main()
