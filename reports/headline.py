"""The overall metrics on the first page: one table for outputs that are measured alike."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import pyarrow as pa
import pyarrow.compute as pc

from audit.core import AuditRun, TaskKind
from reports import numbers
from reports.privacy import HIDDEN, is_small
from reports.sentences import title

BY_KIND: Mapping[str, tuple[str, ...]] = {
    TaskKind.BINARY: ("selection_rate", "fpr", "fnr", "auc"),
    TaskKind.MULTICLASS: ("error_rate", "macro_f1", "log_loss"),
    TaskKind.MULTILABEL: ("exact_match", "micro_f1", "macro_f1"),
    TaskKind.REGRESSION: ("mae", "bias", "rmse"),
}
MOST = 8
"""Outputs of one table."""
Cells = Mapping[tuple[str, str], Mapping[str, Any]]


def headline(table: pa.Table | None, run: AuditRun, units: Mapping[str, str]) -> list[dict[str, Any]]:
    """Tables of outputs x metrics over everyone, labels of a multilabel output as yes/no outputs.

    Args:
        table: the run's slices, or None.
        run: for the outputs' kinds.
        units: output -> unit of its numbers.
    """
    if table is None or not {"depth", "output", "metric"} <= set(table.column_names):
        return []
    rows = table.filter(pc.equal(table["depth"], 0)).to_pylist()
    cells: Cells = {(r["output"], r["metric"]): r for r in rows}
    outputs = list(dict.fromkeys(r["output"] for r in rows))
    by_kind: dict[str, list[str]] = {}
    for name in outputs:
        by_kind.setdefault(_kind(name, run), []).append(name)
    return [_table(kind, names, cells, units) for kind, names in by_kind.items()]


def _kind(output: str, run: AuditRun) -> str:
    declared = run.data["outputs"].get(output)
    return str(declared["kind"]) if declared else TaskKind.BINARY.value


def _table(kind: str, names: list[str], cells: Cells, units: Mapping[str, str]) -> dict[str, Any]:
    metrics = [m for m in BY_KIND[kind] if any((n, m) in cells for n in names)]
    return {
        "metrics": [title(m) for m in metrics],
        "rows": [
            {"output": n, "cells": [_cell(cells.get((n, m)), units.get(n, "")) for m in metrics]}
            for n in names[:MOST]
        ],
        "left": max(0, len(names) - MOST),
    }


def _cell(row: Mapping[str, Any] | None, unit: str) -> dict[str, str]:
    if row is None:
        return {"value": numbers.NONE, "interval": "", "n": ""}
    if row["n"] and is_small(row["n"]):
        return {"value": HIDDEN, "interval": "", "n": ""}
    own = unit if row["unit"] in numbers.UNNAMED else row["unit"]
    shown = numbers.measured(
        row["value"], row["low"], row["high"], row["n"], row["events"], own, str(row["empty"] or "")
    )
    return {"value": shown.value, "interval": shown.interval, "n": shown.n}
