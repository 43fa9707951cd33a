"""Figures hold the numbers of the tables, unrounded, and show text from the data as it is."""

from __future__ import annotations

import pandas as pd
import pyarrow.parquet as pq
import pytest
from browsed_runs import BOLD, HOSTILE, ORDINARY, WIDE, run_folder

from dashboard.charts import ages, crossings, gaps, mix, palette, ratios, reliability, spread, whatif


def table(name: str, model: str = ORDINARY) -> pd.DataFrame:
    return pq.read_table(run_folder(model) / "tables" / f"group_error.{name}.parquet").to_pandas()


def slices(output: str, metric: str, model: str = ORDINARY) -> pd.DataFrame:
    rows = table("slices", model)
    return rows[(rows["output"] == output) & (rows["metric"] == metric)]


def of_attribute(rows: pd.DataFrame, attribute: str) -> pd.DataFrame:
    return rows[[list(names) == [attribute] for names in rows["attributes"]]]


def points(figure) -> dict[str, tuple[float, float, float]]:
    """slice -> value, low, high of every dot."""
    found = {}
    for trace in figure.data:
        if trace.customdata is None or trace.error_x.array is None:
            continue
        for key, x, up, down in zip(
            trace.customdata, trace.x, trace.error_x.array, trace.error_x.arrayminus, strict=True
        ):
            found[key[0]] = (x, x - down, x + up)
    return found


@pytest.mark.parametrize(("output", "metric", "scale"), [("hired", "fpr", 100), ("age", "mae", 1)])
def test_gap_chart_holds_the_numbers_of_the_table(output: str, metric: str, scale: float) -> None:
    rows = slices(output, metric)
    own = of_attribute(rows, "people")
    figure = gaps.gap_chart(
        gaps.ordered(own, "gap"), rows[rows["slice"] == "all"].iloc[0], "rate" if scale > 1 else "years", "T"
    )
    drawn = points(figure)
    assert set(drawn) == set(own["slice"])
    for _, row in own.iterrows():
        assert drawn[row["slice"]] == pytest.approx(
            (row["value"] * scale, row["low"] * scale, row["high"] * scale)
        )


def test_gap_chart_says_what_is_established_without_colour_alone() -> None:
    rows = of_attribute(slices("hired", "fpr"), "people")
    figure = gaps.gap_chart(rows, None, "rate", "False positive rate")
    named = {trace.name: trace for trace in figure.data}
    assert [key[0] for key in named["worse, established"].customdata] == [f"people={HOSTILE}"]
    symbols = {named[n].marker.symbol for n in named if n != "compared with"}
    assert len(symbols) == len([n for n in named if n != "compared with"])


def test_plotly_reads_no_markup_in_group_names() -> None:
    rows = of_attribute(slices("hired", "fpr"), "people")
    figure = gaps.gap_chart(rows, None, "rate", "T")
    shown = [*figure.layout.yaxis.categoryarray]
    for trace in figure.data:
        shown += [trace.name, *(trace.hovertext or ())]
    assert not any("<img" in text for text in shown)
    assert any(text.startswith("&lt;img src=x onerror=alert(1)&gt;") for text in shown)
    assert any(BOLD in text for text in shown)


def test_gap_chart_keeps_long_names_apart_and_cuts_many_groups() -> None:
    own = of_attribute(slices("out", "fpr", WIDE), "region")
    kept = gaps.ordered(own, "gap")
    figure = gaps.gap_chart(kept, None, "rate", "T")
    assert len(kept) == gaps.MOST_ROWS < len(own)
    axis = figure.layout.yaxis.categoryarray
    assert len(set(axis)) == gaps.MOST_ROWS
    assert kept["gap"].abs().max() == own["gap"].abs().max()


def test_labels_stay_different_when_they_are_cut() -> None:
    names = [f"{'a' * 60}{i}{'b' * 60}" for i in range(3)]
    assert len(set(palette.labels(names))) == 3
    assert all(len(name) <= palette.LONGEST + 4 for name in palette.labels(names))


def test_crossings_colour_is_the_excess_and_small_cells_have_none() -> None:
    rows = slices("hired", "fpr")
    cells = crossings.crossing(rows, "people", "sex")
    figure = crossings.crossing_chart(cells, "people", "sex", "rate", better="lower", minimum_n=60)
    heat, *numbers = figure.data
    drawn = {
        (r, c): z for r, line in zip(heat.y, heat.z, strict=True) for c, z in zip(heat.x, line, strict=True)
    }
    by_slice = cells.set_index("slice")
    seen = [(key[0], drawn[y, x]) for t in numbers for key, x, y in zip(t.customdata, t.x, t.y, strict=True)]
    assert sorted(key for key, _ in seen) == sorted(cells["slice"])
    for key, z in seen:
        cell = by_slice.loc[key]
        assert z is None if cell["n"] < 60 else z == pytest.approx(cell["excess"] * 100)


def test_higher_is_better_turns_the_colours_round() -> None:
    cells = crossings.crossing(slices("hired", "auc"), "people", "sex")
    figure = crossings.crossing_chart(cells, "people", "sex", "AUC", better="higher", minimum_n=1)
    drawn = sorted(z for line in figure.data[0].z for z in line if z is not None)
    assert drawn == pytest.approx(sorted(-cells["excess"].dropna()))


def test_spread_chart_holds_gap_and_range() -> None:
    rows = table("spread")
    rows = rows[(rows["output"] == "hired") & (rows["metric"] == "fpr")].reset_index(drop=True)
    figure = spread.spread_chart(rows, list(rows["attribute"]), "rate")
    expected, *seen = figure.data
    assert {trace.name.partition(",")[0] for trace in seen} == {"seen"}
    assert list(expected.x) == pytest.approx(list(rows["expected"] * 100))
    assert sorted(x for trace in seen for x in trace.x) == pytest.approx(sorted(rows["gap"] * 100))


def test_reliability_chart_holds_the_points_of_each_group() -> None:
    rows = table("calibration")
    rows = rows[rows["output"] == "hired"]
    figure = reliability.reliability_chart(rows, ["all", "people=plain"])
    own = rows[rows["slice"] == "people=plain"].sort_values("bin")
    assert list(figure.data[2].x) == pytest.approx(list(own["mean_score"] * 100))
    assert list(figure.data[2].y) == pytest.approx(list(own["rate"] * 100))


def test_what_if_chart_is_the_table_and_snaps_to_its_grid() -> None:
    rows = table("thresholds")
    rows = rows[rows["output"] == "hired"]
    assert whatif.nearest(rows, 0.334) == 0.33
    figure = whatif.whatif_chart(rows, "fnr", ["all", "sex=F"], 0.33)
    own = rows[rows["slice"] == "sex=F"].sort_values("threshold")
    assert list(figure.data[1].y) == pytest.approx(list(own["fnr"] * 100))
    assert list(figure.data[1].x) == list(own["threshold"])


def test_ratio_chart_holds_ratios_and_what_equality_would_give() -> None:
    rows = table("impact")
    rows = rows[(rows["output"] == "hired") & (rows["attribute"] == "people")]
    figure = ratios.ratio_chart(rows)
    assert sorted(figure.data[0].x) == pytest.approx(sorted(rows["ratio"]))
    assert sorted(figure.data[1].x) == pytest.approx(sorted(rows["expected"]))


def test_mix_chart_holds_both_gaps() -> None:
    rows = table("composition")
    rows = rows[(rows["output"] == "age") & (rows["attribute"] == "sex")]
    figure = mix.mix_chart(rows, "years", "Mean absolute error")
    assert list(figure.data[0].x) == pytest.approx(list(rows["gap"]))
    assert list(figure.data[1].x) == pytest.approx(list(rows["standardised_gap"]))


def test_band_and_gate_charts_hold_errors_and_shares() -> None:
    rows = table("by_truth")
    figure = ages.band_chart(rows, ["all"], "years")
    assert list(figure.data[0].y) == pytest.approx(
        list(rows[rows["slice"] == "all"].sort_values("band_from")["mae"])
    )
    gates = table("age_gates")
    gates = gates[gates["slice"] == "all"].assign(name="everyone")
    assert list(ages.gate_chart(gates).data[0].x) == pytest.approx(list(gates["share"] * 100))
