"""Charts of the page Versions: they draw the stored numbers, in shapes and not in colour alone."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pandas as pd
import pytest

from dashboard.charts.versions_changes import gap_chart, harm_chart
from dashboard.charts.versions_history import history_chart
from dashboard.charts.versions_looks import LOOKS, WATCHED, size
from dashboard.charts.versions_slopes import apart, drawn, slope_chart

VERSIONS = ("1", "2")


def verdicts(**more) -> pd.DataFrame:
    columns = {
        "slice": ["team=<b>a</b>", "all", "team=b", "team=c"],
        "attributes": [["team"], [], ["team"], ["team"]],
        "values": [["<b>a</b>"], [], ["b"], ["c"]],
        "n": [40, 120, 40, 20],
        "old": [0.10, 0.10, 0.20, 0.05],
        "old_low": [0.05, 0.08, 0.10, 0.01],
        "old_high": [0.20, 0.13, 0.35, 0.20],
        "new": [0.30, 0.12, 0.10, 0.05],
        "new_low": [0.20, 0.09, 0.04, 0.01],
        "new_high": [0.45, 0.15, 0.20, 0.20],
        "change": [0.20, 0.02, -0.10, 0.0],
        "low": [0.10, -0.01, -0.20, -0.1],
        "high": [0.30, 0.05, -0.01, 0.1],
        "harm": [0.20, 0.02, -0.10, 0.0],
        "harm_low": [0.10, -0.01, -0.20, -0.1],
        "harm_high": [0.30, 0.05, -0.01, 0.1],
        "margin": [0.05] * 4,
        "better": ["lower"] * 4,
        "verdict": ["regressed", "cannot_tell", "improved", "cannot_tell"],
        "role": ["tested", "demanded", "tested", "watched"],
        "p_adjusted": [0.01, 1.0, 0.02, np.nan],
        "needed_n": [np.nan, 300, np.nan, np.nan],
        "gap_change": [0.2, np.nan, -0.1, 0.01],
        "gap_low": [0.1, np.nan, -0.2, -0.2],
        "gap_high": [0.3, np.nan, -0.05, 0.2],
    }
    return pd.DataFrame(columns | more)


def points(figure) -> dict[str, tuple[float, float]]:
    """Slice -> drawn values, in the order of traces."""
    found: dict[str, tuple[float, ...]] = {}
    for trace in figure.data:
        for data, value in zip(trace.customdata or (), trace.y, strict=False):
            found[data[0]] = (*found.get(data[0], ()), value)
    return found


def test_slopes_run_from_the_old_value_to_the_new_with_both_intervals() -> None:
    rows = drawn(verdicts())
    assert list(rows["slice"])[0] == "all"
    figure = slope_chart(rows, "rate", "Error rate", VERSIONS, "team=b")
    assert points(figure) == {
        key: (pytest.approx(100 * old), pytest.approx(100 * new))
        for key, old, new in zip(rows["slice"], rows["old"], rows["new"], strict=True)
    }
    regressed = next(t for t in figure.data if t.name == "regressed")
    assert regressed.error_y.array == pytest.approx((10.0, 15.0))
    assert regressed.error_y.arrayminus == pytest.approx((5.0, 10.0))
    widths = {t.line.width for t in figure.data if t.mode == "lines" and t.line.dash == "solid"}
    assert 4.0 in widths
    assert {t.name for t in figure.data if t.name} == {
        "regressed",
        "cannot tell",
        "improved",
        "shown, not gated",
    }


def test_slices_without_a_value_are_not_drawn_and_the_worst_are_kept() -> None:
    rows = verdicts(new=[np.nan, 0.12, 0.10, 0.05])
    assert list(drawn(rows, 2)["slice"]) == ["all", "team=b"]
    assert len(slope_chart(drawn(rows.iloc[:1]), "rate", "x", VERSIONS).data) == 0


def test_names_of_slices_are_no_markup_in_a_chart() -> None:
    figure = slope_chart(drawn(verdicts()), "rate", "Error rate", VERSIONS)
    said = [a.text for a in figure.layout.annotations]
    assert any("&lt;b&gt;a&lt;/b&gt;" in words for words in said)
    assert not any("<b>a</b>" in words for words in said)


@pytest.mark.parametrize(("one", "other"), list(combinations([*LOOKS.values(), WATCHED], 2)))
def test_no_two_verdicts_differ_in_colour_alone(one, other) -> None:
    assert one.symbol != other.symbol
    assert one.sign != other.sign


@pytest.mark.parametrize("seed", range(20))
def test_labels_are_kept_apart_in_order_and_near_where_they_belong(seed: int) -> None:
    rng = np.random.default_rng(seed)
    wanted = rng.normal(size=rng.integers(1, 15)) * rng.choice([0.01, 1.0])
    gap, low, high = 0.1, float(wanted.min()), max(float(wanted.max()), float(wanted.min()) + 1.5)
    placed = apart(wanted, gap, low, high)
    order = np.argsort(wanted, kind="stable")
    assert np.all(np.diff(placed[order]) >= gap - 1e-12)
    assert placed.min() >= low - 1e-12
    assert placed.max() <= high + 1e-12


def test_labels_with_room_stay_where_they_are() -> None:
    wanted = np.array([3.0, 1.0, 2.0])
    assert apart(wanted, 0.5, 0.0, 4.0).tolist() == wanted.tolist()


def test_harm_is_drawn_beside_zero_and_the_margin() -> None:
    rows = verdicts()
    figure = harm_chart(rows, "rate", VERSIONS, "team=b")
    drawn_ = {d[0]: x for t in figure.data if t.customdata for d, x in zip(t.customdata, t.x, strict=True)}
    assert drawn_ == {k: pytest.approx(100 * h) for k, h in zip(rows["slice"], rows["harm"], strict=True)}
    assert [shape.x0 for shape in figure.layout.shapes] == [0, pytest.approx(5.0)]
    assert "margin: 5 points" in [t.name for t in figure.data]


def test_a_metric_without_a_harmful_direction_has_no_margin() -> None:
    nothing = [np.nan] * 4
    rows = verdicts(harm=nothing, harm_low=nothing, harm_high=nothing, better=["neither"] * 4)
    figure = harm_chart(rows, "rate", VERSIONS)
    assert [shape.x0 for shape in figure.layout.shapes] == [0]
    assert figure.layout.xaxis.title.text == "Change (points)"


@pytest.mark.parametrize(("better", "sign"), [("lower", 1), ("higher", -1)])
def test_the_gap_of_gaps_points_right_where_the_slice_lost_ground(better: str, sign: int) -> None:
    rows = verdicts(better=[better] * 4)
    rows = rows[rows["gap_change"].notna()]
    figure = gap_chart(rows, "rate", VERSIONS)
    lost = next(t for t in figure.data if t.name == "lost ground on its reference")
    assert [d[0] for d in lost.customdata] == ["team=<b>a</b>" if sign > 0 else "team=b"]
    assert list(lost.x) == [pytest.approx(20.0 if sign > 0 else 10.0)]
    assert lost.error_x.arrayminus[0] == pytest.approx(10.0 if sign > 0 else 5.0)


def test_the_history_goes_through_every_version() -> None:
    rows = pd.DataFrame(
        {
            "slice": ["all"] * 3 + ["team=b"] * 3,
            "step": [0, 1, 2] * 2,
            "version": ["1", "2", "3"] * 2,
            "n": 10,
            "value": [0.1, 0.2, 0.15, 0.3, 0.4, 0.5],
            "value_low": 0.05,
            "value_high": 0.6,
            "harm": [np.nan, 0.1, -0.05] * 2,
            "harm_low": [np.nan, 0.0, -0.1] * 2,
            "harm_high": [np.nan, 0.2, 0.1] * 2,
        }
    )
    figure = history_chart(rows, ["team=b", "all"], "rate", "Error rate")
    assert [t.name for t in figure.data] == ["team=b", "everyone"]
    assert list(figure.data[0].y) == pytest.approx([30.0, 40.0, 50.0])
    assert list(figure.layout.xaxis.ticktext) == ["1", "2", "3"]
    assert len({(t.marker.symbol, t.line.dash) for t in figure.data}) == 2


def test_a_margin_of_one_is_singular() -> None:
    assert [size(1.0, "years"), size(1.5, "years"), size(0.05, "rate"), size(0.05, "AUC")] == [
        "1 year",
        "1.5 years",
        "5 points",
        "0.05",
    ]
