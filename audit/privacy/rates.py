"""The share of members that an attacker names while wrongly naming 1 % of the others."""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray
from scipy.stats import binom

from audit.intervals import wilson

FALSE_POSITIVES = 0.01
METHOD = "order statistics and Wilson, Bonferroni"


class TprAtFpr(NamedTuple):
    """True positive rate at a fixed false positive rate, with its interval."""

    value: float
    low: float
    high: float
    named: int
    """Members above the threshold."""
    fpr: float
    """Share of non-members above the threshold: at most what was asked, less where values tie."""


def tpr_at_fpr(
    members: NDArray[np.float64],
    others: NDArray[np.float64],
    level: float = 0.95,
    fpr: float = FALSE_POSITIVES,
) -> TprAtFpr | None:
    """Members strictly above the threshold that leaves at most `fpr` of the others above it.

    The threshold is estimated from the others, so it has an error of its own. The interval covers both: two
    order statistics of the others hold their true 1 - fpr quantile with half of the error allowed (exact, by
    the binomial distribution, whatever the distribution of the signal), and Wilson's limits of the members'
    share above each take the other half. It is conservative.

    Args:
        members: (m,) signal of rows of training.
        others: (n,) signal of rows held out.
        level: confidence level.
        fpr: false positive rate.

    Returns:
        None with fewer than 1 ÷ fpr others, where no threshold can be set, or without members.
    """
    m, n = len(members), len(others)
    allowed = int(np.floor(fpr * n + 1e-9))
    if allowed < 1 or m == 0:
        return None
    falling = np.sort(others)[::-1]
    half = (1.0 - level) / 2.0
    # the number of others above the true quantile is binomial (n, fpr)
    fewest, most = (int(binom.ppf(q, n, fpr)) for q in (half / 2.0, 1.0 - half / 2.0))
    high_cut = np.inf if fewest < 1 else falling[fewest - 1]
    low_cut = falling[min(most, n - 1)]
    threshold = falling[allowed]
    named = int((members > threshold).sum())
    low = wilson([int((members > high_cut).sum())], [m], 1.0 - half).low[0]
    # a row that ties with the lower threshold may lie above the true one
    high = wilson([int((members >= low_cut).sum())], [m], 1.0 - half).high[0]
    return TprAtFpr(named / m, float(low), float(high), named, float((others > threshold).mean()))
