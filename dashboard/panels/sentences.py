"""Findings as sentences, and text from the data made safe for Markdown."""

from __future__ import annotations

import re
from typing import Any

from audit import wording
from audit.core import Estimate, Finding, Level
from audit.metrics import metric as find_metric
from dashboard.charts import numbers

_MARKDOWN = re.compile(r"([\\`*_{}\[\]()<>#+\-.!|~$:&^=\"'])")
_BREAKS = re.compile(r"\s+")
ADULT = "age"


def literal(text: str) -> str:
    """Text from the data, so that Markdown shows it as it is: no markup, link, HTML, formula or icon in it.

    Args:
        text: any text; breaks become spaces, so that it can't start a heading or a list.
    """
    return _MARKDOWN.sub(r"\\\1", _BREAKS.sub(" ", text))


def title(name: str) -> str:
    """A metric's title; of a class ``recall/CLASS`` as "Recall of CLASS"; of a user's own its name."""
    return find_metric(name).title if "/" in name else wording.metric(name)


def unit(name: str, output: str, declared: str) -> str:
    """The unit of a metric: errors of a number carry the output's.

    Args:
        name: of the metric.
        output: that it is of.
        declared: unit of the output, empty where none was declared.
    """
    found = find_metric(name).unit
    if found != "unit":
        return found
    return declared or ("years" if output.lower() in ("age", "years", "age_years") else "units of the output")


def headline(finding: Finding) -> str:
    """What was found, in one sentence: value, gap, n on both sides."""
    value, gap = finding.value, finding.gap
    side = "above" if (gap.value or 0.0) > 0 else "below"
    reference = finding.reference_value
    compared = (
        f"{numbers.number(reference.value, reference.unit)}, n={numbers.count(reference.n)}"
        if reference.value is not None
        else "no value"
    )
    what = wording.subject(title(finding.metric), value.method)
    whose = wording.slice_of(finding.slice.key, finding.probe)
    against = wording.reference(finding.reference, finding.probe)
    return (
        f"**{literal(what)} of {literal(whose)}** is {_estimate(value)}, "
        f"**{numbers.difference(gap.value, gap.unit)} {side} {literal(against)}** "
        f"({_ends(gap)}; there {compared})."
    )


def short(finding: Finding) -> str:
    """A finding in a few words beside another of the same slice: its metric and gap."""
    what, unit = wording.subject(title(finding.metric), finding.value.method), finding.gap.unit
    gap = f"{numbers.signed(finding.gap.value, unit)} {numbers.unit_of_difference(unit)}".rstrip()
    return f"{literal(what)} {literal(gap)}"


def certainty(finding: Finding) -> str:
    """How surely: adjusted p with its method and the size of its family."""
    test = finding.test
    if test.p_adjusted is None:
        return wording.untested(test.method)
    return (
        f"Adjusted {numbers.p_value(test.p_adjusted)}, {test.adjustment.replace('-', '–')} over "
        f"{test.tests:,} tests ({test.method}). The interval is not adjusted."
    )


def reason(finding: Finding) -> str:
    """Why it has its rank, and what the slice could have shown."""
    why = f"Rank: {_plain(finding)}."
    if finding.smallest_gap is None:
        return why
    found = numbers.difference(finding.smallest_gap, finding.gap.unit)
    return f"{why} Smallest gap that this slice would show 4 times out of 5: {found}."


def _plain(finding: Finding) -> str:
    """The numbers behind the rank in the finding's own unit; they are those of `severity.why`."""
    severity, gap = finding.severity, finding.gap
    if severity.level is Level.NOT_ESTABLISHED or gap.low is None or gap.high is None:
        return f"not established, {severity.why}"
    near = gap.low if (gap.value or 0.0) > 0 else gap.high
    margin = numbers.difference(severity.margin, gap.unit)
    return (
        f"the interval's end nearest zero, {numbers.difference(near, gap.unit)}, is "
        f"{severity.score:.1f} × the margin of {margin}"
    )


def _estimate(value: Estimate) -> str:
    return numbers.estimate(value.value, value.low, value.high, value.n, value.unit, value.events, named=True)


def _ends(gap: Estimate) -> str:
    """The interval of a gap's size: turned round where the gap is negative."""
    if gap.low is None or gap.high is None:
        return "no interval"
    low, high = (gap.low, gap.high) if (gap.value or 0.0) > 0 else (-gap.high, -gap.low)
    return numbers.span(low, high, gap.unit)


def sentence_of_data(data: dict[str, Any]) -> str:
    """Rows audited, split, refused rows."""
    audited, rejected = data["audited"], data["rejected"]
    refused = f"{rejected:,} refused (rejected.csv)" if rejected else "none refused"
    return (
        f"{audited['rows']:,} rows of split {literal(audited['split'])} audited; "
        f"{data['records']:,} records in {literal(data['file'])}, {refused}."
    )
