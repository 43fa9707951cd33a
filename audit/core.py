"""The vocabulary of an audit: plain frozen data, no behaviour beyond selection, no text for people."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any, Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.codes import SPLITS as SPLITS
from audit.codes import Level as Level
from audit.codes import Reason as Reason
from audit.codes import Status as Status

SCHEMA_VERSION = 1
UNKNOWN = "unknown"

Better = Literal["higher", "lower", "zero", "neither"]


class TaskKind(StrEnum):
    """What an output predicts."""

    BINARY = "binary"
    MULTICLASS = "multiclass"
    MULTILABEL = "multilabel"
    REGRESSION = "regression"


@dataclass(frozen=True, kw_only=True)
class Task:
    """One output's kind and the names that its codes stand for."""

    kind: TaskKind
    classes: tuple[str, ...] = ()
    """binary: (negative, positive); multiclass: the class of each code; multilabel: the labels."""
    unit: str = ""
    """regression: the unit of truth and score, e.g. "years"; empty where not declared."""


@dataclass(frozen=True, kw_only=True)
class Predictions:
    """What a model said for one output, and the truth where known; rows unusable for it are absent."""

    output: str
    task: Task
    rows: NDArray[np.int64]
    """(n,) positions in `Examples`, increasing."""
    truth: NDArray[Any] | None
    """(n,) int8 0/1 for binary; int32 codes for multiclass; float64 for regression; (n, L) int8, -1 for
    missing for multilabel. None: no truth was given."""
    scores: NDArray[np.float64] | None
    """(n,) probability for binary; (n, C) for multiclass; (n, L), NaN for missing; regression: None."""
    decision: NDArray[Any]
    """(n,) as truth; (n, L) for multilabel with -1 for missing; regression: the predicted number."""
    thresholds: tuple[float, ...] = ()
    """binary: one; multilabel: one a label; else empty."""
    dropped: Mapping[str, int] = field(default_factory=dict)
    """Rows left out of this output by cause (missing truth, missing score)."""
    disagreements: int = 0
    """Rows where a given decision differs from score >= threshold (or argmax)."""

    def take(self, at: NDArray[Any]) -> Predictions:
        """Select rows.

        Args:
            at: their positions, or a mask.
        """
        return Predictions(
            output=self.output,
            task=self.task,
            rows=self.rows[at],
            truth=None if self.truth is None else self.truth[at],
            scores=None if self.scores is None else self.scores[at],
            decision=self.decision[at],
            thresholds=self.thresholds,
            dropped=self.dropped,
            disagreements=self.disagreements,
        )


@dataclass(frozen=True, kw_only=True)
class Attribute:
    """A declared attribute of every example: never inferred."""

    name: str
    values: tuple[str, ...]
    """Value of each code, sorted; `unknown`, where present, is last."""
    codes: NDArray[np.int32]
    """(n,) codes into `values`."""

    @property
    def unknown_code(self) -> int:
        """The code of `unknown`, or -1."""
        return len(self.values) - 1 if self.values and self.values[-1] == UNKNOWN else -1


@dataclass(frozen=True, kw_only=True)
class Source:
    """Where the examples came from and what was left behind there."""

    path: str
    sha256: str
    data_root: str
    """Folder that relative payload paths start from."""
    payloads: tuple[str, ...] = ()
    """Payload columns present: "text", "image"."""
    records: int = 0
    """Records read, refused ones included."""
    rejected: int = 0
    messages: tuple[str, ...] = ()
    """What the reader wants the auditor to know (assumed types, attributes that were not sliced, ...)."""
    unsliced: Mapping[str, int] = field(default_factory=dict)
    """Attributes with too many values to slice -> number of values."""


@dataclass(frozen=True, kw_only=True)
class Examples:
    """The audited rows without what a model said of them."""

    ids: pa.StringArray
    """(n,) unique."""
    split: NDArray[np.int8]
    """(n,) codes into SPLITS."""
    attributes: Mapping[str, Attribute]
    identities: Mapping[str, NDArray[np.float32]]
    """name -> (n,) membership in [0, 1], NaN where not annotated."""
    clusters: NDArray[np.int32] | None
    """(n,) codes of rows that belong together; None: every row by itself."""
    images: pa.StringArray | None
    """(n,) image paths relative to `source.data_root`; None: no such column."""
    source: Source

    @property
    def n(self) -> int:
        """Number of examples."""
        return len(self.ids)


@dataclass(frozen=True, kw_only=True)
class Slice:
    """A set of rows named by attribute values; two or more pairs are a crossing; none is everyone."""

    of: tuple[tuple[str, str], ...] = ()
    n: int = 0

    @property
    def key(self) -> str:
        """Name in tables and deep links: ``ethnicity=Black & gender=Female``; ``all`` for everyone."""
        return " & ".join(f"{a}={v}" for a, v in self.of) or "all"

    @property
    def attributes(self) -> tuple[str, ...]:
        """Names of the attributes that define it."""
        return tuple(a for a, _ in self.of)


@dataclass(frozen=True, kw_only=True)
class Estimate:
    """A number with its uncertainty, or the reason why there is none."""

    value: float | None
    low: float | None
    high: float | None
    n: int
    """The metric's own denominator: positives for FNR, selected rows for PPV."""
    method: str
    """Of the interval, e.g. "Wilson score"."""
    unit: str
    """"rate", "AUC", "years", "log loss" ..."""
    better: Better
    events: int | None = None
    """Numerator, for rates."""
    marks: tuple[str, ...] = ()
    """"approximate", "small", "n_effective=..."."""
    reason: Reason | None = None
    """Set exactly when value is None."""


@dataclass(frozen=True, kw_only=True)
class Test:
    """How a comparison was tested, printed with every adjusted p."""

    __test__ = False  # pytest would collect the name

    method: str
    p: float | None
    p_adjusted: float | None
    family: str
    adjustment: str
    """"Holm" or "Benjamini-Hochberg"."""
    tests: int
    """Number of tests in the family."""


@dataclass(frozen=True, kw_only=True)
class Severity:
    """Rank of a finding: the interval's end nearest zero on the harmful side, over the margin."""

    level: Level
    score: float
    """0 where not established."""
    margin: float
    why: str
    """The numbers that gave the level; or what kept it from being established."""


@dataclass(frozen=True, kw_only=True)
class Finding:
    """A harmful difference that one probe saw, established or not."""

    probe: str
    output: str
    """Output, or ``output/label`` for one label of a multilabel output."""
    slice: Slice
    metric: str
    value: Estimate
    """The metric in the slice."""
    reference: str
    """Key of the reference: ``everyone else`` or a slice key."""
    reference_value: Estimate
    gap: Estimate
    """value - reference_value, signed, with the interval of the difference (not adjusted)."""
    test: Test
    severity: Severity
    smallest_gap: float | None
    """Smallest gap that the slice would have shown with 80 % probability."""
    affected: int
    """Rows of the slice in the metric's denominator."""
    evidence: tuple[str, ...] = ()
    """Ids of example rows."""
    clauses: tuple[str, ...] = ()
    """Clauses of standards that the figure speaks to."""


@dataclass(frozen=True, kw_only=True)
class Section:
    """What one probe returns."""

    probe: str
    status: Status
    why: str = ""
    """For not applicable and failed: the reason."""
    findings: tuple[Finding, ...] = ()
    """Ranked, worst first."""
    tables: Mapping[str, pa.Table] = field(default_factory=dict)
    summary: Mapping[str, Any] = field(default_factory=dict)
    """Small facts for pages and reports: counts of tests, families, notes; JSON values only."""


@dataclass(frozen=True, kw_only=True)
class AuditRun:
    """A finished audit: everything in run.json. Tables stay on disk and are read by name."""

    schema_version: int
    plumbline_version: str
    run_id: str
    model: str
    version: str
    hashes: Mapping[str, str]
    """"data", "weights" (empty without a model), "spec"."""
    seed: int
    packages: Mapping[str, str]
    spec: Mapping[str, Any]
    data: Mapping[str, Any]
    """Rows, splits, outputs, attributes with counts, refused rows, messages."""
    sections: tuple[Section, ...]
