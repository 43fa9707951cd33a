"""Two runs' rows laid side by side by id, and what would not fit."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field, replace

import numpy as np
import pyarrow.compute as pc
from numpy.typing import NDArray

from audit.core import Attribute, Predictions, Task, TaskKind
from audit.errors import RunError
from audit.group_error.targets import Target, targets
from audit.store.audited import AuditedRows

EXAMPLES = 20
"""Ids of each kind of misfit that are kept."""


@dataclass(frozen=True, kw_only=True)
class Misfits:
    """What could not be joined, as counts, shares of the joined rows, and a few ids."""

    old_rows: int
    new_rows: int
    joined: int
    only_old: int
    only_new: int
    changed_truths: Mapping[str, int] = field(default_factory=dict)
    """Output -> joined rows whose truth differs; they take no part in that output."""
    changed_groups: Mapping[str, int] = field(default_factory=dict)
    """Attribute -> joined rows whose value differs; the new run's value is used."""
    left_out: Mapping[str, str] = field(default_factory=dict)
    """Output or attribute that can't be compared -> why."""
    ids: Mapping[str, tuple[str, ...]] = field(default_factory=dict)
    """Kind of misfit -> the first ids."""

    @property
    def unmatched(self) -> float:
        """Share of all rows that only one run has."""
        everything = self.joined + self.only_old + self.only_new
        return (self.only_old + self.only_new) / everything if everything else 1.0

    @property
    def changed(self) -> float:
        """Largest share of joined rows with another truth or another group."""
        counts = (*self.changed_truths.values(), *self.changed_groups.values())
        return max(counts, default=0) / self.joined if self.joined else 0.0


@dataclass(frozen=True, kw_only=True)
class Pair:
    """One question answered twice about the same rows with the same truth."""

    old: Target
    new: Target
    """Rows of both are positions in the joined rows."""

    @property
    def name(self) -> str:
        """``output`` or ``output/label``."""
        return self.old.name


@dataclass(frozen=True, kw_only=True)
class Joined:
    """The rows that both runs have."""

    at_old: NDArray[np.int64]
    """(n,) position in the old run's rows; in the new run's order."""
    at_new: NDArray[np.int64]
    attributes: Mapping[str, Attribute]
    clusters: NDArray[np.int32] | None
    pairs: tuple[Pair, ...]
    misfits: Misfits


def join(old: AuditedRows, new: AuditedRows) -> Joined:
    """Join two runs on id.

    Args:
        old: rows of the version that is compared against.
        new: rows of the version that is judged.
    """
    found = pc.fill_null(pc.index_in(new.ids, value_set=old.ids), -1)
    place = np.asarray(found.to_numpy(zero_copy_only=False), dtype=np.int64)
    at_new = np.flatnonzero(place >= 0)
    at_old = place[at_new]
    lonely = np.ones(len(old.ids), dtype=bool)
    lonely[at_old] = False
    attributes, groups = _attributes(old, new, at_old, at_new)
    misfits = Misfits(
        old_rows=len(old.ids),
        new_rows=len(new.ids),
        joined=len(at_new),
        only_old=int(lonely.sum()),
        only_new=len(new.ids) - len(at_new),
        changed_groups={name: int(rows.sum()) for name, rows in groups.items() if rows.any()},
        ids={
            "only_old": _some(old, np.flatnonzero(lonely)),
            "only_new": _some(new, np.flatnonzero(place < 0)),
            **{f"group.{name}": _some(new, at_new[rows]) for name, rows in groups.items() if rows.any()},
        },
    )
    pairs, misfits = _pairs(old, new, at_old, at_new, misfits)
    clusters = new.clusters[at_new] if new.clusters is not None else None
    if clusters is None and old.clusters is not None:
        clusters = old.clusters[at_old]
    return Joined(
        at_old=at_old,
        at_new=at_new,
        attributes=attributes,
        clusters=None if clusters is None else clusters.astype(np.int32),
        pairs=pairs,
        misfits=misfits,
    )


def check(misfits: Misfits, old: AuditedRows, new: AuditedRows, unmatched: float, changed: float) -> None:
    """Refuse a join that leaves out or changes more than the policy allows.

    Args:
        misfits: of the join.
        old: for the message.
        new: for the message.
        unmatched: largest allowed share of rows that only one run has.
        changed: largest allowed share of joined rows with another truth or group.

    Raises:
        RunError: it does; the message gives counts, ids and the ways on.
    """
    names = f"{old.label} and {new.label}"
    if misfits.unmatched > unmatched:
        some = ", ".join((*misfits.ids["only_old"], *misfits.ids["only_new"])[:3])
        raise RunError(
            f"{names}: {misfits.only_old:,} rows are in the first only and {misfits.only_new:,} in the "
            f"second only, {misfits.unmatched:.1%} of all; the policy allows {unmatched:.1%} "
            "(most_unmatched). "
            f"For example {some}. Audit both versions on the same rows, allow more, or compare different "
            "data with --unpaired, which is weaker."
        )
    if misfits.changed > changed:
        counts = [
            *(f"truth of {k}: {v:,}" for k, v in misfits.changed_truths.items()),
            *(f"group {k}: {v:,}" for k, v in misfits.changed_groups.items()),
        ]
        some = ", ".join(i for k, ids in misfits.ids.items() if "." in k for i in ids)[:200]
        raise RunError(
            f"{names}: of {misfits.joined:,} joined rows some have another truth or group "
            f"({'; '.join(counts)}), {misfits.changed:.1%}; the policy allows {changed:.1%} (most_changed). "
            f"For example {some}. Rows with one id must be one example."
        )


def _some(rows: AuditedRows, at: NDArray[np.int64]) -> tuple[str, ...]:
    return tuple(rows.ids.take(at[:EXAMPLES]).to_pylist())


def _attributes(
    old: AuditedRows, new: AuditedRows, at_old: NDArray[np.int64], at_new: NDArray[np.int64]
) -> tuple[dict[str, Attribute], dict[str, NDArray[np.bool_]]]:
    """Attributes of either run on the joined rows, the new run's where both have one; and what differs."""
    found, differs = {}, {}
    for name in (*new.attributes, *(a for a in old.attributes if a not in new.attributes)):
        one, at = (new.attributes[name], at_new) if name in new.attributes else (old.attributes[name], at_old)
        found[name] = replace(one, codes=one.codes[at])
        if name in old.attributes and name in new.attributes:
            before = old.attributes[name]
            place = {value: code for code, value in enumerate(one.values)}
            same = np.array([place.get(value, -1) for value in before.values], dtype=np.int32)
            differs[name] = np.asarray(same[before.codes[at_old]] != found[name].codes)
    return found, differs


def _pairs(
    old: AuditedRows,
    new: AuditedRows,
    at_old: NDArray[np.int64],
    at_new: NDArray[np.int64],
    misfits: Misfits,
) -> tuple[tuple[Pair, ...], Misfits]:
    pairs: list[Pair] = []
    truths, left, ids = {}, {}, dict(misfits.ids)
    for name in dict.fromkeys((*old.predictions, *new.predictions)):
        why, second = _alike(old.predictions.get(name), new.predictions.get(name))
        if second is None:
            left[name] = why
            continue
        first = _placed(old.predictions[name], at_old, len(old.ids))
        second = _placed(second, at_new, len(new.ids))
        shared, one, two = np.intersect1d(first.rows, second.rows, return_indices=True)
        first, second = first.take(one), second.take(two)
        other = _other_truth(first, second)
        if other.any():
            truths[name] = int(other.sum())
            ids[f"true.{name}"] = _some(new, at_new[shared[other]])
        pairs += _aligned(first.take(~other), second.take(~other))
    return tuple(pairs), replace(misfits, changed_truths=truths, left_out=left, ids=ids)


def _alike(old: Predictions | None, new: Predictions | None) -> tuple[str, Predictions | None]:
    """The new predictions in the old one's codes, or why they can't be compared."""
    if old is None or new is None:
        return f"only the {'new' if old is None else 'old'} run has it", None
    if old.task.kind is not new.task.kind:
        return f"it is {old.task.kind.value} in the old run and {new.task.kind.value} in the new one", None
    if old.task.unit != new.task.unit:
        return f"its unit is {old.task.unit!r} in the old run and {new.task.unit!r} in the new one", None
    if (old.truth is None) != (new.truth is None):
        return f"only the {'new' if old.truth is None else 'old'} run has a truth for it", None
    if old.task.classes == new.task.classes:
        return "", new
    if old.task.kind is TaskKind.MULTICLASS and set(old.task.classes) == set(new.task.classes):
        return "", _recoded(new, old.task)
    before, after = (", ".join(p.task.classes[:6]) for p in (old, new))
    return f"its classes differ: {before} in the old run, {after} in the new one", None


def _recoded(new: Predictions, task: Task) -> Predictions:
    code = np.array([task.classes.index(word) for word in new.task.classes], dtype=np.int32)
    columns = [new.task.classes.index(word) for word in task.classes]
    return replace(
        new,
        task=task,
        truth=None if new.truth is None else code[new.truth],
        decision=code[new.decision],
        scores=None if new.scores is None else new.scores[:, columns],
    )


def _placed(one: Predictions, at: NDArray[np.int64], n: int) -> Predictions:
    """Rows as positions in the joined rows, in increasing order; the others dropped."""
    place = np.full(n, -1, dtype=np.int64)
    place[at] = np.arange(len(at))
    rows = place[one.rows]
    kept = np.flatnonzero(rows >= 0)
    return replace(one, rows=rows).take(kept[np.argsort(rows[kept], kind="stable")])


def _other_truth(first: Predictions, second: Predictions) -> NDArray[np.bool_]:
    if first.truth is None or second.truth is None:
        return np.zeros(len(first.rows), dtype=bool)
    differs = np.asarray(first.truth != second.truth)
    return differs if differs.ndim == 1 else np.asarray(differs.any(axis=1))


def _aligned(first: Predictions, second: Predictions) -> list[Pair]:
    """Pairs of targets on the rows that both have: a label may be missing for one version only."""
    found = []
    for one, two in zip(targets(first), targets(second), strict=True):
        _, at_one, at_two = np.intersect1d(one.rows, two.rows, assume_unique=True, return_indices=True)
        found.append(Pair(old=one.take(at_one), new=two.take(at_two)))
    return found
