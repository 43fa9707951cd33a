"""A true number: its distribution by split and by group."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from dashboard.charts import numbers, palette
from dashboard.charts.data_histogram import MOST_PARTS, histogram_chart
from dashboard.charts.data_spread import MOST_ROWS, spread_chart
from dashboard.panels import data_columns
from dashboard.panels.data_columns import ALL, SPLIT
from dashboard.panels.data_scope import Scope, table_with_download
from dashboard.panels.sentences import literal, unit


def draw_by_split(scope: Scope) -> None:
    """Histogram of a number in each split."""
    rows = data_columns.bins_by(scope.folder, scope.mark, ALL, scope.target.output, SPLIT)
    if rows.empty:
        st.info(f"No truth of {literal(scope.target.output)} is known.")
        return
    st.plotly_chart(
        histogram_chart(rows, palette.literal(_title(scope))),
        key="data_bins",
        config=palette.CONFIG,
        width="stretch",
    )
    st.caption(
        "What it shows: the share of a split's rows in each bin of the true number. Values beyond the middle "
        "99% are in the bins at the ends. What it can't tell: whether the numbers are right; peaks at round "
        "numbers say that they were estimated or rounded."
    )
    table_with_download(rows, _bins(rows, "Split"), f"bins-by-split-{scope.target.output}")


def draw_by_group(scope: Scope, fixed: bool) -> None:
    """Quantiles of a number in each group, and its histogram where there are few.

    Args:
        scope: what to count.
        fixed: whether the attribute fixes the output's truth.
    """
    output, attribute = scope.target.output, scope.attribute
    rows = data_columns.spread_by(*scope.key, output, attribute)
    if fixed:
        st.warning(
            f"The attribute {literal(attribute)} fixes the range of this number: that the groups differ here "
            "follows from what they are.",
            icon=":material/link:",
        )
    draw_spread(rows, _title(scope), scope.minimum_n, "data_spread")
    st.caption(
        f"What it shows: where the true numbers of the {scope.where} lie in each group of "
        f"{literal(attribute)}: the median, the middle half (bar) and the middle 90% (line). Errors grow at "
        "the ends of a model's range, so a group with other numbers can have other errors for that reason "
        f"alone. What it can't tell: how sure a median is where n is small.{cut_words(rows)}"
    )
    table_with_download(rows, spread_table(rows), f"numbers-by-{attribute}")
    groups = rows[rows["n"] > 0]["value"].tolist()
    if 1 < len(groups) <= MOST_PARTS:
        bins = data_columns.bins_by(*scope.key, output, attribute)
        st.plotly_chart(
            histogram_chart(bins, palette.literal(_title(scope))),
            key="data_bins_group",
            config=palette.CONFIG,
            width="stretch",
        )
        st.caption("What it shows: the same numbers as shares of each group's rows in bins.")


def draw_spread(rows: pd.DataFrame, title: str, minimum_n: int, key: str, *, whole: bool = False) -> None:
    """The chart of quantiles of the groups with the most rows.

    Args:
        rows: as `audit.profile.numbers.by_group` gives them.
        title: of the axis, with its unit.
        minimum_n: a group with fewer rows is grey.
        key: of the chart.
        whole: whether tooltips show whole numbers.
    """
    some = rows[rows["n"] > 0]
    kept = some.loc[some["n"].nlargest(MOST_ROWS, keep="first").index.sort_values()]
    st.plotly_chart(
        spread_chart(kept, palette.literal(title), minimum_n, whole),
        key=key,
        config=palette.CONFIG,
        width="stretch",
    )


def cut_words(rows: pd.DataFrame) -> str:
    """Words for groups that `draw_spread` leaves out."""
    some = int((rows["n"] > 0).sum())
    return f" {some - MOST_ROWS:,} smaller groups are in the table only." if some > MOST_ROWS else ""


def spread_table(rows: pd.DataFrame) -> pd.DataFrame:
    """Quantiles as people read them."""
    names = {
        "p05": "5%",
        "p25": "25%",
        "p50": "Median",
        "p75": "75%",
        "p95": "95%",
        "mean": "Mean",
        "sd": "SD",
    }
    cells = {
        title: [numbers.MISSING if numbers.absent(v) else f"{v:,.4g}" for v in rows[name]]
        for name, title in names.items()
    }
    return pd.DataFrame({"Group": rows["value"], "n": rows["n"], **cells})


def _bins(rows: pd.DataFrame, part: str) -> pd.DataFrame:
    return pd.DataFrame(
        {
            part: rows["value"],
            "From": [f"{low:g}" for low in rows["low"]],
            "To below": [f"{high:g}" for high in rows["high"]],
            "Rows": rows["n"],
            "Share": [numbers.number(share) for share in rows["share"]],
        }
    )


def _title(scope: Scope) -> str:
    found = unit("mae", scope.target.output, scope.target.unit)
    return f"True {scope.target.output} ({found})"
