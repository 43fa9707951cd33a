"""Suites of sentences with a known answer: pass rates by what a case tests and whom it speaks of."""

from __future__ import annotations

import pandas as pd
import pyarrow as pa
import streamlit as st

from audit import wording
from audit.core import Section
from audit.csv_export import csv_text
from audit.identity_terms.suite_results import NOBODY
from dashboard import state
from dashboard.charts import numbers, palette
from dashboard.charts.identity_suites import suite_chart
from dashboard.panels.identity_swaps import needs_model
from dashboard.panels.sentences import literal
from dashboard.panels.static import static_table

MOST_TARGETS, MOST_GAPS = 24, 12
"""Targets drawn, nobody among them; lines of the table of differences."""


def draw(section: Section, suites: pd.DataFrame, minimum_n: int) -> None:
    """Draw one suite.

    Args:
        section: of the probe.
        suites: the table; empty where the run has none.
        minimum_n: of the run.
    """
    if suites.empty:
        needs_model(str(section.summary.get("suites", {}).get("reason", "")) or "no suite was asked for")
        return
    names = list(dict.fromkeys(suites["suite"]))
    name = names[0]
    if len(names) > 1:
        state.settle("suite_name", names)
        name = st.segmented_control("Suite", names, key="suite_name", format_func=literal) or name
    own = suites[suites["suite"] == name]
    st.markdown(verdict(own))
    cells = own[(own["gold"] == "both") & (own["functionality"] != "") & (own["target"] != "")]
    targets = ordered_targets(own)
    drawn = targets[:MOST_TARGETS]
    if NOBODY in targets[MOST_TARGETS:]:
        drawn = [*drawn[:-1], NOBODY]
    functionalities = list(dict.fromkeys(cells.loc[cells["target"].isin(drawn), "functionality"]))
    st.plotly_chart(
        suite_chart(cells, drawn, functionalities), key="suite_heat", config=palette.CONFIG, width="stretch"
    )
    cut = (
        f" {len(drawn):,} of {len(targets):,} targets are drawn; the file has all."
        if len(drawn) < len(targets)
        else ""
    )
    st.caption(
        "What it shows: cases passed of cases asked, targets with the lowest rate first; hover for the "
        "Wilson "
        "interval. What it can't tell: how often such sentences occur. Where the sentences are the same "
        "for every "
        f"target, rows compare like with like.{cut}"
    )
    _gaps(own, minimum_n)
    st.download_button(
        "All suites as CSV",
        csv_text(pa.Table.from_pandas(suites, preserve_index=False)),
        "identity_suites.csv",
        "text/csv",
        key="suites_csv",
        icon=":material/download:",
        on_click="ignore",
    )


def verdict(own: pd.DataFrame) -> str:
    """The whole suite in one sentence of Markdown.

    Args:
        own: rows of the table `suites` of one suite.
    """
    whole = own[(own["functionality"] == "") & (own["target"] == "")].set_index("gold")
    said = []
    for gold, words in (("both", "all cases"), ("yes", "those with the label"), ("no", "those without")):
        if gold in whole.index and whole.loc[gold, "n"]:
            row = whole.loc[gold]
            value = numbers.estimate(row["rate"], row["low"], row["high"], row["n"], "rate", row["passed"])
            said.append(f"{words} {value}")
    output = literal(str(own["output"].iloc[0]))
    return f"**{literal(str(own['suite'].iloc[0]))}**, label {output}: passed of {'; of '.join(said)}."


def ordered_targets(own: pd.DataFrame) -> list[str]:
    """Targets, the lowest pass rate first."""
    rows = own[(own["gold"] == "both") & (own["functionality"] == "") & (own["target"] != "")]
    names: list[str] = rows.sort_values("rate", kind="stable")["target"].tolist()
    return names


def gaps_frame(own: pd.DataFrame) -> pd.DataFrame:
    """Targets whose pass rate is shown to differ from all other targets', the smallest p first."""
    rows = own[own["p_adjusted"].le(0.05).fillna(False)].sort_values("p_adjusted", kind="stable")
    golds = {"yes": "with the label", "no": "without"}
    return pd.DataFrame(
        {
            "Target": [wording.identity(name) for name in rows["target"]],
            "Cases": [golds.get(gold, gold) for gold in rows["gold"]],
            "Passed": [
                numbers.estimate(r["rate"], r["low"], r["high"], r["n"], "rate", r["passed"])
                for _, r in rows.iterrows()
            ],
            "Against all other targets (points)": [
                f"{numbers.signed(r['gap'])} ({numbers.span(r['gap_low'], r['gap_high'])})"
                for _, r in rows.iterrows()
            ],
            "Adjusted p": [numbers.p_value(p) for p in rows["p_adjusted"]],
        }
    )


def _gaps(own: pd.DataFrame, minimum_n: int) -> None:
    tests = int(own["tests"].max())
    lines = gaps_frame(own)
    if not tests:
        st.markdown(f"No target has {minimum_n} cases of one label, so none was tested against the others.")
    elif lines.empty:
        st.markdown(
            f"No target is shown to differ from the others: {tests:,} were tested (Benjamini–Hochberg)."
        )
    else:
        static_table(lines.head(MOST_GAPS))
        more = f" {MOST_GAPS} of {len(lines):,} are listed." if len(lines) > MOST_GAPS else ""
        st.caption(f"Targets that differ from the others, of {tests:,} tests (Benjamini–Hochberg).{more}")
