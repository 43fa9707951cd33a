"""Does the mix of labels differ between groups? Rates of one label or class by split and by group."""

from __future__ import annotations

import pandas as pd
import streamlit as st

from audit.core import TaskKind
from dashboard import state
from dashboard.charts import numbers, palette
from dashboard.charts.data_bars import MOST_VALUES, bar_chart, most
from dashboard.charts.data_rates import MOST_ROWS, rate_chart
from dashboard.panels import data_columns
from dashboard.panels.data_columns import ALL, EVERYONE, SPLIT
from dashboard.panels.data_scope import Scope, table_with_download
from dashboard.panels.sentences import literal

CLASS_CHOICE = "data_class"


def drawn(rows: pd.DataFrame) -> tuple[pd.DataFrame, str]:
    """The groups with rows, the largest where there are too many to draw; and words to say with them."""
    some = rows[rows["n"] > 0]
    kept = some.loc[some["n"].nlargest(MOST_ROWS, keep="first").index.sort_values()]
    cut, none = len(some) - len(kept), len(rows) - len(some)
    words = (
        " A dot at 0 has none: the end of its interval is an upper bound."
        if (kept["events"] == 0).any()
        else ""
    )
    if none:
        words += f" {none:,} {'group' if none == 1 else 'groups'} without such rows can't be drawn."
    return kept, words + (f" {cut:,} smaller groups are in the table only." if cut else "")


def rates_table(rows: pd.DataFrame, title: str) -> pd.DataFrame:
    """Rates as people read them."""
    return pd.DataFrame(
        {
            "Group": rows["value"],
            "n": rows["n"],
            "Of them": rows["events"],
            title: [
                numbers.estimate(r["rate"], r["low"], r["high"], r["n"], "rate", r["events"])
                for _, r in rows.iterrows()
            ],
        }
    )


def draw_by_split(scope: Scope) -> None:
    """The distribution of an output of classes, or the rate of a yes/no question, in each split."""
    if scope.target.kind == TaskKind.MULTICLASS:
        _draw_classes(scope)
    else:
        _draw_yes(scope)


def _draw_classes(scope: Scope) -> None:
    output = scope.target.output
    rows = data_columns.classes_by(scope.folder, scope.mark, ALL, output, SPLIT)
    rows = rows[rows.groupby("part")["n"].transform("sum") > 0].reset_index(drop=True)
    st.plotly_chart(
        bar_chart(most(rows), "split"), key="data_classes", config=palette.CONFIG, width="stretch"
    )
    names = rows["value"].nunique()
    cut = (
        f" The {MOST_VALUES} of {names:,} classes with the most rows are drawn."
        if names > MOST_VALUES
        else ""
    )
    st.caption(
        "What it shows: the share of each class among the rows of a split whose truth is known. Splits drawn "
        "from the same source have about the same bars. What it can't tell: whether the labels are right, or "
        f"whether the mix is that of the place where the model will be used.{cut}"
    )
    table_with_download(
        rows,
        pd.DataFrame(
            {
                "Split": rows["part"],
                "Class": rows["value"],
                "Rows": rows["n"],
                "Share": [numbers.number(share) for share in rows["share"]],
            }
        ),
        f"classes-{output}",
    )


def _draw_yes(scope: Scope) -> None:
    name = scope.target.name
    rows = data_columns.rates(scope.folder, scope.mark, ALL, name, "", SPLIT)
    rows = rows[rows["n"] > 0].reset_index(drop=True)
    whole = data_columns.rates(scope.folder, scope.mark, ALL, name, "", EVERYONE).iloc[0]
    yes = f" (“{literal(scope.target.classes[1])}”)" if scope.target.classes not in ((), ("0", "1")) else ""
    shown = numbers.estimate(whole["rate"], whole["low"], whole["high"], whole["n"], "rate", whole["events"])
    st.markdown(f"**{shown}** of all rows are positive{yes}: {numbers.count(whole['events'])} rows.")
    if len(rows) < 2:
        return
    st.plotly_chart(
        rate_chart(rows, whole, "Rows that are positive", scope.minimum_n),
        key="data_yes",
        config=palette.CONFIG,
        width="stretch",
    )
    st.caption(
        "What it shows: the share of positive rows among those of a split whose truth is known, with a 95% "
        "interval; the dotted line is everyone. What it can't tell: whether the labels are right."
    )
    table_with_download(rows, rates_table(rows, "Positive"), f"positives-by-split-{name}")


def draw_by_group(scope: Scope, fixed: bool) -> None:
    """Whether a label is as frequent in one group as in another.

    Args:
        scope: what to count.
        fixed: whether the attribute fixes the output's truth.
    """
    target, attribute = scope.target, scope.attribute
    wanted = _choose_class(scope) if target.kind == TaskKind.MULTICLASS else ""
    rows = data_columns.rates(*scope.key, target.name, wanted, attribute)
    everyone = data_columns.rates(*scope.key, target.name, wanted, EVERYONE).iloc[0]
    if not everyone["n"]:
        st.info(f"No truth of {literal(target.name)} is known among the {scope.where}.")
        return
    if fixed:
        st.warning(
            f"The attribute {literal(attribute)} fixes the truth of this output: that the groups differ here "
            "follows from what they are.",
            icon=":material/link:",
        )
    shown, cut = drawn(rows)
    title = f"Rows whose truth is {wanted}" if wanted else "Rows that are positive"
    st.plotly_chart(
        rate_chart(shown, everyone, palette.literal(title), scope.minimum_n),
        key="data_rates",
        config=palette.CONFIG,
        width="stretch",
    )
    weighed = " Rows of one cluster count as fewer than they are." if _clustered(scope) else ""
    st.caption(
        f"What it shows: of the {scope.where} in each group of {literal(attribute)} whose truth is known, "
        "the share with this label, with a 95% interval; the dotted line and the band are everyone. Groups "
        "whose labels differ can differ in precision (PPV) and selection rate even where a model errs as "
        "often for each. What it can't tell: whether people differ, or who labelled them did. No test is "
        f"made here.{weighed}{cut}"
    )
    table_with_download(rows, rates_table(rows, "Share"), f"labels-by-{attribute}")


def _choose_class(scope: Scope) -> str:
    counts = data_columns.classes_by(*scope.key, scope.target.output, EVERYONE)
    names = counts.sort_values("n", ascending=False, kind="stable")["value"].tolist()
    state.settle(CLASS_CHOICE, names)
    st.selectbox("Class", names, key=CLASS_CHOICE, width=320)
    return state.chosen(CLASS_CHOICE)


def _clustered(scope: Scope) -> bool:
    return data_columns.clusters(scope.folder, scope.mark) is not None
