"""Whether audits and comparisons show what was planted, and what they claim besides."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any

from audit.core import AuditRun, Finding, Level, Status
from audit.store.read import open_run, table
from training.data.faults import FAULTS, Fault, Sight, read_planted

COMPARISON = "versions"
REGRESSED = "regressed"


class State(StrEnum):
    """What became of one fault in one version."""

    FOUND = "found"
    MISSED = "MISSED"
    GONE = "gone"
    """This version's training data are repaired, and the audit does not show it any more."""
    LEFT = "still there"
    """Repaired in the training data, and the audit shows it still."""
    UNSEEN = "not looked for"
    """The probe that would see it is not installed, or could not run."""


@dataclass(frozen=True, kw_only=True)
class Outcome:
    """One fault in one version."""

    fault: Fault
    state: State
    finding: Finding | None = None
    """The worst that shows it."""
    regression: Mapping[str, Any] | None = None
    """The worst row of the comparison's verdicts that shows it."""
    note: str = ""


def outcomes(run: AuditRun, planted: Iterable[str], repaired: Iterable[str]) -> list[Outcome]:
    """What one audit says of each fault.

    Args:
        run: the audit of one version.
        planted: names of faults that it should show.
        repaired: names of faults that it should not show any more.
    """
    named = [(name, False) for name in FAULTS if name in set(planted)]
    named += [(name, True) for name in FAULTS if name in set(repaired)]
    return [
        _outcome(run, FAULTS[name], mended)
        for name, mended in named
        if FAULTS[name].found_by.probe != COMPARISON
    ]


def regressions(comparison: AuditRun, folder: Path, planted: Iterable[str]) -> list[Outcome]:
    """What a comparison says of the faults that a training planted."""
    found = []
    for name in sorted(set(planted) & set(FAULTS)):
        fault = FAULTS[name]
        if fault.found_by.probe == COMPARISON:
            rows = [row for row in regressed(folder) if _row_shows(row, fault.found_by)]
            worst = max(rows, key=lambda row: row["n"], default=None)
            state = State.MISSED if worst is None else State.FOUND
            found.append(Outcome(fault=fault, state=state, regression=worst))
    return found


def established(run: AuditRun) -> list[Finding]:
    """Findings that are more than a suspicion."""
    every = (finding for section in run.sections for finding in section.findings)
    return [f for f in every if f.severity.level is not Level.NOT_ESTABLISHED]


def apart(run: AuditRun, faults: Iterable[str]) -> list[Finding]:
    """Established findings that no planted fault can have caused: on slices that its rows do not touch."""
    sights = [FAULTS[name].found_by for name in faults]
    return [f for f in established(run) if not any(touches(f, sight) for sight in sights)]


def regressed(folder: Path) -> list[dict[str, Any]]:
    """Rows of a comparison's verdicts that got worse."""
    rows: list[dict[str, Any]] = table(folder, COMPARISON, "verdicts").to_pylist()
    return [row for row in rows if row["verdict"] == REGRESSED]


def shows(finding: Finding, sight: Sight) -> bool:
    """Whether a finding is the sight of a fault."""
    same = finding.probe == sight.probe and set(finding.slice.of) == set(sight.of)
    return same and finding.metric in sight.metrics and _about(finding.output, sight)


def touches(finding: Finding, sight: Sight) -> bool:
    """Whether rows of a finding's slice can be a fault's: no attribute tells them apart."""
    if sight.probe == "leakage" or finding.probe == "leakage":
        return finding.probe == sight.probe
    of = dict(sight.of)
    return all(of.get(name, value) == value for name, value in finding.slice.of)


@dataclass(frozen=True, kw_only=True)
class Copies:
    """How many of the planted copies the leakage probe lists."""

    planted: int
    found: int
    listed: int
    """Audited rows that it lists as copies of training rows, planted or not."""


def copies(folder: Path, data: Path) -> Copies | None:
    """Compare the leakage probe's list with the answer sheet; None where the probe did not run.

    Args:
        folder: of the run.
        data: of the audited data, with its `planted.csv`.
    """
    section = next((s for s in open_run(folder).sections if s.probe == "leakage"), None)
    if section is None or section.status is not Status.OK:
        return None
    leaked = _leaked(folder) if section.summary["leaked"] else set()
    planted = {one.id for one in read_planted(data) if one.of}
    return Copies(planted=len(planted), found=len(planted & leaked), listed=len(leaked))


def _leaked(folder: Path) -> set[str]:
    """Ids of test rows in a cluster with a training row."""
    rows = table(folder, "leakage", "clusters").to_pylist()
    training = {row["cluster"] for row in rows if row["split"] == "train"}
    return {row["id"] for row in rows if row["split"] == "test" and row["cluster"] in training}


def _outcome(run: AuditRun, fault: Fault, repaired: bool) -> Outcome:
    sight = fault.found_by
    section = next((s for s in run.sections if s.probe == sight.probe), None)
    if section is None or section.status is not Status.OK:
        why = "is not installed" if section is None else f"gave no answer: {section.status} {section.why}"
        return Outcome(fault=fault, state=State.UNSEEN, note=f"the probe {sight.probe} {why}".rstrip())
    finding = next((f for f in _worst_first(established(run)) if shows(f, sight)), None)
    if repaired:
        return Outcome(fault=fault, state=State.LEFT if finding else State.GONE, finding=finding)
    return Outcome(fault=fault, state=State.FOUND if finding else State.MISSED, finding=finding)


def _worst_first(findings: Sequence[Finding]) -> list[Finding]:
    order = list(Level)
    return sorted(findings, key=lambda f: (order.index(f.severity.level), -f.severity.score))


def _row_shows(row: Mapping[str, Any], sight: Sight) -> bool:
    key = " & ".join(f"{name}={value}" for name, value in sight.of) or "all"
    return row["slice"] == key and row["metric"] in sight.metrics and _about(row["output"], sight)


def _about(output: str, sight: Sight) -> bool:
    return not sight.outputs or output in sight.outputs or output.partition("/")[0] in sight.outputs
