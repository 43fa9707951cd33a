"""How far groups lie apart beside chance, and the primary family's tests."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa

from audit.metrics import METRICS
from reports import numbers
from reports.privacy import K, small_cells, spread_is_hidden
from reports.sentences import title

MOST = 12
"""Rows of the page; the attached table has all."""
SHORT = {"fpr": "FPR", "fnr": "FNR", "mae": "MAE", "bias": "Signed bias"}
"""Names that the glossary spells out, so that a row stays one line."""
Row = Mapping[str, Any]


def spreads(
    spread: pa.Table | None, families: pa.Table | None, slices: pa.Table | None, units: Mapping[str, str]
) -> tuple[list[dict[str, Any]], int]:
    """Largest − smallest of the headline metrics beside chance, and the primary family's tests.

    Returns:
        Rows, those with a primary test and then the widest first; how many more the attached table has.
    """
    tests = {(r["output"], r["attribute"], r["metric"]): r for r in families.to_pylist()} if families else {}
    found = [_as_fnr(r) if (r["output"], r["attribute"], "fnr") in tests and r["metric"] == "tpr" else r
             for r in (spread.to_pylist() if spread else [])]  # fmt: skip
    known = {(r["output"], r["attribute"], r["metric"]) for r in found}
    found += [_untabled(r) for key, r in tests.items() if key not in known]
    wanted = [r for r in found if (r["output"], r["attribute"], r["metric"]) in tests or _is_shown(r)]
    ordered = sorted(wanted, key=lambda r: _order(r, tests))
    cells = small_cells(slices)
    rows = [_spread(r, tests, cells, units) for r in ordered[:MOST]]
    return rows, len(found) - len(rows)


def _as_fnr(row: Row) -> dict[str, Any]:
    """The spread of TPR is that of FNR, its complement, with the groups the other way round."""
    return {**row, "metric": "fnr", "largest": row["smallest"], "smallest": row["largest"]}


def _untabled(test: Row) -> dict[str, Any]:
    nothing = dict.fromkeys(("gap", "expected", "low", "high", "p"))
    return {**test, **nothing, "criterion": "", "largest": "", "smallest": ""}


def _is_shown(row: Row) -> bool:
    headline = row["metric"] in METRICS and METRICS[row["metric"]].headline
    return bool(headline or row["metric"] in ("selection_rate", "equalised_odds"))


def _order(row: Row, tests: Mapping[tuple[str, str, str], Row]) -> tuple[bool, float]:
    test = tests.get((row["output"], row["attribute"], row["metric"]))
    p = row.get("p")
    if test is not None and test["p_adjusted"] is not None:
        return False, float(test["p_adjusted"])
    return True, 1.0 if p is None else float(p)


def _spread(
    row: Row,
    tests: Mapping[tuple[str, str, str], Row],
    cells: frozenset[tuple[str, str, str]],
    units: Mapping[str, str],
) -> dict[str, Any]:
    test = tests.get((row["output"], row["attribute"], row["metric"]))
    unit = METRICS[row["metric"]].unit if row["metric"] in METRICS else "rate"
    unit = units.get(row["output"], "") if unit == "unit" else unit
    hidden = spread_is_hidden(row, cells)
    few = f"hidden: n < {K}"
    gap = numbers.NONE if row["gap"] is None else numbers.value(row["gap"], unit).replace("%", "")
    chance = numbers.NONE if row["expected"] is None else numbers.amount(row["expected"], unit)
    return {
        "output": row["output"],
        "attribute": row["attribute"],
        "metric": SHORT.get(row["metric"]) or title(row["metric"]),
        "criterion": "" if row["metric"] == "equalised_odds" else row.get("criterion") or "",
        "ends": "" if hidden or not row["largest"] else f"{row['largest']} – {row['smallest']}",
        "gap": few if hidden else gap,
        "chance": "" if hidden else chance,
        "range": "" if hidden else numbers.span(row["low"], row["high"], unit),
        "p": "" if hidden else numbers.p(row["p"]),
        "test": test["test"].replace("monte carlo", "Monte Carlo") if test else "",
        "groups": test["groups"] if test else None,
        "p_adjusted": numbers.p(test["p_adjusted"]) if test else "",
    }
