"""The section that a page shows, or why the run has none and which command makes it."""

from __future__ import annotations

from dataclasses import dataclass

import streamlit as st

from audit import wording
from audit.core import AuditRun, Section, Status
from dashboard.panels.sentences import literal


@dataclass(frozen=True, kw_only=True)
class Absent:
    """What a page says where there is nothing to show."""

    failed: str
    """Of a probe that raised: the start of a sentence that its reason ends."""
    not_applicable: str
    """Of one that could not run, as above."""
    not_run: str
    """A whole sentence."""
    needs: str
    """Columns that the probe reads."""
    command: str


def shown(run: AuditRun, probe: str, absent: Absent) -> Section | None:
    """The section of a probe that ran; None where there is none, which has then been said.

    Args:
        run: the run.
        probe: its name.
        absent: the words.
    """
    section = next((section for section in run.sections if section.probe == probe), None)
    if section is not None and section.status is Status.OK:
        return section
    if section is None:
        st.info(f"{absent.not_run} {absent.needs}")
    elif section.status is Status.FAILED:
        st.error(f"{absent.failed}: {literal(wording.reason(section.why))}")
        st.markdown("The same command goes on where it stopped:")
    else:
        st.info(f"{absent.not_applicable}: {literal(wording.reason(section.why))}. {absent.needs}")
    st.code(absent.command, language="bash")
    return None
