"""Two versions on different data: the weaker comparison, where every slice is two samples of other people.

Nothing cancels: a change of a slice is the difference of two independent estimates, and a shift in who is in
the slice looks like a change of the model.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import replace
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.auc import AucTable, auc_by_slice, auc_difference
from audit.core import UNKNOWN, Attribute, Reason, TaskKind
from audit.counts import everyone_else
from audit.group_error.columns import cluster_shares, indicator
from audit.group_error.compare import reference_keys
from audit.group_error.forms import Form, Mean, Rate, Summary
from audit.group_error.measures import Measures, measure
from audit.group_error.ranking import ranked
from audit.group_error.targets import Target
from audit.intervals import Interval, mover_difference, normal_quantile
from audit.means import welch_difference
from audit.metrics import metric as metric_of
from audit.significance import rate_difference_p, welch_t
from audit.slices import SliceSet
from audit.versions.changes import ChangeColumn, gap_of_gaps
from audit.versions.paired import Array, Change, Settings
from audit.versions.policy import SAME_AS

METHOD = "two independent samples"


class Sample(NamedTuple):
    """One version's rows of one question, sliced alike in both versions."""

    target: Target
    slices: SliceSet
    clusters: NDArray[np.int32] | None


class _Measured(NamedTuple):
    measures: Measures
    own: Array
    outside: Array


def shared_values(
    old: Mapping[str, Attribute], new: Mapping[str, Attribute]
) -> tuple[dict[str, Attribute], dict[str, Attribute]]:
    """Attributes that both runs have, coded alike; values of either run are kept."""
    first, second = {}, {}
    for name in new:
        if name in old:
            seen = {*old[name].values, *new[name].values}
            values = (*sorted(seen - {UNKNOWN}), *sorted(seen & {UNKNOWN}))
            first[name], second[name] = (_recoded(one[name], values) for one in (old, new))
    return first, second


def _recoded(attribute: Attribute, values: tuple[str, ...]) -> Attribute:
    place = np.array([values.index(v) for v in attribute.values], dtype=np.int32)
    return replace(attribute, values=values, codes=place[attribute.codes])


def common_slices(one: SliceSet, other: SliceSet) -> tuple[SliceSet, SliceSet]:
    """Both slice sets cut down to the slices that both have, in one order."""
    keys = {s.key for s in other.slices}
    both = {s.key for s in one.slices if s.key in keys}
    return _kept(one, both), _kept(other, both)


def _kept(slices: SliceSet, keys: set[str]) -> SliceSet:
    keep = np.array([s.key in keys for s in slices.slices])
    place = np.where(keep, np.cumsum(keep) - 1, -1)
    partitions, first = [], 0
    for part in slices.partitions:
        mine = keep[part.columns]
        local = np.where(mine, np.cumsum(mine) - 1, -1).astype(np.int32)
        codes = np.concatenate([local, np.array([-1], np.int32)])[part.codes]
        partitions.append(
            replace(part, codes=codes, first=first, size=int(mine.sum()), known=part.known[mine])
        )
        first += int(mine.sum())

    def moved(index: NDArray[np.int64]) -> NDArray[np.int64]:
        return np.where(index >= 0, place[index], -1)

    return SliceSet(
        slices=tuple(s for s in slices.slices if s.key in keys),
        partitions=tuple(partitions),
        partition=slices.partition[keep],
        known=slices.known[keep],
        parents=moved(slices.parents[keep]),
        reference=moved(slices.reference[keep]),
        left_out=slices.left_out,
    )


def unpaired_columns(old: Sample, new: Sample, settings: Settings) -> list[ChangeColumn]:
    """Compare two versions that saw different rows.

    Args:
        old: rows of the old version, its slices the same as the new one's.
        new: rows of the new version.
        settings: level of the intervals.

    Returns:
        A column for every metric that is a sum, and AUC; metrics without a test have no p.
    """
    first, second = measure(old.target, old.slices), measure(new.target, new.slices)
    found = []
    for name in first.forms:
        if name in second.forms and name != "base_rate" and name not in SAME_AS:
            forms = first.forms[name], second.forms[name]
            found.append(_column(name, forms, (first, second), (old, new), settings))
    scored = all(s.target.scores is not None and s.target.truth is not None for s in (old, new))
    if scored and old.target.task.kind is TaskKind.BINARY:
        found.append(_auc(old, new, settings.level))
    return found


def _measured(name: str, measures: Measures, sample: Sample, level: float) -> _Measured:
    shares = cluster_shares(*indicator(sample.target, measures, name), sample.slices, sample.clusters, level)
    return _Measured(measures, shares.own, shares.outside)


def _column(
    name: str,
    forms: tuple[Form, Form],
    measures: tuple[Measures, Measures],
    samples: tuple[Sample, Sample],
    settings: Settings,
) -> ChangeColumn:
    one, two = (_measured(name, m, s, settings.level) for m, s in zip(measures, samples, strict=True))
    moments = [m.moments for m in measures]
    rest = [everyone_else(s.slices, m.moments) for s, m in zip(samples, measures, strict=True)]
    own, test = _form_change(forms, moments, (one.own, two.own), settings.level)
    outside, _ = _form_change(forms, rest, (one.outside, two.outside), settings.level)
    metric = metric_of(name)
    slices = samples[1].slices
    return ChangeColumn(
        output=samples[1].target.name,
        # two independent signed biases: only the signed change has an interval, so it is shown, not gated
        metric=replace(metric, better="neither") if metric.better == "zero" else metric,
        slices=slices,
        change=own,
        gap=gap_of_gaps(own, outside, slices),
        reference=reference_keys(slices),
        method=METHOD,
        test=test,
        empty=forms[1].empty,
        mark=np.full(len(slices), "unpaired", dtype=object),
    )


def _form_change(
    forms: tuple[Form, Form], moments: Sequence[Array], shares: tuple[Array, Array], level: float
) -> tuple[Change, str]:
    """From the two summaries alone: the forms of two runs may number their columns differently."""
    old = forms[0].summary(moments[0], shares[0], level)
    new = forms[1].summary(moments[1], shares[1], level)
    gap = mover_difference(Interval(*new[:3]), Interval(*old[:3]))
    p, test = np.full(len(gap.value), np.nan), ""
    if isinstance(forms[1], Rate):
        counts = [(s.events * share, s.n * share) for s, share in zip((new, old), shares[::-1], strict=True)]
        found = rate_difference_p(*counts[0], *counts[1])
        p, test = found.p, "score test, or mid-p Fisher where rare"
    elif isinstance(forms[1], Mean) and not forms[1].root:
        sums = [_sums(s, share) for s, share in zip((new, old), shares[::-1], strict=True)]
        gap = welch_difference(*sums[0], *sums[1], level=level)
        p, test = welch_t(*sums[0], *sums[1]).p, "Welch t"
    nothing = np.full(len(gap.value), np.nan)
    change = Change(
        old=old.value,
        new=new.value,
        value=gap.value,
        low=gap.low,
        high=gap.high,
        p=p,
        n=np.minimum(old.n, new.n),
        only_old=nothing,
        only_new=nothing,
        error=(gap.high - gap.low) / (2 * normal_quantile(level)),
        identical=np.zeros(len(gap.value), dtype=bool),
        old_low=old.low,
        old_high=old.high,
        new_low=new.low,
        new_high=new.high,
    )
    return change, test


def _sums(found: Summary, share: Array) -> tuple[Array, Array, Array]:
    """(n, sum, sum of squares) behind a mean and its row spread, n effective."""
    square = found.spread**2 * (found.n - 1) / found.n + found.value**2
    n = found.n * share
    return n, found.value * n, square * n


def _auc(old: Sample, new: Sample, level: float) -> ChangeColumn:
    tables = []
    for sample in (old, new):
        rows = ranked(sample.target, sample.clusters)
        found = [
            auc_by_slice(
                rows.ranking,
                rows.side,
                part.codes,
                part.size,
                unknown=-1 if part.known.all() else int(np.flatnonzero(~part.known)[0]),
                clusters=rows.clusters,
                level=level,
            )
            for part in sample.slices.partitions
        ]
        tables.append([_joined([pair[i] for pair in found]) for i in (0, 1)])
    (old_own, old_out), (new_own, new_out) = tables
    slices = new.slices
    own = _auc_change(old_own, new_own, level)
    return ChangeColumn(
        output=new.target.name,
        metric=metric_of("auc"),
        slices=slices,
        change=own,
        gap=gap_of_gaps(own, _auc_change(old_out, new_out, level), slices),
        reference=reference_keys(slices),
        method=METHOD,
        test="DeLong z on the logit scale",
        empty=Reason.ONE_CLASS,
        mark=np.full(len(slices), "unpaired", dtype=object),
    )


def _joined(tables: list[AucTable]) -> AucTable:
    return AucTable(*(np.concatenate(columns) for columns in zip(*tables, strict=True)))


def _auc_change(old: AucTable, new: AucTable, level: float) -> Change:
    gap = auc_difference(new, old, level)
    nothing = np.full(len(gap.value), np.nan)
    n = np.minimum(np.minimum(old.n_upper, old.n_lower), np.minimum(new.n_upper, new.n_lower))
    return Change(
        old=old.value,
        new=new.value,
        value=gap.value,
        low=gap.low,
        high=gap.high,
        p=gap.p,
        n=n.astype(np.float64),
        only_old=nothing,
        only_new=nothing,
        error=np.sqrt(gap.variance),
        identical=np.zeros(len(gap.value), dtype=bool),
        old_low=old.low,
        old_high=old.high,
        new_low=new.low,
        new_high=new.high,
    )
