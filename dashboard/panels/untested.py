"""What was not tested and why: no silence where there is no number."""

from __future__ import annotations

from collections.abc import Iterator

import pandas as pd
import streamlit as st

from audit import wording
from audit.core import AuditRun, Section, Status
from dashboard.panels.sentences import literal
from dashboard.panels.static import static_table

FIXES = (
    "{output}: the attribute {attribute} fixes the truth. Its groups share no class or range to be "
    "compared on, so its gaps are shown and not ranked."
)


def reasons(run: AuditRun) -> pd.DataFrame:
    """Comparisons that were not tested, counted by reason, most first."""
    lines = []
    for section in run.sections:
        for code, n in section.summary.get("untested", {}).items():
            lines.append(
                {"Probe": wording.probe(section.probe), "Comparisons": n, "Why": wording.reason(code)}
            )
    found = pd.DataFrame(lines, columns=["Why", "Comparisons", "Probe"])
    return found.sort_values("Comparisons", ascending=False, kind="stable")


def remarks(run: AuditRun) -> list[str]:
    """Sentences in Markdown about whole outputs and attributes that could not be tested."""
    found: list[str] = []
    for section in run.sections:
        found += _section(section)
    if not run.data["attributes"] and not run.data["unsliced"]:
        found.append(
            "No attributes are declared: overall metrics only. Add columns `group.ATTRIBUTE` to the file."
        )
    for name, values in run.data["unsliced"].items():
        found.append(
            f"{literal(name)}: {values:,} values, too many to slice by. In the spec, "
            f"`[attributes.…]` with a `bins` line turns a number into bands; the reader's note below has it."
        )
    for name, output in run.data["outputs"].items():
        if output["disagreements"]:
            found.append(
                f"{literal(name)}: {output['disagreements']:,} given decisions differ from the threshold."
            )
    return found


def _section(section: Section) -> Iterator[str]:
    if section.status is not Status.OK:
        why = literal(wording.reason(section.why))
        yield f"**{literal(wording.probe(section.probe))}: {wording.status(section.status)}.** {why}"
    for output in section.summary.get("without_truth", []):
        yield f"{literal(output)}: no truth was given, so only selection rates were compared."
    for output, attributes in section.summary.get("fixed_by_attribute", {}).items():
        for attribute in attributes:
            yield FIXES.format(output=literal(output), attribute=literal(attribute))
    left_out = section.summary.get("crossings_left_out", 0)
    if left_out:
        yield f"{left_out:,} crossings with too few rows to be tested are not listed: there are so many."
    hidden = section.summary.get("harmful_not_listed", 0)
    if hidden:
        yield (
            f"{hidden:,} tested differences in the harmful direction have an unadjusted p above .05. They "
            "are not findings; the table of all slices has them."
        )


def fixing(run: AuditRun, output: str) -> list[str]:
    """Attributes that fix an output's truth."""
    found: list[str] = []
    for section in run.sections:
        found += section.summary.get("fixed_by_attribute", {}).get(output, [])
    return found


def draw(run: AuditRun) -> None:
    """Draw the remarks, the counts (as `reasons`) and the reader's messages."""
    found = reasons(run)
    lines = remarks(run)
    if found.empty and not lines and not run.data["messages"]:
        st.markdown("Everything that could be compared was tested.")
    for line in lines:
        st.markdown(f"- {line}")
    if len(found):
        static_table(found)
    if run.data["messages"]:
        st.markdown("**The reader's notes**")
        for message in run.data["messages"]:
            st.markdown(f"- {literal(message)}")
