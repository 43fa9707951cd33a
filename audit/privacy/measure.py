"""AUC of membership and true positive rate at 1 % false positives, of everyone and of every group."""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, replace

import numpy as np
from numpy.typing import NDArray
from scipy.special import logit, ndtr

from audit.auc import auc_by_slice, auc_difference
from audit.auc_table import DELONG, METHODS, AucTable
from audit.core import Examples, Reason, Slice
from audit.group_error.targets import Target
from audit.intervals import normal_quantile
from audit.multiplicity import benjamini_hochberg, holm
from audit.placements import Ranking, rank
from audit.privacy.rates import TprAtFpr, tpr_at_fpr
from audit.privacy.signals import signal
from audit.slices import Partition, slice_set
from audit.spec import Spec

Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Share:
    """A number with its limits; NaN where not computed."""

    value: float
    low: float
    high: float
    method: str = ""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One output, signal and slice."""

    output: str
    signal: str
    slice: Slice
    members: int
    others: int
    """Rows held out."""
    auc: Share | None
    reference: Share | None = None
    """Of a group: everyone else."""
    gap: Share | None = None
    """auc - reference; of everyone auc - .5."""
    p: float = np.nan
    p_adjusted: float = np.nan
    tpr: TprAtFpr | None = None
    reason: Reason | None = None
    """Why there is no AUC, or no test."""


def measured(
    target: Target, name: str, examples: Examples, member: Mask, other: Mask, spec: Spec
) -> list[Measured]:
    """Measure one signal of one target, everyone first, then the values of each attribute.

    Args:
        target: rows of every split.
        name: of the signal.
        examples: for attributes and clusters.
        member: (examples.n,) rows of training.
        other: (examples.n,) rows held out.
        spec: for the level and the smallest number of rows.
    """
    used = (member | other)[target.rows]
    found = signal(target, name)
    if isinstance(found, Reason):
        return [_none(target.name, name, Slice(n=int(used.sum())), 0, 0, found)]
    used &= ~np.isnan(found)
    rows, values = target.rows[used], found[used]
    side = member[rows].astype(np.int8)
    clusters = None if examples.clusters is None else rank(examples.clusters[rows])
    slices = slice_set(examples.attributes, rows, 1, spec.attributes, 0)
    ranking = rank(values)
    made = []
    for part in slices.partitions:
        for k, one in enumerate(
            _partition(part, slices.slices[part.columns], ranking, side, clusters, values, spec)
        ):
            kept = replace(one, output=target.name, signal=name)
            made.append(kept if part.known[k] else replace(kept, p=np.nan, reason=Reason.UNKNOWN_GROUP))
    return made


def adjusted(found: list[Measured]) -> list[Measured]:
    """Adjust over all outputs and signals: Holm for everyone, Benjamini and Hochberg for groups."""
    whole = np.array([not one.slice.of for one in found], dtype=np.bool_)
    p = np.array([one.p for one in found])
    q = np.full(len(found), np.nan)
    q[whole], q[~whole] = holm(p[whole]), benjamini_hochberg(p[~whole])
    return [replace(one, p_adjusted=float(value)) for one, value in zip(found, q, strict=True)]


def against_half(table: AucTable, level: float) -> NDArray[np.float64]:
    """(K,) two-sided p of AUC = .5: z on the logit scale, by DeLong or by the limit that faces .5."""
    z = normal_quantile(level)
    facing = np.where(table.value > 0.5, table.low, table.high)
    with np.errstate(invalid="ignore", divide="ignore"):
        delong = np.sqrt(table.variance) / (table.value * (1.0 - table.value))
        on_logit = logit(table.value) / np.where(
            table.method == DELONG, delong, np.abs(logit(table.value) - logit(facing)) / z
        )
        on_plain = (table.value - 0.5) / (np.abs(table.value - facing) / z)
        edge = np.isin(table.value, (0.0, 1.0))
        return np.asarray(2.0 * ndtr(-np.abs(np.where(edge, on_plain, on_logit))))


def _partition(
    part: Partition,
    slices: tuple[Slice, ...],
    ranking: Ranking,
    side: NDArray[np.int8],
    clusters: Ranking | None,
    values: NDArray[np.float64],
    spec: Spec,
) -> Iterator[Measured]:
    unknown = next((int(k) for k in np.flatnonzero(~part.known)), -1)
    inside, outside = auc_by_slice(
        ranking, side, part.codes, part.size, unknown=unknown, clusters=clusters, level=spec.level
    )
    whole = not part.attributes
    gaps = auc_difference(inside, outside, spec.level)
    p = against_half(inside, spec.level) if whole else gaps.p
    order = np.argsort(part.codes, kind="stable")
    edges = np.searchsorted(part.codes[order], np.arange(part.size + 1))
    for k, one in enumerate(slices):
        of = order[edges[k] : edges[k + 1]]
        is_member = side[of] == 1
        members, others = int(is_member.sum()), int((~is_member).sum())
        if min(members, others) < max(spec.minimum_n, 1):
            yield _none("", "", one, members, others, Reason.TOO_FEW)
            continue
        tpr = tpr_at_fpr(values[of][is_member], values[of][~is_member], spec.level)
        auc = _share(inside, k)
        if whole:
            gap = Share(value=auc.value - 0.5, low=auc.low - 0.5, high=auc.high - 0.5, method=auc.method)
        else:
            gap = Share(
                value=float(gaps.value[k]), low=float(gaps.low[k]), high=float(gaps.high[k]), method="MOVER"
            )
        compared = not whole and not np.isnan(gaps.value[k]) and len(slices) > 1
        known = whole or compared
        yield Measured(
            output="",
            signal="",
            slice=one,
            members=members,
            others=others,
            auc=auc,
            reference=_share(outside, k) if compared else None,
            gap=gap if known else None,
            p=float(p[k]) if known else np.nan,
            tpr=tpr,
            reason=None if known else Reason.NO_REFERENCE,
        )


def _share(table: AucTable, k: int) -> Share:
    method = METHODS[int(table.method[k])]
    return Share(
        value=float(table.value[k]), low=float(table.low[k]), high=float(table.high[k]), method=method
    )


def _none(output: str, name: str, one: Slice, members: int, others: int, reason: Reason) -> Measured:
    return Measured(
        output=output, signal=name, slice=one, members=members, others=others, auc=None, reason=reason
    )
