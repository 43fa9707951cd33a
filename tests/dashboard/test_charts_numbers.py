"""Numbers as people read them."""

from __future__ import annotations

import pytest

from dashboard.charts import numbers


@pytest.mark.parametrize(
    ("cells", "expected"),
    [
        ((0.6333, 0.5302, 0.7256, 90, "rate", 57), "63.3% (53.0–72.6, n=90)"),
        ((0.0, 0.0, 0.079, 45, "rate", 0), "0 of 45 (at most 7.9%)"),
        ((1.0, 0.921, 1.0, 45, "rate", 45), "45 of 45 (at least 92.1%)"),
        ((-13.443, -14.97, -11.911, 66, "years", None), "−13.44 (−14.97 to −11.91, n=66)"),
        ((0.6, 0.51, 0.685, 1076, "AUC", None), "0.600 (0.510–0.685, n=1,076)"),
        ((0.105, float("nan"), float("nan"), 500, "rate", None), "10.5% (n=500)"),
        ((float("nan"), None, None, 0, "rate", None), "–"),
    ],
)
def test_estimates(cells: tuple, expected: str) -> None:
    assert numbers.estimate(*cells) == expected


def test_units_are_named_where_no_heading_does() -> None:
    assert numbers.estimate(3.6, 1.7, 5.5, 189, "years", named=True) == "3.60 years (1.70–5.50, n=189)"
    assert numbers.estimate(0.6, 0.5, 0.7, 9, "rate", named=True) == "60.0% (50.0–70.0, n=9)"
    assert numbers.axis_title("Error rate", "rate") == "Error rate (%)"
    assert numbers.axis_title("ROC AUC", "AUC") == "ROC AUC"


@pytest.mark.parametrize(
    ("p", "expected"),
    [
        (5e-6, "p < .0001"),
        (0.0001, "p = .0001"),
        (0.0123, "p = .012"),
        (0.46, "p = .46"),
        (1.0, "p = 1.00"),
        (float("nan"), "not tested"),
    ],
)
def test_p_values(p: float, expected: str) -> None:
    assert numbers.p_value(p) == expected


def test_signs_and_sizes() -> None:
    assert numbers.signed(0.30126) == "+30.1"
    assert numbers.signed(-0.0001) == "+0.0"
    assert numbers.signed(-3.7, "years") == "−3.70"
    assert numbers.difference(-0.195, "AUC") == "0.195"
    assert numbers.difference(0.05) == "5.0 points"
    assert numbers.count(1234567) == "1,234,567"
