"""A run as a model card in Markdown: the nine parts of Mitchell et al. 2019, those of the owner left open."""

from __future__ import annotations

import re
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.core import AuditRun
from audit.finding_groups import ranked
from audit.store.atomic import write_text
from audit.store.hashes import content_hash
from audit.store.read import open_run
from reports import content, identity_terms, leakage, numbers, sentences, texts
from reports.headline import headline
from reports.privacy import K, small_cells, spread_is_hidden

OPEN = "*To be written by the model's owner: an audit of predictions can't know it.*"
MOST = 20
_MARKUP = re.compile(r"([\\`*_{}\[\]()<>#+!|~$&@]|:(?=//))")


def write(run: Path, out: Path) -> Path:
    """Write a finished run as a model card.

    Args:
        run: the run's folder.
        out: the Markdown file to write; an older one is replaced.

    Returns:
        `out`.

    Raises:
        RunError: the run can't be read.
    """
    write_text(out, "\n".join(_lines(run, open_run(run))) + "\n")
    return out


def escape(text: str) -> str:
    """Text of the data as text in Markdown: no markup, no HTML, no line of its own."""
    return _MARKUP.sub(r"\\\1", " ".join(text.split()))


def _lines(folder: Path, run: AuditRun) -> Iterator[str]:
    yield f"# Model card: {escape(run.model)} {escape(run.version)}"
    yield ""
    yield (
        f"Written by Plumbline {run.plumbline_version} from run `{run.run_id}`, content hash "
        f"`{content_hash(folder)}`. Numbers are the run's. Those about fewer than {K} rows are hidden."
    )
    yield from _part("Model details", _details(run))
    yield from _part("Intended use", [OPEN])
    yield from _part("Factors", _factors(run))
    yield from _part("Metrics", _metrics(run))
    yield from _part("Evaluation data", _evaluation(run))
    yield from _part("Training data", [OPEN])
    yield from _part("Quantitative analyses", _analyses(run))
    yield from _part("Ethical considerations", [OPEN, "", *(f"- **{a}** {b}" for a, b in texts.LIMITS[:1])])
    yield from _part("Caveats and recommendations", _caveats(folder, run))


def _part(title: str, lines: Sequence[str] | Iterator[str]) -> Iterator[str]:
    yield from ("", f"## {title}", "")
    yield from lines


def _details(run: AuditRun) -> Iterator[str]:
    yield f"- Name and version: {escape(run.model)}, {escape(run.version)}"
    for name, value in run.hashes.items():
        if value:
            yield f"- SHA-256 of the {name}: `{value}`"
    yield f"- Outputs: {escape(dict(content.facts(run))['Outputs'])}"
    yield f"- Developers, date, licence, architecture, contact: {OPEN}"


def _factors(run: AuditRun) -> Iterator[str]:
    attributes = run.data["attributes"]
    if not attributes:
        yield "No attributes are declared: groups could not be compared."
        return
    yield "Declared attributes, never inferred, and their audited rows:"
    yield ""
    for name, values in attributes.items():
        shown = [f"{escape(v)} ({f'fewer than {K}' if n < K else f'{n:,}'})" for v, n in values.items()]
        rest = f" and {len(shown) - MOST} more" if len(shown) > MOST else ""
        yield f"- {escape(name)}: {', '.join(shown[:MOST])}{rest}"


def _metrics(run: AuditRun) -> Iterator[str]:
    yield f"- Decision: {escape(dict(content.facts(run))['Decision'])}"
    for name, words, source in content.methods(run):
        yield f"- {name}: {words}" + (f" ({source})" if source else "")


def _evaluation(run: AuditRun) -> Iterator[str]:
    facts = dict(content.facts(run))
    yield f"- Data: {escape(facts['Data'])}"
    yield f"- Rows audited: {escape(facts['Rows audited'])}"
    if said := leakage.verdict(run):
        yield f"- Leakage: {escape(said)}"
    if said := identity_terms.verdict(run):
        yield f"- Identity terms: {escape(said)}"
    yield f"- Why this data, and how it was prepared: {OPEN}"


def _analyses(run: AuditRun) -> Iterator[str]:
    tables = content.tables(run)
    units = content.units(run)
    for table in headline(tables.get("slices"), run, units):
        yield from _overall(table)
        yield ""
    yield from ("### Findings, unitary and intersectional", "")
    counts = [f"{c['count']} {c['level']}" for c in sentences.severity_counts(run)]
    yield f"By severity: {', '.join(counts)}."
    yield ""
    for f in ranked(run)[:MOST]:
        shown = sentences.finding(f)
        text = f"{shown['text']} {shown['test']}".strip()
        yield f"- **{shown['level']}: {escape(shown['what'])}** {escape(shown['gap'])}. {escape(text)}"
    yield from _spreads(run)


def _overall(table: Mapping[str, Any]) -> Iterator[str]:
    yield "| output | " + " | ".join(table["metrics"]) + " |"
    yield "| --- " * (1 + len(table["metrics"])) + "|"
    for row in table["rows"]:
        cells = [
            c["value"]
            + (f" ({c['interval']})" if c["interval"] else "")
            + (f", n = {c['n']}" if c["n"] else "")
            for c in row["cells"]
        ]
        yield f"| {escape(row['output'])} | " + " | ".join(cells) + " |"


def _spreads(run: AuditRun) -> Iterator[str]:
    tables = content.tables(run)
    if "spread" not in tables:
        return
    cells = small_cells(tables.get("slices"))
    yield from ("", "### Largest − smallest group beside chance", "")
    yield "| output | attribute | metric | gap | by chance | p |"
    yield "| --- | --- | --- | --- | --- | --- |"
    for row in tables["spread"].to_pylist():
        if spread_is_hidden(row, cells):
            numbers_shown = [f"hidden: n < {K}", "", ""]
        else:
            unit = content.unit_of(row["metric"], row["output"], content.units(run))
            chance = "" if row["expected"] is None else numbers.amount(row["expected"], unit)
            numbers_shown = [numbers.difference(row["gap"], unit), chance, numbers.p(row["p"])]
        names = [escape(row[c]) for c in ("output", "attribute")]
        yield "| " + " | ".join([*names, sentences.title(row["metric"]), *numbers_shown]) + " |"


def _caveats(folder: Path, run: AuditRun) -> Iterator[str]:
    for head, words in texts.LIMITS:
        yield f"- **{head}** {words}"
    for line in sentences.untested(run):
        yield f"- Not tested: {escape(line)}"
    notes = content.notes(folder, run.run_id)
    if notes["none"]:
        yield f"- {notes['none']}"
    for entry in notes["sign_offs"]:
        yield f"- Signed off by {escape(entry['who'])}, {entry['when']}: {escape(entry['text'])}"
