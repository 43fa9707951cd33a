"""How many rows each group has, and each crossing of two attributes."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from audit.core import UNKNOWN
from dashboard import state
from dashboard.charts import numbers, palette
from dashboard.charts.crossings import MOST_VALUES as MOST_CROSSED
from dashboard.charts.data_bars import MOST_VALUES, bar_chart, most
from dashboard.charts.data_crossing import count_chart, largest
from dashboard.panels import data_columns
from dashboard.panels.data_scope import Scope, table_with_download
from dashboard.panels.sentences import literal


def draw(scope: Scope, attributes: Sequence[str]) -> None:
    """Draw the distribution of the chosen attribute and its crossing with another."""
    rows = data_columns.counts(*scope.key, scope.attribute)
    st.plotly_chart(bar_chart(most(rows)), key="data_groups", config=palette.CONFIG, width="stretch")
    st.caption(
        f"What it shows: how the {scope.where} divide over {literal(scope.attribute)}, as it was declared "
        f"in the data. {_smallest(rows, scope)} What it can't tell: whether what was declared is right, and "
        f"how many such people there are where the model will be used.{_cut(rows)}"
    )
    table_with_download(
        rows,
        pd.DataFrame(
            {
                "Group": rows["value"],
                "Rows": rows["n"],
                "Share": [numbers.number(share) for share in rows["share"]],
            }
        ),
        f"groups-{scope.attribute}",
    )
    others = [name for name in attributes if name != scope.attribute]
    if not others:
        st.info("There is one attribute only: a crossing needs two.")
        return
    state.settle(state.CROSSED, others)
    st.selectbox(f"{literal(scope.attribute)} crossed with", others, key=state.CROSSED, width=320)
    _draw_crossing(scope, state.chosen(state.CROSSED))


def _draw_crossing(scope: Scope, second: str) -> None:
    cells = data_columns.crossed(*scope.key, scope.attribute, second)
    shown = largest(cells)
    st.plotly_chart(
        count_chart(shown, scope.attribute, second, scope.minimum_n),
        key="data_crossing",
        config=palette.CONFIG,
        width="stretch",
    )
    cut = f" At most {MOST_CROSSED} values a side are drawn." if len(shown) < len(cells) else ""
    st.caption(
        f"What it shows: the {scope.where} with each pair of values; a stronger blue is more. "
        f"{_thin(cells, scope)} What it can't tell: what a model does there; “Slices” has it.{cut}"
    )
    table_with_download(
        cells.rename(columns={"row": scope.attribute, "column": second}),
        pd.DataFrame(
            {
                scope.attribute: cells["row"],
                f"{second} ": cells["column"],
                "Rows": cells["n"],
                f"Share of {scope.attribute}": [numbers.number(share) for share in cells["share_of_first"]],
            }
        ),
        f"crossing-{scope.attribute}-{second}",
    )


def _thin(cells: pd.DataFrame, scope: Scope) -> str:
    """How many cells an audit can say little of."""
    empty, least = int((cells["n"] == 0).sum()), scope.minimum_n
    small = int(((cells["n"] > 0) & (cells["n"] < least)).sum())
    if not empty and not small:
        return f"Every cell has {least} rows or more."
    return (
        f"Of {len(cells):,} cells {empty:,} {'is' if empty == 1 else 'are'} empty, and {small:,} more, "
        f"marked \\*, {'has' if small == 1 else 'have'} fewer than {least} rows: an audit can say little of "
        "them."
    )


def _smallest(rows: pd.DataFrame, scope: Scope) -> str:
    known = rows[(rows["value"] != UNKNOWN) & (rows["n"] > 0)]
    small = int((known["n"] < scope.minimum_n).sum())
    words = []
    if small:
        words.append(
            f"{small:,} {'group has' if small == 1 else 'groups have'} fewer than {scope.minimum_n} rows."
        )
    unknown = rows[rows["value"] == UNKNOWN]
    if len(unknown):
        words.append(f"The group {literal(UNKNOWN)} holds rows for which nothing was declared.")
    return " ".join(words) or f"Every group has {scope.minimum_n} rows or more."


def _cut(rows: pd.DataFrame) -> str:
    return f" The {MOST_VALUES} largest of {len(rows):,} groups are drawn." if len(rows) > MOST_VALUES else ""
