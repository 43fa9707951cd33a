"""What the Data page shows: the rows of which split, counted by which attribute, of which output."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass
from typing import Any

import pandas as pd
import pyarrow as pa
import streamlit as st

from audit.core import TaskKind
from audit.csv_export import csv_text
from audit.profile.stored import questions
from dashboard import state
from dashboard.panels.data_columns import ALL, EVERYONE, TRUTH
from dashboard.panels.sentences import literal

SPLIT_CHOICE = "data_split"


@dataclass(frozen=True, kw_only=True)
class Target:
    """The output that the sidebar chose, or one label of it."""

    name: str
    """As the sidebar has it; empty where the run has no output."""
    output: str
    kind: str
    """A `TaskKind`; one label of several is "binary"; empty where there is none."""
    classes: tuple[str, ...]
    unit: str
    has_truth: bool


@dataclass(frozen=True, kw_only=True)
class Scope:
    """What the page's selectors say."""

    folder: str
    mark: str
    split: str
    """One, or `ALL`."""
    attribute: str
    """Empty where none is declared."""
    target: Target
    minimum_n: int

    @property
    def key(self) -> tuple[str, str, str]:
        """Of every cached table."""
        return self.folder, self.mark, self.split

    @property
    def where(self) -> str:
        """Words for the rows, in Markdown."""
        return "rows of all splits" if self.split == ALL else f"rows of split {literal(self.split)}"


def target_of(name: str, outputs: Mapping[str, Any]) -> Target:
    """What the sidebar's choice is.

    Args:
        name: of an output, or ``output/label``.
        outputs: `AuditRun.data["outputs"]`.
    """
    labels = {question.name for question in questions(outputs)}
    output = name if name in outputs else name.partition("/")[0]
    about = outputs.get(output)
    if about is None:
        return Target(name=name, output="", kind="", classes=(), unit="", has_truth=False)
    is_label = name not in outputs and name in labels
    return Target(
        name=name,
        output=output,
        kind=TaskKind.BINARY if is_label else about["kind"],
        classes=() if is_label else tuple(about["classes"]),
        unit=str(about["unit"]),
        has_truth=bool(about["truth"]),
    )


def choose(chosen: state.Chosen) -> Scope:
    """Draw the selectors of attribute and split."""
    data = chosen.run.data
    attributes, present = list(data["attributes"]), list(data["splits"])
    audited = str(data["audited"]["split"])
    left, right = st.columns(2, vertical_alignment="bottom")
    attribute, split = "", audited
    if attributes:
        state.settle(state.ATTRIBUTE, attributes)
        with left:
            st.selectbox("Attribute", attributes, key=state.ATTRIBUTE)
        attribute = state.chosen(state.ATTRIBUTE)
    if len(present) > 1:
        state.settle(SPLIT_CHOICE, [*present, ALL], audited)
        with right if attributes else left:
            split = (
                st.segmented_control(
                    "Rows of split",
                    [*present, ALL],
                    key=SPLIT_CHOICE,
                    help=f"The run's metrics use split {literal(audited)}.",
                )
                or audited
            )
    return Scope(
        folder=chosen.folder,
        mark=chosen.mark,
        split=split,
        attribute=attribute,
        target=target_of(chosen.output, data["outputs"]),
        minimum_n=int(chosen.run.spec.get("minimum_n", 30)),
    )


def counted_by(scope: Scope, key: str) -> str:
    """Draw the choice of what rows are told apart by: the attribute, the truth, or nothing.

    Args:
        scope: what the page shows.
        key: of the widget.

    Returns:
        A name for `data_columns.group`.
    """
    options = {scope.attribute: scope.attribute} if scope.attribute else {}
    target = scope.target
    if target.has_truth and target.kind in (TaskKind.BINARY, TaskKind.MULTICLASS):
        options[TRUTH + target.name] = f"truth of {target.name}"
    options[EVERYONE] = "nothing: everyone together"
    state.settle(key, list(options))
    if len(options) > 1:
        st.selectbox("By", list(options), key=key, format_func=options.__getitem__, width=320)
    return state.chosen(key)


def table_with_download(
    rows: pd.DataFrame, shown: pd.DataFrame, name: str, words: str = "The numbers"
) -> None:
    """An expander with a table as people read it, and the same unrounded as CSV.

    Args:
        rows: the numbers; text is neutralised for spreadsheets.
        shown: what stands on the page.
        name: of the file, without its ending, and of the widget.
        words: on the expander.
    """
    with st.expander(words):
        st.dataframe(
            shown,
            hide_index=True,
            width="stretch",
            height=min(38 + 35 * max(len(shown), 1), 460),
            placeholder="–",
        )
        st.download_button(
            "As CSV",
            csv_text(pa.Table.from_pandas(rows, preserve_index=False)),
            f"{name}.csv",
            "text/csv",
            key=f"{name}_csv",
            icon=":material/download:",
            on_click="ignore",
        )
