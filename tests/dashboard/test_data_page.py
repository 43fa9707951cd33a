"""The Data page on stored runs, without a browser: what it says is what the file holds."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path

import pandas as pd
import pytest
from app_pages import open_page
from browsed_runs import BARE, BOLD, HOSTILE, LONELY, TRUTHLESS, WIDE, folder_of_runs, run_folder
from profiled_runs import FORMULA, LIGHT, MIXED, SIZE, SLUR, TRAIN_ONLY, UNSEEN, profiled, profiled_runs, used
from streamlit.testing.v1 import AppTest

from dashboard.panels import data_columns, data_counts, data_pictures, data_scope
from dashboard.panels.data_together import short_names

BANNED = re.compile(r"debias|prov\w* fair|bias.free|unbiased", re.IGNORECASE)


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_RUNS", str(profiled_runs()))


def start(folder: Path, **query: str) -> AppTest:
    app = open_page(folder.name, "views/data.py", **query)
    assert app.title[0].value == "Data"
    return app


def said(app: AppTest) -> str:
    parts = [*app.markdown, *app.caption, *app.header, *app.subheader, *app.info, *app.warning]
    return "\n".join(str(part.value) for part in parts)


def tables(app: AppTest) -> list[pd.DataFrame]:
    return [element.value for element in app.dataframe]


def test_splits_outputs_and_refusals_are_counted() -> None:
    app = start(profiled(MIXED))
    shown = [table.value for table in app.table]
    assert shown[0]["Split"].tolist() == ["train", "validation", r"test \(audited\)"]
    counts = used()["split"].value_counts()
    assert shown[0]["Rows"].tolist() == [str(counts[name]) for name in ("train", "validation", "test")]
    hired = shown[1].set_index("Output").loc["hired"]
    assert hired["Left out, all splits"] == "invalid value: 1; missing truth: 10".replace(":", r"\:")
    assert any("2 of 603 records refused; 3 refusals" in expander.label for expander in app.expander)
    reasons = shown[2].set_index("Reason")
    assert reasons["First record"].to_dict() == {
        "the id is that of another record": "601",
        r"expected a number in \[0, 1\]; the rest of the record is kept": "602",
        "the id is empty": "603",
    }


def test_two_refusals_that_differ_in_the_value_are_one_reason(tmp_path: Path) -> None:
    lines = [
        f"f.csv,{i},{i},r{i},score.a,\"expected a number, came 'x{i},\n'; the rest is kept\"" for i in (7, 5)
    ]
    lines += ["f.csv,9,,,id,the id is that of record 1,002"[:-4], "f.csv,8,,,,broken"]
    (tmp_path / "rejected.csv").write_text("file,record,line,id,column,reason\n" + "\n".join(lines) + "\n")
    found = data_counts.refusals(str(tmp_path), 0).to_dict("records")
    assert found[0] == {
        "reason": "expected a number; the rest is kept",
        "column": "score.a",
        "n": 2,
        "first": 5,
    }
    assert [(r["reason"], r["column"]) for r in found[1:]] == [
        ("the id is that of another record", "id"),
        ("broken", ""),
    ]


def test_groups_and_their_crossing_are_those_of_the_chosen_split() -> None:
    app = start(profiled(MIXED), attribute="people", output="hired")
    rows = used()
    people = rows["group.people"].replace("", "unknown")
    for split in ("test", "train", "all"):
        app.segmented_control(key="data_split").set_value(split).run()
        own = rows if split == "all" else rows[rows["split"] == split]
        table = next(t for t in tables(app) if list(t.columns) == ["Group", "Rows", "Share"])
        expected = people[own.index].value_counts()
        assert dict(zip(table["Group"], table["Rows"], strict=True)) == expected.to_dict()
        crossing = next(t for t in tables(app) if "site " in t.columns)
        both = pd.crosstab(people[own.index], own["group.site"])
        for cell in crossing.to_dict("records"):
            assert cell["Rows"] == both.loc[cell["people"], cell["site "]]
    assert "holds rows for which nothing was declared" in said(app)
    assert "fewer than 30 rows" in said(app)


def test_labels_by_group_have_the_files_own_rates() -> None:
    app = start(profiled(MIXED), attribute="people", output="remark/toxic")
    rows = used()
    rows = rows[rows["split"] == "test"]
    table = next(t for t in tables(app) if list(t.columns) == ["Group", "n", "Of them", "Share"])
    toxic = (
        rows["true.toxic"]
        .astype(int)
        .groupby(rows["group.people"].replace("", "unknown"))
        .agg(["size", "sum"])
    )
    found = table.set_index("Group")
    assert found["n"].to_dict() == toxic["size"].to_dict()
    assert found["Of them"].to_dict() == toxic["sum"].to_dict()


def test_a_class_can_be_chosen_and_a_number_has_quantiles() -> None:
    rows = used()
    rows = rows[rows["split"] == "test"]
    app = start(profiled(MIXED), attribute="site", output="kind")
    app.selectbox(key="data_class").set_value("ant").run()
    table = next(t for t in tables(app) if "Of them" in t.columns)
    ants = (rows["true.kind"] == "ant").groupby(rows["group.site"]).sum()
    assert dict(zip(table["Group"], table["Of them"], strict=True)) == ants.to_dict()
    app = start(profiled(MIXED), attribute="site", output="age")
    table = next(t for t in tables(app) if "Median" in t.columns).set_index("Group")
    medians = rows["true.age"].astype(float).groupby(rows["group.site"]).median()
    assert {site: float(table.loc[site, "Median"]) for site in LIGHT} == medians.to_dict()
    assert "True age (years)" in str(app.get("plotly_chart")[2].proto)


def test_labels_of_the_same_row() -> None:
    app = start(profiled(MIXED), output="hired")
    rows = used()
    rows = rows[rows["split"] == "test"]
    pairs = next(t for t in tables(app) if "Both positive" in t.columns).set_index(["Label", "Other"])
    both = ((rows["true.toxic"] == "1") & (rows["true.insult"] == "1")).sum()
    assert pairs.loc[("remark/toxic", "remark/insult"), "Both positive"] == both
    assert pairs.loc[("remark/insult", "remark/toxic"), "Share of label"] == "100.0%"
    assert short_names(["a/b/x", "a/b/y"]) == {"a/b/x": "x", "a/b/y": "y"}
    assert short_names(["a/x", "b"]) == {"a/x": "a/x", "b": "b"}


def test_lengths_of_texts_and_who_has_none() -> None:
    app = start(profiled(MIXED), attribute="site")
    rows = used()
    rows = rows[rows["split"] == "test"]
    app.segmented_control(key="data_text_measure").set_value("words").run()
    table = [t for t in tables(app) if "Median" in t.columns][-2].set_index("Group")
    words = rows["text"].str.split().str.len()[rows["text"] != ""]
    assert table["n"].to_dict() == words.groupby(rows["group.site"]).size().to_dict()
    assert float(table.loc["dark", "Mean"]) == pytest.approx(
        words[rows["group.site"] == "dark"].mean(), rel=1e-3
    )
    assert f"{(rows['text'] == '').sum()} of them have no text" in said(app)


def test_light_and_size_are_of_the_pictures_and_what_is_missing_is_counted() -> None:
    app = start(profiled(MIXED), attribute="site")
    table = [t for t in tables(app) if "Median" in t.columns][-1].set_index("Group")
    for site, grey in LIGHT.items():
        assert float(table.loc[site, "Median"]) == pytest.approx(100 * grey / 255, abs=0.01)
    rows = used()
    rows = rows[rows["split"] == "test"]
    number = rows.index.to_numpy()
    named = (rows["image"] != "").to_numpy()
    missing = named & ((number % 37 == 0) | (number >= 600))
    broken = named & ~missing & (number % 41 == 0)
    why = app.table[-1].value.set_index("Why")["Pictures"].to_dict()
    assert why == {
        "not an image that Pillow can identify": str(broken.sum()),
        "the row names no picture": str((~named).sum()),
        "no such file or directory": str(missing.sum()),
    }
    assert "they measure nothing about the people in them and stand for no skin tone" in said(app)
    sizes = next(t for t in tables(app) if "Pictures" in t.columns)
    assert {(int(w), int(h)) for w, h in zip(sizes["Width"], sizes["Height"], strict=True)} == set(
        SIZE.values()
    )


def test_more_pictures_are_opened_only_when_asked(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(data_pictures, "FIRST", 20)
    app = start(profiled(MIXED))
    assert "a seeded sample of 20 of" in said(app)
    app.button(key="data_more").click().run()
    assert "Opened: all" in said(app)
    assert not [button for button in app.button if button.key == "data_more"]


def test_a_sample_is_blurred_masked_and_another_one_at_a_press() -> None:
    app = start(profiled(MIXED), attribute="people")
    first = tables(app)[-1]
    assert not first["Text"].str.contains("idiot").any()
    assert not app.toggle(key="data_show_pictures").value
    assert first["Group"].str.startswith("unknown").sum() == 3
    app.toggle(key="data_show_texts").set_value(True).run()
    assert tables(app)[-1]["Text"].str.contains(SLUR).any()
    assert tables(app)[-1]["id"].tolist() == first["id"].tolist()
    app.button(key="data_again").click().run()
    assert tables(app)[-1]["id"].tolist() != first["id"].tolist()
    assert "seed 1" in said(app)


def test_pictures_that_are_not_there_are_a_sentence_and_no_error() -> None:
    app = start(profiled(UNSEEN))
    assert "28 of 28 pictures could not be read" in said(app)
    assert len(re.findall(r"(\d+) of \1 pictures could not be read under", said(app))) == 2
    assert not [t for t in tables(app) if "Width" in t.columns]


def test_a_run_of_one_split_without_groups_and_payload() -> None:
    app = start(profiled(TRAIN_ONLY))
    assert r"train \(audited\)" in app.table[0].value["Split"].tolist()
    assert "The file declares no attributes" in said(app)
    headers = [header.value for header in app.header]
    assert headers == ["Which rows there are", "What is true: kind"]


@pytest.mark.parametrize("model", [BARE, TRUTHLESS, LONELY, WIDE])
def test_no_odd_run_breaks_the_page(model: str, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_RUNS", str(folder_of_runs()))
    app = start(run_folder(model))
    words = {
        BARE: "The file declares no attributes",
        TRUTHLESS: "No truth was given for this output",
        LONELY: "There is one attribute only",
        WIDE: "smaller groups are in the table only",
    }
    assert words[model] in said(app)
    assert not BANNED.search(said(app))


def test_every_output_and_attribute_can_be_chosen() -> None:
    app = start(profiled(MIXED))
    for output in app.selectbox(key="output").options:
        for attribute in ("people", "site"):
            app.session_state["output"], app.session_state["attribute"] = output, attribute
            app.run()
            assert not app.exception, (output, attribute, app.exception[0].message)
            for element in (*app.markdown, *app.caption, *app.warning):
                assert HOSTILE not in str(element.value)
                assert BOLD not in str(element.value)
            assert not BANNED.search(said(app))
    assert app.query_params["attribute"] == "site"


def test_every_table_can_be_downloaded_unrounded_and_guarded(monkeypatch: pytest.MonkeyPatch) -> None:
    files: dict[str, str] = {}
    monkeypatch.setattr(
        data_scope.st, "download_button", lambda label, data, name, *_, **__: files.__setitem__(name, data)
    )
    start(profiled(MIXED), attribute="people", output="hired")
    groups = pd.read_csv(io.StringIO(files["groups-people.csv"]))
    assert f"'{FORMULA}" in groups["value"].tolist()
    rows = used()
    own = rows["group.people"][rows["split"] == "test"]
    assert groups.set_index("value").loc["plain", "share"] == (own == "plain").mean()
    assert len(files) > 8
    for name, data in files.items():
        if name != "rejected.csv":
            for line in csv.reader(io.StringIO(data)):
                assert not any(cell.startswith(("=", "@")) for cell in line), name


def test_a_choice_that_is_not_there_has_no_target() -> None:
    target = data_scope.target_of("no/such", {})
    assert (target.kind, target.has_truth) == ("", False)


def test_shared_arrays_are_never_changed() -> None:
    folder = str(profiled(MIXED))
    before = data_columns.attribute(folder, "x", "people").codes.copy()
    data_columns.counts(folder, "x", "train", "people")
    data_columns.rates(folder, "x", "train", "kind", "ant", "people")
    assert (data_columns.attribute(folder, "x", "people").codes == before).all()
