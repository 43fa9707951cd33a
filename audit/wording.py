"""Words for every code of the vocabulary: pages, reports and the command line say the same thing."""

from __future__ import annotations

from collections.abc import Mapping

from audit.core import Level, Reason, Status, TaskKind
from audit.metrics import IDENTITY_METRICS, LEAKED_SHARE, METRICS, PRIVACY_METRICS

REASONS: Mapping[Reason, str] = {
    Reason.NO_TRUTH: "no truth was given",
    Reason.NO_SCORES: "no scores were given",
    Reason.NO_ROWS: "no rows",
    Reason.NO_POSITIVES: "no rows whose truth is positive",
    Reason.NO_NEGATIVES: "no rows whose truth is negative",
    Reason.NO_SELECTED: "no rows that the model selected",
    Reason.ONE_CLASS: "only one class among the rows",
    Reason.TOO_FEW: "fewer rows than the minimum n",
    Reason.TOO_FEW_EXPECTED: "fewer than 5 events expected at the reference's rate",
    Reason.UNKNOWN_GROUP: "rows whose group is unknown are shown, never tested",
    Reason.MIRROR: "the mirror image of a comparison that was tested",
    Reason.IS_REFERENCE: "this is the reference",
    Reason.NO_REFERENCE: "the reference has no rows to compare with",
    Reason.ATTRIBUTE_FIXES_TRUTH: "the attribute fixes the truth: the groups share no class to compare on",
    Reason.NO_HARMFUL_DIRECTION: "neither direction of a difference is harmful by itself",
    Reason.TOO_MANY_VALUES: "too many values to slice by",
    Reason.NO_ATTRIBUTES: "no attributes declared",
    Reason.NO_IDENTITIES: "no identity columns, and no texts to find identity terms in",
    Reason.NO_YES_NO: "no yes/no output and no labels",
    Reason.NO_THRESHOLD: "no threshold of the grid stays within the cost",
    Reason.SINGLE_ATTRIBUTES_ONLY: "computed for single attributes, not for crossings",
    Reason.NEEDS_MODEL: "needs a model, and only predictions were given",
    Reason.NEEDS_DATA: "needs the data behind the predictions",
    Reason.NO_TRAINING: "no rows of training beside held-out ones",
    Reason.FAILED: "the computation failed",
}
STATUSES: Mapping[Status, str] = {
    Status.OK: "done",
    Status.NOT_APPLICABLE: "not applicable",
    Status.FAILED: "failed",
}
LEVELS: Mapping[Level, str] = {
    Level.HIGH: "high",
    Level.MEDIUM: "medium",
    Level.LOW: "low",
    Level.NOT_ESTABLISHED: "not established",
}
LEVEL_MEANINGS: Mapping[Level, str] = {
    Level.HIGH: "even the end of the interval nearest zero is twice the margin or more",
    Level.MEDIUM: "even the end of the interval nearest zero is the margin or more",
    Level.LOW: "a difference in the harmful direction, its interval's nearest end below the margin",
    Level.NOT_ESTABLISHED: "the data can't tell it from chance, or the slice is too small",
}
KINDS: Mapping[TaskKind, str] = {
    TaskKind.BINARY: "yes/no",
    TaskKind.MULTICLASS: "many classes",
    TaskKind.MULTILABEL: "several labels",
    TaskKind.REGRESSION: "number",
}
IDENTITY_HARMS: Mapping[str, tuple[int, str]] = {
    "subgroup_auc": (-1, "among texts that speak of it, the label is told apart less well than elsewhere"),
    "bpsn_auc": (-1, "texts without the label that speak of it score too near to other texts with it"),
    "bnsp_auc": (-1, "texts with the label that speak of it score too near to other texts without it"),
    "positive_aeg": (1, "texts with the label that speak of it score lower than other such texts"),
    "negative_aeg": (-1, "texts without the label that speak of it score higher than other such texts"),
    "fpr": (1, "texts without the label that speak of it are flagged more often than others"),
    "fnr": (1, "texts with the label that speak of it are missed more often than others"),
}
"""Metric of an identity -> the sign of a harmful difference to no bias, and what it then means."""
WITHOUT_LEAKED = "without leaked rows"
"""Method of a value over the rows that have no copy in training."""


def reason(code: Reason | str) -> str:
    """Words for a reason.

    Args:
        code: a `Reason` or its value; other text, such as a failure's message, is given back as it is.
    """
    try:
        return REASONS[Reason(code)]
    except ValueError:
        return str(code)


def status(code: Status | str) -> str:
    """Words for how a probe ended."""
    return STATUSES[Status(code)]


def level(code: Level | str) -> str:
    """Words for a severity."""
    return LEVELS[Level(code)]


def kind(code: TaskKind | str) -> str:
    """Words for what an output predicts."""
    return KINDS[TaskKind(code)]


def metric(name: str) -> str:
    """A metric's title; a user's own metric keeps its name."""
    known = {LEAKED_SHARE.name: LEAKED_SHARE, **IDENTITY_METRICS, **PRIVACY_METRICS, **METRICS}
    return known[name].title if name in known else name.replace("_", " ")


def identity(name: str) -> str:
    """An identity's name as people read it."""
    return name.replace("_", " ")


def slice_of(key: str, probe_name: str) -> str:
    """A slice in words: that of an identity is the texts that speak of it, all others are named by their key.

    Args:
        key: of the slice.
        probe_name: of the probe that found something of it.
    """
    if probe_name == "identity_terms" and key.startswith("identity="):
        return f"texts that speak of “{identity(key.removeprefix('identity='))}”"
    return key


def reference(name: str, probe_name: str) -> str:
    """What a slice was compared with, in words."""
    return "other texts (the background)" if probe_name == "identity_terms" and name == "background" else name


def subject(title: str, method: str) -> str:
    """What a finding is about: a metric, or a metric without the rows that have a copy in training.

    Args:
        title: of the metric.
        method: of the finding's value.
    """
    return f"{title} {WITHOUT_LEAKED}" if method == WITHOUT_LEAKED else title


def untested(method: str) -> str:
    """Words for a finding that has no test, from the method of its test: "none: WHY"."""
    why = method.partition("none: ")[2]
    return f"Not tested: {why}." if why else "Not tested."


def probe(name: str) -> str:
    """A probe's name as people read it."""
    return name.replace("_", " ")


def why_ranked(near: float, margin: float, score: float, unit: str) -> str:
    """The numbers that gave a finding its rank.

    Args:
        near: the interval's end nearest zero.
        margin: a difference that matters.
        score: |near| ÷ margin.
        unit: of the metric; rates differ by points.
    """
    return f"nearest end of the interval {_gap(abs(near), unit)} ÷ margin {_gap(margin, unit)} = {score:.2g}"


def why_not_established(p_adjusted: float, low: float, high: float, unit: str) -> str:
    """What kept a difference from being established: it may be chance, or its interval has zero in it.

    Args:
        p_adjusted: of its test.
        low: end of the interval of the difference.
        high: end of the interval of the difference.
        unit: of the metric.
    """
    if p_adjusted > 0.05:
        return f"adjusted p = {p_adjusted:.2g} > .05"
    scale, name = _scale(unit)
    return f"the interval {scale * low:.3g} to {scale * high:.3g}{name} touches 0"


def _gap(size: float, unit: str) -> str:
    scale, name = _scale(unit)
    return f"{scale * size:.3g}{name}"


def _scale(unit: str) -> tuple[float, str]:
    """What a difference is multiplied with to be read, and the name of its unit after a space."""
    if unit == "rate":
        return 100.0, " points"
    return 1.0, "" if unit in ("AUC", "AP", "AEG", "unit", "") else f" {unit}"
