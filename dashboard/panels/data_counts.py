"""Which rows there are: splits, what each output can use, what was refused and why."""

from __future__ import annotations

import re
from collections.abc import Mapping
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow.csv as pc
import streamlit as st

from audit import wording
from audit.store.layout import REJECTED
from dashboard import state
from dashboard.charts import numbers, palette
from dashboard.charts.data_rates import rate_chart
from dashboard.panels import data_columns
from dashboard.panels.data_columns import EVERYONE
from dashboard.panels.data_rates import drawn, rates_table
from dashboard.panels.data_scope import Scope, table_with_download
from dashboard.panels.sentences import literal
from dashboard.panels.static import static_table

REASONS_SHOWN = 20
_CAME = re.compile(r", came .*?(?= \(leave|;|$)", re.DOTALL)
_RECORD = re.compile(r"of record [\d,]+")
"""What differs between two refusals for the same reason: the value, the other record."""


def splits_table(data: Mapping[str, Any]) -> pd.DataFrame:
    """Rows of each split; the audited one is marked."""
    audited, whole = data["audited"]["split"], max(data["rows"], 1)
    return pd.DataFrame(
        {
            "Split": [f"{name} (audited)" if name == audited else name for name in data["splits"]],
            "Rows": list(data["splits"].values()),
            "Share": [numbers.number(n / whole) for n in data["splits"].values()],
        }
    )


def outputs_table(data: Mapping[str, Any]) -> pd.DataFrame:
    """What each output predicts, the audited rows it can use, and what it leaves out in all splits."""
    lines = []
    for name, about in data["outputs"].items():
        causes = [f"{cause}: {n:,}" for cause, n in about["dropped"].items() if n]
        lines.append(
            {
                "Output": name,
                "Predicts": wording.kind(about["kind"]) + (f", {about['unit']}" if about["unit"] else ""),
                "Truth": "given" if about["truth"] else "not given",
                f"Rows used of split {data['audited']['split']}": int(about["rows"]),
                "Left out, all splits": "; ".join(causes) or "none",
            }
        )
    return pd.DataFrame(lines)


def draw(chosen: state.Chosen, scope: Scope) -> None:
    """Draw the counts of splits, outputs and refusals."""
    data = chosen.run.data
    static_table(splits_table(data))
    if data["outputs"]:
        static_table(outputs_table(data))
    _draw_refused(Path(chosen.folder), data)
    about = data["outputs"].get(scope.target.output, {})
    if sum(about.get("dropped", {}).values()) and scope.attribute:
        _draw_dropped(scope)


def _draw_dropped(scope: Scope) -> None:
    """Whether the rows that an output leaves out are spread evenly over the groups."""
    output, attribute = scope.target.output, scope.attribute
    rows = data_columns.dropped(*scope.key, output, attribute)
    everyone = data_columns.dropped(*scope.key, output, EVERYONE).iloc[0]
    if not everyone["events"]:
        st.caption(f"None of the {scope.where} is left out of {literal(output)}.")
        return
    st.subheader(f"Left out of {literal(output)}, by {literal(attribute)}")
    shown, cut = drawn(rows)
    st.plotly_chart(
        rate_chart(shown, everyone, "Rows left out", scope.minimum_n),
        key="data_dropped",
        config=palette.CONFIG,
        width="stretch",
    )
    st.caption(
        f"What it shows: of the {scope.where} in each group, the share without a truth or a score for this "
        "output, with a 95% interval. A group that is left out more often is judged by fewer, perhaps "
        f"easier, rows. What it can't tell: why they are missing.{cut}"
    )
    table_with_download(rows, rates_table(rows, "Left out"), f"left-out-{attribute}")


@st.cache_data(max_entries=16, show_spinner=False)
def refusals(folder: str, changed: int) -> pd.DataFrame:
    """Reasons of rejected.csv, most frequent first, with the first record of each.

    Args:
        folder: the run's folder.
        changed: when the file was last written.
    """
    wanted = pc.ConvertOptions(
        include_columns=["record", "column", "reason"], column_types={"column": "string", "reason": "string"}
    )
    table = pc.read_csv(
        Path(folder) / REJECTED,
        convert_options=wanted,
        parse_options=pc.ParseOptions(newlines_in_values=True),
    )
    rows = table.to_pandas()
    rows["reason"] = [
        _RECORD.sub("of another record", _CAME.sub("", text)) for text in rows["reason"].fillna("")
    ]
    rows["column"] = rows["column"].fillna("")
    found = rows.groupby(["reason", "column"], sort=False)["record"].agg(["size", "min"]).reset_index()
    found.columns = ["reason", "column", "n", "first"]
    ordered: pd.DataFrame = found.sort_values("n", ascending=False, kind="stable").reset_index(drop=True)
    return ordered


def _draw_refused(folder: Path, data: Mapping[str, Any]) -> None:
    path = folder / REJECTED
    if not path.is_file():
        st.caption(f"No record and no field of {literal(data['file'])} was refused.")
        return
    found = refusals(str(folder), path.stat().st_mtime_ns)
    total = int(found["n"].sum())
    with st.expander(
        f"{data['rejected']:,} of {data['records']:,} records refused; {total:,} refusals of records and "
        "fields"
    ):
        shown = found.head(REASONS_SHOWN)
        static_table(
            pd.DataFrame(
                {
                    "Reason": shown["reason"].tolist(),
                    "Column": shown["column"].tolist(),
                    "Refusals": [int(n) for n in shown["n"]],
                    "First record": [numbers.count(first) for first in shown["first"]],
                }
            )
        )
        if len(found) > REASONS_SHOWN:
            st.caption(f"{REASONS_SHOWN} of {len(found):,} reasons are shown; the file has all.")
        st.download_button(
            "rejected.csv, record by record",
            path.read_bytes,
            REJECTED,
            "text/csv",
            key="rejected_csv",
            icon=":material/download:",
            on_click="ignore",
        )
