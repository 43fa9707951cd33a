"""What is known of rows in pairs and clusters: payloads, truths, and which texts are masked."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd

from dashboard import cache, state
from dashboard.panels import rows


@dataclass(frozen=True, kw_only=True)
class Members:
    """Rows by id."""

    frame: pd.DataFrame
    """Columns of predictions.parquet, indexed by id."""
    root: Path | None
    """Folder of the pictures; None where not known."""
    truths: tuple[str, ...]
    """Columns of the truth of the chosen output."""
    hidden: Mapping[str, bool]
    """id -> whether its text is masked: some output's truth or decision flags it, or that can't be told."""

    def value(self, row: str, column: str) -> Any:
        """A cell; None where there is none."""
        if row not in self.frame.index or column not in self.frame.columns:
            return None
        found = self.frame.at[row, column]
        return None if isinstance(found, float) and pd.isna(found) else found

    def truth(self, row: str) -> str:
        """The truth of a row for a caption, empty where the file has none."""
        found = [self.value(row, column) for column in self.truths]
        return " · ".join(f"true {_short(value)}" for value in found if value is not None)


def read(chosen: state.Chosen, ids: Sequence[str]) -> Members:
    """Read the rows of some ids.

    Args:
        chosen: run and output.
        ids: of the rows.
    """
    present = cache.columns(chosen.folder, chosen.mark)
    own = rows.columns_of(chosen.output, chosen.run.data["outputs"], present)
    truths = (own.truth,) if own is not None and own.truth else ()
    flags = [rows.columns_of(name, chosen.run.data["outputs"], present) for name in _yes_no(chosen.run.data)]
    judged = [columns for columns in flags if columns is not None]
    names = {*truths, *(name for columns in judged for name in columns.names)}
    payloads = {name for name in ("text", "image") if name in present}
    groups = {name for name in present if name.startswith("group.")}
    wanted = tuple(name for name in present if name in names | payloads | groups | {"split"})
    unique = tuple(dict.fromkeys(ids))
    frame = cache.details(chosen.folder, chosen.mark, unique, wanted)
    hide = pd.Series(not judged, index=frame.index)
    for columns in judged:
        hide |= rows.flagged(frame, columns)
    root = cache.times(chosen.folder, chosen.mark).get("source", {}).get("data_root", "")
    return Members(
        frame=frame.set_index("id"),
        root=Path(root) if root else None,
        truths=truths,
        hidden=dict(zip(frame["id"], hide.tolist(), strict=True)),
    )


def _yes_no(data: Mapping[str, Any]) -> list[str]:
    """Outputs and labels whose yes may mark a text that hurts."""
    found = []
    for name, about in data["outputs"].items():
        if about["kind"] == "binary":
            found.append(name)
        elif about["kind"] == "multilabel":
            found += [f"{name}/{label}" for label in about["classes"]]
    return found


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)
