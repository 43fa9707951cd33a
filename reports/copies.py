"""Tables of copies as a report prints them: from split to split, by distance, and what they contradict."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from reports import numbers

Row = Mapping[str, Any]


def splits(table: pa.Table | None) -> list[list[str]]:
    """Lines of rows of a split with a copy in each split, the first line naming the columns."""
    if table is None or not table.num_rows:
        return []
    rows = table.to_pylist()
    columns = list(dict.fromkeys(row["copies_in"] for row in rows))
    lines = [["Rows of", *(f"with a copy in {name}" for name in columns)]]
    for split in dict.fromkeys(row["split"] for row in rows):
        own = {row["copies_in"]: row for row in rows if row["split"] == split}
        cells = [_share(own[name]) if name in own else "" for name in columns]
        lines.append([f"{split} ({own[columns[0]]['rows']:,})", *cells])
    return lines


def _share(cell: Row) -> str:
    if not cell["rows_with_copy"]:
        return "none"
    return f"{cell['rows_with_copy']:,} ({numbers.value(cell['share'], 'rate')})"


def curve(table: pa.Table | None) -> list[list[str]]:
    """Lines of the distances at which there are pairs: bits, pairs, chance, checked, confirmed, precision."""
    if table is None:
        return []
    lines = []
    for row in table.to_pylist():
        if not row["pairs"]:
            continue
        chance = row["by_chance"]
        lines.append(
            [
                f"{row['distance']}" + (" (recommended)" if row["recommended"] else ""),
                numbers.count(row["pairs"]),
                "<0.01" if chance < 0.01 else numbers.plain(chance, 2 if chance < 10 else 0),
                numbers.count(row["checked"]),
                numbers.count(row["confirmed"]),
                "" if row["share"] is None else numbers.value(row["share"], "rate"),
                numbers.span(row["share_low"], row["share_high"], "rate"),
                "" if row["precision"] is None else numbers.value(row["precision"], "rate"),
            ]
        )
    return lines


def threshold(summary: Mapping[str, Any], curve: pa.Table | None, planted: pa.Table | None) -> str:
    """What the recommended distance is worth: pairs up to it, precision, recall of planted copies by kind."""
    if curve is None or "images" not in summary:
        return ""
    bits = int(summary["images"]["recommended_distance"])
    text = (
        f"Recommended distance: {bits} bits, the largest up to which half of the pairs at every distance "
        "are copies"
    )
    if planted is not None:
        own = planted.filter(pc.equal(planted["distance"], bits)).to_pylist()
        if own:
            found = ", ".join(f"{row['kind']} {row['found']} ({row['with_parts']})" for row in own)
            text += (
                f". Of {own[0]['planted']} copies planted of each kind it finds and confirms (in brackets: "
                f"with those found by a part): {found}"
            )
    return text + "."


def remarks(summary: Mapping[str, Any], conflicts: pa.Table | None) -> Iterator[str]:
    """Contradictions inside clusters, and what can be dropped, one sentence each."""
    if conflicts is not None and conflicts.num_rows:
        truths = conflicts.filter(pc.equal(conflicts["what"], "truth"))
        n = pc.count_distinct(truths["cluster"]).as_py()
        if n:
            yield f"{n:,} {'cluster holds' if n == 1 else 'clusters hold'} copies with different truths."
        groups = conflicts.filter(pc.equal(conflicts["what"], "group"))
        m = pc.count_distinct(groups["cluster"]).as_py()
        if m:
            clusters = "cluster holds" if m == 1 else "clusters hold"
            yield f"{m:,} {clusters} copies declared in different groups."
    if summary["rows_to_drop"]:
        yield (
            f"{summary['rows_to_drop']:,} rows can be dropped before training again, each a direct copy of "
            "a row "
            "that is kept; the run's table leakage.actions lists them."
        )
