"""Findings of a run in order, and those that are about one and the same slice put together."""

from __future__ import annotations

from collections.abc import Iterable

from audit.core import AuditRun, Finding, Level


def ranked(run: AuditRun) -> list[Finding]:
    """Findings of all sections on the one scale, worst first; a section's own order breaks ties."""
    order = list(Level)
    found = [finding for section in run.sections for finding in section.findings]
    return sorted(found, key=lambda f: (order.index(f.severity.level), -f.severity.score))


def grouped(findings: Iterable[Finding]) -> list[tuple[Finding, ...]]:
    """Findings of one probe about one output and slice, as one group.

    One fault shows in several metrics: more false positives lower the precision and raise the error rate. A
    list of single findings would name the same people three times before it names the next.

    Args:
        findings: in the order that counts, such as `ranked`.

    Returns:
        Groups in the order of their first finding; inside, the order given.
    """
    groups: dict[tuple[str, str, str], list[Finding]] = {}
    for finding in findings:
        groups.setdefault((finding.probe, finding.output, finding.slice.key), []).append(finding)
    return [tuple(group) for group in groups.values()]
