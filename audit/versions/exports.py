"""A comparison for machines and reviewers: JSON, JUnit XML, and Markdown for a pull request.

Names of slices and outputs come from the data. In XML they are escaped and stripped of what XML can't hold;
in Markdown every character that could be markup, a link, a mention or an issue number is written as an
entity.
"""

from __future__ import annotations

import json
import re
import xml.etree.ElementTree as ET
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

from audit import wording
from audit.core import AuditRun
from audit.store.atomic import write_json, write_text
from audit.store.plain import to_plain
from audit.versions.codes import EXITS, WORDS, Role, Verdict

JSON_SCHEMA = 1
MOST_ROWS = 20
"""Rows of each part of the Markdown summary."""
_XML_REFUSES = re.compile("[^\t\n\r\u0020-\ud7ff\ue000-\ufffd\U00010000-\U0010ffff]")
_MARKUP = re.compile(
    r"[\\`*_{}\[\]()<>#+!|~@&$:/^=\"'\x00-\x1f\x7f-\x9f\u200b-\u200f\u2028-\u202e\u2066-\u2069-]"
)


def write_json_file(run: AuditRun, path: Path) -> None:
    """Write everything that was found as JSON."""
    section = run.sections[0]
    write_json(
        path,
        to_plain(
            {
                "schema": JSON_SCHEMA,
                "plumbline_version": run.plumbline_version,
                "run_id": run.run_id,
                "model": run.model,
                "versions": run.version,
                "exit_code": section.summary["exit_code"],
                "hashes": dict(run.hashes),
                "runs": run.data["runs"],
                "summary": dict(section.summary),
                "verdicts": section.tables["verdicts"].to_pylist(),
                "flips": section.tables["flips"].to_pylist() if "flips" in section.tables else [],
                "turns": section.tables["turns"].to_pylist() if "turns" in section.tables else [],
            }
        ),
    )


def write_junit(run: AuditRun, path: Path) -> None:
    """Write gated comparisons as test cases: regressed fails; demanded and not told is an error.

    What is only tested and not told is skipped with its n; what is only watched is left out.
    """
    rows = _gated(run)
    root = ET.Element("testsuites", name=_xml(f"{run.model} {run.version}"))
    suites: dict[tuple[str, str], list[Mapping[str, Any]]] = {}
    for row in rows:
        suites.setdefault((row["output"], row["metric"]), []).append(row)
    for (output, metric), cases in suites.items():
        kinds = [_kind(case) for case in cases]
        suite = ET.SubElement(
            root,
            "testsuite",
            name=_xml(f"{output} {metric}"),
            tests=str(len(cases)),
            failures=str(kinds.count("failure")),
            errors=str(kinds.count("error")),
            skipped=str(kinds.count("skipped")),
        )
        for case, kind in zip(cases, kinds, strict=True):
            named = {"classname": _xml(f"plumbline.{output}.{metric}"), "name": _xml(case["slice"])}
            element = ET.SubElement(suite, "testcase", named)
            if kind:
                problem = ET.SubElement(element, kind, message=_xml(sentence(case)))
                if kind != "skipped":
                    problem.set("type", case["verdict"])
    ET.indent(root, " ")
    write_text(
        path, '<?xml version="1.0" encoding="UTF-8"?>\n' + ET.tostring(root, encoding="unicode") + "\n"
    )


def _kind(row: Mapping[str, Any]) -> str:
    if row["verdict"] == Verdict.REGRESSED.value:
        return "failure"
    if row["verdict"] in (Verdict.CANNOT_TELL.value, Verdict.NOT_JUDGED.value):
        return "error" if row["role"] == Role.DEMANDED.value else "skipped"
    return ""


def _gated(run: AuditRun) -> list[dict[str, Any]]:
    rows: list[dict[str, Any]] = run.sections[0].tables["verdicts"].to_pylist()
    return [row for row in rows if row["role"] != Role.WATCHED.value]


def write_markdown(run: AuditRun, path: Path) -> None:
    """Write a summary for a pull request."""
    write_text(path, "\n".join(_markdown(run)) + "\n")


def _markdown(run: AuditRun) -> Iterator[str]:
    summary, rows = run.sections[0].summary, _gated(run)
    old, new = summary["old"], summary["new"]
    title = f"{_md(new['model'])} {_md(new['version'])} against {_md(old['version'])}"
    yield f"## {title}: {EXITS[summary['exit_code']]}"
    yield ""
    if not summary["paired"]:
        yield "**Different data: an unpaired comparison, which is weaker.** A shift in who is in a slice"
        yield "looks like a change of the model."
    else:
        yield f"{summary['joined']['rows']:,} examples in both versions, compared row by row."
    yield ""
    yield "| verdict | demanded | tested only |"
    yield "| --- | ---: | ---: |"
    counts = summary["verdicts"]
    for verdict in Verdict:
        two = [counts[role.value][verdict.value] for role in (Role.DEMANDED, Role.TESTED)]
        if any(two):
            yield f"| {WORDS[verdict]} | {two[0]:,} | {two[1]:,} |"
    yield ""
    parts = (
        ("Regressed", [r for r in rows if r["verdict"] == Verdict.REGRESSED.value]),
        ("Demanded, and can't be told", [r for r in rows if _kind(r) == "error"]),
        ("Improved", [r for r in rows if r["verdict"] == Verdict.IMPROVED.value]),
    )
    for title, shown in parts:
        if shown:
            yield from _part(title, shown)
    open_ones = sum(_kind(r) == "skipped" for r in rows)
    if open_ones:
        yield f"{open_ones:,} further slices are too small to be shown not worse, and not shown to be worse."
    yield ""
    yield f"<sub>Plumbline {_md(run.plumbline_version)}, comparison {_md(run.run_id)}</sub>"


def _part(title: str, rows: Sequence[Mapping[str, Any]]) -> Iterator[str]:
    yield f"### {title}"
    yield ""
    yield "| output | metric | slice | n | old | new | harm (interval) | margin | adjusted p | needs n |"
    yield "| --- | --- | --- | ---: | ---: | ---: | --- | ---: | ---: | ---: |"
    for row in rows[:MOST_ROWS]:
        cells = [_md(row["output"]), _md(wording.metric(row["metric"])), _md(row["slice"]), whole(row["n"])]
        cells += [number(row["old"], row["unit"]), number(row["new"], row["unit"]), interval(row)]
        cells += [number(row["margin"], row["unit"]), p_value(row["p_adjusted"]), whole(row["needed_n"])]
        yield "| " + " | ".join(cells) + " |"
    if len(rows) > MOST_ROWS:
        yield ""
        yield f"and {len(rows) - MOST_ROWS:,} more"
    yield ""


def sentence(row: Mapping[str, Any]) -> str:
    """One row of the verdict table in words."""
    metric = wording.metric(row["metric"])
    old, new = number(row["old"], row["unit"]), number(row["new"], row["unit"])
    found = f"{WORDS[Verdict(row['verdict'])]}: {metric} {old} -> {new}, harm {interval(row)}"
    found += f", margin {number(row['margin'], row['unit'])}, n={whole(row['n'])}"
    if row["p_adjusted"] is not None:
        found += f", adjusted p {p_value(row['p_adjusted'])}"
    if row["only_old"] is not None:
        found += f", rows that changed: {row['only_old']:,} lost and {row['only_new']:,} gained the event"
    if row["needed_n"] is not None:
        found += f"; needs n={row['needed_n']:,}"
    return found


def number(value: float | None, unit: str) -> str:
    """A metric's value: rates in percent."""
    if value is None:
        return "-"
    return f"{value:.1%}" if unit == "rate" else f"{value:.3g}"


def interval(row: Mapping[str, Any]) -> str:
    """Harm with its interval; rates in percentage points."""
    if row["harm"] is None:
        return "-"
    parts = [row["harm"], row["harm_low"], row["harm_high"]]
    if row["unit"] == "rate":
        texts = ["?" if x is None else f"{x * 100:+.1f}" for x in parts]
        return f"{texts[0]} points [{texts[1]}, {texts[2]}]"
    texts = ["?" if x is None else f"{x:+.3g}" for x in parts]
    return f"{texts[0]} [{texts[1]}, {texts[2]}]"


def p_value(p: float | None) -> str:
    """A p with as many digits as matter."""
    if p is None:
        return "-"
    return "<.0001" if p < 0.0001 else f"{p:.4f}" if p < 0.01 else f"{p:.2f}"


def whole(n: int | None) -> str:
    """A count with separators."""
    return "-" if n is None else f"{n:,}"


def printable(text: str) -> str:
    """Text for a terminal: control and direction characters shown as escapes, so that they do nothing."""
    return "".join(c if c.isprintable() else json.dumps(c)[1:-1] for c in text)


def _xml(text: str) -> str:
    return _XML_REFUSES.sub("\ufffd", text)


def _md(text: str) -> str:
    return _MARKUP.sub(lambda found: f"&#{ord(found[0])};", text)
