"""Why a finding has its rank, in the unit that people read: points for rates, never fractions."""

from __future__ import annotations

import pytest

from audit.wording import why_not_established, why_ranked


@pytest.mark.parametrize(
    ("near", "margin", "score", "unit", "words"),
    [
        (0.103, 0.05, 2.06, "rate", "nearest end of the interval 10.3 points ÷ margin 5 points = 2.1"),
        (-0.103, 0.05, 2.06, "rate", "nearest end of the interval 10.3 points ÷ margin 5 points = 2.1"),
        (0.061, 0.05, 1.22, "AUC", "nearest end of the interval 0.061 ÷ margin 0.05 = 1.2"),
        (2.5, 1.0, 2.5, "years", "nearest end of the interval 2.5 years ÷ margin 1 years = 2.5"),
    ],
)
def test_ranks_are_in_the_units_of_the_difference(near, margin, score, unit, words):
    assert why_ranked(near, margin, score, unit) == words


def test_what_keeps_a_difference_from_being_established():
    assert why_not_established(0.07, 0.01, 0.2, "rate") == "adjusted p = 0.07 > .05"
    assert why_not_established(0.05, -0.004, 0.2, "rate") == "the interval -0.4 to 20 points touches 0"
    assert why_not_established(0.01, -0.4, 2.0, "EUR") == "the interval -0.4 to 2 EUR touches 0"
    assert why_not_established(0.01, -0.4, 2.0, "AUC") == "the interval -0.4 to 2 touches 0"


def test_findings_of_rates_say_points(context):
    from builders import binary_predictions, build_examples

    from audit.group_error.probe import GroupError

    groups = ["a"] * 500 + ["b"] * 500
    truth = [0, 1] * 500
    scores = [0.9 if i % (20, 4)[i >= 500] == 0 else (0.1, 0.9)[i % 2] for i in range(1000)]
    section = GroupError().run(
        context(build_examples(1000, {"g": groups}), binary_predictions(truth, scores))
    )
    found = next(f for f in section.findings if f.metric == "fpr" and f.slice.key == "g=b")
    assert f"{100 * found.gap.low:.3g} points ÷ margin 5 points" in found.severity.why
