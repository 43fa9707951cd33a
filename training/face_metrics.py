"""How good a faces model is: each output by itself, and their errors together."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

FAR = 10.0
"""Years: an age this far or farther from the truth counts as an error in the joint table."""

Floats = NDArray[np.float64]


@dataclass(frozen=True, kw_only=True)
class JointErrors:
    """Errors of both outputs on the rows where both truths are known."""

    n: int
    both_right: int
    gender_only: int
    """Gender wrong, age near."""
    age_only: int
    """Gender right, age far."""
    both_wrong: int
    expected_both_wrong: float
    """If the two errors had nothing to do with each other."""
    mae_right: float
    """Mean absolute error of the age where the gender is right, years; NaN without such rows."""
    mae_wrong: float
    """Where it is wrong."""

    @property
    def lift(self) -> float:
        """Times as many rows with both wrong as expected by chance; NaN where none is expected."""
        return self.both_wrong / self.expected_both_wrong if self.expected_both_wrong else float("nan")


def joint_errors(age_error: Floats, gender_wrong: NDArray[np.bool_], far: float = FAR) -> JointErrors:
    """Count errors of both outputs together.

    Args:
        age_error: (n,) years, signed or not.
        gender_wrong: (n,).
        far: years from which an age counts as wrong.
    """
    off = np.abs(age_error)
    far_off = off >= far
    n = len(off)
    return JointErrors(
        n=n,
        both_right=int((~far_off & ~gender_wrong).sum()),
        gender_only=int((~far_off & gender_wrong).sum()),
        age_only=int((far_off & ~gender_wrong).sum()),
        both_wrong=int((far_off & gender_wrong).sum()),
        expected_both_wrong=float(far_off.sum() * gender_wrong.sum() / n) if n else 0.0,
        mae_right=_mean(off[~gender_wrong]),
        mae_wrong=_mean(off[gender_wrong]),
    )


def metrics(
    age: Floats, spread: Floats, gender: Floats, interval: Floats, true_gender: Floats, midpoint: Floats
) -> dict[str, float]:
    """Metrics of a set of predictions; NaN where no row can tell.

    Args:
        age: (n,) predicted years.
        spread: (n,) standard deviation of the predicted distribution, years.
        gender: (n,) probability of code 1.
        interval: (n, 2) first and last completed year of the truth; NaN unknown.
        true_gender: (n,) 0/1; NaN unknown.
        midpoint: (n,) truth in years, as the predictions file has it; NaN unknown.
    """
    aged, gendered = ~np.isnan(midpoint), ~np.isnan(true_gender)
    error = age[aged] - midpoint[aged]
    inside = (age[aged] >= interval[aged, 0] - 0.5) & (age[aged] < interval[aged, 1] + 0.5)
    wrong = (gender >= 0.5) != (true_gender == 1)
    both = aged & gendered
    joint = joint_errors(age[both] - midpoint[both], wrong[both])
    return {
        "age_mae": _mean(np.abs(error)),
        "age_bias": _mean(error),
        "age_inside_band": _mean(inside.astype(float)),
        "age_spread": _mean(spread[aged]),
        "gender_accuracy": _mean(1.0 - wrong[gendered]),
        "both_right": joint.both_right / joint.n if joint.n else float("nan"),
        "both_wrong": joint.both_wrong / joint.n if joint.n else float("nan"),
        "both_wrong_lift": joint.lift,
    }


def finite(values: Mapping[str, float]) -> dict[str, float | None]:
    """JSON has no NaN: None instead."""
    return {name: float(v) if np.isfinite(v) else None for name, v in values.items()}


def _mean(values: NDArray[np.float64]) -> float:
    return float(values.mean()) if len(values) else float("nan")
