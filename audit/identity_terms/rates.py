"""FPR and FNR of identities against their backgrounds at the decision in force, and the sums of both."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit import intervals
from audit.clusters import design_effect, effective_n
from audit.effective_counts import whole_pair
from audit.group_error.findings import NOMINAL
from audit.identity_terms.label import Label
from audit.identity_terms.order import Floats, Ints
from audit.intervals import Interval
from audit.significance import FISHER, SCORE, fisher_mid_p, rate_difference_p

DRAWS = 9999
ENOUGH_EXPECTED = 10_000.0
"""Expected errors from which skewness does not matter, and the exact test would be slow."""
KINDS = ("fpr", "fnr")
"""Rows without the label that are given it; rows with it that are not."""


@dataclass(frozen=True, kw_only=True)
class Rates:
    """One error rate of K identities and of their backgrounds."""

    kind: str
    events: Ints
    """(2, K) errors of the identity, and of its background."""
    n: Ints
    """(2, K) rows whose truth makes the error possible."""
    share: Floats
    """(2, K) effective n ÷ n; 1 without clusters."""
    own: Interval
    background: Interval
    gap: Interval
    """identity - background, Newcombe."""
    p: Floats
    test: NDArray[np.str_]


@dataclass(frozen=True, kw_only=True)
class Deviation:
    """FPED or FNED: sum over identities of |overall rate - the identity's rate|."""

    metric: str
    value: float
    expected: float
    """Mean of the sum where errors fall on rows without regard to identity: a sum of sizes is never 0."""
    expected_low: float
    expected_high: float
    p: float
    """Share of draws with a sum at least as large."""
    n: int
    """Rows whose truth makes the error possible, of the identities that count."""
    identities: int
    left_out: int


def measure_rates(label: Label, kind: str, level: float) -> Rates:
    """Count, compare and test one error rate.

    Args:
        label: with truth.
        kind: one of KINDS.
        level: of the intervals.
    """
    truth, decision = label.target.truth, label.target.decision
    assert truth is not None
    possible = truth == (1 if kind == "fnr" else 0)
    wrong = possible & (decision != truth)
    totals = [(int((possible & asked).sum()), int((wrong & asked).sum())) for asked in label.annotated]
    own_n = np.array([int(possible[rows].sum()) for rows in label.members], dtype=np.int64)
    own_events = np.array([int(wrong[rows].sum()) for rows in label.members], dtype=np.int64)
    every = np.array([totals[m] for m in label.mask], dtype=np.int64).reshape(-1, 2)
    n, events = np.stack([own_n, every[:, 0] - own_n]), np.stack([own_events, every[:, 1] - own_events])
    share = _effective_shares(label, possible, wrong, level)
    counts = (events[0] * share[0], n[0] * share[0], events[1] * share[1], n[1] * share[1])
    p, test = _tested(*counts)
    return Rates(
        kind=kind,
        events=events,
        n=n,
        share=share,
        own=intervals.wilson(counts[0], counts[1], level),
        background=intervals.wilson(counts[2], counts[3], level),
        gap=intervals.newcombe(*counts, level=level),
        p=p,
        test=test,
    )


def _tested(e1: Floats, n1: Floats, e2: Floats, n2: Floats) -> tuple[Floats, NDArray[np.str_]]:
    """Test K identities against their backgrounds: p and the name of the test.

    The score test where it says p > .05; below, and where an expected cell is below 5, Fisher's mid-p. An
    identity is a small part of its background and errors are rare, so the count of its errors is skewed: far
    out, where Holm looks among hundreds of cells, the score test's p is several times too small.
    """
    tested = rate_difference_p(e1, n1, e2, n2)
    p, method = np.array(tested.p), np.array(tested.method)
    with np.errstate(invalid="ignore", divide="ignore"):
        pooled = (e1 + e2) / (n1 + n2)
        expected = np.minimum(n1, n2) * np.minimum(pooled, 1 - pooled)
        again = np.flatnonzero((p < NOMINAL) & (method == SCORE) & (expected < ENOUGH_EXPECTED))
    if again.size:
        first, second = whole_pair(*(x[again] for x in (e1, n1, e2, n2, pooled)))
        p[again] = fisher_mid_p(*first, *second)
        method[again] = FISHER
    return p, method


def _effective_shares(
    label: Label, possible: NDArray[np.bool_], wrong: NDArray[np.bool_], level: float
) -> Floats:
    """(2, K) effective n ÷ n of members and background, by the design effect of the errors."""
    shares = np.ones((2, len(label.members)))
    if label.clusters is None:
        return shares
    for k, rows in enumerate(label.members):
        codes = np.where(label.annotated[label.mask[k]], 1, -1)
        codes[rows] = 0
        used = possible & (codes >= 0)
        effect = design_effect(wrong[used], label.clusters[used], codes[used], 2)
        with np.errstate(invalid="ignore", divide="ignore"):
            found = effective_n(effect.rows, effect.deff, effect.df, level) / effect.rows
        shares[:, k] = np.where(np.isfinite(found), found, 1.0)
    return shares


def deviation(rates: Rates, minimum_n: int, seed: tuple[int, ...]) -> Deviation:
    """FPED or FNED, with what it comes to where no identity is treated differently.

    The null deals the errors of all annotated rows out at random: an identity gets a hypergeometric number of
    them. Each identity is drawn by itself, so the mean is exact while the range and p take identities as
    independent. With clusters, counts are divided by the design effect first.

    Args:
        rates: one error rate.
        minimum_n: identities with fewer rows are left out: their rate is noise, and a sum adds noise up.
        seed: of the draws.

    Source:
        Dixon et al. (2018), Measuring and mitigating unintended bias in text classification.
    """
    counted = (rates.n[0] >= max(minimum_n, 1)) & (rates.n[1] > 0)
    metric = {"fpr": "fped", "fnr": "fned"}[rates.kind]
    if not counted.any():
        nan = float("nan")
        return Deviation(
            metric=metric,
            value=nan,
            expected=nan,
            expected_low=nan,
            expected_high=nan,
            p=nan,
            n=0,
            identities=0,
            left_out=counted.size,
        )
    events, n = rates.events[:, counted], rates.n[:, counted]
    value = float(np.abs(events.sum(axis=0) / n.sum(axis=0) - events[0] / n[0]).sum())
    sums = _null_sums(events, n, rates.share[:, counted], np.random.default_rng(seed))
    low, high = np.quantile(sums, (0.025, 0.975))
    return Deviation(
        metric=metric,
        value=value,
        expected=float(sums.mean()),
        expected_low=float(low),
        expected_high=float(high),
        p=(1 + int((sums >= value - 1e-12).sum())) / (1 + DRAWS),
        n=int(n[0].sum()),
        identities=int(counted.sum()),
        left_out=int((~counted).sum()),
    )


def _null_sums(events: Ints, n: Ints, share: Floats, random: np.random.Generator) -> Floats:
    """(DRAWS,) sums over identities of |overall rate - rate| with errors dealt out at random."""
    sums = np.zeros(DRAWS)
    size = np.maximum(np.rint(n * share), 1).astype(np.int64)
    rate = events.sum(axis=0) / n.sum(axis=0)
    wrong = np.rint(rate * size.sum(axis=0)).astype(np.int64)
    for k in range(n.shape[1]):
        total = int(size[:, k].sum())
        drawn = random.hypergeometric(wrong[k], total - wrong[k], size[0, k], DRAWS)
        sums += np.abs(wrong[k] / total - drawn / size[0, k])
    return sums
