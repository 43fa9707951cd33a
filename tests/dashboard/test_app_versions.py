"""The page Versions on stored comparisons, without a browser: what is said equals what is stored."""

from __future__ import annotations

import shutil
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

import numpy as np
import pandas as pd
import pytest
from app_pages import open_page, text
from streamlit.testing.v1 import AppTest
from versions_builders import N, damaged, first_version, store_run

from audit.store.read import open_run, table
from audit.versions.policy import Gate, Policy
from audit.versions.runs import StoredComparison, compare_runs
from dashboard.panels import versions_verdicts

PAGE = "views/versions.py"
HOSTILE = "<img src=x onerror=alert(1)>"
HURT = f"sex=f & team={HOSTILE}"


def with_texts(rows: pd.DataFrame) -> pd.DataFrame:
    teams = rows["group.team"].replace({"a": HOSTILE})
    named = [int(key[1:]) % 5 == 0 for key in rows["id"].str.replace("other-", "")]
    columns = {"group.team": teams, "identity.club": np.array(named, dtype=float)}
    return rows.assign(text=[f"{key} you idiot" for key in rows["id"]], **columns)


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    place = tmp_path_factory.mktemp("versions_page")
    v1 = first_version()
    hurt = (v1["group.sex"] == "f") & (v1["group.team"] == "a")
    made = {"dir": place / "runs"}
    for version, rows in (
        ("1", v1),
        ("2", v1.sample(frac=1, random_state=5)),
        ("3", damaged(v1, hurt, 0.3)),
        ("alone", v1),
        ("elsewhere", damaged(v1, hurt, 0.3).assign(id=lambda t: "other-" + t["id"])),
    ):
        made[version] = store_run(place, version, with_texts(rows))
    return made


@pytest.fixture(scope="module")
def stored(runs: dict[str, Path]) -> dict[str, StoredComparison]:
    pairs = {"bad": ("1", "3"), "same": ("1", "2"), "chain": ("1", "2", "3"), "unpaired": ("1", "elsewhere")}
    made = {k: compare_runs([runs[v] for v in names], Policy(), runs["dir"]) for k, names in pairs.items()}
    narrow = Policy(gates=(Gate(metric="fnr", outputs=("ok",), margin=0.001),))
    return made | {"narrow": compare_runs([runs["2"], runs["3"]], narrow, runs["dir"])}


@pytest.fixture(autouse=True)
def here(runs: dict[str, Path], stored: object, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_RUNS", str(runs["dir"]))


def start(run: Path, **query: str) -> AppTest:
    return open_page(run.name, PAGE, **query)


def test_the_headline_says_the_exit_code_and_the_stored_counts(runs, stored) -> None:
    app = start(runs["3"], versus=stored["bad"].run.run_id)
    verdicts = stored["bad"].run.sections[0].summary["verdicts"]
    regressed = verdicts["demanded"]["regressed"] + verdicts["tested"]["regressed"]
    assert regressed > 0
    assert f"**{regressed:,} gated comparisons regressed** (exit code 2)" in text(app)
    assert f"{N:,} examples in both, compared row by row (paired)" in text(app)
    shown = app.table[0].value
    for row, role in enumerate(("demanded", "tested", "watched")):
        assert [int(str(x).replace(",", "")) for x in shown.iloc[row, 1:]] == list(verdicts[role].values())


def test_a_comparison_that_passes_says_so(runs, stored) -> None:
    app = start(runs["2"], versus=stored["same"].run.run_id)
    assert "and no gated one regressed (exit code 0)" in text(app)
    assert "Everything fitted" in [e.label for e in app.expander]


def test_the_table_lists_gated_rows_worst_first_and_the_others_on_demand(runs, stored) -> None:
    app = start(runs["3"], versus=stored["bad"].run.run_id)
    rows = table(stored["bad"].folder, "versions", "verdicts").to_pylist()
    gated = [r for r in rows if r["role"] != "watched"]
    shown = app.dataframe[0].value
    assert len(shown) == len(gated)
    assert shown["Slice"].iloc[0] == HURT
    assert [v.partition(" ")[2].replace(" ", "_") for v in shown["Verdict"]] == [r["verdict"] for r in gated]
    app.toggle(key="verdict_watched").set_value(True).run()
    assert len(app.dataframe[0].value) == len(rows)
    app.selectbox(key="verdict_metric").set_value("auc").run()
    assert not app.exception
    assert len(app.dataframe[0].value) == sum(r["metric"] == "auc" for r in rows)


def test_needed_n_stands_beside_what_can_not_be_told(runs, stored) -> None:
    rows = table(stored["narrow"].folder, "versions", "verdicts").to_pandas()
    waiting = rows[(rows["verdict"] == "cannot_tell") & rows["needed_n"].notna()].iloc[0]
    app = start(
        runs["3"],
        versus=stored["narrow"].run.run_id,
        output=waiting["output"],
        metric=waiting["metric"],
        slice=waiting["slice"],
    )
    assert f"**About {int(waiting['needed_n']):,} rows would settle it**" in text(app)
    shown = app.dataframe[0].value
    assert shown["Needs n"].notna().sum() == sum(
        (rows["role"] != "watched") & (rows["verdict"] == "cannot_tell") & rows["needed_n"].notna()
    )


def test_a_deep_link_selects_comparison_output_metric_and_slice(runs, stored) -> None:
    run_id = stored["bad"].run.run_id
    app = start(runs["3"], versus=run_id, output="ok", metric="fnr", slice="sex=m & team=b")
    assert app.selectbox(key="versus").value == run_id
    assert app.selectbox(key="metric").value == "fnr"
    assert app.selectbox(key="slice").value == "sex=m & team=b"
    assert app.selectbox(key="versions_of").value == "sex & team"
    address = next(code.value for code in app.code if "versus=" in code.value)
    carried = {key: values[0] for key, values in parse_qs(urlsplit(address).query).items()}
    assert carried == {
        "run": runs["3"].name,
        "versus": run_id,
        "output": "ok",
        "metric": "fnr",
        "slice": "sex=m & team=b",
    }
    assert app.query_params["versus"] == run_id


def test_a_selected_row_stands_for_output_metric_and_slice(stored) -> None:
    rows = table(stored["bad"].folder, "versions", "verdicts").to_pandas().head(3)
    picked = versions_verdicts.choices(rows)
    wanted = {k: rows.iloc[0][k] for k in ("output", "metric", "slice")}
    assert picked[0] == wanted | {"versions_of": "sex & team"}


def test_flips_are_those_of_the_run_side_by_side(runs, stored) -> None:
    app = start(runs["3"], versus=stored["bad"].run.run_id, output="ok", metric="error_rate", slice=HURT)
    before = pd.read_csv(runs["dir"].parent / "m-1.csv").set_index("id")
    after = pd.read_csv(runs["dir"].parent / "m-3.csv").set_index("id").loc[before.index]
    was = (before["score.ok"] >= 0.5) == (before["true.ok"] == 1)
    now = (after["score.ok"] >= 0.5) == (after["true.ok"] == 1)
    mine = (before["group.sex"] == "f") & (before["group.team"] == HOSTILE)
    lost = set(before.index[was & ~now & mine])
    assert len(lost) > 12
    assert f"**Lost: {len(lost):,}**" in text(app)
    assert "**Won: 0**" in text(app)
    shown = app.dataframe[-1].value
    assert len(shown) == 12
    assert set(shown["id"]) <= lost
    for _, row in shown.iterrows():
        assert int(row["True"]) == before.loc[row["id"], "true.ok"]
        assert row["Was"] == f"{row['True']} ({before.loc[row['id'], 'score.ok']:.3f})"
        assert row["Now"] == f"{1 - int(row['True'])} ({after.loc[row['id'], 'score.ok']:.3f})"
    app.number_input(key=f"flips_negative_ok{HURT}").set_value(2).run()
    other = app.dataframe[-1].value
    assert set(other["id"]) <= lost - set(shown["id"])


def test_texts_of_flips_are_masked_until_asked_for(runs, stored) -> None:
    app = start(runs["3"], versus=stored["bad"].run.run_id, output="ok", metric="error_rate", slice=HURT)
    assert not app.dataframe[-1].value["Text"].str.contains("idiot").any()
    app.toggle(key="show_texts").set_value(True).run()
    shown = app.dataframe[-1].value
    assert list(shown["Text"]) == [f"{key} you idiot" for key in shown["id"]]


def test_an_unpaired_comparison_is_called_weaker_and_has_no_flips(runs, stored) -> None:
    app = start(runs["elsewhere"])
    assert "Unpaired: the two runs saw different rows, which is the weaker comparison" in text(app)
    assert "no example has two answers to set side by side" in text(app)


def test_the_history_is_offered_for_a_chain_alone(runs, stored) -> None:
    chain = stored["chain"].run.run_id
    app = start(runs["3"], versus=chain, output="ok", metric="error_rate", slice=HURT)
    app.session_state["versions_tool"] = "History"
    app.run()
    assert not app.exception
    turns = table(stored["chain"].folder, "versions", "turns").to_pandas()
    mine = turns[(turns["verdict"] == "regressed") & (turns["role"] != "watched")]
    shown = app.table[-1].value
    assert len(shown) == min(12, len(mine))
    assert set(shown["Step of the largest harm"]) == {r"2 → 3"}
    app.selectbox(key="versus").set_value(stored["bad"].run.run_id).run()
    assert not app.exception
    assert "Step of the largest harm" not in app.table[-1].value


@pytest.mark.parametrize("tool", ["Slopes", "Harm and margin", "Gap of gaps", "History"])
def test_no_chart_fails_on_any_metric(runs, stored, tool: str) -> None:
    app = start(runs["3"], versus=stored["chain"].run.run_id)
    for output in app.selectbox(key="output").options:
        app.selectbox(key="output").set_value(output).run()
        for metric in app.selectbox(key="metric").options:
            app.session_state["versions_tool"] = tool
            app.session_state["metric"] = metric
            app.run()
            assert not app.exception, (output, metric, app.exception[0].message)


def test_group_names_are_never_markup_on_the_page(runs, stored) -> None:
    app = start(runs["3"], versus=stored["bad"].run.run_id, slice=HURT, output="ok")
    for element in (*app.markdown, *app.caption):
        assert HOSTILE not in str(element.value)
    assert r"\<img src\=x onerror\=alert\(1\)\>" in text(app)


def test_a_run_without_a_comparison_says_which_command_makes_one(runs, stored) -> None:
    app = start(runs["alone"])
    assert "is part of no comparison yet" in text(app)
    command = app.code[0].value
    assert command.startswith("plumbline compare ")
    assert runs["alone"].name in command
    other = stored["bad"].run.run_id
    app.button(key=f"other_{other}").click().run()
    assert not app.exception
    assert app.selectbox(key="versus").value == other
    assert app.selectbox(key="run").value == runs["3"].name


def test_the_first_run_of_a_model_says_how_to_make_a_second(runs, tmp_path, monkeypatch) -> None:
    shutil.copytree(runs["1"], tmp_path / "m" / "1" / runs["1"].name)
    monkeypatch.setenv("PLUMBLINE_RUNS", str(tmp_path))
    app = start(runs["1"])
    assert app.code[0].value.startswith("plumbline audit --predictions NEW.csv --name m --version NEW")


def test_misfits_and_the_policy_are_said_in_words(runs, tmp_path, monkeypatch) -> None:
    v1 = with_texts(first_version())
    other = v1.iloc[: N - 40].copy()
    other.loc[:4, "true.ok"] = 1 - other.loc[:4, "true.ok"]
    store_run(tmp_path, "1", v1)
    new = store_run(tmp_path, "2", other)
    gates = (Gate(metric="fnr", outputs=("ok",), margin=0.1, demand=("all",)),)
    old = next((tmp_path / "runs" / "m" / "1").iterdir())
    compare_runs([old, new], Policy(gates=gates, references={"sex": "m"}), tmp_path / "runs")
    monkeypatch.setenv("PLUMBLINE_RUNS", str(tmp_path / "runs"))
    app = start(new)
    rows = app.table[1].value
    assert dict(zip(rows["What"], rows["Rows"], strict=True)) == {
        "only in the old run": "40",
        r"another truth of ok": "5",
    }
    said = text(app)
    assert "False negative rate of ok, margin 10 points, demanded: everyone" in said.replace("\\", "")
    assert "The gap of gaps is against sex=m" in said.replace("\\", "")


def test_an_altered_comparison_is_marked(runs, stored, tmp_path, monkeypatch) -> None:
    shutil.copytree(runs["dir"], tmp_path / "runs")
    file = tmp_path / "runs" / "m" / "compare" / "1..3" / "run.json"
    file.write_text(file.read_text(encoding="utf-8").replace('"exit_code": 2', '"exit_code": 0'))
    monkeypatch.setenv("PLUMBLINE_RUNS", str(tmp_path / "runs"))
    app = start(runs["3"], versus=open_run(file.parent).run_id)
    assert any("ALTERED" in str(e.value) for e in app.error)


def test_many_slices_are_cut_and_it_is_said(tmp_path, monkeypatch) -> None:
    rng = np.random.default_rng(1)
    v1 = first_version().assign(**{"group.place": [f"place {i:02d}" for i in rng.integers(0, 60, N)]})
    runs = [store_run(tmp_path, v, t) for v, t in (("1", v1), ("2", v1.sample(frac=1, random_state=3)))]
    compare_runs(runs, Policy(), tmp_path / "runs")
    monkeypatch.setenv("PLUMBLINE_RUNS", str(tmp_path / "runs"))
    app = start(runs[1], output="ok", metric="error_rate", slice="all")
    assert "18 of 66 slices are drawn, worst first." in text(app)
