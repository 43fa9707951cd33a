"""`plumbline compare`: two or more versions on the same examples, a verdict a slice, and an exit code."""

from __future__ import annotations

import argparse
import sys
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from dashboard.cli.arguments import RUN_HELP, add_runs

if TYPE_CHECKING:
    from audit.core import AuditRun
    from dashboard.cli.arguments import Subparsers

SHOWN = 25
"""Slices that the table shows at most."""
COLUMNS = ("verdict", "output", "metric", "slice", "n", "old", "new", "harm [interval]", "margin", "adj. p")
RIGHT = (4, 5, 6, 8, 9)


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "compare",
        help="compare runs of two or more versions",
        description="Compare the last run with the first, slice by slice; runs between give the history. "
        "The last line on stdout is the comparison's folder.",
        epilog="Exit codes: 0 passes; 1 an error; 2 a gated slice regressed; 3 a demanded one can't be told.",
    )
    parser.add_argument("names", nargs="+", metavar="RUN", help=f"two or more, the oldest first; {RUN_HELP}")
    add_runs(parser)
    parser.add_argument(
        "--policy", type=Path, metavar="FILE", help="policy.toml; `plumbline policy --example` prints one"
    )
    parser.add_argument(
        "--unpaired", action="store_true", help="take the runs as different data: weaker, and said so"
    )
    for name, words in (
        ("json", "write all figures as JSON"),
        ("junit", "write gated slices as JUnit XML"),
        ("markdown", "write a summary for a pull request"),
    ):
        parser.add_argument(f"--{name}", type=Path, metavar="FILE", help=words)
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Compare, print the table worst first, and the comparison's folder as the last line."""
    from audit.errors import RunError
    from audit.inputs.policy_file import read_policy
    from audit.store.find import find_run
    from audit.versions import exports
    from audit.versions.runs import compare_runs
    from dashboard import progress

    if len(arguments.names) < 2:
        raise RunError("name two runs or more, the oldest first: plumbline compare faces/1 faces/2.")
    policy = read_policy(arguments.policy)
    folders = [find_run(arguments.runs, name) for name in arguments.names]
    stored = compare_runs(
        folders, policy, arguments.runs, unpaired=arguments.unpaired, progress=progress.make()
    )
    for path, write in (
        (arguments.json, exports.write_json_file),
        (arguments.junit, exports.write_junit),
        (arguments.markdown, exports.write_markdown),
    ):
        if path is not None:
            write(stored.run, path)
    if stored.made_before:
        print("This comparison was made before; nothing was computed again.\n")
    print("\n".join(lines(stored.run)))
    print(stored.folder)
    return stored.exit_code


def lines(run: AuditRun) -> Iterator[str]:
    """The comparison as text: what was joined, counts of verdicts, the table, the exit code's meaning."""
    from audit.versions.codes import WORDS, Role, Verdict
    from audit.versions.exports import printable

    section = run.sections[0]
    summary = section.summary
    old, new = summary["old"], summary["new"]
    yield printable(f"{new['model']} {new['version']} against {old['model']} {old['version']}")
    yield from _joined(summary)
    gated = [r for r in section.tables["verdicts"].to_pylist() if r["role"] != Role.WATCHED.value]
    counts = summary["verdicts"]
    for role, title in ((Role.DEMANDED, "demanded"), (Role.TESTED, "tested for a regression only")):
        said = [f"{n:,} {WORDS[Verdict(v)]}" for v, n in counts[role.value].items() if n]
        yield f"  {title}: " + (", ".join(said) or "none")
    yield f"  flips: {_flips(section.tables)}" if "flips" in section.tables else ""
    yield ""
    shown = [r for r in gated if _worth(r)][:SHOWN]
    yield from table([_cells(row) for row in shown])
    rest = len(gated) - len(shown)
    if rest > 0:
        yield f"and {rest:,} more gated slices; all are in tables/versions.verdicts.parquet and in --json"
    yield from _turns(section.tables)
    yield ""
    yield _meaning(summary["exit_code"])


def _joined(summary: Mapping[str, Any]) -> Iterator[str]:
    joined = summary["joined"]
    if not summary["paired"]:
        yield "  UNPAIRED: different data, which is weaker: a shift in who is in a slice looks like a change"
        return
    lonely = joined["only_old"] + joined["only_new"]
    apart = f", {lonely:,} in one run only" if lonely else ""
    yield f"  {joined['rows']:,} examples in both{apart}"
    for what, kind in (("changed_truths", "truth of"), ("changed_groups", "group")):
        for name, count in joined[what].items():
            yield f"  {count:,} rows have another {kind} {name}"
    for name, why in joined["left_out"].items():
        yield f"  {name} is not compared: {why}"


def _flips(tables: Mapping[str, Any]) -> str:
    rows = [row for row in tables["flips"].to_pylist() if row["slice"] == "all"]
    return "; ".join(f"{r['output']} {r['negative']:,} negative, {r['positive']:,} positive" for r in rows)


def _worth(row: Mapping[str, Any]) -> bool:
    """Rows that the table shows: all but tested slices that are merely not settled."""
    return row["role"] == "demanded" or row["verdict"] in ("regressed", "improved")


def _cells(row: Mapping[str, Any]) -> list[str]:
    from audit.versions.codes import WORDS, Verdict
    from audit.versions.exports import interval, number, p_value, printable, whole

    verdict = WORDS[Verdict(row["verdict"])]
    if row["needed_n"] is not None:
        verdict += f" (needs n={row['needed_n']:,})"
    where = printable(row["slice"]) + (" (same rows)" if row["same_rows_as"] else "")
    values = [number(row["old"], row["unit"]), number(row["new"], row["unit"]), interval(row)]
    margin = number(row["margin"], row["unit"])
    named = [verdict, printable(row["output"]), row["metric"], where]
    return [*named, whole(row["n"]), *values, margin, p_value(row["p_adjusted"])]


def table(rows: Sequence[Sequence[str]]) -> Iterator[str]:
    """Columns that line up; numbers to the right."""
    if not rows:
        return
    widths = [max(map(len, column)) for column in zip(COLUMNS, *rows, strict=True)]
    for row in (COLUMNS, *rows):
        cells = [
            cell.rjust(width) if i in RIGHT else cell.ljust(width)
            for i, (cell, width) in enumerate(zip(row, widths, strict=True))
        ]
        yield "  ".join(cells).rstrip()


def _turns(tables: Mapping[str, Any]) -> Iterator[str]:
    """When each regressed slice got worse."""
    if "turns" not in tables:
        return
    from audit.versions.exports import printable
    from audit.versions.history import worst_turns

    found = worst_turns(tables["turns"])
    yield ""
    yield "When did it get worse" + ("" if found else ": nothing regressed between the first and the last.")
    for row in found[:SHOWN]:
        since = f", worse since {row['worse_since']}" if row["worse_since"] else ""
        about = printable(f"{row['output']} {row['metric']} {row['slice']}")
        yield f"  {about}: most at {printable(str(row['worst_step']))}{printable(since)}"


def _meaning(code: int) -> str:
    return {
        0: "Passes: every demanded slice is shown not worse, and no gated slice regressed.",
        2: "FAILS: a gated slice regressed (exit code 2).",
        3: "CAN'T BE TOLD: a demanded slice is not settled, or nothing could be gated (exit code 3).",
    }[code]


if __name__ == "__main__":
    sys.exit("run `plumbline compare`")
