"""Figures of the Data page hold the numbers of their tables and show text from the data as it is."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from browsed_runs import HOSTILE

from audit.profile.counts import coded, crossing, distribution
from audit.profile.labels import co_occurrence
from audit.profile.numbers import by_group, histogram_by
from audit.profile.rates import base_rates
from dashboard.charts import (
    data_bars,
    data_crossing,
    data_histogram,
    data_rates,
    data_sizes,
    data_spread,
    palette,
)
from dashboard.charts.data_together import PHI, SHARE, together_chart

RNG = np.random.default_rng(5)
GROUP = coded("g", (HOSTILE, "b", "nobody"), RNG.choice(2, 300, p=[0.95, 0.05]))
HIT = (RNG.random(300) < 0.3).astype(np.int8)
NUMBER = RNG.normal(50, 10, 300)


def test_rates_are_drawn_with_their_intervals_and_small_groups_apart() -> None:
    rows = base_rates(HIT, GROUP).to_pandas()
    figure = data_rates.rate_chart(rows, rows.iloc[0], "Positive", 30)
    named = {trace.name: trace for trace in figure.data}
    for trace, row in ((named["n of 30 or more"], rows.iloc[0]), (named["fewer than 30 rows"], rows.iloc[1])):
        assert trace.x[0] == pytest.approx(100 * row["rate"])
        assert trace.x[0] + trace.error_x.array[0] == pytest.approx(100 * row["high"])
        assert trace.x[0] - trace.error_x.arrayminus[0] == pytest.approx(100 * row["low"])
    assert named["n of 30 or more"].marker.symbol != named["fewer than 30 rows"].marker.symbol
    assert HOSTILE not in str(figure.to_json())
    assert palette.literal(palette.shorten(HOSTILE)) in named["n of 30 or more"].y[0]
    assert "everyone" not in {trace.name for trace in data_rates.rate_chart(rows, None, "x", 30).data}


def test_spreads_are_drawn_from_quantiles() -> None:
    rows = by_group(NUMBER, GROUP).to_pandas()
    figure = data_spread.spread_chart(rows, "Years", 30)
    own = NUMBER[GROUP.codes == 0]
    wide, half = (next(t for t in figure.data if t.error_x.thickness == w) for w in (1.6, 9))
    for trace, low, high in ((wide, 0.05, 0.95), (half, 0.25, 0.75)):
        assert trace.x[0] == pytest.approx(np.median(own))
        assert trace.x[0] - trace.error_x.arrayminus[0] == pytest.approx(np.quantile(own, low))
        assert trace.x[0] + trace.error_x.array[0] == pytest.approx(np.quantile(own, high))
    assert {t.name for t in figure.data if t.name} >= {"median", "median, fewer than 30 rows", "middle half"}
    assert len(figure.layout.yaxis.categoryarray) == 3  # a group without a number keeps its place


def test_bars_are_shares_in_the_order_given() -> None:
    rows = distribution(GROUP).to_pandas()
    bars = data_bars.bar_chart(rows).data[0]
    assert bars.x == pytest.approx((rows["share"] * 100).tolist())
    parts = pd.concat([rows.assign(part="train"), rows.assign(part="test")], ignore_index=True)
    figure = data_bars.bar_chart(parts, "split")
    assert [trace.name for trace in figure.data] == ["test", "train"]
    assert figure.layout.legend.traceorder == "reversed"
    many = pd.DataFrame({"value": [f"v{i}" for i in range(50)], "n": range(50), "share": 0.02})
    assert data_bars.most(many)["value"].tolist() == [f"v{i}" for i in range(20, 50)]
    assert data_bars.bar_chart(rows.assign(share=np.nan)).layout.xaxis.range[1] > 0


def test_steps_of_a_histogram_are_the_shares_of_its_bins() -> None:
    rows = histogram_by(NUMBER, GROUP, (20, 40, 60, 80)).to_pandas()
    figure = data_histogram.histogram_chart(rows, "Years")
    first = rows[rows["value"] == HOSTILE]
    assert list(figure.data[0].x) == [20, 40, 60, 80]
    assert list(figure.data[0].y)[:3] == pytest.approx((first["share"] * 100).tolist())
    assert figure.data[0].line.dash != figure.data[1].line.dash
    many = pd.concat([rows.assign(value=f"{i}") for i in range(6)])
    assert len(data_histogram.histogram_chart(many, "x").data) == data_histogram.MOST_PARTS


def test_crossings_mark_small_cells_and_leave_empty_ones_without_colour() -> None:
    other = coded("h", ("x", "y"), np.zeros(300, dtype=int))
    cells = crossing(GROUP, other).to_pandas().rename(columns={"g": "row", "h": "column"})
    figure = data_crossing.count_chart(cells, "g", "<b>h</b>", 30)
    n = int((GROUP.codes == 0).sum())
    assert figure.data[0].z[0][0] == n
    assert np.isnan(figure.data[0].z[0][1])
    texts = {
        (x, y): t for trace in figure.data[1:] for x, y, t in zip(trace.x, trace.y, trace.text, strict=True)
    }
    assert texts["x", "b"] == f"{300 - n}{data_crossing.SMALL}"
    assert texts["y", "b"] == "0"
    assert "<b>h" not in figure.layout.xaxis.title.text
    wide = pd.DataFrame({"row": [f"r{i}" for i in range(40)], "column": "c", "n": range(40)})
    assert data_crossing.largest(wide)["row"].tolist() == [f"r{i}" for i in range(15, 40)]


def test_labels_together_hold_share_and_correlation_off_the_diagonal() -> None:
    labels = np.stack([HIT, HIT & (RNG.random(300) < 0.5)], axis=1).astype(np.int8)
    pairs = co_occurrence(labels, ("a", "b")).to_pandas()
    for what in (SHARE, PHI):
        z = np.array(together_chart(pairs, what).data[0].z)
        assert z[0, 1] == pytest.approx(pairs[what][1])
        assert np.isnan(np.diag(z)).all()
    assert together_chart(co_occurrence(labels * 0, ("a", "b")).to_pandas(), PHI).data[1].text.count("–") == 2


def test_sizes_are_dots_with_more_area_for_more_pictures() -> None:
    sizes = pd.DataFrame({"width": [100.0, 50.0], "height": [80.0, 60.0], "n": [90, 10]})
    dots = data_sizes.size_chart(sizes).data[1]
    assert (list(dots.x), list(dots.y)) == ([100, 50], [80, 60])
    assert dots.marker.size[0] > dots.marker.size[1]
    assert dots.hovertext[0] == "100 × 80 pixels<br>90 pictures"
