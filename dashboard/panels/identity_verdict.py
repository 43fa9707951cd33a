"""What the identity terms say in one sentence, or why a run has none."""

from __future__ import annotations

import pandas as pd

from audit import wording
from audit.core import Section
from dashboard.charts import numbers
from dashboard.panels.probe_section import Absent
from dashboard.panels.sentences import literal

PROBE = "identity_terms"
COMMAND = "plumbline audit --predictions FILE --probes group_error,identity_terms"
WITH_MODEL = "plumbline audit --weights WEIGHTS --data DATA --probes group_error,identity_terms"
COLUMNS = (
    "It needs a yes/no output or labels, and either columns `identity.NAME` (1: the text speaks of NAME) "
    "or a "
    "column `text`, in which terms of the lexicon are found."
)
SOURCES = {
    "declared": "declared in the file's identity columns",
    "lexicon": "found in the texts by the lexicon",
}
ABSENT = Absent(
    failed="The probe failed",
    not_applicable="Identity terms were not looked at",
    not_run="This run did not look at identity terms.",
    needs=COLUMNS,
    command=COMMAND,
)


def verdict(cells: pd.DataFrame) -> str:
    """One or two sentences in Markdown: how many pairs are established, and the worst of them.

    Args:
        cells: the table `cells`.
    """
    pairs = cells.groupby(["output", "identity"], sort=False)
    tested = int(pairs["p_adjusted"].count().gt(0).sum())
    established = int((cells["level"] != "").groupby([cells["output"], cells["identity"]]).any().sum())
    counted = f"{established:,} of {len(pairs):,} pairs of a label and an identity"
    enough = f"{tested:,} {'has' if tested == 1 else 'have'} enough texts to be tested"
    if not tested:
        return (
            f"**Nothing can be told: none of {len(pairs):,} pairs of a label and an identity has enough "
            "texts "
            "to be tested.** The numbers below are shown and not ranked."
        )
    if not established:
        return (
            f"**No harm is established** in {len(pairs):,} pairs of a label and an identity; {enough}. That "
            "does not show that there is none: hover a cell for its interval."
        )
    one = established == 1
    return f"**Harm is established in {counted}**; {enough}. {'It' if one else 'The worst'}: {worst(cells)}"


def worst(cells: pd.DataFrame) -> str:
    """The cell that ranks first, in words of Markdown."""
    row = cells[cells["level"] != ""].sort_values("severity", ascending=False, kind="stable").iloc[0]
    return sentence(row)


def sentence(row: pd.Series) -> str:
    """One cell in words of Markdown: what it means, value, what no bias would give, interval, n, p."""
    unit, (_, harm) = row["unit"], wording.IDENTITY_HARMS[row["metric"]]
    name = f"**{literal(wording.identity(row['identity']))}**, label **{literal(row['label'])}**"
    metric = wording.metric(row["metric"])
    if numbers.absent(row["value"]):
        return f"{name}: {metric} was not computed, because {wording.reason(row['reason'])}."
    value = numbers.estimate(row["value"], row["low"], row["high"], row["n"], unit, row["events"])
    if numbers.absent(row["difference"]):
        return f"{name}: {metric} {value}; there is nothing to compare it with."
    points = numbers.unit_of_difference(unit)
    gap = f"{numbers.signed(row['difference'], unit)} {points if points == 'points' else ''}".rstrip()
    ends = numbers.span(row["diff_low"], row["diff_high"], unit)
    means = f"{harm}. " if row["level"] else ""
    return (
        f"{name}: {means}{metric} {value} instead of {numbers.number(row['expected'], unit)} without bias, "
        f"a difference of **{gap}** ({ends}; not adjusted). {_certainty(row)}"
    )


def _certainty(row: pd.Series) -> str:
    if numbers.absent(row["p_adjusted"]):
        why = row["untested"]
        shown = (
            "it is shown only; the AUCs and rates are tested" if why == "shown_only" else wording.reason(why)
        )
        return f"Not tested: {shown}."
    kind = f"established, {row['level']}" if row["level"] else "not established"
    p = numbers.p_value(row["p_adjusted"])
    return f"Adjusted {p} ({row['adjustment']}, {row['tests']:,} tests): {kind}."


def source(section: Section, terms: pd.DataFrame) -> str:
    """Where the identities come from, as a line of Markdown."""
    summary = section.summary
    where = SOURCES.get(str(summary["source"]), literal(str(summary["source"])))
    share = (
        f", members at {summary['identity_threshold']:g} or more" if summary["source"] == "declared" else ""
    )
    known, mentioned = int(summary["identities"]), int(summary["identities_mentioned"])
    small = int((terms["rows"] < int(summary["minimum_n"])).sum()) if len(terms) else 0
    return (
        f"Identities are {where}{share}: {mentioned:,} of {known:,} are mentioned in {summary['rows']:,} "
        "audited "
        f"texts; {small:,} in fewer than {summary['minimum_n']}. Tested are {summary['tests']:,} of "
        f"{summary['cells']:,} numbers, adjusted by {summary['adjustment']}."
    )
