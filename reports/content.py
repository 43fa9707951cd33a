"""What a report shows, chosen from a run as plain JSON values. Every number is the run's, only printed."""

from __future__ import annotations

import os
from collections.abc import Mapping, Sequence
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from audit import wording
from audit.core import AuditRun
from audit.metrics import METRICS
from audit.store.hashes import content_hash
from audit.store.read import open_run, read_times
from reports import identity_terms, leakage, sentences, slices, spreads, texts, versions
from reports.attachments import Attachment
from reports.headline import headline
from reports.privacy import K

FINDINGS = 6
"""Findings on the first page, fewer where there are many outputs; the others follow one line each."""
LISTED = 40


def content(
    folder: Path,
    run: AuditRun,
    attached: Sequence[Attachment],
    left: Sequence[str],
    comparison: Path | None = None,
) -> dict[str, Any]:
    """Everything that the template sets, as JSON values.

    Args:
        folder: the run.
        run: what it holds.
        attached: files inside the PDF.
        left: tables too large to be attached.
        comparison: folder of a comparison that the run is part of.
    """
    compared = None if comparison is None else open_run(comparison)
    other = {} if comparison is None else {"comparison": content_hash(comparison)}
    times = read_times(folder)
    found = tables(run)
    own = units(run)
    overall = headline(found.get("slices"), run, own)
    rows = sum(len(table["rows"]) for table in overall)
    worst, rest = sentences.worst(run, max(3, FINDINGS - max(0, rows - 3) // 2))
    return {
        "model": run.model,
        "version": run.version,
        "date": _day(times.get("finished", "")),
        "facts": [*facts(run), *versions.fact(compared)],
        "hashes": {**{k: v for k, v in run.hashes.items() if v}, "run": content_hash(folder), **other},
        "run_id": run.run_id,
        "plumbline": run.plumbline_version,
        "packages": ", ".join(f"{name} {version}" for name, version in run.packages.items()),
        "counts": sentences.severity_counts(run),
        "findings": [sentences.finding(*group) for group in worst],
        "more": [sentences.line(f) for f in rest[:LISTED]],
        "unlisted": max(0, len(rest) - LISTED),
        "untested": sentences.untested(run),
        "messages": list(run.data.get("messages", ())),
        "headline": overall,
        **_slices(found, own),
        "identity_terms": identity_terms.part(run),
        "leakage": leakage.part(run, own),
        "versions": versions.part(compared, run, own),
        "methods": [list(m) for m in methods(run)],
        "limits": [list(limit) for limit in texts.LIMITS],
        "standards": [list(s) for s in texts.STANDARDS],
        "glossary": [list(g) for g in _filled(texts.GLOSSARY, run)],
        "notes": notes(folder, run.run_id),
        "attached": [{"name": a.name, "what": a.what, "sha256": a.sha256, "mime": a.mime} for a in attached],
        "left": list(left),
        "k": K,
        "coded": False,
    }


def tables(run: AuditRun) -> dict[str, pa.Table]:
    """The tables that pages are made of, whichever section has them."""
    wanted = ("slices", "spread", "families")
    return {
        n: section.tables[n] for section in reversed(run.sections) for n in wanted if n in set(section.tables)
    }


def methods(run: AuditRun) -> list[tuple[str, ...]]:
    """(name, what is done, source) of each method, with the run's own settings."""
    return _filled(texts.METHODS, run)


def _filled(of: Sequence[tuple[str, ...]], run: AuditRun) -> list[tuple[str, ...]]:
    words = {"minimum_n": str(run.spec.get("minimum_n", 30)), "level": f"{run.spec.get('level', 0.95):.0%}"}
    return [tuple(_fill(part, words) for part in parts) for parts in of]


def _fill(text: str, words: Mapping[str, str]) -> str:
    for name, value in words.items():
        text = text.replace("{" + name + "}", value)
    return text


def _slices(tables: Mapping[str, pa.Table], units: Mapping[str, str]) -> dict[str, Any]:
    table = tables.get("slices")
    drawn, without = slices.charts(table, units) if table is not None and slices.usable(table) else ([], [])
    rows, more = spreads.spreads(tables.get("spread"), tables.get("families"), table, units)
    used = {cell["p"] for chart in drawn for group in chart["groups"] for cell in group["cells"]}
    return {
        "charts": drawn,
        "charts_left": without,
        "legend": [[short, words] for short, words in texts.UNTESTED_MEANING.items() if short in used],
        "spreads": rows,
        "spreads_more": more,
    }


def units(run: AuditRun) -> dict[str, str]:
    """Output -> unit of its numbers: as its findings say, else as declared."""
    units = {name: str(o.get("unit") or "") for name, o in run.data.get("outputs", {}).items()}
    for section in run.sections:
        for f in section.findings:
            if f.metric in ("mae", "bias", "rmse") and f.gap.unit:
                units[f.output] = f.gap.unit
    return {name: "" if unit == "units of the output" else unit for name, unit in units.items()}


def unit_of(metric: str, output: str, of: Mapping[str, str]) -> str:
    """The unit of a metric of an output; that of a number is the output's own."""
    unit = METRICS[metric].unit if metric in METRICS else "rate"
    return of.get(output, "") if unit == "unit" else unit


def facts(run: AuditRun) -> list[list[str]]:
    """What was audited, as pairs of a label and words."""
    data = run.data
    audited = data["audited"]
    outputs = [
        f"{name} ({wording.kind(o['kind'])}{_rows(o, audited['rows'])})"
        for name, o in data["outputs"].items()
    ]
    refused = f"{data['rejected']:,} refused" if data["rejected"] else "none refused"
    clusters = f"; {data['clusters']:,} clusters" if data.get("clusters") else ""
    rows = f"{audited['rows']:,} of split “{audited['split']}”{clusters}"
    level, depth = run.spec.get("level", 0.95), run.spec.get("depth", 2)
    thresholds = sorted({t for o in data["outputs"].values() for t in o.get("thresholds", ())})
    return [
        ["Data", f"{data['file']}: {data['records']:,} records, {refused}"],
        ["Rows audited", rows],
        ["Outputs", ", ".join(outputs)],
        ["Attributes", ", ".join(_attribute(n, v) for n, v in data["attributes"].items()) or "none declared"],
        ["Decision", f"score ≥ {', '.join(f'{t:g}' for t in thresholds)}" if thresholds else "as given"],
        ["Weights", _weights(run)],
        ["Seed, level", f"{run.seed}; {level:.0%} intervals; crossings of {depth}"],
        ["Probes run", ", ".join(wording.probe(s.probe) for s in run.sections) or "none"],
    ]  # fmt: skip


def _weights(run: AuditRun) -> str:
    """Which weights, and whether they made the predictions."""
    digest, made = run.hashes.get("weights", ""), run.data.get("model", {})
    if not digest:
        return "not part of the audit: predictions only"
    mark = f"{made.get('model', {}).get('loader', 'model')} {digest[:12]}"
    if "data" in made:
        return f"{mark}, made the predictions"
    largest = made.get("agreement", {}).get("largest_difference")
    return f"{mark}, beside the predictions" + ("" if largest is None else f" (≤ {largest:g} apart)")


def _rows(output: Mapping[str, Any], rows: int) -> str:
    own = output.get("rows", rows)
    return "" if own == rows else f", {own:,} rows"


def _attribute(name: str, values: Mapping[str, int]) -> str:
    known = sum(v != "unknown" for v in values)
    unknown = values.get("unknown", 0)
    words = f"{name} ({known} {'group' if known == 1 else 'groups'}"
    return words + (f", {unknown:,} rows unknown)" if unknown >= K else ")")


def _day(time: str) -> str:
    try:
        day = datetime.fromisoformat(time)
    except ValueError:
        return "at an unknown time"
    return f"{day.day} {day:%B %Y}"


def notes(folder: Path, run_id: str) -> dict[str, Any]:
    """The auditors' notes as they stand, dated by the last of them and hashed; none is no error."""
    runs_dir = folder.resolve().parents[2]
    if not os.environ.get("PLUMBLINE_NOTES") and not any(runs_dir.glob("*.sqlite")):
        return {
            "none": texts.NO_SIGN_OFF,
            "sha256": "",
            "date": "",
            "sign_offs": [],
            "notes": [],
            "statuses": [],
        }
    from audit.store.notes import open_notes  # SQLAlchemy takes longer to import than a report to write

    snapshot = open_notes(runs_dir).snapshot(run_id)
    entries = snapshot.entries
    every = [*entries["notes"], *entries["statuses"], *entries["sign_offs"]]
    return {
        "none": "" if every else texts.NO_SIGN_OFF,
        "sha256": snapshot.sha256,
        "date": max((e["time"] for e in every), default=""),
        "sign_offs": [_said(e, e["statement"]) for e in entries["sign_offs"]],
        "notes": [_said(e, e["text"]) for e in entries["notes"]],
        "statuses": [_said(e, f"{e['finding']}: {e['status']}. {e['why']}") for e in entries["statuses"]],
    }


def _said(entry: Mapping[str, Any], text: str) -> dict[str, str]:
    return {"who": entry["author"], "when": entry["time"], "text": text, "hash": entry["content_hash"]}
