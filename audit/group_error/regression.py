"""Metrics of a predicted number from sums of powers of its error."""

from __future__ import annotations

import numpy as np

from audit.counts import value_sums
from audit.group_error.forms import Array, Form, Linearised, Mean, Rate
from audit.slices import SliceSet

N, ABS, ABS2, ABS3, ERR, ERR3, ERR4, IN5, IN10, U, U2, U3, U4, E2U, E2U2 = range(15)


def sums(error: Array, truth: Array, slices: SliceSet) -> tuple[Array, dict[str, Form]]:
    """Sum what MAE, RMSE, bias, the shares within 5 and 10 and R² need.

    Args:
        error: (n,) predicted - true.
        truth: (n,).
        slices: S slices of the n rows.

    Returns:
        Moments (S, 15) and forms; truth is centred on its overall mean, so that powers do not cancel.
    """
    size, u, square = np.abs(error), truth - truth.mean(), error**2
    columns = [
        np.ones(len(error)),
        size,
        square,
        size**3,
        error,
        error**3,
        square**2,
        (size <= 5).astype(np.float64),
        (size <= 10).astype(np.float64),
        u,
        u**2,
        u**3,
        u**4,
        square * u,
        square * u**2,
    ]
    forms: dict[str, Form] = {
        "mae": Mean((N,), ABS, ABS2, ABS3),
        "rmse": Mean((N,), ABS2, ERR4, root=True, method="t on squared errors, root"),
        "bias": Mean((N,), ERR, ABS2, ERR3),
        "within_5": Rate((IN5,), (N,)),
        "within_10": Rate((IN10,), (N,)),
        "r2": Linearised(_r2, bounds=(-np.inf, 1.0)),
    }
    return value_sums(slices, columns), forms


def _r2(moments: Array) -> tuple[Array, Array, Array]:
    """R² = 1 - A/B, A = mean(e²), B = var(t); a row moves it by -(e² - A)/B + A/B² · ((t - mean)² - B)."""
    n = moments[:, N]
    with np.errstate(invalid="ignore", divide="ignore"):
        mean = moments / n[:, None]
        m = mean[:, U]
        A, B = mean[:, ABS2], mean[:, U2] - m**2
        B = np.where(1e-12 * np.maximum(mean[:, U2], 1e-300) < B, B, np.nan)
        q2 = mean[:, U4] - 4 * m * mean[:, U3] + 6 * m**2 * mean[:, U2] - 3 * m**4  # mean of (t - mean)^4
        e2q = mean[:, E2U2] - 2 * m * mean[:, E2U] + m**2 * A  # mean of e² (t - mean)²
        variance = (mean[:, ERR4] - A**2) - 2 * (A / B) * (e2q - A * B) + (A / B) ** 2 * (q2 - B**2)
        error = np.sqrt(np.maximum(variance, 0) / (n - 1)) / B
    return 1 - A / B, error, n
