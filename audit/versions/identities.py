"""Changes by identity: subgroup, BPSN and BNSP AUC, AEGs, FPR and FNR of the texts that name a group.

Identities overlap, so they are no partition: each is a slice of its own, ``identity=NAME``. Its background is
everyone who was annotated for it and does not name it (Borkan et al. 2019, arXiv 1903.04561).
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, replace
from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from audit.clusters import design_effect, effective_n
from audit.core import Reason, Slice, TaskKind
from audit.intervals import Interval, mover_difference
from audit.metrics import metric as metric_of
from audit.slices import SliceSet
from audit.versions import ranking
from audit.versions.changes import SMALL, ChangeColumn
from audit.versions.join import Pair
from audit.versions.measures import FNR, FPR
from audit.versions.paired import Array, Change, PairedRate, Settings
from audit.versions.ranking import Ranked

ATTRIBUTE = "identity"
BACKGROUND = "background"
Mask = NDArray[np.bool_]


@dataclass(frozen=True, kw_only=True)
class Named:
    """Which of a pair's n rows name an identity."""

    name: str
    members: Mask
    """(n,)"""
    background: Mask
    """(n,) annotated for it, and not a member."""


def named(
    shares: Mapping[str, NDArray[np.float32]], threshold: float, rows: NDArray[np.int64]
) -> list[Named]:
    """The identities that any of a pair's rows names.

    Args:
        shares: name -> (N,) share of annotators of every joined row; NaN: not annotated for it.
        threshold: a row is a member where its share is at least this.
        rows: (n,) the pair's rows among the joined ones.
    """
    found = []
    for name, share in shares.items():
        own = share[rows]
        members = own >= np.float32(threshold)
        if members.any():
            found.append(Named(name=name, members=members, background=(own < np.float32(threshold))))
    return found


def identity_columns(
    pair: Pair,
    identities: Sequence[Named],
    clusters: NDArray[np.int32] | None,
    settings: Settings,
    attribute: str = ATTRIBUTE,
) -> list[ChangeColumn]:
    """Compare the two answers to a yes/no question by identity; nothing for other questions.

    Args:
        pair: n rows.
        identities: K of them.
        clusters: (n,) codes of rows that belong together, or None.
        settings: level.
        attribute: what slices call it.
    """
    if pair.old.task.kind is not TaskKind.BINARY or pair.old.truth is None or not identities:
        return []
    slices = _slices(identities, attribute)
    columns = [
        _rate(pair, name, form, identities, slices, clusters, settings)
        for name, form in (("fpr", FPR), ("fnr", FNR))
    ]
    if pair.old.scores is None or pair.new.scores is None:
        return columns
    rows = _Rows(
        ranking.ranked(pair, clusters, settings.level),
        np.asarray(pair.old.scores != pair.new.scores),
        pair.old.truth == 1,
    )
    return columns + _aucs(pair.name, rows, identities, slices)


class _Rows(NamedTuple):
    """A pair's rows in order; which scores differ; which truths are yes; (n,) each."""

    ranked: Ranked
    differs: Mask
    yes: Mask


def _slices(identities: Sequence[Named], attribute: str) -> SliceSet:
    """One slice an identity, none of which contains another."""
    size = len(identities)
    none = np.full(size, -1, dtype=np.int64)
    return SliceSet(
        slices=tuple(Slice(of=((attribute, i.name),), n=int(i.members.sum())) for i in identities),
        partitions=(),
        partition=np.zeros(size, dtype=np.int64),
        known=np.ones(size, dtype=bool),
        parents=none[:, None],
        reference=none,
        left_out=0,
    )


def _aucs(output: str, rows: _Rows, identities: Sequence[Named], slices: SliceSet) -> list[ChangeColumn]:
    own = _joined([_auc(rows, i.members) for i in identities])
    others = _joined([_auc(rows, i.background) for i in identities])
    bpsn = _joined([_auc(rows, np.where(rows.yes, i.background, i.members)) for i in identities])
    bnsp = _joined([_auc(rows, np.where(rows.yes, i.members, i.background)) for i in identities])
    columns = [
        # the subgroup and its background share no row, so their changes are independent; BPSN and BNSP do
        _auc_column(output, "subgroup_auc", own, slices, _gap(own, others)),
        _auc_column(output, "bpsn_auc", bpsn, slices, None),
        _auc_column(output, "bnsp_auc", bnsp, slices, None),
    ]
    for name, which in (("positive_aeg", rows.yes), ("negative_aeg", ~rows.yes)):
        within = _joined([_aeg(rows, i, which) for i in identities])
        columns.append(_auc_column(output, name, within, slices, None))
    return columns


def _auc(rows: _Rows, of: Mask) -> Change:
    """Change of the AUC of one set of rows; none where no score of theirs differs."""
    change = ranking.change_of(rows.ranked, np.where(of, 0, -1).astype(np.int32), 1)
    if rows.differs[of].any() or np.isnan(change.value[0]):
        return change
    zero, one = np.zeros(1), np.ones(1)
    return change._replace(value=zero, low=zero, high=zero, p=one, error=zero, identical=one.astype(bool))


def _aeg(rows: _Rows, identity: Named, which: Mask) -> Change:
    """Inside one truth: ½ - P(a member scores above the background); 0 is best, so it is only shown."""
    sides = rows.ranked._replace(side=identity.members.astype(np.int8))
    found = _auc(rows._replace(ranked=sides), which & (identity.members | identity.background))
    return found._replace(
        old=0.5 - found.old,
        new=0.5 - found.new,
        value=-found.value,
        low=-found.high,
        high=-found.low,
        old_low=0.5 - found.old_high,
        old_high=0.5 - found.old_low,
        new_low=0.5 - found.new_high,
        new_high=0.5 - found.new_low,
    )


def _auc_column(
    output: str, name: str, change: Change, slices: SliceSet, gap: Interval | None
) -> ChangeColumn:
    metric = metric_of(name)
    small = (change.n < SMALL) & ~np.isnan(change.value)
    return ChangeColumn(
        output=output,
        # a change of sides of 0 has no interval of its size here: AEGs are shown, not judged
        metric=replace(metric, better="neither") if metric.better == "zero" else metric,
        slices=slices,
        change=change,
        gap=_no_gap(len(slices)) if gap is None else gap,
        reference=np.full(len(slices), "" if gap is None else BACKGROUND, dtype=object),
        method=ranking.METHOD,
        test=ranking.METHOD,
        empty=Reason.ONE_CLASS,
        mark=np.where(small, "small", "").astype(object),
    )


def _rate(
    pair: Pair,
    name: str,
    form: PairedRate,
    identities: Sequence[Named],
    slices: SliceSet,
    clusters: NDArray[np.int32] | None,
    settings: Settings,
) -> ChangeColumn:
    assert pair.old.truth is not None
    cells = pair.old.truth.astype(np.int64) * 4 + pair.old.decision * 2 + pair.new.decision
    counted = pair.old.truth == (0 if name == "fpr" else 1)
    worse = (pair.new.decision - pair.old.decision).astype(np.float64) * (1 if name == "fpr" else -1)
    found = []
    for which in ([i.members for i in identities], [i.background for i in identities]):
        joint = np.array([np.bincount(cells[of], minlength=8) for of in which], dtype=np.float64)
        share = np.array([_share(worse, counted & of, clusters, settings.level) for of in which])
        found.append((form.change(joint, share, settings), share))
    (own, share), (others, _) = found
    marks = [f"n_effective={n * s:.0f}" if s < 1 else "" for n, s in zip(own.n, share, strict=True)]
    return ChangeColumn(
        output=pair.name,
        metric=metric_of(name),
        slices=slices,
        change=own,
        gap=_gap(own, others),
        reference=np.full(len(slices), BACKGROUND, dtype=object),
        method=form.method,
        test=form.test,
        discrete=form.discrete,
        empty=form.empty,
        mark=np.array(marks, dtype=object),
        share=share,
    )


def _share(values: Array, of: Mask, clusters: NDArray[np.int32] | None, level: float) -> float:
    """Effective n / n of the rows of one set."""
    if clusters is None or not of.any():
        return 1.0
    effect = design_effect(values[of], clusters[of], np.zeros(int(of.sum()), np.int64), 1)
    with np.errstate(invalid="ignore", divide="ignore"):
        share = (effective_n(effect.rows, effect.deff, effect.df, level) / effect.rows)[0]
    return float(share) if np.isfinite(share) else 1.0


def _gap(own: Change, other: Change) -> Interval:
    """Change of the identity's - change of the background's."""
    return mover_difference(Interval(*own[2:5]), Interval(*other[2:5]))


def _no_gap(size: int) -> Interval:
    nothing = np.full(size, np.nan)
    return Interval(nothing, nothing, nothing)


def _joined(parts: Sequence[Change]) -> Change:
    columns: list[Any] = [np.concatenate(column) for column in zip(*parts, strict=True)]
    return Change(*columns)
