"""Which slices of a metric must pass, which are tested for a regression, and which are only shown."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

import numpy as np
from numpy.typing import NDArray

from audit.core import Reason, Slice
from audit.errors import SpecError
from audit.slices import SliceSet
from audit.versions.changes import ChangeColumn
from audit.versions.codes import BESIDE, NOT_GATED, NOT_SETTLED, WATCHED, Role
from audit.versions.policy import CROSSINGS, EVERYONE, SINGLE, Gate, Policy
from audit.versions.settle import can_settle

Names = NDArray[np.object_]


def roles(column: ChangeColumn, gate: Gate | None, policy: Policy, candidates: int) -> tuple[Names, Names]:
    """What the verdict of each slice does.

    Args:
        column: one metric over S slices.
        gate: its gate; None: shown only.
        policy: the policy.
        candidates: comparisons that patterns could demand; each gets its share of the chance that one of two
            equally good versions' slices is not shown so.

    Returns:
        (S,) roles, and (S,) reason codes of what is watched or tested only, "" where there is none.
    """
    slices = column.slices
    if gate is None or np.isnan(column.sign):
        code = Reason.NO_HARMFUL_DIRECTION.value if np.isnan(column.sign) else NOT_GATED
        return _all(slices, Role.WATCHED.value), _all(slices, code)
    demand = policy.demand if gate.demand is None else gate.demand
    if column.beside:
        demand = tuple(p for p in demand if column.beside in _attributes(p))
        if not demand:
            return _all(slices, Role.WATCHED.value), _all(slices, BESIDE)
    watch = policy.watch if gate.watch is None else gate.watch
    named = np.array([_named(s, demand) for s in slices.slices], dtype=bool)
    patterned = np.array([_matches(s, demand) for s in slices.slices], dtype=bool)
    watched = np.array([_matches(s, watch) or _named(s, watch) for s in slices.slices], dtype=bool)
    power = 1 - (1 - policy.settle) / max(candidates, 1)
    margin = policy.margin(column.metric.name, gate)
    able = can_settle(column.change, margin, policy.level, power, everyone=slices.has_everyone)
    few = column.change.n < policy.minimum_n
    why = np.full(len(slices), "", dtype=object)
    why[patterned & ~able] = NOT_SETTLED
    role = np.full(len(slices), Role.TESTED.value, dtype=object)
    role[patterned & able] = Role.DEMANDED.value
    for mask, code in ((few, Reason.TOO_FEW), (~slices.known, Reason.UNKNOWN_GROUP)):
        role[mask], why[mask] = Role.WATCHED.value, code.value
    role[watched], why[watched] = Role.WATCHED.value, WATCHED
    role[named & ~watched], why[named & ~watched] = Role.DEMANDED.value, ""
    return role, why


def _all(slices: SliceSet, word: str) -> Names:
    return np.full(len(slices), word, dtype=object)


def _attributes(pattern: str) -> set[str]:
    """Attributes that a pattern names."""
    return {part.partition("=")[0].strip() for part in pattern.split("&")}


def _named(one: Slice, patterns: Sequence[str]) -> bool:
    """Named by its own key: demanded at any n."""
    return any(_key(p) == one.key for p in patterns)


def _matches(one: Slice, patterns: Sequence[str]) -> bool:
    """Meant by a pattern for many slices."""
    for pattern in patterns:
        if (pattern == SINGLE and len(one.of) == 1) or (pattern == CROSSINGS and len(one.of) > 1):
            return True
        if pattern not in (EVERYONE, SINGLE, CROSSINGS) and "=" not in pattern and one.of:
            parts = sorted(part.strip() for part in pattern.split("&"))
            if parts == sorted(one.attributes):
                return True
    return False


def _key(pattern: str) -> str:
    return " & ".join(part.strip() for part in pattern.split(" & "))


def candidates(slices: SliceSet, gate: Gate, policy: Policy) -> int:
    """Slices that a gate's patterns could demand, sizes aside."""
    demand = policy.demand if gate.demand is None else gate.demand
    return sum(_named(s, demand) or _matches(s, demand) for s in slices.slices)


def check_patterns(policy: Policy, slice_sets: Iterable[SliceSet]) -> None:
    """Refuse a policy that names attributes or slices which the runs do not have.

    Raises:
        SpecError: it does; the message names the line.
    """
    known: set[str] = {EVERYONE, SINGLE, CROSSINGS}
    attributes: set[str] = set()
    for slices in slice_sets:
        known |= {s.key for s in slices.slices}
        attributes |= {a for s in slices.slices for a in s.attributes}
    wanted = [*policy.demand, *policy.watch, *policy.references]
    wanted += [p for g in policy.gates for part in (g.demand, g.watch) for p in part or ()]
    for pattern in dict.fromkeys(wanted):
        parts = {part.strip() for part in pattern.split("&")}
        if pattern not in known and _key(pattern) not in known and not parts <= attributes:
            have = ", ".join(sorted(attributes)) or "none"
            raise SpecError(
                policy.places.get(pattern, "the policy"),
                f"{pattern!r} is no slice of these runs (depth {policy.depth}).",
                f"Their attributes: {have}. A slice is written ATTR=VALUE or ATTR=VALUE & ATTR=VALUE.",
            )


def check_outputs(policy: Policy, columns: Iterable[ChangeColumn]) -> None:
    """Refuse a gate on an output or metric that the runs do not have.

    Raises:
        SpecError: there is one; the message names the line.
    """
    have = {(c.output, c.metric.name) for c in columns}
    outputs = {name for name, _ in have} | {name.partition("/")[0] for name, _ in have}
    for gate in policy.gates:
        for name in gate.outputs:
            if name not in outputs:
                raise SpecError(
                    policy.places.get(name, "the policy"),
                    f"the runs have no output {name!r} to compare.",
                    f"They have: {', '.join(sorted(outputs)) or 'none'}.",
                )
        mine = {m for o, m in have if not gate.outputs or {o, o.partition("/")[0]} & set(gate.outputs)}
        if gate.metric not in mine:
            raise SpecError(
                "the policy",
                f"metric {gate.metric} is gated, and no output of these runs has it.",
                f"They have: {', '.join(sorted(mine))}.",
            )
