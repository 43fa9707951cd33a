"""The page Leakage on stored runs: what is said equals what is stored, nothing hurts, nothing crashes."""

from __future__ import annotations

import csv
import io
import re

import pandas as pd
import pyarrow as pa
import pytest
from app_pages import APP, open_page, text
from leaky_runs import CLEAN, HOSTILE, INSULT, PICTURES, TEXTS, UNSEARCHED, UNTRAINED, leaky_run, leaky_runs
from streamlit.testing.v1 import AppTest

from audit.store.read import open_run
from dashboard.charts import leakage_distance, leakage_groups, leakage_inflation
from dashboard.panels import leakage_clusters, leakage_explorer, leakage_look, leakage_splits, leakage_words

PAGE = "views/leakage.py"


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_RUNS", str(leaky_runs()))


def start(model: str, **query: str) -> AppTest:
    return open_page(leaky_run(model).name, PAGE, **query)


def section(model: str):
    return next(s for s in open_run(leaky_run(model)).sections if s.probe == "leakage")


def table(model: str, name: str) -> pd.DataFrame:
    return section(model).tables[name].to_pandas()


def plain(said: str) -> str:
    """Markdown without the signs that keep text literal."""
    return re.sub(r"\\(.)", r"\1", said)


def test_the_verdict_says_how_many_rows_leaked_and_the_worst_change() -> None:
    said = plain(text(start(PICTURES)))
    assert "**40 of 100 audited rows (40.0%" in said
    worst = next(f for f in section(PICTURES).findings if f.metric != "leaked_share")
    assert f"**{worst.value.value:.1%} instead of {worst.reference_value.value:.1%}**" in said
    assert "points too low" in said or "points too high" in said


def test_the_table_of_changes_shows_the_numbers_of_the_run() -> None:
    shown = start(PICTURES).table[0].value
    stored = table(PICTURES, "inflation")
    errors = stored[(stored["slice"] == "all") & (stored["metric"] == "error_rate")].iloc[0]
    assert errors["all"] == pytest.approx(0.3)  # 30 of 100 wrong, none among the 40 copies
    assert errors["clean"] == pytest.approx(0.5)  # 30 of 60
    line = shown[shown["Metric"] == "Error rate"].iloc[0]
    assert plain(line["With all rows"]) == "30.0%"
    assert plain(line["Without leaked rows"]) == "50.0%"
    assert plain(line["Difference"]).startswith("−20.0 points (")
    assert plain(line["It reads"]) == "better than it is"


def test_the_slider_goes_in_steps_of_two_and_starts_at_the_recommended_distance() -> None:
    app = start(PICTURES)
    slider = app.select_slider(key="distance")
    assert slider.options == [f"{bits} bits" for bits in range(0, 13, 2)]
    assert slider.value == str(section(PICTURES).summary["images"]["recommended_distance"])
    assert app.query_params["distance"] == slider.value


@pytest.mark.parametrize("bits", ["0", "2", "4", "12"])
def test_the_pairs_at_a_distance_are_those_of_the_run(bits: str) -> None:
    app = start(PICTURES, distance=bits)
    stored = table(PICTURES, "pairs")
    number = int((stored["distance"] == int(bits)).sum())
    said = text(app)
    if number:
        assert f"{min(9, number)} of {number} pairs at {bits} bits" in said
    else:
        assert f"No pair at {bits} bits" in said


def test_filters_leave_only_copies_across_splits_and_more_are_shown_on_demand() -> None:
    app = start(PICTURES, distance="0")
    stored = table(PICTURES, "pairs")
    zero = stored[stored["distance"] == 0]
    across = int(((zero["split_a"] != zero["split_b"]) & zero["confirmed"]).sum())
    app.button_group(key="leak_filters").set_value(["only across splits", "only copies"]).run()
    assert not app.exception
    assert f"{min(9, across)} of {across} pairs at 0 bits" in text(app)
    assert across > 9
    app.button(key="leak_more").click().run()
    assert f"{min(18, across)} of {across} pairs at 0 bits" in text(app)


def test_a_link_opens_a_cluster_and_names_what_contradicts() -> None:
    conflicts = table(PICTURES, "conflicts")
    code = str(conflicts[conflicts["what"] == "truth"]["cluster"].iloc[0])
    app = start(PICTURES, cluster=code)
    assert app.selectbox(key="cluster").value == code
    assert "Its rows do not agree on truth edible: 0 | 1." in plain(text(app))
    cells = {plain(str(cell)) for shown in app.table for cell in shown.value.to_numpy().ravel()}
    assert {"=row0", "=row100"} <= cells


def test_hostile_names_and_texts_stay_text() -> None:
    for model in (PICTURES, TEXTS):
        app = start(model)
        for element in (*app.markdown, *app.caption):
            assert HOSTILE not in str(element.value)


def test_flagged_texts_are_masked_on_both_sides_until_asked_for() -> None:
    app = start(TEXTS)
    for stop in (f"{step * 0.05:.2f}" for step in range(len(app.select_slider(key="distance").options))):
        app = start(TEXTS, distance=stop)
        assert INSULT not in text(app)
        if not [toggle for toggle in app.toggle if toggle.key == "show_texts"]:
            continue
        app.toggle(key="show_texts").set_value(True).run()
        if INSULT in text(app):
            return
    pytest.fail("no pair with an insult was shown at any similarity")


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (CLEAN, "None of the 12 audited rows has a confirmed copy in training."),
        (UNTRAINED, "The file holds no training rows, so nothing can be said about leakage."),
        (UNSEARCHED, "This run did not search for copies."),
    ],
)
def test_a_run_without_leakage_says_why(model: str, said: str) -> None:
    app = start(model)
    assert said in plain(text(app))
    if model == UNSEARCHED:
        assert app.code[0].value == "plumbline audit --predictions FILE --probes group_error,leakage"


def test_the_lists_are_guarded_against_spreadsheets_and_complete() -> None:
    actions = table(PICTURES, "actions")
    drop = actions[actions["action"] == "drop"]
    made = list(csv.reader(io.StringIO(leakage_splits.to_csv(drop))))
    assert made[0] == ["id", "split", "cluster", "reason"]
    assert [row[0] for row in made[1:]] == ["'" + name for name in drop["id"]]
    assert len(made) - 1 == section(PICTURES).summary["rows_to_drop"]
    assert set(drop["split"]) == {"train"}


def test_words_that_differ_are_marked_and_the_others_are_not() -> None:
    left, right = leakage_words.side_by_side("you are a big fool", "you are a fool indeed", hide=False)
    assert left == "you are a **:orange-background[big]** fool"
    assert right == "you are a fool **:orange-background[indeed]**"
    same, _ = leakage_words.side_by_side("Stop, now!", "stop now", hide=False)
    assert ":orange-background" not in same
    hidden, _ = leakage_words.side_by_side("you are", "you were", hide=True)
    assert hidden == "••• **:orange-background[•••]**"


def test_long_texts_are_cut_and_say_so() -> None:
    shown = leakage_words.one("word " * 200, hide=False)
    assert shown.endswith("*… and 50 more words*")
    assert leakage_words.side_by_side(None, "x", hide=False)[0] == "*(no text)*"


def test_bands_of_similarity_hold_every_pair_once() -> None:
    stored = section(TEXTS).tables["pairs"]
    found = leakage_look.bands(stored, 0.05)
    assert found["pairs"].sum() == stored.num_rows
    counted = 0
    for stop in leakage_look.stops_of(stored, leakage_look.TEXTS, {}):
        look = leakage_look.Look(what=leakage_look.TEXTS, stop=stop)
        own = leakage_look.at(stored, look, across=False, confirmed=False)
        assert own.num_rows == found[found["step"].round(2) == float(stop)]["pairs"].sum()
        counted += own.num_rows
    assert counted == stored.num_rows


def test_clusters_are_listed_once_leaked_ones_first() -> None:
    members = table(PICTURES, "clusters")
    made = leakage_clusters.summarised(members, table(PICTURES, "conflicts"))
    assert made["size"].sum() == len(members)
    assert list(made["leaked"]) == sorted(made["leaked"], reverse=True)
    assert made.set_index("cluster")["conflict"].astype(bool).sum() == 1 or "site" in set(made["conflict"])


def test_the_charts_draw_the_tables() -> None:
    curve = table(PICTURES, "by_distance")
    recall = leakage_explorer.recall_of_all(table(PICTURES, "planted"))
    assert recall["recall"].is_monotonic_increasing
    figure = leakage_distance.distance_chart(curve, 4, 2, recall)
    bars = next(trace for trace in figure.data if trace.type == "bar")
    seen = curve[curve["pairs"] > 0]
    assert list(bars.y) == seen["pairs"].tolist()
    groups = table(PICTURES, "by_group")
    own = groups[groups["what"] == "leaked, audited rows"]
    shown = leakage_groups.share_chart(own, "Share")
    drawn = sorted(x for trace in shown.data[:-1] for x in trace.x)
    assert drawn == pytest.approx(sorted(own["share"] * 100))
    rows = table(PICTURES, "inflation")
    rows = rows[rows["metric"] == "error_rate"]
    made = leakage_inflation.inflation_chart(rows, rows["slice"].tolist(), "rate", "Error rate")
    assert HOSTILE not in str(made.to_json())
    differences = [x for trace in made.data[3:] for x in trace.x]
    kept = rows[rows["low"].notna()]
    assert sorted(differences) == pytest.approx(sorted(kept["inflation"] * 100))


@pytest.mark.parametrize(
    ("metric", "change", "low", "high", "p", "kind"),
    [
        ("error_rate", -0.1, -0.2, -0.05, 0.01, leakage_inflation.FLATTERED),
        ("error_rate", 0.1, 0.05, 0.2, 0.01, leakage_inflation.WORSENED),
        ("auc", 0.1, 0.05, 0.2, 0.01, leakage_inflation.FLATTERED),
        ("auc", 0.1, 0.05, 0.2, 0.2, leakage_inflation.UNCHANGED),
        ("auc", 0.1, -0.01, 0.2, 0.01, leakage_inflation.UNCHANGED),
        ("auc", 0.1, None, None, None, leakage_inflation.UNTESTED),
    ],
)
def test_what_a_change_is_called(metric, change, low, high, p, kind) -> None:
    row = pd.Series({"metric": metric, "inflation": change, "low": low, "high": high, "p_adjusted": p})
    assert leakage_inflation.kind_of(row) == kind


def test_a_finding_about_copies_reads_well_on_the_overview_and_leads_here() -> None:
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["run"] = leaky_run(PICTURES).name
    app.run()
    said = plain(text(app))
    assert "**Leaked share of all** is 40.0%" in said
    assert "points above a split without copies" in said
    assert "Not tested: each copy is listed." in said
    assert "Error rate without leaked rows of" in said
    assert "points above the same rows with the leaked ones" in said
    assert any(button.label == "See copies" for button in app.button)


def test_pairs_found_by_a_part_have_a_list_of_their_own() -> None:
    kinds = ["near", "captioned", "bordered", "mirrored", "near text", "similar", "identical file"]
    pairs = pa.table(
        {
            "kind": kinds,
            "distance": pa.array([4, 4, 18, 2, 0.1, 0.02, 0], pa.float32()),
            "confirmed": [False, True, True, True, True, False, True],
            "split_a": ["train"] * 7,
            "split_b": ["train", "test", "train", "test", "test", "test", "train"],
        }
    )
    summary = {"images": {"searched_to": 12}, "texts": {}}
    offered = leakage_look.kinds_of(pairs, summary)
    assert offered == [leakage_look.IMAGES, leakage_look.PARTS, leakage_look.TEXTS, leakage_look.ALIKE]
    found = {what: leakage_look.of_what(pairs, what)["kind"].to_pylist() for what in offered}
    assert found[leakage_look.IMAGES] == ["near", "captioned", "bordered", "identical file"]
    assert found[leakage_look.PARTS] == ["captioned", "bordered", "mirrored"]
    assert found[leakage_look.TEXTS] == ["near text"]
    assert found[leakage_look.ALIKE] == ["similar"]
    parts = leakage_look.of_what(pairs, leakage_look.PARTS)
    look = leakage_look.Look(what=leakage_look.PARTS, stop="")
    across = leakage_look.at(parts, look, across=True, confirmed=True)
    assert across["kind"].to_pylist() == ["captioned", "mirrored"]
