"""What a comparison is judged by: metrics, margins, slices that must pass, and what "cannot tell" does."""

from __future__ import annotations

import dataclasses
import hashlib
import json
from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from audit.core import TaskKind
from audit.metrics import metric
from audit.spec import MARGINS

EVERYONE, SINGLE, CROSSINGS = "all", "single", "crossings"
"""Slice patterns beside ``ATTR``, ``ATTR & ATTR`` and slice keys such as ``ATTR=VALUE & ATTR=VALUE``."""
FAMILIES = ("all", "output", "metric")
CANNOT_TELL = ("fail", "pass")
SAME_AS: Mapping[str, str] = {"accuracy": "error_rate", "tpr": "fnr"}
"""Complements: a fall of the first is the same rise of the second, and is measured as that."""
DEFAULT_METRICS: Mapping[TaskKind, tuple[str, ...]] = {
    TaskKind.BINARY: ("fpr", "fnr"),
    TaskKind.MULTICLASS: ("error_rate",),
    TaskKind.MULTILABEL: (),
    TaskKind.REGRESSION: ("mae",),
}
"""Gated without a policy: the headline errors. Several labels: those of each label."""


@dataclass(frozen=True, kw_only=True)
class Gate:
    """One metric that decides."""

    metric: str
    outputs: tuple[str, ...] = ()
    """Output names, or ``output/label``; empty: every output that has the metric."""
    margin: float | None = None
    """Largest harm that does not matter, in the metric's unit; None: the policy's margin for its kind."""
    demand: tuple[str, ...] | None = None
    """Slice patterns that must be shown not worse; None: the policy's."""
    watch: tuple[str, ...] | None = None
    """Slice patterns that are shown only; None: the policy's."""


@dataclass(frozen=True, kw_only=True)
class Policy:
    """A resolved policy.toml."""

    level: float = 0.95
    """Of the intervals."""
    alpha: float = 0.05
    """Chance of any false "regressed" or "improved" in a family."""
    minimum_n: int = 30
    """Slices with a smaller denominator are shown, not gated."""
    depth: int = 2
    """Depth of crossings."""
    family: str = "all"
    """What Holm corrects over: all gated comparisons, or those of one output, or of one output's metric."""
    cannot_tell: str = "fail"
    """A demanded slice that can't be told: "fail" (exit code 3) or "pass" (said, exit code 0)."""
    settle: float = 0.9
    """Probability that all slices demanded by a pattern pass, were the versions equally good: slices too
    small for their part in it are tested for "regressed" only."""
    most_unmatched: float = 0.05
    most_changed: float = 0.01
    demand: tuple[str, ...] = (EVERYONE, SINGLE)
    watch: tuple[str, ...] = ()
    margins: Mapping[str, float] = field(default_factory=lambda: dict(MARGINS))
    references: Mapping[str, str] = field(default_factory=dict)
    """Attribute -> value that the gap of gaps is against, over the runs' own."""
    gates: tuple[Gate, ...] = ()
    """Empty: the headline errors of every output."""
    replicates: int = 2000
    seed: int = 0
    places: Mapping[str, str] = field(default_factory=dict, compare=False)
    """What the file names -> where it does, for messages; no part of the policy."""

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values without the places."""
        plain: dict[str, Any] = json.loads(json.dumps(dataclasses.asdict(self)))
        del plain["places"]
        return plain

    def sha256(self) -> str:
        """Hash of the resolved policy: equal policies have equal hashes."""
        return hashlib.sha256(json.dumps(self.as_json(), sort_keys=True).encode()).hexdigest()

    def gate(self, output: str, name: str, kind: TaskKind) -> Gate | None:
        """The gate of one metric of one output, or None where the metric is shown only.

        Args:
            output: ``output`` or ``output/label``.
            name: the metric.
            kind: of the output.
        """
        if not self.gates:
            return Gate(metric=name) if name in DEFAULT_METRICS[kind] else None
        whole = output.partition("/")[0]
        for one in self.gates:
            if measured(one.metric) == name and (not one.outputs or {output, whole} & set(one.outputs)):
                return one
        return None

    def margin(self, name: str, gate: Gate | None) -> float:
        """Margin of a metric: the gate's, or by the metric's name, or by its kind."""
        if gate is not None and gate.margin is not None:
            return gate.margin
        by_kind = metric(name).margin
        return self.margins.get(name, self.margins.get(by_kind, MARGINS.get(by_kind, 0.05)))


def measured(name: str) -> str:
    """The metric that a name in a policy is measured as."""
    return SAME_AS.get(name, name)
