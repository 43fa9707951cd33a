"""Findings, and what was not tested, as sentences that stand alone."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator, Sequence
from typing import Any

from audit import wording
from audit.core import AuditRun, Estimate, Finding, Level, Reason, Section, Slice, Status
from audit.finding_groups import grouped, ranked
from audit.metrics import IDENTITY_METRICS, metric
from reports import numbers
from reports.privacy import HIDDEN, finding_is_small
from reports.texts import PROBES


def slice_words(of: Slice | str) -> str:
    """A slice as people read it: "age = 3-9 and gender = Female"."""
    if isinstance(of, str):
        return of if " & " in of else of.replace("=", " = ", 1)
    return " and ".join(f"{a} = {v}" for a, v in of.of) or "everyone"


def _whose(f: Finding) -> str:
    """The slice of a finding in words."""
    named = wording.slice_of(f.slice.key, f.probe)
    return slice_words(f.slice) if named == f.slice.key else named


def title(name: str) -> str:
    """A metric's title."""
    if name in IDENTITY_METRICS:
        return IDENTITY_METRICS[name].title
    return "Equalised odds" if name == "equalised_odds" else metric(name).title


def finding(f: Finding, *others: Finding) -> dict[str, Any]:
    """A finding in the parts that a page sets one below the other; all text is plain.

    Args:
        f: the finding.
        others: of the same output and slice, named beneath it.
    """
    head = {"level": wording.level(f.severity.level), "code": f.severity.level.value}
    output = f" of {f.output}" if f.output else ""
    what = f"{wording.subject(title(f.metric), f.value.method)}{output}, {_whose(f)}"
    if finding_is_small(f):
        return head | {
            "what": what,
            "gap": "",
            "text": f"Numbers {HIDDEN}; they stand in the run.",
            "test": "",
        }
    gap = ""
    if f.gap.value is not None:
        gap = numbers.signed(f.gap.value, f.gap.unit) + numbers.points(f.gap.unit)
    return head | {"what": what, "gap": gap, "text": _compared(f) + _also(others), "test": _tested(f)}


def _also(others: Sequence[Finding]) -> str:
    """Other findings of a slice in a few words each; small ones are counted and not shown."""
    shown = [
        f"{title(f.metric)} {numbers.signed(f.gap.value, f.gap.unit)}{numbers.points(f.gap.unit)}"
        for f in others
        if f.gap.value is not None and not finding_is_small(f)
    ]
    return f" Also: {', '.join(shown)}." if shown else ""


def line(f: Finding) -> dict[str, Any]:
    """A finding as one line of a table."""
    shown = finding(f)
    if finding_is_small(f):
        blank = dict.fromkeys(("value", "reference", "interval", "p", "power"), "")
        return shown | blank | {"gap": "hidden"}
    power = "" if f.smallest_gap is None else numbers.amount(abs(f.smallest_gap), f.gap.unit)
    return shown | {
        "value": _short(f.value),
        "reference": _short(f.reference_value),
        "gap": "" if f.gap.value is None else numbers.signed(f.gap.value, f.gap.unit),
        "interval": numbers.span(f.gap.low, f.gap.high, f.gap.unit),
        "p": numbers.p(f.test.p_adjusted),
        "power": power,
    }


def _short(e: Estimate) -> str:
    shown = numbers.estimate(e)
    return f"{shown.value} ({shown.n})" if shown.n else shown.value


def _compared(f: Finding) -> str:
    other = _side(f.reference_value)
    span = numbers.span(f.gap.low, f.gap.high, f.gap.unit)
    difference = (
        f" The difference has the interval {span}{numbers.points(f.gap.unit)} (not adjusted)." if span else ""
    )
    marks = f" Marked {', '.join(f.value.marks)}." if f.value.marks else ""
    against = slice_words(wording.reference(f.reference, f.probe))
    return f"{_side(f.value)}, against {other} for {against}.{difference}{marks}"


def _side(e: Estimate) -> str:
    shown = numbers.estimate(e)
    if not shown.n:
        return shown.value
    interval = f"{shown.interval}; " if shown.interval else ""
    return f"{shown.value} ({interval}n = {shown.n})"


def _tested(f: Finding) -> str:
    family = f.test.family.partition(":")[0]
    tests = f"{f.test.tests:,} {'test' if f.test.tests == 1 else 'tests'}"
    parts = [
        f"Adjusted {numbers.p_sentence(f.test.p_adjusted)}: {f.test.adjustment} over {tests} of the family "
        f"“{family}”; {f.test.method} test."
        if f.test.p_adjusted is not None else wording.untested(f.test.method),
        f"Rank: {f.severity.why}.",
    ]  # fmt: skip
    if f.smallest_gap is not None:
        shown = numbers.amount(abs(f.smallest_gap), f.gap.unit) + numbers.points(f.gap.unit)
        parts.append(f"Smallest gap that it would have shown: {shown}.")
    return " ".join(parts)


def severity_counts(run: AuditRun) -> list[dict[str, Any]]:
    """How many findings each level has, worst first."""
    counts = Counter(f.severity.level for section in run.sections for f in section.findings)
    return [
        {
            "level": wording.level(level),
            "code": level.value,
            "count": counts[level],
            "meaning": wording.LEVEL_MEANINGS[level],
        }
        for level in Level
    ]


def worst(run: AuditRun, most: int) -> tuple[list[tuple[Finding, ...]], list[Finding]]:
    """The established findings that open a report, and all others.

    Args:
        run: the run.
        most: slices that open it.

    Returns:
        For each slice its worst established finding, with the other established ones of it behind; and every
        finding that is not the first of those.
    """
    found = ranked(run)
    first = grouped(f for f in found if f.severity.level is not Level.NOT_ESTABLISHED)[:most]
    heads = {id(group[0]) for group in first}
    return first, [f for f in found if id(f) not in heads]


def untested(run: AuditRun) -> list[str]:
    """What was not tested and why, one sentence each."""
    lines = [line for section in run.sections for line in _of_section(section)]
    ran = {section.probe for section in run.sections}
    absent = [words for name, words in PROBES.items() if name not in ran]
    if absent:
        lines.append(f"Not part of this run: {'; '.join(absent)}.")
    for name, values in run.data.get("unsliced", {}).items():
        lines.append(f"{name}: {values:,} values, too many to slice by.")
    return lines


def _of_section(section: Section) -> Iterator[str]:
    name = PROBES.get(section.probe, wording.probe(section.probe)).capitalize()
    if section.status is Status.FAILED:
        yield f"{name}: FAILED, {section.why}"
    elif section.status is Status.NOT_APPLICABLE:
        yield f"{name}: {numbers.reason(section.why)}."
    summary = section.summary
    if summary.get("attributes_note"):
        yield f"{name}: {numbers.reason(summary['attributes_note'])}, so there are no groups to compare."
    for output in summary.get("without_truth", ()):
        yield f"{output}: errors are {numbers.not_computed(Reason.NO_TRUTH)}; selection rates are shown."
    for code, n in summary.get("untested", {}).items():
        yield f"{n:,} {'comparison' if n == 1 else 'comparisons'}: {numbers.reason(code)}."
    if summary.get("harmful_not_listed"):
        n = summary["harmful_not_listed"]
        what = "difference" if n == 1 else "differences"
        yield (
            f"{n:,} {what} in a harmful direction, with an unadjusted p above .05: not listed as a finding, "
            "in the table of slices."
        )
    if summary.get("crossings_left_out"):
        n = summary["crossings_left_out"]
        yield f"{n:,} crossings with too few rows were left out: there are too many."
