"""The app on stored runs, without a browser: what is said equals what is stored, and nothing crashes."""

from __future__ import annotations

import re
import shutil
import time
from dataclasses import replace
from pathlib import Path

import pytest
from app_pages import APP, open_page, text
from browsed_runs import (
    BARE,
    BOLD,
    HOSTILE,
    LONELY,
    ORDINARY,
    TRUTHLESS,
    WIDE,
    folder_of_runs,
    run_folder,
)
from streamlit.testing.v1 import AppTest

from audit import wording
from audit.core import Level, Status
from audit.finding_groups import grouped, ranked
from audit.store.read import open_run, rows
from dashboard.panels import findings, sentences
from dashboard.panels.tools import NAMES

DASHBOARD = Path(__file__).parents[2] / "dashboard"
SLICES = "views/slices.py"
BANNED = re.compile(r"debias|prov\w* fair|bias.free|unbiased", re.IGNORECASE)


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> Path:
    folder = folder_of_runs()
    monkeypatch.setenv("PLUMBLINE_RUNS", str(folder))
    return folder


def start(model: str = ORDINARY, page: str = "", **query: str) -> AppTest:
    return open_page(run_folder(model).name, page, **query)


def test_overview_lists_every_finding_that_the_run_holds() -> None:
    listed = open_run(run_folder(ORDINARY)).sections[0].findings
    app = start()
    app.pills(key="findings_levels").set_value(list(Level)).run()
    while more := [button for button in app.button if button.key == "more"]:
        more[0].click().run()
    opened = [button for button in app.button if str(button.key).startswith("open_")]
    assert len(opened) == len(listed) > 3
    assert f"{len(listed)} of {len(listed)} shown" in text(app)


def test_established_findings_come_first_and_alone() -> None:
    listed = open_run(run_folder(ORDINARY)).sections[0].findings
    established = [f for f in listed if f.severity.level is not Level.NOT_ESTABLISHED]
    app = start()
    assert f"of {len(established)} shown" in text(app)
    assert "points above everyone else" in text(app)


def test_a_deep_link_selects_run_output_metric_and_slice() -> None:
    app = start(ORDINARY, SLICES, output="hired", attribute="sex", metric="fnr", slice="sex=F")
    assert app.selectbox(key="run").value == run_folder(ORDINARY).name
    assert app.selectbox(key="output").value == "hired"
    assert app.selectbox(key="metric").value == "fnr"
    assert app.selectbox(key="slice").value == "sex=F"
    assert app.query_params["slice"] == "sex=F"


def test_a_link_to_what_is_not_there_falls_back_and_says_so() -> None:
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["run"] = "000000000000"
    app.query_params["slice"] = "nobody=x"
    app.run()
    assert not app.exception
    assert "There is no run 000000000000 here" in text(app)
    app.switch_page(SLICES).run()
    assert app.selectbox(key="slice").value == "all"


def test_a_finding_opens_its_slice_and_shows_the_rows_of_it() -> None:
    app = start()
    finding = open_run(run_folder(ORDINARY)).sections[0].findings[0]
    app.button(key="open_0").click().run()
    app.switch_page(SLICES).run()
    assert not app.exception
    assert app.selectbox(key="slice").value == finding.slice.key == f"people={HOSTILE}"
    assert app.selectbox(key="metric").value == finding.metric == "fpr"
    shown = app.dataframe[-1].value
    expected = rows(
        run_folder(ORDINARY),
        [("group.people", "==", HOSTILE), ("true.hired", "==", "0"), ("pred.hired", "==", "1")],
    ).to_pandas()
    assert set(shown["id"]) <= set(expected["id"])
    assert len(shown) == min(24, len(expected))
    assert f"of **{len(expected)}**" in text(app)


def test_flagged_texts_are_masked_until_asked_for() -> None:
    app = start(ORDINARY, SLICES, output="hired", metric="fpr", slice="people=plain")
    assert not app.dataframe[-1].value["text"].str.contains("idiot").any()
    app.toggle(key="show_texts").set_value(True).run()
    assert app.dataframe[-1].value["text"].str.contains("you idiot").all()


def test_missing_pictures_are_said_and_no_error() -> None:
    app = start(ORDINARY, SLICES, output="hired")
    assert "pictures of this page were found" in text(app)


def test_group_names_are_never_markup() -> None:
    for page in ("", SLICES):
        app = start(ORDINARY, page, slice=f"people={HOSTILE}", attribute="people")
        for element in (*app.markdown, *app.caption):
            said = str(element.value)
            assert HOSTILE not in said
            assert BOLD not in said
    assert r"\<img src\=x onerror\=alert\(1\)\>" in text(start())


@pytest.mark.parametrize("model", [ORDINARY, BARE, TRUTHLESS, LONELY, WIDE])
def test_no_tool_fails_on_any_run(model: str) -> None:
    app = start(model, SLICES)
    outputs = app.selectbox(key="output").options
    for output in outputs:
        if len(outputs) > 1:
            app.selectbox(key="output").set_value(output)
        for view in NAMES:
            app.session_state["view"] = view
            app.run()
            assert not app.exception, (output, view, app.exception[0].message)
            assert app.title[0].value == "Slices"
            assert not BANNED.search(text(app))


def test_a_rerun_of_two_hundred_slices_takes_less_than_a_second() -> None:
    app = start(WIDE, SLICES, attribute="region")
    app.run()
    started = time.perf_counter()
    app.run()
    assert time.perf_counter() - started < 1.0


@pytest.mark.parametrize("model", [BARE, TRUTHLESS, LONELY, WIDE])
def test_overview_of_odd_runs_says_why_there_is_nothing(model: str) -> None:
    said = text(start(model))
    words = {
        BARE: "the file declares no attributes",
        TRUTHLESS: "no truth was given",
        LONELY: "No omnibus test could be made",
        WIDE: "fixes",
    }
    if model != WIDE:
        assert words[model] in said
    assert not BANNED.search(said)


def test_no_finding_is_never_said_of_a_probe_that_failed() -> None:
    run = open_run(run_folder(LONELY))
    failed = replace(run, sections=(replace(run.sections[0], status=Status.FAILED, why="broken"),))
    assert findings.why_none(failed).startswith("No findings, because a probe failed: group error.")
    assert findings.why_none(run) == "No findings, because nothing could be tested. What is below says why."
    assert "That does not show that there is none" in findings.why_none(open_run(run_folder(ORDINARY)))


def test_no_runs_says_which_command_makes_one(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_RUNS", str(tmp_path))
    app = AppTest.from_file(APP, default_timeout=60).run()
    assert not app.exception
    assert app.title[0].value == "No runs yet"
    assert [code.value for code in app.code][:2] == [
        "plumbline audit --predictions predictions.csv",
        "plumbline demo",
    ]


def test_unfinished_and_altered_runs_are_marked(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_RUNS", str(tmp_path))
    for name in (LONELY, BARE):
        shutil.copytree(folder_of_runs() / name, tmp_path / name)
    lonely, bare = (next((tmp_path / name / "1").iterdir()) for name in (LONELY, BARE))
    (lonely / "run.sha256").unlink()
    with (bare / "predictions.parquet").open("ab") as file:
        file.write(b"x")
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["run"] = lonely.name
    app.run()
    assert not app.exception
    assert app.title[0].value == "This run can't be shown"
    assert "goes on where it stopped" in text(app)
    app.selectbox(key="run").set_value(bare.name).run()
    app.button(key="verify").click().run()
    assert "predictions\\.parquet" in app.error[0].value
    assert any("ALTERED" in str(option) for option in app.selectbox(key="run").options)


def test_an_intact_run_verifies() -> None:
    app = start()
    app.button(key="verify").click().run()
    assert app.success[0].value.startswith("Intact")


def test_the_layout_keeps_the_real_packages_visible() -> None:
    for name in ("models", "reports", "audit", "training"):
        assert not (DASHBOARD / f"{name}.py").exists()
    assert not (DASHBOARD / "pages").exists()
    assert len((DASHBOARD / "app.py").read_text().splitlines()) <= 80


def test_only_state_writes_session_state_and_query_parameters() -> None:
    writes = re.compile(
        r"(session_state(\[[^\]]+\]|\.\w+) *(=|\|=)[^=]|session_state\.(pop|setdefault|update)"
        r"|query_params(\[[^\]]+\] *=|\.(from_dict|clear|update)))"
    )
    for path in DASHBOARD.rglob("*.py"):
        if path.name != "state.py":
            assert not writes.search(path.read_text(encoding="utf-8")), path


def test_findings_of_one_slice_stand_under_its_worst() -> None:
    listed = ranked(open_run(run_folder(ORDINARY)))
    first, *others = grouped(f for f in listed if f.severity.level is not Level.NOT_ESTABLISHED)[0]
    app = start()
    also = next(expander for expander in app.expander if expander.label.startswith("also: "))
    assert also.label.count(",") == len(others) - 1
    for number, finding in enumerate(others, start=1):
        assert wording.metric(finding.metric).partition(" ")[0] in also.label
        assert f"{100 * finding.gap.value:+.1f}".lstrip("+-").replace(".", r"\.") in also.label
        assert app.button(key=f"open_0_{number}")
    assert sentences.headline(first) in text(app)
    app.button(key="open_0_1").click().run()
    app.switch_page(SLICES).run()
    assert app.selectbox(key="metric").value == others[0].metric
