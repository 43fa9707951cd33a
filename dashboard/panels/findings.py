"""Findings as a list to read: badge, sentence, reason for the rank, way to the slice."""

from __future__ import annotations

import csv
import io
from collections import Counter
from collections.abc import Sequence
from typing import Literal

import streamlit as st

from audit import wording
from audit.core import AuditRun, Finding, Level, Status
from audit.csv_export import neutralise
from audit.finding_groups import grouped
from dashboard import state
from dashboard.panels import sentences

SHOWN = 8
"""Slices whose findings are drawn at first; each press shows as many more."""
Colour = Literal["red", "orange", "blue", "gray"]
BADGES: dict[Level, tuple[str, Colour]] = {
    Level.HIGH: (":material/keyboard_double_arrow_up:", "red"),
    Level.MEDIUM: (":material/keyboard_arrow_up:", "orange"),
    Level.LOW: (":material/remove:", "blue"),
    Level.NOT_ESTABLISHED: (":material/question_mark:", "gray"),
}
"""Icon and colour beside the word: none of the three alone."""
EVERY = "all outputs"
SLICES = ("views/slices.py", "See rows", "Opens the Slices page at this slice")
PAGES = {
    "leakage": ("views/leakage.py", "See copies", "Opens the Leakage page"),
    "identity_terms": ("views/identity_terms.py", "See texts", "Opens the page Identity terms at this cell"),
}
"""Probe -> page that shows a finding's evidence, words of the button, and what it does."""


def why_none(run: AuditRun) -> str:
    """Why a run has no finding: never to be read as "all is well"."""
    failed = [wording.probe(section.probe) for section in run.sections if section.status is Status.FAILED]
    if failed:
        return f"No findings, because a probe failed: {', '.join(failed)}. The reason is below."
    identities = sum(int(s.summary.get("tests", 0)) for s in run.sections if s.probe == "identity_terms")
    if not run.data["attributes"] and not identities:
        return (
            "No findings, because there is nobody to compare: the file declares no attributes. "
            "Add columns `group.ATTRIBUTE` (age band, gender, ethnicity …) and audit again."
        )
    if not identities and not sum(section.summary.get("slice_tests", 0) for section in run.sections):
        return "No findings, because nothing could be tested. What is below says why."
    return (
        "No finding: no tested difference in a harmful direction has a p below .05. That does not show that "
        "there is none: see what was not tested below, and the smallest gap that each slice could have shown."
    )


def draw(findings: Sequence[Finding], fallback: str) -> None:
    """Draw filters and the list; a button chooses the slice and opens its page.

    Args:
        findings: ranked, worst first.
        fallback: words for a run without any.
    """
    if not findings:
        st.info(fallback)
        return
    counts = Counter(finding.severity.level for finding in findings)
    st.markdown(
        " · ".join(f"**{counts[level]}** {wording.level(level)}" for level in Level if counts[level])
        + ". One scale for all: the interval's end nearest zero, divided by the margin."
    )
    kept = _filtered(findings)
    if not kept:
        st.info("No finding passes these filters. Choose another severity or output.")
        return
    shown = int(st.session_state.get("findings_shown", SHOWN))
    groups = grouped(kept)
    for place, group in enumerate(groups[:shown]):
        _group(group, place)
    drawn = sum(len(group) for group in groups[:shown])
    together = "; those of one output and slice stand together" if len(groups) < len(kept) else ""
    st.caption(f"{drawn:,} of {len(kept):,} shown, worst first{together}.")
    with st.container(horizontal=True):
        if len(groups) > shown:
            st.button(
                "Show more", key="more", on_click=state.show_more, args=("findings_shown", shown, SHOWN)
            )
        st.download_button(
            "All of them as CSV",
            to_csv(kept),
            "findings.csv",
            "text/csv",
            key="findings_csv",
            icon=":material/download:",
            on_click="ignore",
        )


def _filtered(findings: Sequence[Finding]) -> list[Finding]:
    levels = [level for level in Level if any(f.severity.level is level for f in findings)]
    outputs = list(dict.fromkeys(f.output for f in findings))
    established = [level for level in levels if level is not Level.NOT_ESTABLISHED]
    with st.container(horizontal=True, vertical_alignment="bottom", gap="medium"):
        wanted = st.pills(
            "Severity",
            levels,
            selection_mode="multi",
            default=established or levels,
            format_func=wording.level,
            key="findings_levels",
            help="\n\n".join(f"**{wording.level(x)}**: {wording.LEVEL_MEANINGS[x]}" for x in levels),
        )
        state.settle("findings_output", [EVERY, *outputs], EVERY)
        output = st.selectbox(
            "Of output",
            [EVERY, *outputs],
            key="findings_output",
            format_func=lambda name: name or "no output: of the data",
            disabled=len(outputs) == 1,
            width=260,
        )
    return [f for f in findings if f.severity.level in wanted and output in (EVERY, f.output)]


def _group(group: Sequence[Finding], place: int) -> None:
    """The worst finding of a slice, and the others of it behind one line that names them."""
    first, *others = group
    with st.container(border=True, key=f"finding_{place}"):
        _one(first, f"{place}")
        if others:
            with st.expander(f"also: {', '.join(sentences.short(finding) for finding in others)}"):
                for number, finding in enumerate(others, start=1):
                    _one(finding, f"{place}_{number}")


def _one(finding: Finding, place: str) -> None:
    icon, colour = BADGES[finding.severity.level]
    page, words, says = PAGES.get(finding.probe, SLICES)
    with st.container(horizontal=True, gap="small", vertical_alignment="center"):
        st.badge(wording.level(finding.severity.level), icon=icon, color=colour)
        if finding.output:
            st.badge(sentences.literal(finding.output), color="gray")
        st.space("stretch")
        opened = st.button(
            words,
            key=f"open_{place}",
            type="tertiary",
            icon=":material/arrow_forward:",
            icon_position="right",
            help=says,
            on_click=state.go,
            args=(finding.output, finding.metric, finding.slice.key, finding.slice.attributes),
        )
    st.markdown(sentences.headline(finding))
    st.caption(f"{sentences.certainty(finding)} {sentences.reason(finding)}")
    if opened:
        st.switch_page(page)


def to_csv(findings: Sequence[Finding]) -> str:
    """Findings as CSV, text neutralised for spreadsheets, numbers unrounded."""
    memory = io.StringIO()
    writer = csv.writer(memory, lineterminator="\n")
    writer.writerow(
        ["severity", "score", "probe", "output", "slice", "metric", "value", "low", "high", "n", "reference"]
        + ["reference_value", "gap", "gap_low", "gap_high", "p", "p_adjusted", "tests", "smallest_gap", "why"]
    )
    for f in findings:
        cells: list[object] = [
            f.severity.level.value,
            f.severity.score,
            f.probe,
            f.output,
            f.slice.key,
            f.metric,
        ]
        cells += [f.value.value, f.value.low, f.value.high, f.value.n, f.reference, f.reference_value.value]
        cells += [f.gap.value, f.gap.low, f.gap.high, f.test.p, f.test.p_adjusted, f.test.tests]
        cells += [f.smallest_gap, f.severity.why]
        writer.writerow([neutralise(cell) if isinstance(cell, str) else cell for cell in cells])
    return memory.getvalue()
