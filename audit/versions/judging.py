"""From changes and a policy to roles, families and verdicts of all slices at once."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.intervals import Interval
from audit.versions.changes import ChangeColumn
from audit.versions.codes import Role
from audit.versions.policy import Policy
from audit.versions.roles import candidates, roles
from audit.versions.settle import settling_n
from audit.versions.tables import Judged
from audit.versions.verdicts import Answer, Question, judge


def judge_columns(
    columns: Sequence[ChangeColumn], policy: Policy, kinds: Mapping[str, Any]
) -> tuple[list[Judged], NDArray[np.object_], NDArray[np.int64], Answer]:
    """Give every slice of every column its role and its verdict.

    Args:
        columns: the changes.
        policy: metrics, margins and slices.
        kinds: output or ``output/label`` -> kind.

    Returns:
        Judged columns, and for all their slices in a row: family, twin and answer.
    """
    gates = [policy.gate(c.output, c.metric.name, kinds[c.output]) for c in columns]
    pairs = list(zip(columns, gates, strict=True))
    total = sum(candidates(c.slices, gate, policy) for c, gate in pairs if gate is not None and not c.beside)
    parts = [roles(c, gate, policy, total) for c, gate in pairs]
    margins = [policy.margin(c.metric.name, gate) for c, gate in pairs]
    watched = np.concatenate([role == Role.WATCHED.value for role, _ in parts])
    names = [_family(c, policy.family) for c in columns]
    family = np.repeat(np.array(names, dtype=object), [len(c.slices) for c in columns])
    family[watched] = ""
    twin = _twins(columns, watched)
    harm = [c.harm for c in columns]
    asked = Question(
        harm=Interval(*(np.concatenate(parts) for parts in zip(*harm, strict=True))),
        margin=np.concatenate([np.full(len(c.slices), m) for c, m in zip(columns, margins, strict=True)]),
        p=np.concatenate([c.change.p for c in columns]),
        changed=np.concatenate([_changed(c) for c in columns]),
        family=family,
        twin=twin,
    )
    answer = judge(asked, policy.alpha)
    tests = dict(zip(family.tolist(), answer.tests.tolist(), strict=True))
    judged = [
        Judged(
            column=c,
            margin=margin,
            role=role,
            why=why,
            needed=settling_n(c.change, c.sign, margin, policy.level, tests.get(name, 1), policy.alpha),
        )
        for c, name, margin, (role, why) in zip(columns, names, margins, parts, strict=True)
    ]
    return judged, family, twin, answer


def _family(column: ChangeColumn, by: str) -> str:
    whose = {
        "all": "",
        "output": f" of {column.output}",
        "metric": f" of {column.output} {column.metric.name}",
    }
    return f"gated comparisons{whose[by]}"


def _changed(column: ChangeColumn) -> NDArray[np.float64]:
    """Discordant rows behind an exact test, effective ones where rows come in clusters; NaN for others."""
    if not column.discrete:
        return np.full(len(column.slices), np.nan)
    old, new = column.change.only_old, column.change.only_new
    if column.share is None:
        return old + new
    fewer, more = np.minimum(old, new) * column.share, np.maximum(old, new) * column.share
    less = np.ceil(fewer - 1e-9)
    return np.asarray(less + np.maximum(np.floor(more + 1e-9), less))


def _twins(columns: Sequence[ChangeColumn], watched: NDArray[np.bool_]) -> NDArray[np.int64]:
    """For a slice whose rows are those of a slice that contains it: that slice, the largest such."""
    found, first = [], 0
    for column in columns:
        slices = column.slices
        n = column.change.n if column.discrete else np.array([float(s.n) for s in slices.slices])
        everyone = np.full((len(slices), 1), 0 if slices.has_everyone else -1, np.int64)
        within = np.hstack([everyone, slices.parents])
        own = np.arange(len(slices))
        twin = np.full(len(slices), -1, dtype=np.int64)
        for container in within.T:
            same = (container >= 0) & (container < own) & (n[container] == n) & (n > 0)
            same &= watched[first + own] == watched[first + container]
            twin = np.where((twin < 0) & same, container, twin)
        for i in np.flatnonzero(twin >= 0):  # a parent comes earlier: follow it to the one that is tested
            twin[i] = twin[twin[i]] if twin[twin[i]] >= 0 else twin[i]
        found.append(np.where(twin >= 0, twin + first, -1))
        first += len(slices)
    return np.concatenate(found)
