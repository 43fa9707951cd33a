"""Each slice beside its reference: everyone else, a declared value, a crossing's worst parent."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass
from typing import Any, NamedTuple, TypeVar

import numpy as np
from numpy.typing import NDArray

from audit.core import Reason
from audit.counts import everyone_else, rest_of_parent
from audit.group_error.forms import Array, Difference, Form, Summary
from audit.metrics import Metric
from audit.slices import EVERYONE_ELSE, SliceSet

Names = NDArray[np.object_]
EXPECTED_EVENTS = 5.0


@dataclass(frozen=True, kw_only=True)
class Comparison:
    """S slices against what each is compared with; NaN and "" where there is nothing to compare."""

    reference: Names
    """Key of the reference."""
    other: Summary
    """The reference's metric."""
    gap: Difference
    """slice - reference; for a crossing against a parent: slice - whole parent."""
    scale: Array
    """gap = scale x (slice - independent reference); 1 but for crossings inside their parent."""


@dataclass(frozen=True, kw_only=True)
class Column:
    """One metric over all slices of a target."""

    metric: Metric
    own: Summary
    method: Names
    mark: Names
    empty: Names
    """Reason code where there is no value, else ""."""
    versus: Comparison
    excess: Comparison
    untested: Names
    """Reason code where the comparison is shown and not tested, else ""."""

    def tested(self, slices: SliceSet) -> Comparison:
        """What a slice is ranked by: a crossing by its excess, others by the gap to their reference."""
        crossing = slices.depth > 1
        return _choose(crossing, self.excess, self.versus)


class Shares(NamedTuple):
    """Effective n / n of each slice and of everyone else, (S,) each; 1 without clusters."""

    own: Array
    outside: Array


def compare(
    form: Form,
    metric: Metric,
    moments: Array,
    shares: Shares,
    slices: SliceSet,
    level: float,
    fixing: Sequence[str],
) -> tuple[Summary, Comparison, Comparison]:
    """Give value, gap to the reference and excess over the worst parent of one additive metric.

    Args:
        form: how the metric is made of moments.
        metric: its row of the table.
        moments: (S, m).
        shares: effective share of rows.
        slices: S slices.
        level: of the intervals.
        fixing: attributes that fix the truth; as parents they win over a worse one.
    """
    own = form.summary(moments, shares.own, level)
    declared = slices.reference >= 0
    reference = np.where(declared[:, None], moments[slices.reference], everyone_else(slices, moments))
    other_share = np.where(declared, shares.own[slices.reference], shares.outside)
    versus = Comparison(
        reference=reference_keys(slices),
        other=form.summary(reference, other_share, level),
        gap=form.difference(moments, shares.own, reference, other_share, level),
        scale=np.ones(len(slices)),
    )
    excess = _excess(form, metric, moments, shares, slices, own, level, fixing)
    return own, masked(versus, ~comparable(slices)), excess


def comparable(slices: SliceSet) -> NDArray[np.bool_]:
    """(S,) slices that have a reference: not everyone, not `unknown`, not the reference itself, not alone."""
    itself = slices.reference == np.arange(len(slices))
    alone = np.array([slices.partitions[p].known.sum() < 2 for p in slices.partition])
    return np.asarray(slices.known & ~itself & ~alone & (slices.depth > 0))


def reference_keys(slices: SliceSet) -> Names:
    """(S,) key of the declared reference, or `everyone else`."""
    return np.array(
        [slices.slices[r].key if r >= 0 else EVERYONE_ELSE for r in slices.reference], dtype=object
    )


def worst(metric: Metric, values: Array, fixed: NDArray[np.bool_]) -> NDArray[np.int64]:
    """Column of (S, D) with the worst value in the metric's direction; a parent that fixes the truth wins."""
    harm = {"lower": values, "higher": -values, "zero": np.abs(values), "neither": values}[metric.better]
    ranked = np.where(np.isnan(harm), -np.inf, harm) + np.where(fixed, 1e300, 0.0)
    return np.asarray(np.argmax(ranked, axis=1))


def fixed_parents(slices: SliceSet, fixing: Sequence[str]) -> NDArray[np.bool_]:
    """(S, D) true where the parent's attribute fixes the truth."""
    mask = np.zeros(slices.parents.shape, dtype=bool)
    for i, s in enumerate(slices.slices):
        if len(s.of) > 1:
            mask[i, : len(s.of)] = [a in fixing for a in s.attributes]
    return mask


def _excess(
    form: Form,
    metric: Metric,
    moments: Array,
    shares: Shares,
    slices: SliceSet,
    own: Summary,
    level: float,
    fixing: Sequence[str],
) -> Comparison:
    sums = [rest_of_parent(slices, moments, j) for j in range(slices.parents.shape[1])]
    parents = [_safe(form.summary, total, shares.own, level) for total, _ in sums]
    pick = worst(metric, np.stack([p.value for p in parents], axis=1), fixed_parents(slices, fixing))
    rows = np.arange(len(slices))
    total, rest = (np.stack([pair[i] for pair in sums], axis=1)[rows, pick] for i in (0, 1))
    parent = slices.parents[rows, pick]
    parent_share = shares.own[parent]
    gap = _safe(lambda m, s, lv: form.difference(moments, shares.own, m, s, lv), rest, parent_share, level)
    whole = _safe(form.summary, total, parent_share, level)
    with np.errstate(invalid="ignore", divide="ignore"):
        scale = 1 - own.n / whole.n
    return inside_parent(slices, parent, whole, gap, scale)


def inside_parent(
    slices: SliceSet, parent: NDArray[np.int64], whole: Summary, gap: Difference, scale: Array
) -> Comparison:
    """Turn slice - rest of parent into slice - parent, which for shares and means is scale x that."""
    keys = np.array([slices.slices[p].key if p >= 0 else "" for p in parent], dtype=object)
    scaled = Difference(gap.value * scale, gap.low * scale, gap.high * scale, gap.p, gap.test)
    found = Comparison(reference=keys, other=whole, gap=scaled, scale=scale)
    return masked(found, (parent < 0) | ~slices.known)


Numbers = TypeVar("Numbers", Summary, Difference)


def _safe(
    function: Callable[[Array, Array, float], Numbers], moments: Array, share: Array, level: float
) -> Numbers:
    """Call with NaN rows set to 0, and give NaN back for them."""
    nothing: NDArray[np.bool_] = np.asarray(np.isnan(moments).any(axis=1))
    found = function(np.where(nothing[:, None], 0.0, moments), share, level)
    return type(found)(*(_masked(x, nothing) for x in found))


def _masked(x: NDArray[Any], nothing: NDArray[np.bool_]) -> NDArray[Any]:
    return np.where(nothing, "" if x.dtype == object else np.nan, x)


def masked(c: Comparison, nothing: NDArray[np.bool_]) -> Comparison:
    """The comparison with nothing where there is nothing to compare with."""
    return Comparison(
        reference=_masked(c.reference, nothing),
        other=Summary(*(_masked(x, nothing) for x in c.other)),
        gap=Difference(*(_masked(x, nothing) for x in c.gap)),
        scale=c.scale,
    )


def _choose(where: NDArray[np.bool_], one: Comparison, other: Comparison) -> Comparison:
    def mix(a: NDArray[Any], b: NDArray[Any]) -> NDArray[Any]:
        return np.where(where, a, b)

    return Comparison(
        reference=mix(one.reference, other.reference),
        other=Summary(*(mix(a, b) for a, b in zip(one.other, other.other, strict=True))),
        gap=Difference(*(mix(a, b) for a, b in zip(one.gap, other.gap, strict=True))),
        scale=mix(one.scale, other.scale),
    )


def no_comparison(slices: SliceSet) -> Comparison:
    """Nothing to compare with, for every slice."""
    nan, blank = np.full(len(slices), np.nan), np.full(len(slices), "", dtype=object)
    return Comparison(
        reference=blank,
        other=Summary(nan, nan, nan, nan, nan, nan),
        gap=Difference(nan, nan, nan, nan, blank),
        scale=np.ones(len(slices)),
    )


def why_untested(
    metric: Metric,
    own: Summary,
    tested: Comparison,
    shares: Shares,
    slices: SliceSet,
    minimum_n: int,
    fixing: Sequence[str],
) -> Names:
    """(S,) reason code of the first rule that keeps a slice from being tested, "" where it is tested."""
    with np.errstate(invalid="ignore"):
        effective = own.n * shares.own
        rate = tested.other.value
        sparse = (metric.unit == "rate") & (np.minimum(rate, 1 - rate) * effective < EXPECTED_EVENTS)
        few = ~(own.n >= minimum_n)
    by_truth = np.array([any(a in fixing for a in s.attributes) for s in slices.slices])
    # crossed with what fixes the class, an error rate repeats FPR, FNR or recall of the other attribute; the
    # error of a number inside a band of truth says something new, and is compared inside that band
    by_truth &= (slices.depth < 2) | (metric.name not in ("mae", "bias"))
    itself = slices.reference == np.arange(len(slices))
    nothing = np.isnan(tested.gap.value)
    rules: list[tuple[NDArray[np.bool_], Reason]] = [
        (slices.depth == 0, Reason.NO_REFERENCE),
        (~slices.known, Reason.UNKNOWN_GROUP),
        (itself, Reason.IS_REFERENCE),
        (np.full(len(slices), metric.better == "neither"), Reason.NO_HARMFUL_DIRECTION),
        (by_truth, Reason.ATTRIBUTE_FIXES_TRUTH),
        (few, Reason.TOO_FEW),
        (sparse, Reason.TOO_FEW_EXPECTED),
        (nothing | np.isnan(tested.gap.p), Reason.NO_REFERENCE),
        (mirrors(metric, own, slices), Reason.MIRROR),
    ]
    why = np.full(len(slices), "", dtype=object)
    for mask, reason in reversed(rules):
        why[mask] = reason.value
    return why


def mirrors(metric: Metric, own: Summary, slices: SliceSet) -> NDArray[np.bool_]:
    """(S,) the better side of a two-value attribute: the other one's comparison, sign turned."""
    mask = np.zeros(len(slices), dtype=bool)
    for part in slices.partitions:
        known = np.flatnonzero(part.known) + part.first
        if len(part.attributes) == 1 and len(known) == 2 and (slices.reference[known] < 0).all():
            a, b = own.value[known]
            harm = {"lower": a - b, "higher": b - a, "zero": abs(a) - abs(b), "neither": 0.0}[metric.better]
            mask[known[1] if harm >= 0 else known[0]] = True
    return mask
