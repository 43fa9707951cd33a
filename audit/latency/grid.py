"""Every working condition of a model, measured within a bounded time."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from dataclasses import dataclass
from typing import Any

from audit.errors import PlumblineError
from audit.latency.timing import MIN_ROUNDS, WARM_UP, Timed, cores, reset_peak, resident_mib, timed
from audit.protocols import Model, Tunable

BATCHES = (1, 8, 32)
PRECISIONS = ("fp32", "bf16")
BUDGET_SECONDS = 120.0
"""For the whole grid; what does not fit is listed as left out."""
EACH_SECONDS = 2.0
AS_GIVEN = "as given"


@dataclass(frozen=True, kw_only=True)
class Condition:
    """How the model runs."""

    batch: int
    threads: int | None
    """None: the model can't be configured."""
    precision: str
    compile: bool = False

    @property
    def words(self) -> str:
        """As people read it."""
        how = "" if self.threads is None else f", {self.threads} thread{'s' if self.threads > 1 else ''}"
        return f"batch {self.batch}{how}, {self.precision}{', compiled' if self.compile else ''}"


@dataclass(frozen=True, kw_only=True)
class Cell:
    """One condition, measured; or why it was not."""

    condition: Condition
    timed: Timed | None
    per_second: float | None = None
    """Examples a second at the median."""
    peak_mib: float | None = None
    """Memory above that before the condition; None where the system does not say."""
    why: str = ""


def conditions(
    model: object, batches: Sequence[int] = BATCHES, threads: Sequence[int] = ()
) -> list[Condition]:
    """The grid: one thread and all of them, fp32 and bf16, where the model can be configured.

    Args:
        model: any; one that is not `Tunable` runs as it is.
        batches: examples in one call.
        threads: of one operation; empty: one, and all processors.
    """
    if not isinstance(model, Tunable):
        return [Condition(batch=batch, threads=None, precision=AS_GIVEN) for batch in sorted(batches)]
    counts = tuple(dict.fromkeys(threads or (1, cores())))
    return [
        Condition(batch=batch, threads=count, precision=precision)
        for batch in sorted(batches)
        for count in counts
        for precision in PRECISIONS
    ]


def measure(
    model: Model,
    payloads: Sequence[Any],
    grid: Sequence[Condition],
    budget: float = BUDGET_SECONDS,
    each: float = EACH_SECONDS,
    clock: Callable[[], float] = time.perf_counter,
) -> Iterator[Cell]:
    """Measure conditions in order until the time is spent.

    Args:
        model: predicts.
        payloads: real ones, used in turn; repeated where there are fewer than a batch.
        grid: from `conditions`.
        budget: seconds for all of it; the calls of one condition may go beyond it.
        each: seconds for one condition, its warm-up not counted.
        clock: seconds, ever rising.

    Yields:
        One cell a condition.
    """
    began = clock()
    # seconds an example of the same settings with a smaller batch: a larger one seldom takes longer
    known: dict[tuple[int | None, str, bool], float] = {}
    for condition in grid:
        left = budget - (clock() - began)
        settings = (condition.threads, condition.precision, condition.compile)
        needed = known.get(settings, 0.0) * condition.batch * (MIN_ROUNDS + WARM_UP)
        if left <= 0 or needed > left:
            why = f"left out: the {budget:g} seconds for the whole grid would not have been enough"
            yield Cell(condition=condition, timed=None, why=why)
            continue
        try:
            cell = _cell(model, payloads, condition, min(each, left), clock)
        except (PlumblineError, RuntimeError, NotImplementedError, ValueError, TypeError) as fault:
            # a precision or a compiler that this machine does not have is an answer, not the end of the grid
            yield Cell(condition=condition, timed=None, why=f"{type(fault).__name__}: {fault}"[:200])
            continue
        assert cell.timed is not None
        known[settings] = cell.timed.p50 / 1000 / condition.batch
        yield cell


def _cell(
    model: Model, payloads: Sequence[Any], condition: Condition, seconds: float, clock: Callable[[], float]
) -> Cell:
    configured = model
    if condition.threads is not None:
        assert isinstance(model, Tunable)
        configured = model.configured(condition.threads, condition.precision, condition.compile)
    turn = _Turn(configured, payloads, condition.batch)
    before = resident_mib() if reset_peak() else None
    found = timed(turn, seconds, clock)
    after = resident_mib()
    return Cell(
        condition=condition,
        timed=found,
        per_second=condition.batch / found.p50 * 1000 if found.p50 else None,
        peak_mib=None if before is None or after is None else max(after[1] - before[0], 0.0),
    )


class _Turn:
    """A call that takes other payloads each time: texts differ in length, and a mean is over them."""

    def __init__(self, model: Model, payloads: Sequence[Any], batch: int) -> None:
        self._model, self._payloads, self._batch, self._at = model, payloads, batch, 0

    def __call__(self) -> None:
        places = range(self._at, self._at + self._batch)
        self._model.predict([self._payloads[place % len(self._payloads)] for place in places])
        self._at += self._batch
