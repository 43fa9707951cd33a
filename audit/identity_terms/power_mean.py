"""One line for a label: the power mean of its identities' AUCs, its interval, and what no bias would give.

The power mean with p = -5 lies near the worst identity. It is a line; the findings are in the cells.

Source:
    Borkan et al. (2019), arXiv 1903.04561. The final score is the mean of the three power means and the
    overall AUC, as in Jigsaw's competition on unintended bias (2019).
"""

from __future__ import annotations

from dataclasses import dataclass, replace

import numpy as np
from scipy.special import expit, logit

from audit.identity_terms.order import Floats, Ints
from audit.identity_terms.pulls import overall_pulls, row_pulls, variance_of
from audit.identity_terms.samples import BACKGROUND, LOWER, PAIRS, UPPER
from audit.identity_terms.shares import COMPARED, Shares
from audit.intervals import normal_quantile

POWER = -5.0


@dataclass(frozen=True, kw_only=True)
class Mean:
    """The overall AUC, a power mean over identities, or the final score of one label."""

    metric: str
    value: float
    """NaN: a class is empty, or no identity has rows enough."""
    low: float
    high: float
    expected: float
    """What it would be if every identity's AUC were its background's, sampling error included."""
    identities: int
    """Identities that count: at least the minimum n in both samples of the share."""
    left_out: int
    n: int
    """Rows of the smaller class."""


def power_means(shares: Shares, minimum_n: int, level: float) -> list[Mean]:
    """Overall AUC, the three power means, and the final score.

    Args:
        shares: of one label.
        minimum_n: an identity counts where both samples of a share have at least this many rows: a soft
            minimum over noise would be noise.
        level: of the intervals.
    """
    counted = [_counted(shares, pair, minimum_n) for pair in COMPARED]
    weights = np.zeros((len(shares.moments.sizes), len(COMPARED), 2))
    for i, (pair, rows) in enumerate(zip(COMPARED, counted, strict=True)):
        weights[rows, i, 0] = _weights(shares.tables[pair].value[rows])
        weights[rows, i, 1] = 1 / max(rows.size, 1)
    pulls = row_pulls(shares, weights)
    overall = overall_pulls(shares)
    means = [_overall(shares, overall, level)]
    for i, (pair, rows) in enumerate(zip(COMPARED, counted, strict=True)):
        value = power_mean(shares.tables[pair].value[rows])
        expected = _expected(shares, pair, rows, variance_of(shares, pulls[i, 1]))
        found = _mean(f"power_mean_{PAIRS[pair]}_auc", value, pulls[i, 0], shares, level)
        means.append(_counting(found, expected, rows.size, shares))
    value = float(np.mean([m.value for m in means]))
    expected = float(np.mean([means[0].value, *(m.expected for m in means[1:])]))
    final = _mean("final_score", value, (overall + pulls[:, 0].sum(axis=0)) / 4, shares, level)
    return [*means, _counting(final, expected, min(map(len, counted)), shares)]


def power_mean(values: Floats) -> float:
    """(mean of values ** p) ** (1 / p); 0 where one of them is 0; NaN of none."""
    if values.size == 0:
        return np.nan
    return float(np.mean(values**POWER) ** (1 / POWER)) if values.all() else 0.0


def _weights(values: Floats) -> Floats:
    """Derivative of the power mean by each value: (value / mean) ** (p - 1) / k."""
    if not values.all():
        return np.full(values.size, np.nan)
    return np.asarray((values / power_mean(values)) ** (POWER - 1) / max(values.size, 1))


def _counted(shares: Shares, pair: int, minimum_n: int) -> Ints:
    sides = [LOWER[pair], UPPER[pair]]
    enough = (shares.moments.sizes[:, sides] >= max(minimum_n, 1)).all(axis=1) & (
        shares.moments.units[:, sides] >= 2
    ).all(axis=1)
    return np.flatnonzero(enough & ~np.isnan(shares.tables[BACKGROUND].value))


def _expected(shares: Shares, pair: int, counted: Ints, variance: float) -> float:
    """Mean of the backgrounds' AUCs, less what the spread by sampling takes from a power mean.

    To the second order the power mean of k values is their mean m - (1 - p) ÷ 2m x their variance; the
    variance to expect from sampling alone is the mean of their variances less that of their mean.
    """
    if counted.size == 0:
        return np.nan
    spread = float(shares.tables[pair].variance[counted].mean()) - variance
    centre = float(shares.tables[BACKGROUND].value[counted].mean())
    return max(centre - (1 - POWER) / (2 * centre) * max(spread, 0.0), 0.0) if centre > 0 else 0.0


def _overall(shares: Shares, pulls: Floats, level: float) -> Mean:
    total = shares.everyone.total
    pairs = 2 * int(total[0]) * int(total[1])
    value = shares.everyone.wins / pairs if pairs else np.nan
    return _mean("overall_auc", value, pulls, shares, level)


def _mean(metric: str, value: float, pull: Floats, shares: Shares, level: float) -> Mean:
    """A mean with its interval on the logit scale; none at 0 and 1, where that has no width."""
    with np.errstate(invalid="ignore", divide="ignore"):
        error = np.sqrt(variance_of(shares, pull)) / (value * (1 - value))
    half = normal_quantile(level) * error if error > 0 and np.isfinite(error) else np.nan
    return Mean(
        metric=metric,
        value=value,
        low=float(expit(logit(value) - half)),
        high=float(expit(logit(value) + half)),
        expected=np.nan,
        identities=0,
        left_out=0,
        n=int(shares.everyone.total.min()),
    )


def _counting(mean: Mean, expected: float, identities: int, shares: Shares) -> Mean:
    left_out = len(shares.label.members) - identities
    return replace(mean, expected=expected, identities=identities, left_out=left_out)
