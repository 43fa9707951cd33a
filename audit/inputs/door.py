"""A file's name and its columns, as the readers of roles pass them along."""

from __future__ import annotations

from dataclasses import dataclass

from audit.inputs.cells import Cells, refuse_whole_column
from audit.inputs.columns import Column
from audit.inputs.raw import Raw


@dataclass(frozen=True, kw_only=True)
class Door:
    """The file's name and its columns, for those who read them."""

    file: str
    raw: Raw

    def whole(self, cells: Cells, remedy: str = "") -> Cells:
        """Refuse a column that has no usable cell."""
        return refuse_whole_column(cells, self.file, self.raw.records, remedy)

    def empty(self, column: Column | None) -> bool:
        """Whether there is no such column or nothing in it."""
        return column is None or self.raw.columns[column.source].null_count == self.raw.n
