"""One output over all records of a file: its arrays, the rows it can use, and why it can't use the others."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.core import Predictions, Task
from audit.inputs.cells import Cells

INVALID, NO_TRUTH, NO_SCORE, NO_PREDICTION = (
    "invalid value",
    "missing truth",
    "missing score",
    "missing prediction",
)


@dataclass(frozen=True, kw_only=True)
class Built:
    """One output over all records that were read."""

    output: str
    task: Task
    truth: NDArray[Any] | None
    scores: NDArray[np.float64] | None
    decision: NDArray[Any]
    usable: NDArray[np.bool_]
    """(n,) rows that the output can be measured on."""
    causes: Mapping[str, NDArray[np.bool_]]
    """cause -> (n,) rows that have it; a row may have several."""
    cells: tuple[Cells, ...]
    """Its columns, for the list of refused cells."""
    thresholds: tuple[float, ...] = ()
    differs: NDArray[np.bool_] | None = None
    """(n,) rows whose given decision is not the score's; None: none was given beside scores."""
    messages: tuple[str, ...] = field(default=())

    def predictions(self, keep: NDArray[np.bool_], valid: NDArray[np.bool_]) -> Predictions:
        """What the rest of Plumbline sees.

        Args:
            keep: (n,) records that become examples.
            valid: (n,) records whose id is good: the dropped ones are counted among these.
        """
        take = self.usable & keep
        rows = (np.cumsum(keep) - 1)[take]
        return Predictions(
            output=self.output,
            task=self.task,
            rows=rows.astype(np.int64, copy=False),
            truth=None if self.truth is None else self.truth[take],
            scores=None if self.scores is None else self.scores[take],
            decision=self.decision[take],
            thresholds=self.thresholds,
            dropped={cause: int(rows.sum()) for cause, rows in self.dropped(valid).items()},
            disagreements=0 if self.differs is None else int((self.differs & take).sum()),
        )

    def dropped(self, valid: NDArray[np.bool_]) -> dict[str, NDArray[np.bool_]]:
        """Rows left out, each under its first cause; causes without rows are absent.

        Args:
            valid: (n,) records whose id is good.
        """
        left = valid & ~self.usable
        found = {}
        for cause, rows in self.causes.items():
            mine = rows & left
            if mine.any():
                found[cause] = mine
                left = left & ~mine
        return found


def causes_of(
    bad: NDArray[np.bool_], truth: Cells | None, score: Cells | None, pred: Cells | None
) -> dict[str, NDArray[np.bool_]]:
    """Why rows can't be used, the gravest cause first. A prediction may be missing where there is a score."""
    causes = {INVALID: bad}
    if truth is not None:
        causes[NO_TRUTH] = truth.empty
    if score is not None:
        causes[NO_SCORE] = score.empty
    elif pred is not None:
        causes[NO_PREDICTION] = pred.empty
    return causes
