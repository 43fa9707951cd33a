"""The probe `latency`: runs only when it is asked for by name, since times differ from run to run."""

from __future__ import annotations

import numpy as np
import pyarrow as pa

from audit.core import Reason, Section, Status
from audit.latency.advice import advice, unsteady
from audit.latency.grid import AS_GIVEN, BUDGET_SECONDS, Cell, conditions, measure
from audit.latency.timing import BUSY, cores, load
from audit.protocols import Context
from audit.run_rows import inputs, payload_column

PAYLOADS = 256
"""Rows drawn with the seed whose payloads are predicted in turn."""


class Latency:
    """Milliseconds, throughput and memory by batch, threads and precision."""

    name = "latency"

    def applies(self, context: Context) -> Reason | None:
        """Where a model is at hand, and payloads for it."""
        if context.model is None:
            return Reason.NEEDS_MODEL
        return None if payload_column(context) is not None else Reason.NEEDS_DATA

    def run(self, context: Context) -> Section:
        """Measure the grid within its time."""
        assert context.model is not None
        payloads = _payloads(context)
        if not payloads:
            return Section(
                probe=self.name,
                status=Status.NOT_APPLICABLE,
                why="none of the drawn rows has a usable payload",
            )
        grid = conditions(context.model)
        before = load()
        cells: list[Cell] = []
        for cell in measure(context.model, payloads, grid):
            cells.append(cell)
            context.progress.step(f"timing, at most {BUDGET_SECONDS:.0f} s", len(cells), len(grid))
        notes = _notes(cells, before)
        return Section(
            probe=self.name,
            status=Status.OK,
            tables={"latency": table(cells)},
            summary={
                "budget_seconds": BUDGET_SECONDS,
                "payloads": len(payloads),
                "cores": cores(),
                "load_before": before,
                "unsteady": unsteady(cells),
                "measured": sum(cell.timed is not None for cell in cells),
                "left_out": sum(cell.timed is None for cell in cells),
                "recommendations": [one.words for one in advice(cells)],
                "notes": notes,
            },
        )


def table(cells: list[Cell]) -> pa.Table:
    """One row a condition; times in milliseconds of one call, null where it was not measured."""

    def of(name: str) -> pa.Array:
        return pa.array([None if c.timed is None else getattr(c.timed, name) for c in cells], pa.float64())

    times = {f"{name}_ms": of(name) for name in ("p50", "p50_low", "p50_high", "p95", "p99")}
    return pa.table(
        {
            "batch": pa.array([cell.condition.batch for cell in cells], pa.int64()),
            "threads": pa.array([cell.condition.threads for cell in cells], pa.int64()),
            "precision": pa.array([cell.condition.precision for cell in cells], pa.string()),
            "compiled": pa.array([cell.condition.compile for cell in cells], pa.bool_()),
            **times,
            "variation": of("variation"),
            "rounds": pa.array([None if c.timed is None else c.timed.rounds for c in cells], pa.int64()),
            "per_second": pa.array([cell.per_second for cell in cells], pa.float64()),
            "peak_mib": pa.array([cell.peak_mib for cell in cells], pa.float64()),
            "why": pa.array([cell.why for cell in cells], pa.string()),
        }
    )


def _payloads(context: Context) -> list[object]:
    rows = np.flatnonzero(context.audited)
    drawn = np.random.default_rng(context.seed).permutation(rows)[:PAYLOADS]
    return [payload for payload in inputs(context, np.sort(drawn)) if payload is not None]


def _notes(cells: list[Cell], before: float | None) -> list[str]:
    notes = []
    if before is not None and before > BUSY * cores():
        notes.append(
            f"The machine was not quiet: a load of {before:g} on {cores()} processors before the first call."
        )
    loud = unsteady(cells)
    if loud:
        notes.append(
            f"The times of {loud} of {len(cells)} conditions vary by more than a quarter of their mean."
        )
    if any(cell.condition.precision == AS_GIVEN for cell in cells):
        notes.append("The model can't be configured: threads and precision are as it was given.")
    return notes
