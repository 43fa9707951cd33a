"""The rows of one slice: filters, a table, pictures blurred and texts masked until asked for."""

from __future__ import annotations

import re
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import pandas as pd
import streamlit as st

from audit.core import Slice
from dashboard import cache, state
from dashboard.panels.pictures import draw_pictures

PAGE = 24
ALL, ERRORS, FALSE_POSITIVES, FALSE_NEGATIVES = "all", "errors", "false positives", "false negatives"
_LETTER = re.compile(r"\w")
MASK = "•"


@dataclass(frozen=True, kw_only=True)
class Columns:
    """Where predictions.parquet holds one output."""

    kind: str
    truth: str
    """Empty where the file has none."""
    decision: str
    scores: tuple[str, ...]
    positive: Any
    """Value of truth and decision that counts as yes; None: not a yes/no question."""

    @property
    def names(self) -> tuple[str, ...]:
        """All of them."""
        return tuple(filter(None, (self.truth, self.decision, *self.scores)))


def columns_of(output: str, outputs: Mapping[str, Any], present: Sequence[str]) -> Columns | None:
    """Columns of an output, or of one label as ``output/label``; None where the file has no decision of it.

    Args:
        output: the output.
        outputs: `AuditRun.data["outputs"]`.
        present: columns of predictions.parquet.
    """
    name, _, label = output.partition("/")
    if output in outputs:
        name, label = output, ""
    about = outputs.get(name, {})
    suffix = f"{name}.{label}" if label else name
    if f"pred.{suffix}" not in present:
        return None
    own = [f"score.{suffix}"] if f"score.{suffix}" in present else []
    own += [c for c in present if not label and c.startswith(f"score.{suffix}.")]
    kind = "binary" if label else str(about.get("kind", ""))
    positive = (1 if label else about["classes"][1]) if kind == "binary" else None
    return Columns(
        kind=kind,
        truth=f"true.{suffix}" if f"true.{suffix}" in present else "",
        decision=f"pred.{suffix}",
        scores=tuple(own),
        positive=positive,
    )


def filters_of(columns: Columns) -> list[str]:
    """Filters that make sense for an output."""
    if not columns.truth:
        return [ALL]
    if columns.kind == "binary":
        return [ALL, ERRORS, FALSE_POSITIVES, FALSE_NEGATIVES]
    return [ALL, ERRORS] if columns.kind == "multiclass" else [ALL]


def default_filter(metric: str, offered: Sequence[str]) -> str:
    """The rows that a metric is about."""
    wanted = {"fpr": FALSE_POSITIVES, "ppv": FALSE_POSITIVES, "fnr": FALSE_NEGATIVES, "error_rate": ERRORS}
    found = wanted.get(metric, ALL)
    return found if found in offered else ALL


def select(rows: pd.DataFrame, columns: Columns, wanted: str) -> pd.DataFrame:
    """Rows that pass a filter, those that count most against the model first.

    Args:
        rows: of the slice, with the output's columns.
        columns: where they are.
        wanted: one of `filters_of`.
    """
    rows = rows[rows[columns.decision].notna()]
    if not columns.truth:
        return rows
    truth, decision = rows[columns.truth], rows[columns.decision]
    if columns.kind == "regression":
        error = (decision - truth).abs()
        return rows.assign(**{"error": decision - truth}).loc[
            error.sort_values(ascending=False, kind="stable").index
        ]
    wrong = truth.notna() & (truth != decision)
    if wanted == FALSE_POSITIVES:
        wrong &= decision == columns.positive
    elif wanted == FALSE_NEGATIVES:
        wrong &= truth == columns.positive
    found = rows if wanted == ALL else rows[wrong]
    if columns.kind == "binary" and columns.scores and wanted in (FALSE_POSITIVES, FALSE_NEGATIVES):
        return found.sort_values(columns.scores[0], ascending=wanted == FALSE_NEGATIVES, kind="stable")
    return found


def masked(text: str) -> str:
    """A text with every letter and digit replaced, so that its shape stays."""
    return _LETTER.sub(MASK, text)


def flagged(rows: pd.DataFrame, columns: Columns) -> pd.Series:
    """Rows whose truth or decision is positive: their text may hurt who reads it."""
    if columns.kind != "binary":
        return pd.Series(True, index=rows.index)
    hit: pd.Series = rows[columns.decision] == columns.positive
    if columns.truth:
        hit = hit | (rows[columns.truth] == columns.positive)
    return hit


def draw(chosen: state.Chosen, cut: Slice, metric: str) -> None:
    """Draw the rows of a slice.

    Args:
        chosen: run and output.
        cut: the slice.
        metric: the chosen one; it gives the first filter.
    """
    present = cache.columns(chosen.folder, chosen.mark)
    columns = columns_of(chosen.output, chosen.run.data["outputs"], present)
    if columns is None:
        st.info(
            "An output of several labels has no rows of its own: choose one of its labels in the sidebar."
        )
        return
    split = str(chosen.run.data["audited"]["split"])
    rows = cache.members(chosen.folder, chosen.mark, cut.of, split, ("id", *columns.names))
    offered = filters_of(columns)
    wanted = ALL
    if len(offered) > 1:
        key = f"rows_filter_{chosen.output}_{metric}"
        state.settle(key, offered, default_filter(metric, offered))
        wanted = st.segmented_control("Rows", offered, key=key, label_visibility="collapsed") or ALL
    found = select(rows, columns, wanted)
    if found.empty:
        st.info(f"No row of this slice is among “{wanted}”. Choose “all” to see its {len(rows):,} rows.")
        return
    page = _page(found, f"{cut.key}{wanted}")
    _draw_page(chosen, page, columns, present)


def _page(found: pd.DataFrame, key: str) -> pd.DataFrame:
    pages = -(-len(found) // PAGE)
    number = 1
    left, right = st.columns([3, 1], vertical_alignment="bottom")
    if pages > 1:
        with right:
            number = int(st.number_input(f"Page (of {pages:,})", 1, pages, 1, key=f"rows_page_{key}"))
    start = (number - 1) * PAGE
    with left:
        last = min(start + PAGE, len(found))
        st.markdown(f"Rows {start + 1:,}–{last:,} of **{len(found):,}**")
    return found.iloc[start : start + PAGE]


def _draw_page(chosen: state.Chosen, page: pd.DataFrame, columns: Columns, present: Sequence[str]) -> None:
    payloads = tuple(name for name in ("text", "image") if name in present)
    groups = tuple(name for name in present if name.startswith("group."))
    more = cache.details(chosen.folder, chosen.mark, tuple(page["id"]), (*groups, *payloads))
    shown = page.reset_index(drop=True).join(more.drop(columns="id"))
    if "image" in payloads:
        root = cache.times(chosen.folder, chosen.mark).get("source", {}).get("data_root", "")
        draw_pictures(shown, Path(root) if root else None, _captions(shown, columns))
    if "text" in payloads:
        open_ = st.toggle(
            "Show texts that the truth or the model flags",
            key="show_texts",
            help="They may hold slurs and threats; until then every letter of them is a dot.",
        )
        hide = flagged(shown, columns) & (not open_)
        shown["text"] = [
            "(no text)" if not isinstance(text, str) else masked(text) if h else text
            for text, h in zip(shown["text"], hide, strict=True)
        ]
    first = [
        "id",
        *columns.names,
        *(["error"] if "error" in shown else []),
        *(["text"] if "text" in shown else []),
    ]
    rest = [name for name in shown.columns if name not in first and name != "image"]
    renamed = shown[[*first, *rest]].rename(columns=_heading)
    st.dataframe(
        renamed,
        hide_index=True,
        width="stretch",
        height=38 + 35 * len(renamed),
        column_config=_formats(renamed),
    )


def _captions(rows: pd.DataFrame, columns: Columns) -> list[str]:
    found = []
    for _, row in rows.iterrows():
        truth = f"true {_short(row[columns.truth])}" if columns.truth else ""
        found.append(" · ".join(filter(None, (truth, f"said {_short(row[columns.decision])}"))))
    return found


def _short(value: Any) -> str:
    return f"{value:.3g}" if isinstance(value, float) else str(value)


def _heading(name: str) -> str:
    return name.removeprefix("group.")


def _formats(rows: pd.DataFrame) -> dict[str, Any]:
    formats: dict[str, Any] = {
        name: st.column_config.NumberColumn(format="%.3f" if name.startswith("score.") else "%.2f")
        for name in rows.columns
        if pd.api.types.is_float_dtype(rows[name])
    }
    if "text" in rows:
        formats["text"] = st.column_config.TextColumn(width="large")
    return formats
