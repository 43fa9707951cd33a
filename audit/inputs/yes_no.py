"""Yes/no columns: which value is yes, and truth, score and decision of an output or of one label."""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.errors import InputError, SpecError
from audit.inputs.cells import (
    Cells,
    any_of,
    classes,
    distinct,
    listed,
    one_of,
    probabilities,
    yes_no_text,
)
from audit.inputs.columns import Column, toml_key
from audit.inputs.door import Door
from audit.inputs.plans import Part


@dataclass(frozen=True, kw_only=True)
class YesNo:
    """One yes/no output or label, read."""

    names: tuple[str, str]
    """(negative, positive)."""
    truth: Cells | None
    score: Cells | None
    pred: Cells | None

    @property
    def cells(self) -> tuple[Cells, ...]:
        """Its columns."""
        return tuple(cells for cells in (self.truth, self.score, self.pred) if cells is not None)

    @property
    def bad(self) -> NDArray[np.bool_]:
        """(n,) rows with a cell that can't be used."""
        return any_of([cells.bad for cells in self.cells])

    def decisions(self, threshold: float) -> tuple[NDArray[np.int8], NDArray[np.bool_]]:
        """Decision of every row (-1 where there is none) and where a given one differs from the score's.

        Args:
            threshold: yes is score >= threshold.
        """
        if self.score is None:
            assert self.pred is not None  # a plan has a score or a prediction
            return np.where(self.pred.ok, self.pred.values, -1).astype(np.int8), np.zeros(
                len(self.pred.raw), bool
            )
        by_score = np.where(self.score.ok, self.score.values >= threshold, -1).astype(np.int8)
        if self.pred is None:
            return by_score, np.zeros(len(by_score), dtype=bool)
        differs = self.pred.ok & self.score.ok & (self.pred.values != by_score)
        return np.where(self.pred.ok, self.pred.values, by_score).astype(np.int8), differs


def read_yes_no(door: Door, table: str, part: Part, positive: str) -> YesNo:
    """Read the columns of a yes/no output or label.

    Args:
        door: the file.
        table: output whose table of the spec holds `positive`.
        part: its columns.
        positive: value of the truth that counts as yes; "" for 1 / true.

    Raises:
        InputError: more than two values, two values of which none is known to be yes, or a column without
            one usable cell.
        SpecError: `positive` is not among the values.
    """
    truth = None if door.empty(part.truth) else part.truth
    spoken = [column for column in (truth, part.pred) if column is not None]
    values = {column.source: distinct(door.raw.columns[column.source]) for column in spoken}
    names = _names(door, table, part, values, positive)
    known = {
        value: names.index(yes_no_text(value))
        for column in values.values()
        for value in column
        if yes_no_text(value) in names
    }

    def spoken_cells(column: Column | None) -> Cells | None:
        if column is None:
            return None
        return door.whole(classes(column.source, door.raw.columns[column.source], names, known))

    score = None
    if part.score is not None:
        score = door.whole(probabilities(part.score.source, door.raw.columns[part.score.source]))
    return YesNo(names=names, truth=spoken_cells(truth), score=score, pred=spoken_cells(part.pred))


def _names(
    door: Door, table: str, part: Part, values: dict[str, list[str]], positive: str
) -> tuple[str, str]:
    seen = sorted({yes_no_text(value) for column in values.values() for value in column})
    place = f"{door.file}, column {next(iter(values), table)}"
    if positive:
        return _with_positive(place, table, seen, yes_no_text(positive))
    if not seen or {"0", "1"} & set(seen):
        return ("0", "1")
    line = f'[outputs.{toml_key(table)}] positive = "{seen[-1]}"'
    spoken = part.score or part.pred
    assert spoken is not None  # an output has a score or a prediction
    if len(seen) == 2:
        raise InputError(
            place,
            f"expected 0/1 or true/false, came the two values {seen[0]} and {seen[1]}.",
            f"Say in the spec which one {spoken.source} is for, e.g. {line}",
        )
    if len(seen) == 1:
        raise InputError(
            place,
            f"expected 0/1 or true/false, came {seen[0]} alone.",
            f"Say in the spec which value is yes, e.g. {line}",
        )
    raise InputError(
        place,
        f"expected the two values of a yes/no output, came {len(seen):,}: {listed(seen)}.",
        "An output of many classes has a score column a class: "
        f"{spoken.source}.{seen[0]}, {spoken.source}.{seen[1]} …",
    )


def _with_positive(place: str, table: str, seen: list[str], positive: str) -> tuple[str, str]:
    others = [value for value in seen if value != positive]
    if positive in ("0", "1") and (not others or {"0", "1"} & set(others)):
        return ("1" if positive == "0" else "0", positive)
    if positive not in seen and len(others) > 1:
        raise SpecError(
            f"spec, [outputs.{toml_key(table)}] positive",
            f"expected {one_of(seen)} (the values in {place}), came {positive}.",
        )
    if len(others) > 1:
        raise InputError(
            place,
            f"expected {positive} and one other value, came {len(seen):,} values: {listed(seen)}.",
            "Correct the others, or leave their fields empty.",
        )
    return (others[0] if others else f"not {positive}", positive)
