"""The verdict table: worst first, filtered, with the way to a slice and the whole as CSV."""

from __future__ import annotations

from typing import Any

import pandas as pd
import streamlit as st

from audit.versions.codes import GATED, WORDS, Verdict, reason
from dashboard import cache, state
from dashboard.charts import numbers
from dashboard.charts.versions_looks import LOOKS, name_of, size
from dashboard.panels.gaps import to_csv
from dashboard.panels.headline import declared_unit
from dashboard.panels.sentences import title, unit
from dashboard.panels.versions_choice import Compared
from dashboard.panels.versions_groups import GROUP, group_of

MOST_LISTED = 2_000
"""Rows in the table on the page; the CSV has all."""
ALL_OUTPUTS, ALL_METRICS = "all outputs", "all metrics"


def draw(compared: Compared) -> None:
    """Draw filters, table and download; a selected row chooses output, metric and slice.

    Args:
        compared: the comparison.
    """
    rows = cache.frame(compared.folder, compared.mark, "versions", "verdicts")
    filters = st.container(horizontal=True, vertical_alignment="bottom", gap="medium")
    below = st.container(horizontal=True, vertical_alignment="center")
    with below:
        watched = st.toggle(
            "Also what is not gated",
            key="verdict_watched",
            help="Other metrics, slices below the minimum n, unknown groups: shown, they decide nothing.",
        )
        st.space("stretch")
    with filters:
        own = _filtered(rows if watched else rows[rows["role"].isin(GATED)], f"verdict_kinds_{watched}")
    with below:
        st.download_button(
            "These rows as CSV",
            lambda: to_csv(own),
            "verdicts.csv",
            "text/csv",
            key="verdicts_csv",
            icon=":material/download:",
            on_click="ignore",
        )
    if own.empty:
        st.info("No comparison passes these filters. Choose another verdict, output or metric.")
        return
    listed = own.head(MOST_LISTED)
    st.dataframe(
        table_frame(listed, compared.outputs),
        hide_index=True,
        width="stretch",
        height=min(38 + 35 * max(len(listed), 1), 430),
        key="verdict_rows",
        on_select=state.pick_choices("verdict_rows", choices(listed)),
        selection_mode="single-row",
        column_config=_columns(),
        placeholder="",
    )
    shown = f"{len(listed):,} of " if len(listed) < len(own) else ""
    amount = f"{shown}{len(own):,} {'row' if len(own) == 1 else 'rows'}"
    st.caption(
        f"{amount}, worst first: by verdict, then by the lower end of harm ÷ margin. "
        "Select a row to see its slice below. Intervals are not adjusted, p values are."
    )


def _filtered(rows: pd.DataFrame, key: str) -> pd.DataFrame:
    """Draw the filters; the rows that pass, in their order."""
    outputs, metrics = list(rows["output"].unique()), list(rows["metric"].unique())
    state.settle("verdict_output", [ALL_OUTPUTS, *outputs], ALL_OUTPUTS)
    state.settle("verdict_metric", [ALL_METRICS, *metrics], ALL_METRICS)
    present = [verdict for verdict in Verdict if (rows["verdict"] == verdict.value).any()]
    wanted = st.pills(
        "Verdict",
        present,
        selection_mode="multi",
        default=present,
        format_func=lambda verdict: f"{LOOKS[verdict].sign} {WORDS[verdict]}",
        key=key,
    )
    output = st.selectbox(
        "Of output", [ALL_OUTPUTS, *outputs], key="verdict_output", disabled=len(outputs) == 1, width=190
    )
    metric = st.selectbox(
        "Of metric",
        [ALL_METRICS, *metrics],
        key="verdict_metric",
        format_func=lambda name: name if name == ALL_METRICS else title(name),
        disabled=len(metrics) == 1,
        width=220,
    )
    kept = rows[rows["verdict"].isin([verdict.value for verdict in wanted])]
    if output != ALL_OUTPUTS:
        kept = kept[kept["output"] == output]
    if metric != ALL_METRICS:
        kept = kept[kept["metric"] == metric]
    return kept.reset_index(drop=True)


def choices(rows: pd.DataFrame) -> list[dict[str, str]]:
    """What a selected row chooses: the chart follows with the slices of the same attributes."""
    columns = (rows[name] for name in ("output", "metric", "slice", "attributes"))
    return [
        {state.OUTPUT: output, state.METRIC: metric, state.SLICE: key, GROUP: group_of(names)}
        for output, metric, key, names in zip(*columns, strict=True)
    ]


def table_frame(rows: pd.DataFrame, outputs: Any) -> pd.DataFrame:
    """The columns of the table on the page, each value in its own unit.

    Args:
        rows: rows of the table `verdicts`.
        outputs: `AuditRun.data["outputs"]` of the new run, for units.
    """
    units = [
        unit(metric, output, declared_unit(output, outputs))
        for metric, output in zip(rows["metric"], rows["output"], strict=True)
    ]
    lines = [_line(row, found) for (_, row), found in zip(rows.iterrows(), units, strict=True)]
    same = [name for name, key in (("Output", "output"), ("Metric", "metric")) if rows[key].nunique() == 1]
    return pd.DataFrame(lines).drop(columns=same)


def _line(row: pd.Series, found: str) -> dict[str, Any]:
    verdict = Verdict(row["verdict"])
    harm = row["harm"] if not numbers.absent(row["harm"]) else row["change"]
    low, high = ("harm_low", "harm_high") if not numbers.absent(row["harm"]) else ("low", "high")
    ends = "" if numbers.absent(row[low]) else f" ({numbers.span(row[low], row[high], found)})"
    worst = row["harm_low"] / row["margin"] if not numbers.absent(row["harm_low"]) else None
    same = f" (same rows as {name_of(row['same_rows_as'])})" if row["same_rows_as"] else ""
    return {
        "Verdict": f"{LOOKS[verdict].sign} {WORDS[verdict]}",
        "Slice": name_of(row["slice"]) + same,
        "Output": row["output"],
        "Metric": title(row["metric"]),
        "n": row["n"],
        "Old → new": f"{numbers.number(row['old'], found)} → {numbers.number(row['new'], found)}",
        "Harm (interval)": "" if numbers.absent(harm) else f"{numbers.signed(harm, found)}{ends}",
        "Adjusted p": row["p_adjusted"],
        "Needs n": row["needed_n"],
        "Margin": size(row["margin"], found),
        "Low end ÷ margin": worst,
        "Role": row["role"] + (f": {reason(row['role_why'])}" if row["role_why"] else ""),
        "Test": row["test"],
    }


def _columns() -> dict[str, Any]:
    column = st.column_config
    return {
        "Verdict": column.TextColumn(width=112, pinned=True),
        "Slice": column.TextColumn(width=195),
        "Output": column.TextColumn(width=84),
        "Metric": column.TextColumn(width=138),
        "n": column.NumberColumn(format="localized", width=56, help="Denominator of the metric"),
        "Old → new": column.TextColumn(width=108),
        "Harm (interval)": column.TextColumn(
            width=152, help="Change in the harmful direction, new − old, not adjusted; points for rates"
        ),
        "Adjusted p": column.NumberColumn(format="%.2g", width=82),
        "Needs n": column.NumberColumn(
            format="localized",
            width=80,
            help="The n that would settle it, were its shares the same with more rows",
        ),
        "Margin": column.TextColumn(width=75),
        "Low end ÷ margin": column.NumberColumn(
            format="%.2f", help="Lower end of harm ÷ margin: comparable between units"
        ),
        "Role": column.TextColumn(width="medium"),
    }
