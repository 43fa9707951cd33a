"""Whether a PDF is what its run says: it is written again from the run and compared byte for byte.

Hashes inside a PDF prove little, since who changes a page can change them as well. A report is a function of
its run and the auditors' notes, so that the run is the proof.
"""

from __future__ import annotations

import re
from dataclasses import dataclass
from pathlib import Path

from audit.errors import RunError
from audit.store.comparison import comparison_entries
from audit.store.find import find_run
from audit.store.hashes import content_hash, verify
from reports import pdf
from reports.content import notes

_MARK = re.compile(
    rb"plumbline-run ([0-9a-f]{12}) content ([0-9a-f]{64}) notes (none|[0-9a-f]{64})"
    rb"(?: compare ([0-9a-f]{12}) content ([0-9a-f]{64}))?"
)


@dataclass(frozen=True, kw_only=True)
class Checked:
    """What was found."""

    genuine: bool
    """The PDF is byte for byte what this Plumbline writes for the run."""
    run: Path
    words: str


def check(report: Path, runs_dir: Path) -> Checked:
    """Compare a PDF with the run that it names.

    Args:
        report: the PDF.
        runs_dir: folder that holds runs.

    Raises:
        RunError: it is no report of Plumbline's, or its run or comparison is not there.
    """
    try:
        held = report.read_bytes()
    except OSError as error:
        raise RunError(f"{report}: it can't be read ({error.strerror}).") from error
    mark = _MARK.search(held)
    if mark is None:
        raise RunError(f"{report}: this is no report of Plumbline's: it names no run.")
    run_id, content, said, compare_id, compared = (part.decode() for part in mark.groups(b""))
    run = find_run(runs_dir, run_id)
    if not verify(run).intact:
        return Checked(genuine=False, run=run, words=f"its run is altered: plumbline verify {run_id}")
    if content_hash(run) != content:
        return Checked(genuine=False, run=run, words="it was made from a run of another content hash")
    if (notes(run, run_id)["sha256"] or "none") != said:
        return Checked(genuine=False, run=run, words="the auditors' notes have changed since: write it again")
    comparison = _comparison(runs_dir, compare_id) if compare_id else None
    if comparison is not None:
        if not verify(comparison).intact:
            words = f"its comparison is altered: plumbline verify {comparison}"
            return Checked(genuine=False, run=run, words=words)
        if content_hash(comparison) != compared:
            words = "it was made from a comparison of another content hash"
            return Checked(genuine=False, run=run, words=words)
    if pdf.render(run, comparison) != held:
        words = "it differs from what this version of Plumbline and Typst writes for the run"
        return Checked(genuine=False, run=run, words=words)
    return Checked(genuine=True, run=run, words=f"it is what its run says. Content hash {content}")


def _comparison(runs_dir: Path, run_id: str) -> Path:
    for found in comparison_entries(runs_dir):
        if found.run_id == run_id:
            return found.folder
    raise RunError(
        f"the comparison {run_id} that the report was made with is not in {runs_dir}: it was altered, made "
        "again with another policy, or lies elsewhere."
    )
