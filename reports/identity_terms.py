"""The part on identity terms: whom a mention harms, cell by cell, and what swaps and suites showed."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audit import wording
from audit.core import AuditRun, Section, Status
from reports import numbers
from reports.identity_model import suites, swaps
from reports.privacy import K

PROBE = "identity_terms"
BLOCKS, MOST_LABELS, MOST_IDENTITIES, MOST_CELLS = 2, 6, 30, 14
"""Metrics beside each other; labels of each; identities; worst cells listed."""
FULL = 0.15
"""Share of the scale, in the metric's unit, at which a colour is strongest."""
TITLES = {"power_mean_subgroup_auc": "Subgroup", "power_mean_bpsn_auc": "BPSN", "power_mean_bnsp_auc": "BNSP"}
SUMS = ("fped", "fned")
HIDDEN = f"<{K}"
Row = Mapping[str, Any]


def find(run: AuditRun) -> Section | None:
    """The section where it went through and some text spoke of an identity; None otherwise."""
    return next((s for s in run.sections if s.probe == PROBE and s.status is Status.OK), None)


def part(run: AuditRun) -> dict[str, Any] | None:
    """What the report says of identity terms, as JSON values; None where the run did not look at them.

    Args:
        run: what it holds.
    """
    section = find(run)
    if section is None:
        return None
    tables = {name: section.tables[name].to_pylist() for name in section.tables if name not in UNREAD}
    cells, summary = tables.get("cells", []), section.summary
    ranked = sorted((c for c in cells if c["p_adjusted"] is not None and not _is_few(c)), key=_rank)
    return {
        "verdict": verdict(run),
        "source": _source(summary),
        **_map(cells, int(summary["minimum_n"])),
        "worst": [_listed(c) for c in ranked[:MOST_CELLS]],
        "worst_more": max(0, len(ranked) - MOST_CELLS),
        "means": [_means(label, rows) for label, rows in _by(tables.get("summary", []), "label")],
        "sums": [_sums(label, rows) for label, rows in _by(tables.get("summary", []), "label")],
        "swaps": swaps(tables.get("swaps", []), summary.get("swaps", {})),
        "suites": suites(tables.get("suites", [])),
        "minimum_n": str(summary["minimum_n"]),
        "k": K,
    }


UNREAD = ("thresholds", "swap_examples", "suite_examples", "swap_excluded")
"""Tables that the report does not print; the first is large, others hold texts."""


def verdict(run: AuditRun) -> str:
    """How many pairs of a label and an identity are established, and the worst; empty where not looked at."""
    section = find(run)
    if section is None:
        return ""
    cells = section.tables["cells"].to_pylist() if "cells" in section.tables else []
    if not cells:
        return "No audited text speaks of any identity."
    pairs = {(c["output"], c["identity"]) for c in cells}
    tested = {(c["output"], c["identity"]) for c in cells if c["p_adjusted"] is not None}
    sure = [c for c in cells if c["level"]]
    harmed = {(c["output"], c["identity"]) for c in sure}
    if not tested:
        return f"Nothing can be told: none of {len(pairs):,} label × identity pairs has enough texts."
    enough = f"{len(tested):,} {'has' if len(tested) == 1 else 'have'} enough texts to be tested"
    if not sure:
        return f"No harm is established in {len(pairs):,} label × identity pairs; {enough}."
    shown = [c for c in sure if not _is_few(c)]
    worst = f" Worst: {_sentence(min(shown, key=_rank))}" if shown else ""
    return (
        f"Harm is established in {len(harmed):,} of {len(pairs):,} label × identity pairs; {enough}.{worst}"
    )


def _sentence(c: Row) -> str:
    unit = c["unit"]
    return (
        f"{wording.identity(c['identity'])}, {c['label']}: {wording.IDENTITY_HARMS[c['metric']][1]} "
        f"({wording.metric(c['metric'])} {numbers.value(c['value'], unit)} instead of "
        f"{numbers.value(c['expected'], unit)}; difference {numbers.signed(c['difference'], unit)}"
        f"{numbers.points(unit)}, {numbers.span(c['diff_low'], c['diff_high'], unit)})."
    )


def _rank(c: Row) -> tuple[float, float]:
    return -float(c["severity"] or 0.0), float(c["p_adjusted"] if c["p_adjusted"] is not None else 2.0)


def _is_few(c: Row) -> bool:
    return c["n"] is None or int(c["n"]) < K


def _source(summary: Mapping[str, Any]) -> str:
    where = {"declared": "declared columns", "lexicon": "terms of the lexicon found in the texts"}
    return (
        f"Identities: {where.get(summary['source'], summary['source'])}; "
        f"{summary['identities_mentioned']:,} of "
        f"{summary['identities']:,} are mentioned in {summary['rows']:,} audited texts. "
        f"{summary['tests']:,} of {summary['cells']:,} numbers could be tested ({summary['adjustment']})."
    )


def _map(cells: Sequence[Row], minimum_n: int) -> dict[str, Any]:
    """The heat table: identities down, two metrics of every label across."""
    labels = list(dict.fromkeys(c["label"] for c in cells))
    kept = labels[:MOST_LABELS]
    enough = [c for c in cells if c["difference"] is not None and int(c["n"]) >= minimum_n]
    metrics = _metrics(cells)
    known = {c["identity"] for c in enough if c["metric"] in metrics}
    order: dict[str, tuple[float, float]] = {}
    for c in cells:
        if c["identity"] in known:
            order[c["identity"]] = min(order.get(c["identity"], (0.0, 2.0)), _rank(c))
    names = sorted(order, key=lambda name: order[name])
    shown = names[:MOST_IDENTITIES]
    found = {(c["metric"], c["label"], c["identity"]): c for c in cells}
    kinds = {c["identity"]: c["group"] or "other" for c in cells}
    grouped = list(dict.fromkeys(kinds[name] for name in shown))
    shown.sort(key=lambda name: grouped.index(kinds[name]))
    return {
        "labels": kept,
        "labels_more": len(labels) - len(kept),
        "blocks": [
            {"metric": wording.metric(m), "unit": "points" if m in ("fpr", "fnr") else ""} for m in metrics
        ],
        "rows": [
            {
                "kind": kinds[name],
                "identity": wording.identity(name),
                "cells": [_cell(found.get((m, label, name)), minimum_n) for m in metrics for label in kept],
            }
            for name in shown
        ],
        "rows_more": len(names) - len(shown),
        "rows_small": len({c["identity"] for c in cells}) - len(names),
    }


def _metrics(cells: Sequence[Row]) -> list[str]:
    """The metric of the worst cell, then BPSN and BNSP AUC: harm by false alarms, and by misses."""
    ranked = sorted((c for c in cells if c["level"]), key=_rank)
    present = {c["metric"] for c in cells if c["difference"] is not None}
    wanted = [*(c["metric"] for c in ranked[:1]), "bpsn_auc", "bnsp_auc", "fpr", "fnr"]
    return [m for m in dict.fromkeys(wanted) if m in present][:BLOCKS]


def _cell(c: Row | None, minimum_n: int) -> dict[str, str]:
    """Text, sign, and the colour as a share of the strongest: minus is better than without bias."""
    if c is None or c["difference"] is None:
        return {"text": "", "sign": "", "share": "0", "tone": "none"}
    if _is_few(c):
        return {"text": HIDDEN, "sign": "", "share": "0", "tone": "small"}
    text = numbers.signed(c["difference"], c["unit"])
    if int(c["n"]) < minimum_n:
        return {"text": text, "sign": "", "share": "0", "tone": "small"}
    harm = float(c["difference"]) * wording.IDENTITY_HARMS[c["metric"]][0] / FULL
    return {
        "text": text,
        "sign": c["level"] or "",
        "share": f"{max(-1.0, min(1.0, harm)):.3f}",
        "tone": "known",
    }


def _listed(c: Row) -> list[str]:
    """One cell as a line of the table of the worst."""
    unit = c["unit"]
    shown = numbers.measured(c["value"], c["low"], c["high"], c["n"], c["events"], unit, c["reason"] or "")
    return [
        c["level"] or "not_established",
        wording.level(c["level"] or "not_established"),
        c["label"],
        wording.identity(c["identity"]),
        wording.metric(c["metric"]),
        shown.value,
        shown.interval,
        shown.n,
        numbers.value(c["expected"], unit),
        numbers.signed(c["difference"], unit) + ("" if unit != "rate" else " pts"),
        numbers.span(c["diff_low"], c["diff_high"], unit),
        numbers.p(c["p_adjusted"]),
    ]


def _by(rows: Sequence[Row], column: str) -> Iterator[tuple[str, list[Row]]]:
    for value in dict.fromkeys(row[column] for row in rows):
        yield value, [row for row in rows if row[column] == value]


def _means(label: str, rows: Sequence[Row]) -> list[str]:
    """A label's overall AUC, three power means with what sampling leaves of them, final score, identities."""
    of = {row["metric"]: row for row in rows}
    line = [label, _auc(of.get("overall_auc"))]
    line += [_auc(of.get(name)) for name in TITLES]
    counted = [of[name] for name in TITLES if name in of]
    every = "" if not counted else f" of {counted[0]['identities'] + counted[0]['left_out']:,}"
    return [
        *line,
        _auc(of.get("final_score")),
        " / ".join(f"{row['identities']:,}" for row in counted) + every,
    ]


def _auc(row: Row | None) -> str:
    if row is None or row["value"] is None:
        return numbers.NONE
    text = numbers.value(row["value"], "AUC")
    span = numbers.span(row["low"], row["high"], "AUC")
    expected = "" if row["expected"] is None else f"; {numbers.value(row['expected'], 'AUC')}"
    return text + (f" ({span})" if span else "") + expected


def _sums(label: str, rows: Sequence[Row]) -> list[str]:
    """FPED and FNED of a label, each with what it would be without bias, its range, and p."""
    of = {row["metric"]: row for row in rows}
    line = [label]
    for name in SUMS:
        row = of.get(name)
        if row is None or row["value"] is None:
            line += [numbers.NONE, "", "", ""]
            continue
        ends = (numbers.plain(row[end], 3) for end in ("expected_low", "expected_high"))
        line += [numbers.plain(row["value"], 3), numbers.plain(row["expected"], 3), " to ".join(ends)]
        line.append(numbers.p(row["p"]))
    return line
