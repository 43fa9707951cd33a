"""One metric of one label over all identities: value, background, difference, and why one is missing."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.auc import METHODS, AucTable
from audit.core import Reason
from audit.group_error.columns import harmless
from audit.group_error.compare import EXPECTED_EVENTS
from audit.identity_terms.label import Label
from audit.identity_terms.order import Floats, Ints
from audit.identity_terms.rates import Rates
from audit.identity_terms.samples import (
    BACK_NEG,
    BACK_POS,
    BACKGROUND,
    LOWER,
    MINUS,
    OWN_NEG,
    OWN_POS,
    PAIRS,
    PLUS,
    UPPER,
)
from audit.identity_terms.shares import COMPARED, Shares
from audit.intervals import Interval
from audit.metrics import IDENTITY_METRICS, Metric
from audit.spec import Spec

Words = NDArray[np.object_]
SHOWN_ONLY = "shown_only"
HARMLESS_TOO = {"fpr": "bpsn_auc", "fnr": "bnsp_auc"}
"""The AUC that speaks of the same error: where the spec says that one harms nobody, neither is tested."""


class Measure(NamedTuple):
    """A metric of K identities with its interval."""

    value: Floats
    low: Floats
    high: Floats
    method: Words
    """Of the interval."""
    mark: Words
    empty: Words
    """Reason code where there is no value."""


@dataclass(frozen=True, kw_only=True)
class Cells:
    """One metric of K identities; NaN and "" where there is nothing."""

    label: Label
    metric: Metric
    sizes: Ints
    """(K, 4) rows by sample: b-, b+, g-, g+."""
    n: Ints
    """(K,) the metric's own denominator: rows of the smaller sample of a share, of the truth of a rate."""
    events: Floats
    """(K,) errors, for rates."""
    own: Measure
    background: Interval
    """(K,) the background's AUC or rate."""
    background_n: Ints
    expected: Floats
    """(K,) what there would be without bias."""
    difference: Interval
    """(K,) value - expected."""
    effective: Floats
    """(2, K) rows of identity and background that a rate is worth; NaN for shares."""
    p: Floats
    test: Words
    untested: Words
    """(K,) reason code where the difference is shown and not tested."""


def share_cells(shares: Shares, spec: Spec) -> Iterator[Cells]:
    """Subgroup, BPSN and BNSP AUC beside the background's, and both AEGs.

    Args:
        shares: of one label with scores and truth.
        spec: minimum n, and which error is harmful.
    """
    back = shares.tables[BACKGROUND]
    few_behind = np.minimum(back.n_lower, back.n_upper) < spec.minimum_n
    spared = HARMLESS_TOO.get(harmless(shares.label.target.name, spec))
    for pair, gap in zip(COMPARED, shares.gaps, strict=True):
        table, metric = shares.tables[pair], IDENTITY_METRICS[f"{PAIRS[pair]}_auc"]
        n = np.minimum(table.n_lower, table.n_upper)
        rules = [
            (np.full(n.size, metric.name == spared), SHOWN_ONLY),
            ((n < spec.minimum_n) | few_behind, Reason.TOO_FEW.value),
            (np.isnan(gap.value) | np.isnan(gap.p), Reason.NO_REFERENCE.value),
        ]
        yield Cells(
            label=shares.label,
            metric=metric,
            sizes=shares.moments.sizes,
            n=n,
            events=np.full(n.size, np.nan),
            own=_measure(table, _why_empty(shares.moments.sizes, (LOWER[pair], UPPER[pair]))),
            background=Interval(back.value, back.low, back.high),
            background_n=np.minimum(back.n_lower, back.n_upper),
            expected=back.value,
            difference=Interval(gap.value, gap.low, gap.high),
            effective=np.full((2, n.size), np.nan),
            p=gap.p,
            test=np.where(np.isnan(gap.p), "", "DeLong z, logit scale").astype(object),
            untested=_first(rules, n.size),
        )
    for pair, name in ((PLUS, "positive_aeg"), (MINUS, "negative_aeg")):
        yield _gap_cells(shares, pair, IDENTITY_METRICS[name])


def _gap_cells(shares: Shares, pair: int, metric: Metric) -> Cells:
    """An AEG, ½ - P(identity's score > background's), inside one class; expected 0."""
    table = shares.tables[pair]
    nothing, n = np.full(table.value.size, np.nan), np.minimum(table.n_lower, table.n_upper)
    turned = table._replace(value=0.5 - table.value, low=0.5 - table.high, high=0.5 - table.low)
    return Cells(
        label=shares.label,
        metric=metric,
        sizes=shares.moments.sizes,
        n=n,
        events=nothing,
        own=_measure(turned, _why_empty(shares.moments.sizes, (LOWER[pair], UPPER[pair]))),
        background=Interval(nothing, nothing, nothing),
        background_n=shares.moments.sizes[:, BACK_POS if pair == PLUS else BACK_NEG],
        expected=np.where(np.isnan(table.value), np.nan, 0.0),
        difference=Interval(turned.value, turned.low, turned.high),
        effective=np.full((2, nothing.size), np.nan),
        p=nothing,
        test=np.full(n.size, "", dtype=object),
        untested=np.full(n.size, SHOWN_ONLY, dtype=object),
    )


def rate_cells(label: Label, rates: Rates, sizes: Ints, spec: Spec) -> Cells:
    """FPR or FNR of the identities beside their backgrounds'."""
    metric, (n, other_n) = IDENTITY_METRICS[rates.kind], rates.n
    effective = rates.n * rates.share
    rate = rates.background.value
    with np.errstate(invalid="ignore"):
        sparse = np.minimum(rate, 1 - rate) * effective[0] < EXPECTED_EVENTS
    rules = [
        (np.full(n.size, harmless(label.target.name, spec) == rates.kind), SHOWN_ONLY),
        (n < spec.minimum_n, Reason.TOO_FEW.value),
        (sparse, Reason.TOO_FEW_EXPECTED.value),
        (np.isnan(rates.gap.value) | np.isnan(rates.p), Reason.NO_REFERENCE.value),
    ]
    sample = OWN_NEG if rates.kind == "fpr" else OWN_POS
    clustered = (rates.share[0] < 1).tolist()
    marks = [f"n_effective={e:.0f}" if c else "" for e, c in zip(effective[0], clustered, strict=True)]
    return Cells(
        label=label,
        metric=metric,
        sizes=sizes,
        n=n,
        events=np.where(n > 0, rates.events[0], np.nan),
        own=Measure(
            *rates.own,
            method=np.where(n > 0, "Wilson score", "").astype(object),
            mark=np.array(marks, dtype=object),
            empty=_why_empty(sizes, (sample, sample)),
        ),
        background=rates.background,
        background_n=other_n,
        expected=rate,
        difference=rates.gap,
        effective=effective,
        p=np.asarray(rates.p, dtype=np.float64),
        test=np.where(np.isnan(rates.p), "", rates.test).astype(object),
        untested=_first(rules, n.size),
    )


def empty_cells(label: Label, name: str, sizes: Ints, reason: Reason) -> Cells:
    """A metric that can't be computed for any identity: scores or truth are missing."""
    nothing = np.full(len(label.members), np.nan)
    blank, why = (np.full(nothing.size, word, dtype=object) for word in ("", reason.value))
    zero = np.zeros(nothing.size, dtype=np.int64)
    return Cells(
        label=label,
        metric=IDENTITY_METRICS[name],
        sizes=sizes,
        n=zero,
        events=nothing,
        own=Measure(nothing, nothing, nothing, blank, blank, why),
        background=Interval(nothing, nothing, nothing),
        background_n=zero,
        expected=nothing,
        difference=Interval(nothing, nothing, nothing),
        effective=np.full((2, nothing.size), np.nan),
        p=nothing,
        test=blank,
        untested=why,
    )


def sample_sizes(label: Label) -> Ints:
    """(K, 4) rows by sample, b-, b+, g-, g+; zeros without truth."""
    truth = label.target.truth
    if truth is None:
        return np.zeros((len(label.members), 4), dtype=np.int64)
    totals = [np.bincount(truth[asked], minlength=2) for asked in label.annotated]
    own = np.array([np.bincount(truth[rows], minlength=2) for rows in label.members]).reshape(-1, 2)
    every = np.array([totals[m] for m in label.mask]).reshape(-1, 2)
    return np.concatenate([every - own, own], axis=1).astype(np.int64)


def other_labels(label: Label) -> Ints | None:
    """(2, K) rows of g- and of b- that have another label of the audit; None where there is no other.

    Of a narrow label such as severe_toxic, the texts without it are harmless or merely toxic: where an
    identity has more of the latter than its background, its BPSN is lower for that reason.
    """
    if label.other is None or label.target.truth is None:
        return None
    counted = label.other & (label.target.truth == 0)
    own = np.array([int(counted[rows].sum()) for rows in label.members], dtype=np.int64)
    every = [int((counted & asked).sum()) for asked in label.annotated]
    return np.stack([own, np.array([every[m] for m in label.mask], dtype=np.int64) - own])


def _measure(table: AucTable, empty: Words) -> Measure:
    method = np.array([METHODS[m] if m else "" for m in table.method], dtype=object)
    mark = np.where(table.small, "small", "").astype(object)
    return Measure(table.value, table.low, table.high, method, mark, empty)


def _why_empty(sizes: Ints, samples: tuple[int, int]) -> Words:
    """(K,) the first sample that has no rows, as a reason; the identity's own before the background's."""
    reasons = {
        OWN_POS: Reason.NO_POSITIVES,
        OWN_NEG: Reason.NO_NEGATIVES,
        BACK_POS: Reason.NO_REFERENCE,
        BACK_NEG: Reason.NO_REFERENCE,
    }
    rules = [(sizes[:, [OWN_NEG, OWN_POS]].sum(axis=1) == 0, Reason.NO_ROWS.value)]
    rules += [(sizes[:, s] == 0, reasons[s].value) for s in sorted(samples, reverse=True)]
    return _first(rules, len(sizes))


def _first(rules: list[tuple[NDArray[np.bool_], str]], size: int) -> Words:
    """(K,) the word of the first rule that holds, else ""."""
    words = np.full(size, "", dtype=object)
    for holds, word in reversed(rules):
        words[holds] = word
    return words
