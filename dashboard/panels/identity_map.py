"""The heat map labels x identities, and all its numbers as a table to sort and to download."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import streamlit as st

from audit import wording
from audit.csv_export import csv_text
from dashboard import state
from dashboard.charts import identity_heat, numbers, palette

METRICS = tuple(wording.IDENTITY_HARMS)
MOST_ROWS = 80
"""Identities drawn at most, the worst first."""


def choose_metric(cells: pd.DataFrame, default: str) -> str:
    """Draw the metric's selector.

    Args:
        cells: the table `cells`.
        default: where none was chosen before.
    """
    present = set(cells["metric"])
    offered = [name for name in METRICS if name in present]
    state.settle(state.METRIC, offered, default)
    return str(
        st.selectbox(
            "Metric",
            offered,
            key=state.METRIC,
            format_func=wording.metric,
            width=260,
            help="\n\n".join(
                f"**{wording.metric(name)}**, where it is worse than without bias: "
                f"{wording.IDENTITY_HARMS[name][1]}"
                for name in offered
            ),
        )
    )


def worst_metric(cells: pd.DataFrame) -> str:
    """The metric of the cell that ranks first; the first of all where none does."""
    ranked = cells[cells["level"] != ""].sort_values("severity", ascending=False, kind="stable")
    return str(ranked["metric"].iloc[0]) if len(ranked) else METRICS[0]


def draw(
    cells: pd.DataFrame, terms: pd.DataFrame, metric: str, minimum_n: int, selected: tuple[str, str]
) -> None:
    """Draw the map of one metric.

    Args:
        cells: the table `cells`.
        terms: the table `terms`.
        metric: the chosen one.
        minimum_n: of the run.
        selected: (identity, output) to frame.
    """
    own = identity_heat.with_harm(cells[cells["metric"] == metric], minimum_n)
    few = identity_heat.arrange(own, every=False)
    every = not few.kinds
    if few.kinds and few.hidden:
        every = st.toggle(
            f"Show {few.hidden:,} identities without a cell of {minimum_n} texts", key="identity_every"
        )
    arranged = identity_heat.arrange(own, every=True) if every else few
    drawn, left = _cut(arranged)
    texts = dict(zip(terms["identity"], terms["rows"], strict=True)) if len(terms) else {}
    st.plotly_chart(
        identity_heat.heat_chart(own, drawn, texts, selected, float(own["margin"].iloc[0])),
        key="identity_points",
        on_select=state.pick_point("identity_points", (state.IDENTITY, state.OUTPUT)),
        selection_mode="points",
        config=palette.CONFIG,
        width="stretch",
    )
    points = " in points" if own["unit"].iloc[0] == "rate" else ""
    cut = f" {left:,} more identities are not drawn; the table has them." if left else ""
    st.caption(
        f"What it shows: {wording.metric(metric)} less what it would be without bias{points}; vermilion is "
        "the "
        f"harmful side: {wording.IDENTITY_HARMS[metric][1]}. {identity_heat.SIGN}: established. Grey "
        "number, no "
        f"colour: fewer than {minimum_n} texts. {identity_heat.NOT_COMPUTED}: not computed. n: texts that "
        "speak "
        "of the identity, worst first within a kind. What it can't tell: why, and whether a cell without the "
        f"sign differs at all. Hover for the numbers, click for the texts.{cut}"
    )
    with st.expander("All numbers of this metric"):
        _table(own)
    st.download_button(
        "All cells as CSV",
        csv_text(pa.Table.from_pandas(cells, preserve_index=False)),
        "identity_cells.csv",
        "text/csv",
        key="identity_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def _cut(arranged: identity_heat.Map) -> tuple[identity_heat.Map, int]:
    """The first `MOST_ROWS` identities, and how many are left out."""
    kinds, room = [], MOST_ROWS
    for kind, names in arranged.kinds:
        if room > 0:
            kinds.append((kind, list(names)[:room]))
            room -= len(names)
    cut = identity_heat.Map(kinds=kinds, outputs=arranged.outputs, hidden=arranged.hidden)
    return cut, len(arranged.identities) - len(cut.identities)


def table_frame(own: pd.DataFrame) -> pd.DataFrame:
    """The cells of one metric as they are listed: worst first."""
    unit = str(own["unit"].iloc[0])
    own = own.sort_values(["severity", "harm"], ascending=False, kind="stable", na_position="last")
    return pd.DataFrame(
        {
            "Label": own["label"].tolist(),
            "Identity": [wording.identity(name) for name in own["identity"]],
            "Kind": own["group"].tolist(),
            "Value (interval, n)": [
                numbers.estimate(r["value"], r["low"], r["high"], r["n"], unit, r["events"])
                if not numbers.absent(r["value"])
                else f"not computed: {wording.reason(r['reason'])}"
                for _, r in own.iterrows()
            ],
            "Without bias": [numbers.number(x, unit) for x in own["expected"]],
            "Difference": [numbers.signed(x, unit) for x in own["difference"]],
            "Interval": [
                "" if numbers.absent(a) or numbers.absent(b) else numbers.span(a, b, unit)
                for a, b in zip(own["diff_low"], own["diff_high"], strict=True)
            ],
            "How sure": [identity_heat.certainty(row) for _, row in own.iterrows()],
        }
    )


def _table(own: pd.DataFrame) -> None:
    shown = table_frame(own)
    st.dataframe(shown, hide_index=True, width="stretch", height=min(38 + 35 * max(len(shown), 1), 460))
