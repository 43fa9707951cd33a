"""Yes/no questions of the same row: how often each is positive, and how often two are together."""

from __future__ import annotations

from collections.abc import Sequence

import pandas as pd
import streamlit as st

from dashboard import state
from dashboard.charts import numbers, palette
from dashboard.charts.data_rates import rate_chart
from dashboard.charts.data_together import MOST_LABELS, PHI, SHARE, together_chart
from dashboard.panels import data_columns
from dashboard.panels.data_columns import EVERYONE
from dashboard.panels.data_rates import drawn, rates_table
from dashboard.panels.data_scope import Scope, table_with_download

MEASURE = "data_together"
MEASURES = {SHARE: "share of the row's label", PHI: "correlation (phi)"}


def draw(scope: Scope, questions: tuple[str, ...]) -> None:
    """Draw the rates of all questions and the matrix of pairs.

    Args:
        scope: which rows.
        questions: yes/no questions with truth, at least two.
    """
    names = short_names(questions)
    parts = [data_columns.rates(*scope.key, q, "", EVERYONE).assign(value=names[q]) for q in questions]
    rows = pd.concat(parts, ignore_index=True)
    shown, cut = drawn(rows)
    st.plotly_chart(
        rate_chart(shown, None, "Rows that are positive", scope.minimum_n),
        key="data_labels",
        config=palette.CONFIG,
        width="stretch",
    )
    st.caption(
        f"What it shows: of the {scope.where} whose truth is known, the share with each label, with a 95% "
        "interval. Rare labels have few positives to learn from and to measure misses on. What it can't "
        f"tell: whether the labels are right.{cut}"
    )
    table_with_download(rows, rates_table(rows, "Positive").rename(columns={"Group": "Label"}), "labels")
    _draw_pairs(scope, rows, names)


def short_names(questions: Sequence[str]) -> dict[str, str]:
    """Names of questions without their output where all are labels of the same one."""
    outputs = {name.rpartition("/")[0] for name in questions}
    prefix = f"{outputs.pop()}/" if len(outputs) == 1 and "" not in outputs else ""
    return {name: name.removeprefix(prefix) for name in questions}


def _draw_pairs(scope: Scope, rows: pd.DataFrame, names: dict[str, str]) -> None:
    pairs = data_columns.together(*scope.key, tuple(names)).replace({"label": names, "other": names})
    kept = set(rows.nlargest(MOST_LABELS, "events", keep="first")["value"])
    drawn_pairs = pairs[pairs["label"].isin(kept) & pairs["other"].isin(kept)].reset_index(drop=True)
    state.settle(MEASURE, list(MEASURES), SHARE)
    what = st.segmented_control(
        "Measure", list(MEASURES), key=MEASURE, format_func=MEASURES.__getitem__, label_visibility="collapsed"
    )
    st.plotly_chart(
        together_chart(drawn_pairs, what or SHARE), key="data_pairs", config=palette.CONFIG, width="stretch"
    )
    cut = f" The {MOST_LABELS} labels with the most positives are drawn." if len(kept) < len(names) else ""
    first = (
        "read along a row: of the rows with that label, the share that has the other as well"
        if (what or SHARE) == SHARE
        else "the correlation of two labels: 0 is none, 1 is always together, below 0 is less often than by "
        "chance"
    )
    st.caption(
        f"What it shows: {first}. A label that seldom comes alone can't be told apart by what is learnt from "
        f"these rows. What it can't tell: how sure a share of few rows is; the tooltip has the counts.{cut}"
    )
    table_with_download(
        pairs,
        pd.DataFrame(
            {
                "Label": pairs["label"],
                "Other": pairs["other"],
                "Both known": pairs["n"],
                "Both positive": pairs["both"],
                "Share of label": [numbers.number(share) for share in pairs["share_of_label"]],
                "phi": [numbers.MISSING if numbers.absent(phi) else f"{phi:.3f}" for phi in pairs["phi"]],
            }
        ),
        "labels-together",
    )
