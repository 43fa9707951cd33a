"""Change of R² on the same rows, by the delta method: the truth's spread is shared by both."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.core import Reason
from audit.versions.linearised import METHOD, Moves, from_moves
from audit.versions.paired import Array, Change, Settings

_N, _DIFFERS, _O, _W, _OO, _WW, _OW, _U, _U2, _U3, _U4, _OU, _OU2, _WU, _WU2 = range(15)
COLUMNS = 15


def r2_values(old: Array, new: Array, truth: Array) -> Sequence[NDArray[np.float64]]:
    """Per-row numbers whose sums are the moments of `R2`.

    Args:
        old: (n,) errors of the old version.
        new: (n,) errors of the new version.
        truth: (n,).
    """
    o, w, u = old**2, new**2, truth - truth.mean()  # centred: powers of years would cancel
    differs = (old != new).astype(np.float64)
    rows = [np.ones(len(old)), differs, o, w, o**2, w**2, o * w, u, u**2, u**3, u**4]
    return [*rows, o * u, o * u**2, w * u, w * u**2]


@dataclass(frozen=True, kw_only=True)
class R2:
    """R² = 1 - A / B, A the mean squared error and B the variance of the truth.

    A row moves it by -(e² - A) / B + A / B² · (q - B), q its squared distance from the mean truth.
    """

    first: int
    empty: Reason = Reason.NO_ROWS
    method: str = METHOD
    test: str = "paired t"
    discrete: bool = False

    def change(self, joint: Array, share: Array, settings: Settings) -> Change:
        """See `PairedForm`. Not computed where every truth is the same."""
        sums = joint[:, self.first : self.first + COLUMNS]
        n = sums[:, _N]
        with np.errstate(invalid="ignore", divide="ignore"):
            mean = sums / np.where(n > 0, n, np.nan)[:, None]
            m = mean[:, _U]
            spread = mean[:, _U2] - m**2
            spread = np.where(spread > 1e-12 * np.maximum(mean[:, _U2], 1e-300), spread, np.nan)
            values = [1 - mean[:, k] / spread for k in (_O, _W)]
            # covariances of (old e², new e², q) over the rows of a slice
            q2 = mean[:, _U4] - 4 * m * mean[:, _U3] + 6 * m**2 * mean[:, _U2] - 3 * m**4
            crossed = [
                mean[:, k2] - 2 * m * mean[:, k1] + m**2 * mean[:, k]
                for k, k1, k2 in ((_O, _OU, _OU2), (_W, _WU, _WU2))
            ]
            a, b = mean[:, _O], mean[:, _W]
            products = (mean[:, _OO] - a * a, mean[:, _WW] - b * b, mean[:, _OW] - a * b)
            with_q = (crossed[0] - a * spread, crossed[1] - b * spread)
            none, slope = np.zeros_like(spread), -1 / spread
            gradients: list[tuple[Array, Array, Array]] = [
                (slope, none, a / spread**2),
                (none, slope, b / spread**2),
                (-slope, slope, (b - a) / spread**2),
            ]
            squares = [_quadratic(g, products, with_q, q2 - spread**2) / n for g in gradients]
        identical = sums[:, _DIFFERS] == 0
        moves = Moves((values[0], values[1]), (squares[0], squares[1], squares[2]))
        return from_moves(moves, n, share, identical, settings.level, lowest=-np.inf)


def _quadratic(
    g: tuple[Array, Array, Array], products: tuple[Array, ...], with_q: tuple[Array, ...], q2: Array
) -> Array:
    """The variance that a gradient sees: g' C g, C the covariance of (old e², new e², q)."""
    own = g[0] ** 2 * products[0] + g[1] ** 2 * products[1] + g[2] ** 2 * q2
    return np.asarray(
        own + 2 * (g[0] * g[1] * products[2] + g[0] * g[2] * with_q[0] + g[1] * g[2] * with_q[1])
    )
