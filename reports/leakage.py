"""The part on leakage: how many audited rows have a copy in training, and what they did to the numbers."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from audit.core import AuditRun, Finding, Level, Section, Status
from audit.metrics import METRICS
from reports import copies, numbers, svg
from reports.privacy import K
from reports.sentences import title

PROBE, SHARE = "leakage", "leaked_share"
LEAKED = "leaked, audited rows"
"""The question of the table `by_group` whose shares are printed."""
MOST_METRICS, MOST_GROUPS = 14, 18
ESTABLISHED = 0.05
HIDDEN = "hidden"
Row = Mapping[str, Any]


def find(run: AuditRun) -> Section | None:
    """The section of the search for copies where it went through; None otherwise."""
    return next((s for s in run.sections if s.probe == PROBE and s.status is Status.OK), None)


def part(run: AuditRun, units: Mapping[str, str]) -> dict[str, Any] | None:
    """What the report says of copies, as JSON values; None where the run did not search for them.

    Args:
        run: what it holds.
        units: output -> the unit of its numbers.
    """
    section = find(run)
    if section is None:
        return None
    tables = {name: section.tables[name] for name in section.tables}
    rows = tables["inflation"].to_pylist() if "inflation" in tables else []
    everyone = [row for row in rows if row["slice"] == "all"]
    return {
        "verdict": verdict(run),
        "searched": _searched(section.summary),
        "metrics": [_metric(row, units) for row in everyone[:MOST_METRICS]],
        "metrics_more": max(0, len(everyone) - MOST_METRICS),
        "groups": _groups(section, rows, tables.get("by_group"), list(run.data["attributes"]), units),
        "splits": copies.splits(tables.get("split_table")),
        "curve": copies.curve(tables.get("by_distance")),
        "threshold": copies.threshold(section.summary, tables.get("by_distance"), tables.get("planted")),
        "remarks": list(copies.remarks(section.summary, tables.get("conflicts"))),
        "k": K,
    }


def verdict(run: AuditRun) -> str:
    """One or two sentences: the share of audited rows with a copy in training, and the worst it did."""
    section = find(run)
    if section is None:
        return ""
    summary = section.summary
    audited, leaked = int(summary["audited_rows"]), int(summary["leaked"])
    if run.data["audited"]["split"] == "train":
        return "The audited rows are training rows themselves, so leakage into a test can't be told."
    if not summary["training_rows"]:
        return "The file holds no training rows, so nothing can be said about leakage into the audited ones."
    if not leaked:
        return (
            f"None of the {audited:,} audited rows has a confirmed copy in training. That holds for the "
            "kinds of "
            "copies that the search finds."
        )
    whole = next((f for f in section.findings if f.metric == SHARE and not f.slice.of), None)
    share = "" if whole is None else f" ({numbers.estimate(whole.value).value}; {_span(whole)})"
    return f"{leaked:,} of {audited:,} audited rows{share} have a copy in training. {_worst(section)}"


def _span(f: Finding) -> str:
    return numbers.span(f.value.low, f.value.high, f.value.unit)


def worst(section: Section) -> Finding | None:
    """The established finding about a flattered number that ranks first and is about enough rows."""
    found = (f for f in section.findings if f.metric != SHARE)
    return next(
        (f for f in found if f.severity.level is not Level.NOT_ESTABLISHED and not _is_few(_of(f))), None
    )


def _of(f: Finding) -> Row:
    return {"n": f.reference_value.n, "leaked": f.affected}


def _worst(section: Section) -> str:
    found = worst(section)
    if found is None:
        tests = int(section.summary.get("inflation_tests", 0))
        if not tests:
            return "No metric could be measured with and without them."
        return f"No number is shown to be flattered by them: {tests:,} were compared with and without."
    value, whole, gap = found.value, found.reference_value, found.gap
    where = " and ".join(f"{a} = {v}" for a, v in found.slice.of)
    low, high = sorted((abs(gap.low or 0.0), abs(gap.high or 0.0)))
    return (
        f"Without them the {_lower(title(found.metric))} of {found.output}{f', {where},' if where else ''} "
        "is "
        f"{numbers.value(value.value or 0.0, value.unit)} instead of "
        f"{numbers.value(whole.value or 0.0, whole.unit)}: it reads "
        f"{numbers.amount(abs(gap.value or 0.0), gap.unit)}{numbers.points(gap.unit)} too "
        f"{'low' if (gap.value or 0.0) > 0 else 'high'} ({numbers.span(low, high, gap.unit)})."
    )


def _lower(name: str) -> str:
    return name[0].lower() + name[1:] if name[1:2].islower() else name


def _searched(summary: Mapping[str, Any]) -> str:
    parts = []
    if images := summary.get("images"):
        parts.append(f"{images['used']:,} pictures, {images['rejected']:,} not readable")
    if texts := summary.get("texts"):
        parts.append(f"{texts['used']:,} texts")
    parts.append(f"{summary['confirmed_pairs']:,} pairs of copies in {summary['clusters']:,} clusters")
    return "Searched: " + "; ".join(parts) + "."


def _is_few(row: Row) -> bool:
    """Whether the numbers of a row are about fewer than `K` rows: all, leaked, or those that are left."""
    n, leaked = int(row["n"]), int(row["leaked"])
    return n < K or 0 < leaked < K or n - leaked < K


def _unit(row: Row, units: Mapping[str, str]) -> str:
    unit = METRICS[row["metric"]].unit if row["metric"] in METRICS else "rate"
    return units.get(row["output"], "") if unit == "unit" else unit


def reads(row: Row) -> str:
    """What leaked rows are shown to have done to a number: "flattered", "worsened" or nothing.

    Args:
        row: of the table `inflation`.
    """
    values = [row[name] for name in ("inflation", "low", "high", "p_adjusted")]
    if any(value is None for value in values):
        return ""
    change, low, high, p = values
    if p > ESTABLISHED or low <= 0 <= high:
        return ""
    lower_is_better = row["metric"] in METRICS and METRICS[row["metric"]].better == "lower"
    return "flattered" if (change < 0) == lower_is_better else "worsened"


def _metric(row: Row, units: Mapping[str, str]) -> dict[str, Any]:
    """One metric with and without leaked rows, in the parts that a table sets."""
    unit = _unit(row, units)
    made = {
        "output": row["output"],
        "metric": title(row["metric"]),
        "n": f"<{K}" if 0 < row["n"] < K else numbers.count(row["n"]),
        "leaked": numbers.count(row["leaked"]),
        **dict.fromkeys(("all", "clean", "gap", "interval", "p", "reads"), ""),
    }
    if _is_few(row):
        leaked = f"<{K}" if 0 < row["leaked"] < K else numbers.count(row["leaked"])
        return made | {"leaked": leaked, "all": _whole(row, unit), "gap": HIDDEN}
    if row["inflation"] is None or row["low"] is None:
        why = "none leaked" if not row["leaked"] else numbers.not_computed(row["reason"])
        return made | {"all": _whole(row, unit), "gap": why}
    return made | {
        "all": numbers.value(row["all"], unit),
        "clean": numbers.value(row["clean"], unit),
        "gap": numbers.signed(row["inflation"], unit) + ("" if unit == "rate" else numbers.points(unit)),
        "interval": numbers.span(row["low"], row["high"], unit),
        "p": numbers.p(row["p_adjusted"]),
        "reads": reads(row),
    }


def _whole(row: Row, unit: str) -> str:
    """The metric with all rows, which hides nothing unless the group itself is small."""
    if row["n"] < K:
        return HIDDEN
    return "" if row["all"] is None else numbers.value(row["all"], unit)


def _groups(
    section: Section,
    rows: Sequence[Row],
    shares: pa.Table | None,
    attributes: Sequence[str],
    units: Mapping[str, str],
) -> dict[str, Any] | None:
    """One metric by group: the one that is flattered most, with the share of each group that leaked."""
    single = [row for row in rows if _attribute(row["slice"], attributes)]
    if not single:
        return None
    found = worst(section)
    first = rows[0] if found is None else {"output": found.output, "metric": found.metric}
    own = [r for r in single if (r["output"], r["metric"]) == (first["output"], first["metric"]) and r["n"]]
    kept = sorted(own, key=lambda r: -abs(r["inflation"] or 0.0))[:MOST_GROUPS]
    kept = sorted(kept, key=lambda r: attributes.index(_attribute(r["slice"], attributes)))
    drawn = [r for r in kept if not _is_few(r) and r["clean"] is not None]
    top = 1.0 if _unit(first, units) == "rate" else None
    ends = [r[end] for r in drawn for end in ("all", "clean")] or [0.0, 1.0]
    axis = svg.scale(ends, zero=False, top=top, width=svg.WIDE)
    leaked = _leaked(shares)
    return {
        "output": first["output"],
        "metric": title(first["metric"]),
        "axis": [numbers.value(end, _unit(first, units)) for end in (axis.low, axis.high)],
        "rows": [_group(row, attributes, leaked, axis, units) for row in kept],
        "more": len(own) - len(kept),
    }


def _attribute(key: str, attributes: Sequence[str]) -> str:
    return next((name for name in attributes if key.startswith(f"{name}=")), "")


def _leaked(shares: pa.Table | None) -> dict[str, Row]:
    if shares is None:
        return {}
    own = shares.filter(pc.equal(shares["what"], LEAKED))
    return {f"{row['attribute']}={row['value']}": row for row in own.to_pylist()}


def _group(
    row: Row, attributes: Sequence[str], leaked: Mapping[str, Row], axis: svg.Scale, units: Mapping[str, str]
) -> dict[str, Any]:
    attribute = _attribute(row["slice"], attributes)
    share = leaked.get(row["slice"])
    shown = HIDDEN
    if share is not None and share["n"] >= K and not 0 < share["rows"] < K:
        shown = numbers.value(share["share"], "rate") if share["rows"] else "0"
    made = _metric(row, units) | {
        "attribute": attribute,
        "group": row["slice"].removeprefix(f"{attribute}="),
        "share": shown,
        "strip": "",
        "alt": "",
    }
    if not made["clean"]:
        return made
    kind = "finding" if made["reads"] else "known"
    mark = svg.Mark(value=row["clean"], low=None, high=None, reference=row["all"], kind=kind)
    return made | {
        "strip": svg.strip(mark, axis, None),
        "alt": f"{made['metric']}, {row['slice']}: {made['clean']} without leaked rows, {made['all']} with "
        "them.",
    }
