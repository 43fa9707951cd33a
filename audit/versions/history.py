"""More than two versions: the way of every slice through them, and the step at which it got worse."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
import pyarrow as pa

from audit.versions.codes import Verdict

STEPS = pa.schema(
    [(name, pa.string()) for name in ("output", "metric", "slice")]
    + [("step", pa.int64()), ("version", pa.string()), ("before", pa.string()), ("n", pa.int64())]
    + [(name, pa.float64()) for name in ("value", "value_low", "value_high")]
    + [(name, pa.float64()) for name in ("harm", "harm_low", "harm_high", "p", "p_adjusted")]
    + [("verdict", pa.string())]
    + [(name, pa.float64()) for name in ("since_first", "since_first_low", "since_first_high")]
    + [("since_first_verdict", pa.string())]
)
TURNS = pa.schema(
    [(name, pa.string()) for name in ("output", "metric", "slice", "role", "verdict")]
    + [("worst_step", pa.string()), ("worst_step_harm", pa.float64())]
    + [("worst_step_low", pa.float64()), ("worst_step_high", pa.float64()), ("worst_step_p", pa.float64())]
    + [("worse_since", pa.string())]
)
_Key = tuple[str, str, str]


def history(
    steps: Sequence[pa.Table], since_first: Sequence[pa.Table], labels: Sequence[str]
) -> dict[str, pa.Table]:
    """Lay the comparisons of a chain of versions side by side.

    Args:
        steps: verdict tables of each version against the one before it, V - 1.
        since_first: verdict tables of each version against the first, V - 1; the last is the gate.
        labels: of the V versions.

    Returns:
        ``history``: a row an output x metric x slice x version; ``turns``: for each of them the step of the
        largest harm, and the first version from which on every version's harm since the first has its lower
        end above 0 (not adjusted: where to look, not a verdict).
    """
    by_step = [_indexed(table) for table in steps]
    by_first = [_indexed(table) for table in since_first]
    shared = [key for key in by_first[-1] if all(key in table for table in (*by_step, *by_first))]
    rows, turns = [], []
    for key in shared:
        walked, whole = [t[key] for t in by_step], [t[key] for t in by_first]
        rows += _rows(key, walked, whole, labels)
        turns.append(_turn(key, walked, whole, labels))
    return {
        "history": pa.Table.from_pylist(rows, schema=STEPS),
        "turns": pa.Table.from_pylist(turns, schema=TURNS),
    }


def _indexed(table: pa.Table) -> dict[_Key, dict[str, Any]]:
    names = ["output", "metric", "slice", "n", "old", "old_low", "old_high", "new", "new_low", "new_high"]
    names += ["harm", "harm_low", "harm_high", "p", "p_adjusted", "verdict", "role"]
    return {(row["output"], row["metric"], row["slice"]): row for row in table.select(names).to_pylist()}


def _rows(
    key: _Key,
    walked: Sequence[Mapping[str, Any]],
    whole: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
) -> list[dict[str, Any]]:
    base = dict(zip(("output", "metric", "slice"), key, strict=True))
    first = walked[0]
    rows: list[dict[str, Any]] = [
        base
        | {"step": 0, "version": labels[0], "n": first["n"], "value": first["old"]}
        | {"value_low": first["old_low"], "value_high": first["old_high"]}
    ]
    for i, (step, total) in enumerate(zip(walked, whole, strict=True), start=1):
        rows.append(
            base
            | {"step": i, "version": labels[i], "before": labels[i - 1], "n": step["n"]}
            | {"value": step["new"], "value_low": step["new_low"], "value_high": step["new_high"]}
            | {name: step[name] for name in ("harm", "harm_low", "harm_high", "p", "p_adjusted", "verdict")}
            | {"since_first": total["harm"], "since_first_low": total["harm_low"]}
            | {"since_first_high": total["harm_high"], "since_first_verdict": total["verdict"]}
        )
    return rows


def _turn(
    key: _Key,
    walked: Sequence[Mapping[str, Any]],
    whole: Sequence[Mapping[str, Any]],
    labels: Sequence[str],
) -> dict[str, Any]:
    harms = np.array([np.nan if step["harm"] is None else step["harm"] for step in walked])
    row: dict[str, Any] = dict(zip(("output", "metric", "slice"), key, strict=True))
    row |= {"role": whole[-1]["role"], "verdict": whole[-1]["verdict"]}
    if not np.isnan(harms).all() and np.nanmax(harms) > 0:
        at = int(np.nanargmax(harms))
        row |= {
            "worst_step": f"{labels[at]} -> {labels[at + 1]}",
            "worst_step_harm": walked[at]["harm"],
            "worst_step_low": walked[at]["harm_low"],
            "worst_step_high": walked[at]["harm_high"],
            "worst_step_p": walked[at]["p"],
        }
    worse = [(total["harm_low"] or 0.0) > 0 for total in whole]
    if worse[-1]:
        since = len(worse) - 1
        while since > 0 and worse[since - 1]:
            since -= 1
        row["worse_since"] = labels[since + 1]
    return row


def worst_turns(turns: pa.Table) -> list[dict[str, Any]]:
    """Turns of what regressed between the first version and the last, gated slices only."""
    return [
        row
        for row in turns.to_pylist()
        if row["verdict"] == Verdict.REGRESSED.value and row["role"] != "watched"
    ]
