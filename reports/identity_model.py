"""What swaps and suites showed of a model, as lines of the report's tables."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit import wording
from reports import numbers
from reports.privacy import K

MOST_PAIRS, MOST_CASES, MOST_TARGETS = 7, 24, 12
"""Lines of each source, and of each suite."""
ESTABLISHED = 0.05
Row = Mapping[str, Any]


def swaps(rows: Sequence[Row], facts: Mapping[str, Row]) -> dict[str, Any]:
    """The ordered pairs whose swap moves the score most, those shown to first; or why there are none.

    Args:
        rows: of the table `swaps`.
        facts: the section's `swaps`: source -> texts, scored, reason.
    """
    reasons = [str(fact["reason"]) for fact in facts.values() if fact.get("reason")]
    tested = [r for r in rows if r["p_adjusted"] is not None and r["n"] >= K]
    ranked = sorted(tested, key=lambda r: (r["p_adjusted"] > ESTABLISHED, -abs(r["shift"])))
    sources = dict.fromkeys(r["source"] for r in rows)
    listed = [row for name in sources for row in [r for r in ranked if r["source"] == name][:MOST_PAIRS]]
    return {
        "reason": "" if rows else numbers.reason(reasons[0]) if reasons else "",
        "tested": f"{len(tested):,}",
        "shown": f"{sum(r['p_adjusted'] <= ESTABLISHED for r in tested):,}",
        "rows": [_swap(row) for row in listed],
        "more": len(ranked) - len(listed),
    }


def _swap(row: Row) -> list[str]:
    turned = numbers.measured(
        row["flip_rate"],
        row["flip_rate_low"],
        row["flip_rate_high"],
        row["n"],
        row["ups"] + row["downs"],
        "rate",
        "",
    )
    return [
        "bold" if row["p_adjusted"] <= ESTABLISHED else "regular",
        row["source"],
        row["output"],
        f"{wording.identity(row['given'])} → {wording.identity(row['wanted'])}",
        numbers.count(row["n"]),
        numbers.signed(row["shift"], "AUC"),
        numbers.span(row["shift_low"], row["shift_high"], "AUC"),
        f"{turned.value} ({turned.interval})",
        numbers.p(row["p_adjusted"]),
    ]


def suites(rows: Sequence[Row]) -> list[dict[str, Any]]:
    """Every suite: the whole, its functionalities, and the targets with the lowest pass rates.

    Args:
        rows: of the table `suites`.
    """
    return [
        _suite(name, [r for r in rows if r["suite"] == name])
        for name in dict.fromkeys(r["suite"] for r in rows)
    ]


def _suite(name: str, rows: Sequence[Row]) -> dict[str, Any]:
    whole = {r["gold"]: r for r in rows if not r["functionality"] and not r["target"]}
    cases = [r for r in rows if r["functionality"] and not r["target"] and r["gold"] == "both"]
    cases.sort(key=lambda r: r["rate"])
    targets = [r for r in rows if r["target"] and not r["functionality"] and r["gold"] == "both"]
    targets.sort(key=lambda r: r["rate"])
    return {
        "name": name,
        "label": rows[0]["output"],
        "whole": [[words, *_rate(whole[gold])] for gold, words in GOLDS.items() if gold in whole],
        "cases": [[wording.identity(r["functionality"]), *_rate(r)] for r in cases[:MOST_CASES]],
        "cases_more": max(0, len(cases) - MOST_CASES),
        "targets": [[wording.identity(r["target"]), *_rate(r)] for r in targets[:MOST_TARGETS]],
        "targets_more": max(0, len(targets) - MOST_TARGETS),
    }


GOLDS = {"both": "all cases", "yes": "with the label", "no": "without it"}


def _rate(row: Row) -> list[str]:
    """Of few cases as well: sentences of a suite are nobody's data."""
    shown = numbers.measured(row["rate"], row["low"], row["high"], row["n"], row["passed"], "rate", "")
    return [shown.value, shown.interval, shown.n]
