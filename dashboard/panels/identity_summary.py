"""One line a label: power means over identities, and the sums of error differences beside chance."""

from __future__ import annotations

from collections.abc import Mapping

import pandas as pd
import streamlit as st

from audit import wording
from dashboard.charts import numbers
from dashboard.panels.static import static_table

MEANS = {
    "overall_auc": "Overall AUC",
    "power_mean_subgroup_auc": "Subgroup AUC",
    "power_mean_bpsn_auc": "BPSN AUC",
    "power_mean_bnsp_auc": "BNSP AUC",
    "final_score": "Final score",
}
SUMS = {"fped": "FPED", "fned": "FNED"}


def means_frame(summary: pd.DataFrame) -> pd.DataFrame:
    """One row a label, one column a mean: value, interval, what sampling alone leaves of it.

    Args:
        summary: the table `summary`.
    """
    lines = []
    for label, own in summary.groupby("label", sort=False):
        rows = {str(row["metric"]): row for _, row in own.iterrows()}
        line = {"Label": str(label)}
        for name, title in MEANS.items():
            line[title] = _mean(rows[name]) if name in rows else ""
        lines.append(line | {"Counted": _counted(rows)})
    return pd.DataFrame(lines)


def _mean(row: pd.Series) -> str:
    if numbers.absent(row["value"]):
        return numbers.MISSING
    shown = numbers.number(row["value"], "AUC")
    if not numbers.absent(row["low"]):
        shown += f" ({numbers.span(row['low'], row['high'], 'AUC')})"
    return shown if numbers.absent(row["expected"]) else f"{shown}; {numbers.number(row['expected'], 'AUC')}"


def _counted(rows: Mapping[str, pd.Series]) -> str:
    means = [rows[name] for name in MEANS if name in rows and name.startswith("power_mean")]
    if not means:
        return ""
    every = means[0]["identities"] + means[0]["left_out"]
    counts = " / ".join(f"{row['identities']:,.0f}" for row in means)
    return f"{counts} of {every:,.0f}"


def sums_frame(summary: pd.DataFrame) -> pd.DataFrame:
    """One row a label and sum: value, what to expect without bias, its range, p.

    Args:
        summary: the table `summary`.
    """
    own = summary[summary["metric"].isin(SUMS)]
    known = own["value"].notna()
    return pd.DataFrame(
        {
            "Label": own["label"],
            "Sum": own["metric"].map(SUMS),
            "Value": [
                f"{value:.3f}" if ok else numbers.MISSING
                for value, ok in zip(own["value"], known, strict=True)
            ],
            "Without bias (95% range)": [
                "" if numbers.absent(r["expected"])
                else f"{r['expected']:.3f} ({r['expected_low']:.3f}–{r['expected_high']:.3f})"
                for _, r in own.iterrows()
            ],
            "p": [numbers.p_value(p) if not numbers.absent(p) else "" for p in own["p"]],
            "Identities": [
                f"{r['identities']:,.0f}, {r['left_out']:,.0f} left out" for _, r in own.iterrows()
            ],
        }
    )  # fmt: skip


def why_missing(summary: pd.DataFrame) -> str:
    """What a dash stands for; empty where there is none."""
    codes = dict.fromkeys(summary.loc[summary["value"].isna(), "reason"])
    whys = "; ".join(wording.reason(code) for code in codes)
    return f" {numbers.MISSING}: not computed, {whys}." if codes else ""


def draw(summary: pd.DataFrame, minimum_n: int) -> None:
    """Draw both tables.

    Args:
        summary: the table `summary`.
        minimum_n: texts that an identity needs to be counted.
    """
    if summary.empty:
        st.info("There is no summary: no label has a truth and scores to compare.")
        return
    static_table(means_frame(summary))
    missing = why_missing(summary)
    st.caption(
        "What it shows: the power mean (p = −5) of each AUC over identities, near the worst of them, with "
        "its "
        "interval and, after the semicolon, what sampling alone would leave of it. Final score: mean of the "
        f"three and the overall AUC. Counted are identities with {minimum_n} texts with the label and "
        f"{minimum_n} without; Counted says how many in each of the three means; nothing is said of the "
        "others."
    )
    sums = sums_frame(summary)
    if len(sums):
        static_table(sums)
        st.caption(
            "What it shows: the sum over identities of |overall rate − the identity's rate|, for FPR "
            "(FPED) and "
            "FNR (FNED). A sum of sizes is never 0: beside it stands what the same texts give when errors "
            "fall "
            f"without regard to identity.{missing}"
        )
