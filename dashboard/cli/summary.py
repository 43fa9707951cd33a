"""A finished run in a few lines of text: what was audited, the worst findings, what was not tested."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from pathlib import Path
from typing import Any

from audit import wording
from audit.core import AuditRun, Estimate, Finding, Level, Section, Status

SHOWN = 5
"""Findings that are printed."""


def summarise(run: AuditRun, folder: Path, runs_dir: Path) -> str:
    """Text for a terminal.

    Args:
        run: the run.
        folder: where it lies.
        runs_dir: for the commands that go on from here.
    """
    lines = [*_data(run.data, f"{run.model} {run.version}, run {run.run_id}"), ""]
    findings = [finding for section in run.sections for finding in section.findings]
    lines += [*_findings(findings), ""]
    speed = [line for section in run.sections if section.probe == "latency" for line in _speed(section)]
    if speed:
        lines += ["Speed:", *(f"  {line}" for line in speed), ""]
    untested = list(_untested(run))
    if untested:
        lines += ["Not tested:", *(f"  {line}" for line in untested), ""]
    lines += [f"  {line}" for line in run.data["messages"]]
    lines += [""] if run.data["messages"] else []
    where = "" if runs_dir == Path("runs") else f" --runs {runs_dir}"
    lines += [
        f"Browse it:    plumbline dashboard{where}",
        f"As PDF:       plumbline report {run.run_id}{where} -o report.pdf",
        f"Check it:     plumbline verify {run.run_id}{where}",
    ]
    return "\n".join(lines)


def failed(run: AuditRun) -> list[Section]:
    """Sections whose probe raised."""
    return [section for section in run.sections if section.status is Status.FAILED]


def sentence(finding: Finding) -> str:
    """One finding as a line: severity, metric, slice, gap with its interval, n."""
    compared = f"{estimate(finding.value)} against {estimate(finding.reference_value)} ({finding.reference})"
    gap, interval = difference(finding.gap)
    about = f"{finding.output}: {wording.metric(finding.metric)} of {finding.slice.key}"
    level = wording.level(finding.severity.level)
    return f"{level:<16} {about}\n{'':<17}{compared}: {gap} {interval}, n={finding.affected:,}"


def estimate(value: Estimate) -> str:
    """A number in its unit, or why there is none."""
    if value.value is None:
        return wording.reason(value.reason or "")
    return f"{value.value:.1%}" if value.unit == "rate" else f"{value.value:.3g}{_unit(value.unit)}"


def difference(gap: Estimate) -> tuple[str, str]:
    """A signed gap and its interval; rates in percentage points."""
    if gap.value is None or gap.low is None or gap.high is None:
        return wording.reason(gap.reason or ""), ""
    if gap.unit == "rate":
        return f"{gap.value * 100:+.1f} points", f"[{gap.low * 100:+.1f}, {gap.high * 100:+.1f}]"
    return f"{gap.value:+.3g}{_unit(gap.unit)}", f"[{gap.low:+.3g}, {gap.high:+.3g}]"


def _unit(unit: str) -> str:
    return f" {unit}" if unit and unit != "AUC" else ""


def _data(data: dict[str, Any] | Any, title: str) -> Iterator[str]:
    yield title
    audited = data["audited"]
    refused = f", {data['rejected']:,} refused (rejected.csv)" if data["rejected"] else ", none refused"
    rows = f"{audited['rows']:,} rows of split {audited['split']}"
    yield f"  {rows}; {data['records']:,} records in {data['file']}{refused}"
    kinds = {name: wording.kind(output["kind"]) for name, output in data["outputs"].items()}
    yield "  outputs: " + ", ".join(f"{name} ({kind})" for name, kind in kinds.items())
    attributes = [f"{name} ({len(values)})" for name, values in data["attributes"].items()]
    yield "  attributes: " + (", ".join(attributes) or "none declared")


def _findings(findings: list[Finding]) -> Iterator[str]:
    counts = Counter(finding.severity.level for finding in findings)
    if not findings:
        yield "Findings: none."
        return
    yield "Findings: " + ", ".join(
        f"{counts[level]} {wording.level(level)}" for level in Level if counts[level]
    )
    established = [f for f in findings if f.severity.level is not Level.NOT_ESTABLISHED]
    order = list(Level)
    established.sort(key=lambda f: (order.index(f.severity.level), -f.severity.score, -f.affected))
    for finding in established[:SHOWN]:
        yield "  " + sentence(finding).replace("\n", "\n  ")
    if len(established) > SHOWN:
        yield f"  and {len(established) - SHOWN} more"


def _speed(section: Section) -> Iterator[str]:
    """What the probe of latency recommends, and how quiet the machine was."""
    yield from section.summary.get("recommendations", ())
    yield from section.summary.get("notes", ())
    if section.summary.get("left_out"):
        yield f"{section.summary['left_out']} conditions were not measured; the table `latency` says why."


def _untested(run: AuditRun) -> Iterator[str]:
    for section in run.sections:
        name = wording.probe(section.probe)
        if section.status is Status.FAILED:
            yield f"{name} FAILED: {section.why}"
        elif section.status is Status.NOT_APPLICABLE:
            yield f"{name}: {wording.reason(section.why)}"
        for code, count in section.summary.get("untested", {}).items():
            yield f"{name}: {count:,} comparisons: {wording.reason(code)}"
