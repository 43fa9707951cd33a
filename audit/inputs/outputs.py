"""Outputs built from their plans: truth, scores and decision of every record, and which rows can be used."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np
import pyarrow as pa

from audit.core import Task, TaskKind
from audit.errors import InputError, SpecError
from audit.inputs.built import NO_SCORE, Built, causes_of
from audit.inputs.cells import (
    SUM_TOLERANCE,
    Cells,
    Fault,
    any_of,
    classes,
    counted,
    distinct,
    numbers,
    probabilities,
    yes_no_text,
)
from audit.inputs.columns import Column
from audit.inputs.door import Door
from audit.inputs.groups import natural
from audit.inputs.multilabel import build_multilabel
from audit.inputs.plans import Part, Plan
from audit.inputs.yes_no import YesNo, read_yes_no


def build(plan: Plan, door: Door) -> Built:
    """Read the columns of one output.

    Raises:
        InputError: a column without one usable cell, or values that contradict the output's kind.
        SpecError: settings of the spec that the values contradict.
    """
    kind, messages = (plan.kind, plan.messages) if plan.kind else _from_values(plan, door)
    if plan.spec.positive and kind not in (TaskKind.BINARY, TaskKind.MULTILABEL):
        raise SpecError(
            f"spec, [outputs.{plan.output}] positive",
            f"only yes/no outputs and labels have one; {plan.output} is {kind}.",
        )
    builders = {
        TaskKind.BINARY: _binary,
        TaskKind.MULTICLASS: _multiclass if plan.parts else _classes_without_scores,
        TaskKind.MULTILABEL: build_multilabel,
        TaskKind.REGRESSION: _regression,
    }
    return builders[kind](plan, door, tuple(messages))


def _from_values(plan: Plan, door: Door) -> tuple[TaskKind, tuple[str, ...]]:
    """Kind of an output that has `pred.OUT` alone."""
    assert plan.whole.pred is not None  # an output has a score or a prediction
    name = plan.whole.pred.source
    raw = door.raw.columns[name]
    other = f"[outputs.{plan.output}] type = "
    if plan.spec.positive:
        return TaskKind.BINARY, ()
    told = numbers(name, raw)
    as_number = ~told.empty & (told.fault != Fault.TEXT)
    if 2 * int(as_number.sum()) < int((~told.empty).sum()):
        if _only_yes_no(raw):
            return TaskKind.BINARY, (f"{name} holds only true and false: read as yes/no without scores.",)
        return TaskKind.MULTICLASS, (f"{name} holds text: read as classes without scores.",)
    truth = None if door.empty(plan.whole.truth) else plan.whole.truth
    if np.isin(told.values[told.ok], (0.0, 1.0)).all() and (
        truth is None or _only_yes_no(door.raw.columns[truth.source])
    ):
        return TaskKind.BINARY, (
            f"{name} holds only 0 and 1: read as yes/no without scores; "
            f'{other}"regression" reads it as a number.',
        )
    if not np.equal(told.values, np.floor(told.values)).all():
        return TaskKind.REGRESSION, ()
    return TaskKind.REGRESSION, (
        f'{name} holds whole numbers: read as a number; {other}"multiclass" reads classes.',
    )


def _only_yes_no(raw: pa.Array) -> bool:
    return all(yes_no_text(value) in ("0", "1") for value in distinct(raw))


def _binary(plan: Plan, door: Door, messages: tuple[str, ...]) -> Built:
    if not isinstance(plan.spec.threshold, (int, float)):
        raise SpecError(
            f"spec, [outputs.{plan.output}] threshold",
            "expected one number for a yes/no output, came a table.",
        )
    threshold = float(plan.spec.threshold)
    read = read_yes_no(door, plan.output, plan.whole, plan.spec.positive)
    decision, differs = read.decisions(threshold)
    causes = causes_of(read.bad, read.truth, read.score, read.pred)
    return Built(
        output=plan.output,
        task=Task(kind=TaskKind.BINARY, classes=read.names),
        truth=None if read.truth is None else read.truth.values.astype(np.int8),
        scores=None if read.score is None else read.score.values,
        decision=decision,
        usable=~any_of(list(causes.values())),
        causes=causes,
        cells=read.cells,
        thresholds=() if read.score is None else (threshold,),
        differs=differs if read.score is not None and read.pred is not None else None,
        messages=messages + _half_decided(read) + one_class(plan.output, read) + no_truth(plan.whole, door),
    )


def _multiclass(plan: Plan, door: Door, messages: tuple[str, ...]) -> Built:
    names = tuple(part.name for part in plan.parts)
    columns = [part.score.source for part in plan.parts if part.score is not None]
    scored = [door.whole(probabilities(name, door.raw.columns[name])) for name in columns]
    total = _sum_to_one(plan, door, scored)
    truth = _class_cells(door, plan.whole.truth, names)
    pred = None if plan.whole.pred is None else _class_cells(door, plan.whole.pred, names)
    scores = np.column_stack([cells.values for cells in scored])
    decision = scores.argmax(axis=1).astype(np.int32)
    differs = None
    if pred is not None:
        differs = pred.ok & (pred.values != decision)
        decision = np.where(pred.ok, pred.values, decision)
    cells = (*([truth] if truth else []), *scored, total, *([pred] if pred else []))
    causes = causes_of(any_of([column.bad for column in cells]), truth, None, None)
    causes[NO_SCORE] = any_of([column.empty for column in scored])
    return Built(
        output=plan.output,
        task=Task(kind=TaskKind.MULTICLASS, classes=names),
        truth=None if truth is None else truth.values,
        scores=scores,
        decision=decision,
        usable=~any_of(list(causes.values())),
        causes=causes,
        cells=cells,
        differs=differs,
        messages=messages + no_truth(plan.whole, door),
    )


def _sum_to_one(plan: Plan, door: Door, scored: Sequence[Cells]) -> Cells:
    """The sums of class scores as a column of their own, each wrong one marked."""
    complete = np.logical_and.reduce([cells.ok for cells in scored])
    sums = np.sum([cells.values for cells in scored], axis=0)
    fault = np.where(complete & (np.abs(sums - 1) > SUM_TOLERANCE + 1e-9), Fault.SUM, Fault.NONE).astype(
        np.int8
    )
    cells = Cells(column=f"score.{plan.output}.*", raw=scored[0].raw, values=sums, fault=fault)
    if complete.any() and (fault[complete] == Fault.SUM).all():
        first = int(np.flatnonzero(complete)[0])
        raise InputError(
            f"{door.file}, columns score.{plan.output}.*",
            f"in none of its {int(complete.sum()):,} records do the class scores add up to 1; the first "
            f"(record {door.raw.records[first]:,}): {cells.reason(first)}.",
            "Write softmax probabilities, or say that they are labels: "
            f'[outputs.{plan.output}] type = "multilabel"',
        )
    return cells


def _class_cells(door: Door, column: Column | None, names: Sequence[str]) -> Cells | None:
    if column is None or door.empty(column):
        return None
    return door.whole(
        classes(column.source, door.raw.columns[column.source], names),
        "Write the names of the classes, as they stand in the score columns.",
    )


def _classes_without_scores(plan: Plan, door: Door, messages: tuple[str, ...]) -> Built:
    assert plan.whole.pred is not None  # the plan has no class columns
    spoken = [column for column in (plan.whole.truth, plan.whole.pred) if column and not door.empty(column)]
    seen = {value.strip() for column in spoken for value in distinct(door.raw.columns[column.source])}
    names = tuple(sorted(seen, key=natural))
    truth = _class_cells(door, plan.whole.truth, names)
    pred = door.whole(classes(plan.whole.pred.source, door.raw.columns[plan.whole.pred.source], names))
    causes = causes_of(pred.bad if truth is None else pred.bad | truth.bad, truth, None, pred)
    return Built(
        output=plan.output,
        task=Task(kind=TaskKind.MULTICLASS, classes=names),
        truth=None if truth is None else truth.values,
        scores=None,
        decision=pred.values,
        usable=~any_of(list(causes.values())),
        causes=causes,
        cells=(*([truth] if truth else []), pred),
        messages=messages + no_truth(plan.whole, door),
    )


def _regression(plan: Plan, door: Door, messages: tuple[str, ...]) -> Built:
    assert plan.whole.pred is not None  # the plan has no score column
    pred = door.whole(numbers(plan.whole.pred.source, door.raw.columns[plan.whole.pred.source]))
    truth = None
    if plan.whole.truth is not None and not door.empty(plan.whole.truth):
        truth = door.whole(
            numbers(plan.whole.truth.source, door.raw.columns[plan.whole.truth.source]),
            f"If the numbers of {plan.whole.pred.source} are classes: "
            f'[outputs.{plan.output}] type = "multiclass"',
        )
    causes = causes_of(pred.bad if truth is None else pred.bad | truth.bad, truth, None, pred)
    return Built(
        output=plan.output,
        task=Task(kind=TaskKind.REGRESSION, unit=plan.spec.unit),
        truth=None if truth is None else truth.values,
        scores=None,
        decision=pred.values,
        usable=~any_of(list(causes.values())),
        causes=causes,
        cells=(*([truth] if truth else []), pred),
        messages=messages + no_truth(plan.whole, door),
    )


def one_class(output: str, read: YesNo) -> tuple[str, ...]:
    """A truth that is yes, or no, in every row."""
    codes = np.unique(read.truth.values[read.truth.ok]) if read.truth is not None else np.arange(2)
    if len(codes) > 1:
        return ()
    only = read.names[int(codes[0])]
    return (f"{output}: the truth is {only} in every record; what needs both classes can't be computed.",)


def no_truth(part: Part, door: Door) -> tuple[str, ...]:
    """A column of truth with nothing in it is no truth."""
    if part.truth is None or not door.empty(part.truth):
        return ()
    return (f"{part.truth.source} is empty in every record: there is no truth.",)


def _half_decided(read: YesNo) -> tuple[str, ...]:
    if read.score is None or read.pred is None or not read.pred.empty.any():
        return ()
    rows = int(read.pred.empty.sum())
    return (
        f"{read.pred.column} is empty in {counted(rows)}: there the score against the threshold decides.",
    )
