"""All outputs of a model side by side, so that one forward pass explains every one of them."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.core import Task, TaskKind
from audit.errors import InputError


@dataclass(frozen=True, kw_only=True)
class Columns:
    """The numbers that are explained, one a column."""

    names: tuple[str, ...]
    """``age``, ``gender``, ``genus/Amanita``: an output, or ``output/class``."""
    outputs: tuple[str, ...]
    """(K,) the output that each column belongs to."""
    places: tuple[int, ...]
    """(K,) class or label within the output; -1 where the output is one number."""

    @property
    def k(self) -> int:
        """Number of columns."""
        return len(self.names)

    def of(self, scores: Mapping[str, NDArray[np.float64]]) -> NDArray[np.float64]:
        """Lay the scores of `Model.predict` side by side.

        Returns:
            (n, K).

        Raises:
            InputError: the model left an output out, or gave it another shape than its task promises.
        """
        parts = []
        for output, place in zip(self.outputs, self.places, strict=True):
            if output not in scores:
                raise InputError(f"output {output!r}", f"the model gave {', '.join(scores) or 'nothing'}.")
            given = np.asarray(scores[output], dtype=np.float64)
            if given.ndim != (1 if place < 0 else 2):
                raise InputError(f"output {output!r}", f"scores of shape {given.shape} do not fit its task.")
            parts.append(given if place < 0 else given[:, place])
        return np.stack(parts, axis=1) if parts else np.zeros((0, 0))

    def only(self, names: Sequence[str]) -> Columns:
        """Some of the columns, in the order asked for.

        Raises:
            InputError: a name is not known.
        """
        unknown = [name for name in names if name not in self.names]
        if unknown:
            raise InputError(f"column {unknown[0]!r}", f"this model has {', '.join(self.names)}.")
        at = [self.names.index(name) for name in names]
        return Columns(
            names=tuple(names),
            outputs=tuple(self.outputs[i] for i in at),
            places=tuple(self.places[i] for i in at),
        )


def columns(tasks: Mapping[str, Task]) -> Columns:
    """Every number that a model gives: the score of a yes/no output, each class, each label, a number."""
    names: list[str] = []
    outputs: list[str] = []
    places: list[int] = []
    for output, task in tasks.items():
        several = task.kind in (TaskKind.MULTICLASS, TaskKind.MULTILABEL)
        names += [f"{output}/{name}" for name in task.classes] if several else [output]
        outputs += [output] * (len(task.classes) if several else 1)
        places += list(range(len(task.classes))) if several else [-1]
    return Columns(names=tuple(names), outputs=tuple(outputs), places=tuple(places))
