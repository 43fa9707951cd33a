"""Four verdicts, from the interval of harm, its margin and the adjusted test.

upper end < 0: improved; else upper end < margin: not worse; else lower end > 0: regressed; else cannot tell.
"Improved" and "regressed" also need the adjusted p; without it the first is not worse, the second cannot
tell. "Not worse" needs no adjustment: every demanded slice must pass, so that more slices make passing
harder.
"""

from __future__ import annotations

from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.intervals import Interval
from audit.multiplicity import benjamini_hochberg
from audit.versions.adjust import holm_discrete
from audit.versions.codes import Verdict
from audit.versions.paired import Array

Names = NDArray[np.object_]


@dataclass(frozen=True, kw_only=True)
class Question:
    """M comparisons, flat: what the verdicts are made of."""

    harm: Interval
    """(M,) each."""
    margin: Array
    p: Array
    changed: Array
    """Discordant rows of an exact test; NaN for a continuous one."""
    family: Names
    """(M,) name of the family; "" for what is watched."""
    twin: NDArray[np.int64]
    """(M,) an earlier comparison of the very same rows, whose test this one shares; -1: none."""


@dataclass(frozen=True, kw_only=True)
class Answer:
    """M verdicts."""

    verdict: Names
    p_adjusted: Array
    adjustment: Names
    """(M,) "Holm" or "Benjamini-Hochberg", "" without a test."""
    tests: NDArray[np.int64]
    """(M,) tests in the family."""


def judge(asked: Question, alpha: float) -> Answer:
    """Give every comparison its verdict.

    Args:
        asked: M comparisons.
        alpha: chance of any false "regressed" or "improved" in a family.
    """
    adjusted = np.full(len(asked.p), np.nan)
    tests = np.zeros(len(asked.p), dtype=np.int64)
    own = asked.twin < 0
    for name in dict.fromkeys(asked.family.tolist()):
        members = np.flatnonzero((asked.family == name) & own)
        adjusted[members] = (
            holm_discrete(asked.p[members], asked.changed[members])
            if name
            else benjamini_hochberg(asked.p[members])
        )
        tests[asked.family == name] = int(np.sum(~np.isnan(asked.p[members])))
    adjusted = np.where(own, adjusted, adjusted[asked.twin])
    method = np.where(asked.family == "", "Benjamini-Hochberg", "Holm").astype(object)
    return Answer(
        verdict=verdicts(asked.harm, asked.margin, adjusted, alpha),
        p_adjusted=adjusted,
        adjustment=np.where(np.isnan(adjusted), "", method).astype(object),
        tests=tests,
    )


def verdicts(harm: Interval, margin: Array, p_adjusted: Array, alpha: float) -> Names:
    """The rule of this file, (M,) each; not judged where the harm itself is not known."""
    with np.errstate(invalid="ignore"):
        established = p_adjusted <= alpha
        better, small = harm.high < 0, harm.high < margin
        worse = (harm.low > 0) & ~small
    found = np.full(len(margin), Verdict.CANNOT_TELL.value, dtype=object)
    found[worse & established] = Verdict.REGRESSED.value
    found[small] = Verdict.NOT_WORSE.value
    found[better & established] = Verdict.IMPROVED.value
    found[np.isnan(harm.value)] = Verdict.NOT_JUDGED.value
    return found
