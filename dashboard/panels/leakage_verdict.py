"""What the search for copies says in one sentence, or why a run has none."""

from __future__ import annotations

from typing import Any

from audit.core import Finding, Level, Section
from dashboard.charts import numbers
from dashboard.panels.probe_section import Absent
from dashboard.panels.sentences import literal, title

PROBE = "leakage"
SHARE = "leaked_share"
COMMAND = "plumbline audit --predictions FILE --probes group_error,leakage"
COLUMNS = (
    "It needs no model: a column `image` (a path beside the file) or `text`, and a column `split` with the "
    "training rows in it. Predictions of training rows are not used."
)
ABSENT = Absent(
    failed="The search for copies failed",
    not_applicable="Copies were not searched for",
    not_run="This run did not search for copies.",
    needs=COLUMNS,
    command=COMMAND,
)


def verdict(section: Section, split: str) -> str:
    """One sentence in Markdown: how many audited rows leaked, and what that did at worst.

    Args:
        section: of the probe.
        split: that was audited.
    """
    summary = section.summary
    audited, leaked = int(summary["audited_rows"]), int(summary["leaked"])
    if split == "train":
        return (
            f"The {audited:,} audited rows are training rows themselves: copies are listed below, leakage "
            "into a test can't be told from them."
        )
    if not summary["training_rows"]:
        return (
            "**The file holds no training rows, so nothing can be said about leakage.** Copies among its "
            f"{audited:,} audited rows are below."
        )
    if not leaked:
        return (
            f"**None of the {audited:,} audited rows has a confirmed copy in training.** That holds for the "
            "kinds of copies that the search finds: see how many planted copies it found, below."
        )
    return f"**{_share(section, leaked, audited)} have a copy in training.** {_worst(section)}"


def _share(section: Section, leaked: int, audited: int) -> str:
    whole = f"{leaked:,} of {audited:,} audited rows"
    for finding in section.findings:
        if finding.metric == SHARE and not finding.slice.of:
            share = finding.value
            return f"{whole} ({numbers.number(share.value)}, {numbers.span(share.low, share.high)})"
    return whole


def worst(section: Section) -> Finding | None:
    """The finding about a flattered number that ranks first; None where none is established."""
    found = (f for f in section.findings if f.metric != SHARE)
    return next((f for f in found if f.severity.level is not Level.NOT_ESTABLISHED), None)


def _worst(section: Section) -> str:
    finding = worst(section)
    if finding is not None:
        return flattered(finding)
    tests = int(section.summary.get("inflation_tests", 0))
    if not tests:
        return (
            "What that did to the numbers can't be told: no metric could be measured with and without them."
        )
    return f"No number is shown to be flattered by them: {tests:,} were compared with and without."


def flattered(finding: Finding) -> str:
    """How far leaked rows flatter a number, in one sentence of Markdown.

    Args:
        finding: about a metric with and without leaked rows; its gap is without - with.
    """
    value, gap = finding.value, finding.gap
    where = f" in {literal(finding.slice.key)}" if finding.slice.of else ""
    too = "low" if (gap.value or 0.0) > 0 else "high"
    low, high = (gap.low, gap.high) if (gap.value or 0.0) > 0 else _turned(gap.low, gap.high)
    return (
        f"Without them the {_lower(title(finding.metric))} of output {literal(finding.output)}{where} is "
        f"**{numbers.number(value.value, value.unit)} instead of "
        f"{numbers.number(finding.reference_value.value, value.unit)}**: it reads "
        f"{numbers.difference(gap.value, gap.unit)} too {too} ({numbers.span(low, high, gap.unit)})."
    )


def _turned(low: float | None, high: float | None) -> tuple[float | None, float | None]:
    return (None, None) if low is None or high is None else (-high, -low)


def _lower(name: str) -> str:
    """A title inside a sentence: abbreviations such as ROC AUC and F1 stay as they are."""
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def counts(summary: dict[str, Any]) -> str:
    """What was searched and what was found, as one line of Markdown."""
    parts = []
    if images := summary.get("images"):
        parts.append(
            f"{images['used']:,} pictures read ({images['rejected']:,} could not be, {images['blank']:,} "
            "blank)"
        )
    if texts := summary.get("texts"):
        parts.append(f"{texts['used']:,} texts with words")
    parts.append(f"{summary['confirmed_pairs']:,} pairs of copies")
    parts.append(f"{summary['clusters']:,} clusters of {summary['rows_in_clusters']:,} rows")
    if summary["copied_in_validation"]:
        parts.append(f"{summary['copied_in_validation']:,} audited rows with a copy in validation")
    return " · ".join(parts)
