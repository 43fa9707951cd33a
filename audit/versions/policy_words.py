"""A policy in words, for pages and reports: what was gated, what was demanded, how it was judged."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from audit import wording
from audit.metrics import metric

HEADLINE = "FPR and FNR of yes/no outputs and labels, error rate of many classes, MAE of numbers"
_PATTERNS = {
    "all": "everyone",
    "single": "every slice of one attribute",
    "crossings": "every crossing",
}
_FAMILIES = {
    "all": "all gated comparisons together",
    "output": "the gated comparisons of each output",
    "metric": "the gated comparisons of each metric of each output",
}
_CANNOT_TELL = {"fail": "stops the pipeline (exit code 3)", "pass": "is said and does not stop the pipeline"}


def policy_sentences(policy: Mapping[str, Any], tests: Mapping[str, int]) -> list[str]:
    """What a comparison was judged by, one statement a sentence.

    Args:
        policy: `Policy.as_json`, as a comparison keeps it.
        tests: family -> how many tests it held, from the comparison's summary.
    """
    counted = sum(tests.values())
    return [
        _gated(policy),
        f"Demanded to be shown not worse: {_patterns(policy['demand'])}, where a pattern's slices are large "
        f"enough that two equally good versions would pass them all with probability {policy['settle']:g}.",
        *([f"Watched, never gated: {_patterns(policy['watch'])}."] if policy["watch"] else []),
        f"Tested for a regression: all other slices and crossings of up to {policy['depth']} attributes "
        f"with a denominator of {policy['minimum_n']} or more.",
        f"Harm that does not matter, by kind of metric: {_margins(policy['margins'])}.",
        f"Intervals of {policy['level']:.0%}, not adjusted; “regressed” and “improved” also need an adjusted "
        f"p of at most {policy['alpha']:g} (Holm over {_FAMILIES[policy['family']]}, {counted:,} tests).",
        f"A demanded slice that can't be told {_CANNOT_TELL[policy['cannot_tell']]}.",
        *([_references(policy["references"])] if policy["references"] else []),
    ]


def _gated(policy: Mapping[str, Any]) -> str:
    if not policy["gates"]:
        return f"Gated, as no policy was given for single metrics: {HEADLINE}."
    return f"Gated: {'; '.join(_gate(gate) for gate in policy['gates'])}."


def _gate(gate: Mapping[str, Any]) -> str:
    words = wording.metric(gate["metric"])
    words += f" of {', '.join(gate['outputs'])}" if gate["outputs"] else " of every output that has it"
    if gate["margin"] is not None:
        words += f", margin {_amount(gate['margin'], metric(gate['metric']).unit)}"
    for role, verb in (("demand", "demanded"), ("watch", "watched")):
        if gate[role] is not None:
            words += f", {verb}: {_patterns(gate[role]) or 'none'}"
    return words


def _amount(value: float, unit: str) -> str:
    return f"{100 * value:g} points" if unit == "rate" else f"{value:g}"


def _patterns(patterns: Sequence[str]) -> str:
    return ", ".join(_PATTERNS.get(one, one) for one in patterns) or "none"


def _margins(margins: Mapping[str, float]) -> str:
    kinds = {"rate": "rates {} points", "auc": "AUC {}", "mae": "MAE {}", "loss": "losses {}"}
    words = []
    for name, value in margins.items():
        if name == "flip_rate":  # no comparison has it
            continue
        shown = f"{100 * value:g}" if name == "rate" else f"{value:g}"
        words.append(kinds[name].format(shown) if name in kinds else f"{wording.metric(name)} {value:g}")
    return ", ".join(words)


def _references(references: Mapping[str, str]) -> str:
    named = ", ".join(f"{name}={value}" for name, value in references.items())
    return f"The gap of gaps is against {named}, else against everyone outside the slice."
