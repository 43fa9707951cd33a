"""A model beside a file of predictions: does it say what the file says?"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.core import Predictions, Task, TaskKind
from audit.errors import InputError
from audit.protocols import Context, Model
from audit.run_rows import inputs, payload_column
from audit.scoring import checked

SAMPLE = 64
"""Rows on which the model is asked again."""
TOLERANCE = 1e-3
"""Largest difference that rounding in a file, or another machine, explains."""


@dataclass(frozen=True, kw_only=True)
class Agreement:
    """How far the model's scores lie from the file's, on a sample."""

    rows: int
    """Rows compared."""
    unreadable: int
    """Rows of the sample without a payload that can be read."""
    largest: float | None
    """Largest absolute difference of a score (of the number, for regression); None: nothing to compare."""
    output: str
    row: str
    """Id of the row with the largest difference."""
    file: float | None
    model: float | None

    def as_json(self) -> dict[str, Any]:
        """For the manifest, rounded to 1e-6 so that equal audits stay equal."""
        return {
            "rows": self.rows,
            "unreadable": self.unreadable,
            "largest_difference": None if self.largest is None else round(self.largest, 6),
        }


def check_outputs(model: Model, predictions: Mapping[str, Predictions], file: str) -> None:
    """Refuse a model whose outputs are not those of the file.

    Args:
        model: beside the file.
        predictions: what the file holds.
        file: its name, for the message.

    Raises:
        InputError: an output of the file is missing in the model, or of another kind or other classes.
    """
    for name, given in predictions.items():
        if given.task.kind is TaskKind.MULTILABEL and name not in model.tasks:
            needed = dict.fromkeys(given.task.classes, TaskKind.BINARY)
        else:
            needed = {name: given.task.kind}
        for output, kind in needed.items():
            _check_output(output, kind, given.task, model, file)


def _check_output(output: str, kind: TaskKind, given: Task, model: Model, file: str) -> None:
    has = model.tasks.get(output)
    if has is None:
        raise InputError(
            file,
            f"its output {output!r} is none of the model's: {', '.join(model.tasks)}.",
            "Give the model that made the file, or audit the file without a model.",
        )
    if has.kind is not kind:
        raise InputError(file, f"its output {output!r} is {kind.value}, the model's is {has.kind.value}.")
    named = kind in (TaskKind.MULTICLASS, TaskKind.MULTILABEL)
    if named and has.classes != given.classes:
        raise InputError(
            file,
            f"the classes of its output {output!r} are {_some(given.classes)}, "
            f"the model's {_some(has.classes)}.",
            "Both need the same classes in the same order of columns.",
        )


def compare(context: Context, model: Model) -> Agreement:
    """Ask the model again on a seeded sample of rows.

    Args:
        context: with the file's predictions and payloads.
        model: with the file's outputs.

    Raises:
        InputError: the file has no payload of the model's kind, or none of the sample can be read.
    """
    n = context.examples.n
    column = payload_column(context)
    place = context.examples.source.path
    if column is None:
        raise InputError(
            place, f"the model reads {model.payload}s, and the file has no column {model.payload}."
        )
    sample = np.sort(np.random.default_rng(context.seed).permutation(n)[:SAMPLE])
    payloads = inputs(context, sample)
    usable = np.array([payload is not None for payload in payloads])
    if not usable.any():
        raise InputError(
            place,
            f"none of {len(sample)} sampled rows has a {column} that can be read.",
            "Paths of images are relative to the file." if column == "image" else "",
        )
    rows = sample[usable]
    scores = checked(model.tasks, model.predict([p for p in payloads if p is not None]), len(rows))
    worst = Agreement(
        rows=len(rows),
        unreadable=int((~usable).sum()),
        largest=None,
        output="",
        row="",
        file=None,
        model=None,
    )
    for given in context.predictions.values():
        worst = _worse(worst, given, rows, scores, context)
    return worst


def _worse(
    worst: Agreement,
    given: Predictions,
    rows: NDArray[np.int64],
    scores: Mapping[str, NDArray[np.float64]],
    context: Context,
) -> Agreement:
    """The larger of a difference known so far and those of one output."""
    said = given.decision if given.task.kind is TaskKind.REGRESSION else given.scores
    shared, at, mine = np.intersect1d(given.rows, rows, return_indices=True)
    if said is None or not len(shared):
        return worst
    in_file = np.asarray(said[at], dtype=np.float64)
    own = scores_like(given, scores)[mine]
    differences = np.abs(in_file - own).reshape(len(shared), -1)
    if np.isnan(differences).all():
        return worst
    row, column = np.unravel_index(int(np.nanargmax(differences)), differences.shape)
    largest = float(differences[row, column])
    if worst.largest is not None and largest <= worst.largest:
        return worst
    label = f"/{given.task.classes[column]}" if differences.shape[1] > 1 else ""
    return Agreement(
        rows=worst.rows,
        unreadable=worst.unreadable,
        largest=largest,
        output=given.output + label,
        row=context.examples.ids[int(shared[row])].as_py(),
        file=float(in_file.reshape(len(shared), -1)[row, column]),
        model=float(own.reshape(len(shared), -1)[row, column]),
    )


def scores_like(given: Predictions, scores: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
    """A model's scores in the shape of an output's: labels that the spec joined are joined here, too.

    Args:
        given: the output.
        scores: output -> scores of k rows.

    Returns:
        (k,) or (k, C).
    """
    if given.task.kind is TaskKind.MULTILABEL and given.output not in scores:
        return np.stack([scores[label] for label in given.task.classes], axis=1)
    return scores[given.output]


def refuse_difference(found: Agreement, file: str) -> None:
    """Stop where the model does not say what the file says.

    Args:
        found: by `compare`.
        file: name of the file.

    Raises:
        InputError: the largest difference is above `TOLERANCE`.
    """
    if found.largest is None or found.largest <= TOLERANCE:
        return
    raise InputError(
        file,
        f"the model does not say what the file says: {found.output} of row {found.row} is {found.file:.4g} "
        f"in the file and {found.model:.4g} from the model, the largest difference among {found.rows} rows; "
        f"at most {TOLERANCE:g} is accepted.",
        "Give the weights that made the file; --trust-predictions audits the two together all the same.",
    )


def sentence(found: Agreement, model: str) -> str:
    """Say how far the model lies from the file.

    Args:
        found: by `compare`.
        model: its name and weights.
    """
    if found.largest is None:
        return f"Beside the predictions: {model}. The file has no scores to compare with the model's."
    asked = f"{found.rows} sampled rows"
    if found.unreadable:
        asked += f" ({found.unreadable} more could not be read)"
    apart = f"at most {found.largest:.2g}" if found.largest >= 1e-6 else "less than 1e-6"
    words = f"Beside the predictions: {model}; on {asked} its scores differ from the file's by {apart}"
    if found.largest <= TOLERANCE:
        return f"{words}."
    return (
        f"{words} ({found.output}, row {found.row}): the file is trusted as asked, and what is said of the "
        "model may not hold for its predictions."
    )


def _some(classes: tuple[str, ...]) -> str:
    return ", ".join(classes[:6]) + (f" … ({len(classes)})" if len(classes) > 6 else "")
