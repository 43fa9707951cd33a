"""Codes of a comparison and the words for them, shared by gate, command line, pages and reports."""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum

from audit import wording


class Verdict(StrEnum):
    """What can be said of one slice, worst first."""

    REGRESSED = "regressed"
    CANNOT_TELL = "cannot_tell"
    NOT_WORSE = "not_worse"
    IMPROVED = "improved"
    NOT_JUDGED = "not_judged"


class Role(StrEnum):
    """What a slice's verdict does."""

    DEMANDED = "demanded"
    """Must be shown not worse: can't be told is exit code 3, regressed is 2."""
    TESTED = "tested"
    """Regressed is exit code 2; need not be shown not worse."""
    WATCHED = "watched"
    """Shown only."""


GATED = (Role.DEMANDED.value, Role.TESTED.value)
"""Roles whose verdict can change the exit code."""
WORDS: Mapping[Verdict, str] = {
    Verdict.REGRESSED: "regressed",
    Verdict.CANNOT_TELL: "cannot tell",
    Verdict.NOT_WORSE: "not worse",
    Verdict.IMPROVED: "improved",
    Verdict.NOT_JUDGED: "not judged",
}
EXITS: Mapping[int, str] = {
    0: "passes",
    2: "fails: a gated slice regressed",
    3: "can't be told: a demanded slice is not settled, or nothing could be gated",
}
"""Exit code of `plumbline compare` -> what it means."""
NOT_GATED, NOT_SETTLED, WATCHED, BESIDE = "not_gated", "margin_not_settled", "watched", "beside"
WHY: Mapping[str, str] = {
    NOT_GATED: "the policy does not gate this metric",
    NOT_SETTLED: "too few rows to be shown not worse within the margin: tested for a regression only",
    WATCHED: "the policy only watches this slice",
    BESIDE: "the same rows without the leaked ones: shown beside, gated where the policy names them",
}
"""Words for reasons of a role that are not in `audit.core.Reason`."""


def reason(code: str) -> str:
    """Words for the reason of a role."""
    return WHY.get(code) or wording.reason(code)
