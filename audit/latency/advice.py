"""What to run: the best throughput, and the shortest wait for one example, with what can't be told apart."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from dataclasses import dataclass

from audit.latency.grid import Cell
from audit.latency.timing import UNSTEADY


@dataclass(frozen=True, kw_only=True)
class Advice:
    """One recommendation."""

    question: str
    best: Cell
    alike: tuple[Cell, ...]
    """Conditions whose interval of the median overlaps the best one's: the difference is within noise."""

    @property
    def words(self) -> str:
        """One sentence or two."""
        found = self.best.timed
        assert found is not None
        assert self.best.per_second is not None
        said = (
            f"{self.question}: {self.best.condition.words}: {self.best.per_second:,.1f} examples a second, "
            f"{found.p50:,.1f} ms a call (95 % {found.p50_low:,.1f} to {found.p50_high:,.1f})."
        )
        if self.alike:
            said += f" Within noise of it: {'; '.join(cell.condition.words for cell in self.alike)}."
        return said


def advice(cells: Sequence[Cell]) -> list[Advice]:
    """Recommendations from what was measured; none where nothing was."""
    done = [cell for cell in cells if cell.timed is not None and cell.per_second is not None]
    if not done:
        return []
    smallest = min(cell.condition.batch for cell in done)
    single = [cell for cell in done if cell.condition.batch == smallest]
    return [
        _best("Most examples a second", done, lambda ms, cell: ms / cell.condition.batch),
        _best(
            "Shortest wait for one example" if smallest == 1 else f"Shortest wait for {smallest} examples",
            single,
            lambda ms, cell: ms,
        ),
    ]


def unsteady(cells: Sequence[Cell]) -> int:
    """Conditions whose times vary more than a quiet machine's."""
    return sum(cell.timed is not None and cell.timed.variation > UNSTEADY for cell in cells)


def _best(question: str, cells: Sequence[Cell], cost: Callable[[float, Cell], float]) -> Advice:
    def of(cell: Cell, name: str) -> float:
        return cost(getattr(cell.timed, name), cell)

    best = min(cells, key=lambda cell: of(cell, "p50"))
    alike = tuple(cell for cell in cells if cell is not best and of(cell, "p50_low") <= of(best, "p50_high"))
    return Advice(question=question, best=best, alike=alike)
