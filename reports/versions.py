"""The part on versions: the verdicts of a comparison, what flipped, and which gaps between groups grew."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from audit.core import AuditRun
from audit.versions.codes import EXITS, GATED, WORDS, Role, Verdict
from audit.versions.policy_words import policy_sentences
from reports import numbers, svg
from reports.privacy import K, is_small
from reports.sentences import slice_words, title

PROBE = "versions"
MOST_ROWS, MOST_GAPS, MOST_FLIPS, MOST_TURNS = 30, 12, 24, 12
"""Rows of all verdict tables together, and of each other table; how many more there are is said."""
MOST_OPEN, LEAST = 12, 6
"""Rows at most of a table of what can't be told; rows that every verdict table may have."""
REACH = 3.0
"""Ends of the chart's axis, in margins."""
ROLES = {
    Role.DEMANDED.value: "Demanded to be not worse",
    Role.TESTED.value: "Tested for a regression",
    Role.WATCHED.value: "Shown, not gated",
}
SIGNS = {"lower": 1.0, "zero": 1.0, "higher": -1.0}
"""Direction of a metric -> the sign that turns a change into harm."""
Row = Mapping[str, Any]


def part(comparison: AuditRun | None, run: AuditRun, units: Mapping[str, str]) -> dict[str, Any] | None:
    """What the report says of a comparison, as JSON values; None where there is none.

    Args:
        comparison: the stored comparison, which is a run of its own.
        run: the run that the report is about, one of those compared.
        units: output -> the unit of its numbers.
    """
    if comparison is None:
        return None
    section = comparison.sections[0]
    summary, tables = section.summary, section.tables
    rows = tables["verdicts"].to_pylist()
    gated = [row for row in rows if row["role"] in GATED]
    return {
        "verdict": headline(comparison),
        "names": _names(comparison),
        "subject": _subject(comparison, run),
        "paired": summary["paired"],
        "joined": list(_joined(summary)),
        "policy": policy_sentences(summary["policy"], summary["tests"]),
        "counts": _counts(summary["verdicts"]),
        "verdict_names": [WORDS[verdict] for verdict in Verdict],
        "reach": f"{REACH:g}",
        "parts": [p for p in _parts(gated, units) if p["rows"]],
        "left": _left(gated),
        "gaps": _gaps(gated, units),
        "flips": _flips(tables["flips"].to_pylist() if "flips" in tables else []),
        "turns": _turns(tables["turns"].to_pylist() if "turns" in tables else []),
        "run_id": comparison.run_id,
        "k": K,
    }


def headline(comparison: AuditRun) -> str:
    """The exit code in words, with the counts behind it."""
    summary = comparison.sections[0].summary
    counts = [summary["verdicts"][role] for role in GATED]
    gated = sum(sum(count.values()) for count in counts)
    regressed = sum(count[Verdict.REGRESSED.value] for count in counts)
    waiting = sum(counts[0][verdict.value] for verdict in (Verdict.CANNOT_TELL, Verdict.NOT_JUDGED))
    code = summary["exit_code"]
    found = f"{regressed:,} of {gated:,} gated comparisons regressed"
    if waiting:
        found += f", {waiting:,} that had to be shown not worse can't be told"
    words = EXITS[code].partition(":")[0]
    return f"{words[:1].upper()}{words[1:]} (exit code {code}). {found}."


def fact(comparison: AuditRun | None) -> list[list[str]]:
    """The comparison as a line of the first page; none where there is none."""
    if comparison is None:
        return []
    old, new = _names(comparison)
    return [["Versions", f"{new} against {old}: {headline(comparison)}"]]


def _names(comparison: AuditRun) -> list[str]:
    """Old and new version; with the model where the runs are of several."""
    runs = comparison.data["runs"]
    several = len({one["model"] for one in runs}) > 1
    names = [f"{one['model']} {one['version']}" if several else one["version"] for one in runs]
    return [names[0], names[-1]]


def _subject(comparison: AuditRun, run: AuditRun) -> str:
    """Which of the two the report is about."""
    old, new = _names(comparison)
    if comparison.data["runs"][-1]["run_id"] == run.run_id:
        return f"This report is about {new}, the version that was judged; {old} is the one compared against."
    return f"This report is about {old}, the version compared against; {new} is the one that was judged."


def _joined(summary: Mapping[str, Any]) -> Iterator[str]:
    joined = summary["joined"]
    if not summary["paired"]:
        old, new = (summary[side]["rows"] for side in ("old", "new"))
        yield (
            f"Unpaired: {new:,} rows against {old:,} others. This is the weaker comparison: it needs far "
            "more rows, and a shift in who is in a slice looks like a change of the model."
        )
    else:
        yield f"{joined['rows']:,} examples in both versions, compared row by row."
        apart = joined["only_old"] + joined["only_new"]
        if apart:
            yield (
                f"{joined['only_old']:,} rows are in the old run only and {joined['only_new']:,} in the new "
                f"run only ({joined['unmatched']:.1%} of all); they take no part."
            )
    for name, count in joined["changed_truths"].items():
        yield f"{count:,} rows have another truth of {name} and take no part in it."
    for name, count in joined["changed_groups"].items():
        yield f"{count:,} rows have another group {name}; the new run's counts."
    for name, why in joined["left_out"].items():
        yield f"{name} is not compared: {why}."


def _counts(verdicts: Mapping[str, Mapping[str, int]]) -> list[list[str]]:
    return [
        [words, *(numbers.count(verdicts[role][verdict.value]) for verdict in Verdict)]
        for role, words in ROLES.items()
    ]


def _parts(gated: Sequence[Row], units: Mapping[str, str]) -> Iterator[dict[str, Any]]:
    """The tables, worst first: what regressed, what had to be told and can't be, what improved."""
    open_ones = (Verdict.CANNOT_TELL.value, Verdict.NOT_JUDGED.value)
    wanted = (
        ("Regressed", "regressed", [r for r in gated if r["verdict"] == Verdict.REGRESSED.value]),
        (
            "Demanded, and can't be told",
            "open",
            [r for r in gated if r["verdict"] in open_ones and r["role"] == Role.DEMANDED.value],
        ),
        (
            "Tested for a regression, and can't be told",
            "open",
            [r for r in gated if r["verdict"] in open_ones and r["role"] == Role.TESTED.value],
        ),
        ("Improved", "improved", [r for r in gated if r["verdict"] == Verdict.IMPROVED.value]),
    )
    room = MOST_ROWS
    for name, code, rows in wanted:
        shown = rows[: max(min(room, MOST_OPEN if code == "open" else room), LEAST)]
        room -= len(shown)
        yield {
            "name": name,
            "code": code,
            "rows": [_line(row, units, code) for row in shown],
            "more": len(rows) - len(shown),
        }


def _left(gated: Sequence[Row]) -> str:
    count = sum(row["verdict"] == Verdict.NOT_WORSE.value for row in gated)
    return f"{count:,} further gated comparisons are shown not worse." if count else ""


def _unit(row: Row, units: Mapping[str, str]) -> str:
    return units.get(row["output"], "") if row["unit"] == "unit" else str(row["unit"])


def _name(key: str) -> str:
    return "everyone" if key == "all" else slice_words(key)


def _few(row: Row) -> bool:
    return is_small(row["rows"]) or is_small(row["n"])


def _line(row: Row, units: Mapping[str, str], code: str) -> dict[str, Any]:
    """One comparison as a line; numbers about few rows are hidden."""
    head = {"output": row["output"], "metric": title(row["metric"]), "slice": _name(row["slice"])}
    head["slice"] += f" (same rows as {_name(row['same_rows_as'])})" if row["same_rows_as"] else ""
    blank = dict.fromkeys(("n", "old", "new", "harm", "interval", "p", "needed", "strip", "alt"), "")
    if _few(row):
        return head | blank | {"harm": "hidden", "n": f"<{K}"}
    if row["harm"] is None:
        return head | blank | {"harm": numbers.reason(row["empty"]), "n": numbers.count(row["n"] or 0)}
    unit = _unit(row, units)
    interval = numbers.span(row["harm_low"], row["harm_high"], unit)
    harm = numbers.signed(row["harm"], unit)
    return head | {
        "n": numbers.count(row["n"]),
        "old": numbers.amount(row["old"], unit),
        "new": numbers.amount(row["new"], unit),
        "harm": harm,
        "interval": interval,
        "p": numbers.p(row["p_adjusted"]),
        "needed": "" if row["needed_n"] is None else numbers.count(row["needed_n"]),
        "strip": _strip(row, code),
        "alt": f"{head['metric']}, {head['slice']}: harm {harm}{numbers.points(unit)}, interval {interval}, "
        f"margin {numbers.amount(row['margin'], unit)}.",
    }


def _strip(row: Row, code: str) -> str:
    """Harm in margins: 0 is the short upright line, the margin the dashed one."""
    value, low, high = (
        None if row[name] is None else row[name] / row["margin"] for name in ("harm", "harm_low", "harm_high")
    )
    kind = {"regressed": "finding", "open": "small"}.get(code, "known")
    ticks = tuple(float(k) for k in range(-int(REACH), int(REACH) + 1))
    axis = svg.Scale(low=-REACH, high=REACH, ticks=ticks)
    return svg.strip(svg.Mark(value=value or 0.0, low=low, high=high, reference=0.0, kind=kind), axis, 1.0)


def _gaps(gated: Sequence[Row], units: Mapping[str, str]) -> dict[str, Any]:
    """Slices whose distance to their reference grew: the interval of the gap of gaps lies above 0."""
    grown = []
    for row in gated:
        sign = SIGNS.get(row["better"])
        if sign is None or row["gap_low"] is None or row["gap_high"] is None or _few(row):
            continue
        low = min(sign * row["gap_low"], sign * row["gap_high"])
        if low > 0:
            grown.append((low / row["margin"], sign, row))
    grown.sort(key=lambda one: -one[0])
    counted = sum(row["gap_change"] is not None for row in gated)
    return {
        "rows": [_gap(row, sign, units) for _, sign, row in grown[:MOST_GAPS]],
        "more": max(0, len(grown) - MOST_GAPS),
        "grown": len(grown),
        "counted": counted,
    }


def _gap(row: Row, sign: float, units: Mapping[str, str]) -> dict[str, str]:
    unit = _unit(row, units)
    low, high = sorted((sign * row["gap_low"], sign * row["gap_high"]))
    return {
        "output": row["output"],
        "metric": title(row["metric"]),
        "slice": _name(row["slice"]),
        "reference": row["reference"],
        "n": numbers.count(row["n"]),
        "gap": numbers.signed(sign * row["gap_change"], unit),
        "interval": numbers.span(low, high, unit),
        "verdict": WORDS[Verdict(row["verdict"])],
    }


def _flips(rows: Sequence[Row]) -> dict[str, Any]:
    """Flips of everyone and of single attributes, those that lost most on balance first."""
    single = [row for row in rows if " & " not in row["slice"] and not is_small(row["rows"])]
    everyone = [row for row in single if row["slice"] == "all"]
    others = [row for row in single if row["slice"] != "all"]
    others.sort(key=lambda row: -(row["negative"] - row["positive"]) / row["rows"])
    shown = [*everyone, *others][:MOST_FLIPS]
    return {
        "rows": [
            {
                "output": row["output"],
                "slice": _name(row["slice"]),
                "rows": numbers.count(row["rows"]),
                "lost": numbers.count(row["negative"]),
                "won": numbers.count(row["positive"]),
                "both": "" if row["wrong_both"] is None else numbers.count(row["wrong_both"]),
                "p": numbers.p(row["p"]),
            }
            for row in shown
        ],
        "more": len(single) - len(shown),
    }


def _turns(rows: Sequence[Row]) -> dict[str, Any]:
    """Of a chain of versions: at which step what regressed got worse."""
    found = [r for r in rows if r["verdict"] == Verdict.REGRESSED.value and r["role"] in GATED]
    return {
        "rows": [
            {
                "what": f"{title(r['metric'])} of {r['output']}, {_name(r['slice'])}",
                "step": str(r["worst_step"] or "").replace("->", "to"),
                "since": str(r["worse_since"] or "not from one version on"),
            }
            for r in found[:MOST_TURNS]
        ],
        "more": max(0, len(found) - MOST_TURNS),
        "chain": bool(rows),
    }
