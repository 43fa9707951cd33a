"""Outputs of several labels, each yes/no: a label may be missing where others are there."""

from __future__ import annotations

from collections.abc import Mapping, Sequence

import numpy as np
from numpy.typing import NDArray

from audit.core import Task, TaskKind
from audit.errors import SpecError
from audit.inputs.built import INVALID, NO_PREDICTION, NO_SCORE, NO_TRUTH, Built, causes_of
from audit.inputs.cells import Cells, any_of
from audit.inputs.columns import close
from audit.inputs.door import Door
from audit.inputs.plans import Plan
from audit.inputs.yes_no import YesNo, read_yes_no


def build_multilabel(plan: Plan, door: Door, messages: tuple[str, ...]) -> Built:
    """Read the columns of an output of several labels; a row is usable where one label is.

    Args:
        plan: its columns, label by label.
        door: the file.
        messages: what the plan has to say already.
    """
    names = tuple(part.name for part in plan.parts)
    thresholds = _label_thresholds(plan, names)
    read = [
        read_yes_no(
            door,
            part.name if plan.spec.labels and not plan.spec.positive else plan.output,
            part,
            part.spec.positive or plan.spec.positive,
        )
        for part in plan.parts
    ]
    decided = [label.decisions(at) for label, at in zip(read, thresholds, strict=True)]
    usable = np.column_stack([~any_of(list(_label_causes(label).values())) for label in read])
    bad = np.column_stack([label.bad for label in read])
    truth = scores = differs = None
    if any(label.truth is not None for label in read):
        truth = np.column_stack([_codes(label.truth, door.raw.n) for label in read])
        truth[bad] = -1
    if any(label.score is not None for label in read):
        scores = np.column_stack([_scores(label.score, door.raw.n) for label in read])
        scores[bad] = np.nan
        differs = any_of([rows for _, rows in decided])
    decision = np.column_stack([codes for codes, _ in decided])
    decision[bad] = -1
    causes: dict[str, NDArray[np.bool_]] = {}
    for label in read:
        for cause, rows in _label_causes(label).items():
            causes[cause] = any_of([rows, causes.get(cause, rows)])
    return Built(
        output=plan.output,
        task=Task(kind=TaskKind.MULTILABEL, classes=names),
        truth=truth,
        scores=scores,
        decision=decision,
        usable=any_of(list(usable.T)),
        causes={
            cause: causes[cause] for cause in (INVALID, NO_TRUTH, NO_SCORE, NO_PREDICTION) if cause in causes
        },
        cells=tuple(cells for label in read for cells in label.cells),
        thresholds=thresholds if scores is not None else (),
        differs=differs,
        messages=messages + _gaps(plan.output, names, usable),
    )


def _label_thresholds(plan: Plan, names: Sequence[str]) -> tuple[float, ...]:
    given = plan.spec.threshold
    if isinstance(given, Mapping):
        for label in given:
            if label not in names:
                raise SpecError(
                    f"spec, [outputs.{plan.output}] threshold",
                    f"it has no label {label}.",
                    close(label, names),
                )
        return tuple(float(given.get(name, 0.5)) for name in names)
    own = [part.spec.threshold for part in plan.parts]
    return tuple(float(at) if isinstance(at, (int, float)) and at != 0.5 else float(given) for at in own)


def _label_causes(label: YesNo) -> dict[str, NDArray[np.bool_]]:
    return causes_of(label.bad, label.truth, label.score, label.pred)


def _codes(cells: Cells | None, n: int) -> NDArray[np.int8]:
    return (
        np.full(n, -1, dtype=np.int8)
        if cells is None
        else np.where(cells.ok, cells.values, -1).astype(np.int8)
    )


def _scores(cells: Cells | None, n: int) -> NDArray[np.float64]:
    return np.full(n, np.nan) if cells is None else np.where(cells.ok, cells.values, np.nan)


def _gaps(output: str, names: Sequence[str], usable: NDArray[np.bool_]) -> tuple[str, ...]:
    partly = usable.any(axis=1)
    gaps = [(name, int((partly & ~usable[:, at]).sum())) for at, name in enumerate(names)]
    told = ", ".join(f"{name} {rows:,}" for name, rows in gaps if rows)
    return (f"{output}: labels missing in rows that have others: {told}.",) if told else ()
