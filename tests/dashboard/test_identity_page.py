"""The page Identity terms on stored runs: what is said equals what is stored, and nothing hurts."""

from __future__ import annotations

import re

import pandas as pd
import pytest
from app_pages import APP, open_page, text
from identity_pages import (
    DECLARED,
    FORMULA,
    FOUND,
    HARMED,
    HOSTILE,
    INSULT,
    MODEL,
    NOBODY,
    NUMBERS,
    UNASKED,
    identity_run,
    identity_runs,
)
from streamlit.testing.v1 import AppTest

from audit.csv_export import csv_text
from audit.store import read
from audit.store.read import open_run
from dashboard.charts import identity_errors, identity_heat, identity_suites
from dashboard.panels import identity_map, identity_swaps
from dashboard.panels.identity_suites import ordered_targets

PAGE = "views/identity_terms.py"


@pytest.fixture(autouse=True)
def runs(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("PLUMBLINE_RUNS", str(identity_runs()))


def start(model: str, **query: str) -> AppTest:
    return open_page(identity_run(model).name, PAGE, **query)


def plain(said: str) -> str:
    """Markdown without the signs that keep text literal."""
    return re.sub(r"\\(.)", r"\1", said)


def table(model: str, name: str) -> pd.DataFrame:
    section = next(s for s in open_run(identity_run(model)).sections if s.probe == "identity_terms")
    return section.tables[name].to_pandas()


def test_the_verdict_counts_what_is_established_and_names_the_worst() -> None:
    cells = table(FOUND, "cells")
    sure = cells[cells["level"] != ""]
    harmed = len(sure.groupby(["output", "identity"]))
    said = plain(text(start(FOUND)))
    every = len(cells.groupby(["output", "identity"]))
    assert f"**Harm is established in {harmed} of {every} pairs of a label and an identity**" in said
    worst = sure.sort_values("severity", ascending=False, kind="stable").iloc[0]
    assert worst["identity"] == HARMED  # planted
    assert f"The worst: **{HARMED}**, label **toxic**" in said
    assert f"BPSN AUC {worst['value']:.3f} (" in said
    assert f"instead of {worst['expected']:.3f} without bias" in said


def test_the_page_opens_at_the_worst_cell_and_the_address_says_so() -> None:
    app = start(FOUND)
    assert app.selectbox(key="metric").value == "bpsn_auc"
    assert app.selectbox(key="identity").value == HARMED
    assert app.query_params["identity"] == [HARMED] or app.query_params["identity"] == HARMED


def test_a_link_opens_the_identity_and_metric_that_it_names() -> None:
    app = start(FOUND, identity="christian", metric="fnr", output="insult")
    assert app.selectbox(key="identity").value == "christian"
    assert app.selectbox(key="metric").value == "fnr"
    assert "Errors over one threshold, label insult" in plain(text(app))


def test_an_identity_that_is_unknown_falls_back_to_the_worst() -> None:
    assert start(FOUND, identity="martian").selectbox(key="identity").value == HARMED


def test_names_from_the_file_are_shown_as_they_are() -> None:
    app = start(DECLARED)
    said = text(app)
    assert "<b>x</b>" not in said
    assert HOSTILE in plain(said)
    cells = table(DECLARED, "cells")
    own = identity_heat.with_harm(cells[cells["metric"] == "fpr"], 30)
    drawn = identity_heat.arrange(own, every=True)
    drawings = identity_heat.heat_chart(own, drawn, {}, (HOSTILE, "toxic"), 0.05).to_json()
    drawings += identity_errors.errors_chart(
        *(table(DECLARED, "thresholds").query("identity == @name") for name in (HOSTILE, "")), HOSTILE, 0.5
    ).to_json()
    assert "<b>x" not in drawings.replace("\\u003c", "<")
    assert "&lt;b&gt;x" in drawings.replace("\\u0026", "&")


def test_a_formula_in_a_name_is_text_in_the_csv() -> None:
    app = start(DECLARED)
    assert not app.exception
    assert f",'{FORMULA}," in csv_text(read.table(identity_run(DECLARED), "identity_terms", "cells"))
    shown = identity_map.table_frame(
        identity_heat.with_harm(table(DECLARED, "cells").query("metric == 'fpr'"), 30)
    )
    assert set(shown["Identity"]) == {HOSTILE, FORMULA}


def test_false_positives_come_first_and_are_masked_until_asked_for() -> None:
    app = start(FOUND)
    cells = table(FOUND, "cells")
    fpr = cells.query("metric == 'fpr' and identity == @HARMED and output == 'toxic'").iloc[0]
    said = text(app)
    assert f"of **{fpr['events']:.0f}**" in said  # texts of the filter that the metric is about
    shown = [str(m.value) for m in app.markdown if "orange-background" in str(m.value)]
    assert len(shown) == min(10, fpr["events"])
    assert all("[muslims]" in m and "street" not in m for m in shown)
    app.toggle(key="identity_show_texts").set_value(True).run()
    assert not app.exception
    opened = [plain(str(m.value)) for m in app.markdown if "orange-background" in str(m.value)]
    assert all("of our street are kind, <i>I</i> said." in m for m in opened)


def test_the_texts_are_those_that_the_audit_counted() -> None:
    app = start(FOUND, identity="christian")
    stored = table(FOUND, "terms").set_index("identity")["rows"]
    app.button_group(key="identity_rows_toxic_bpsn_auc").set_value("all").run()
    assert f"Texts 1–10 of **{stored['christian']}**" in text(app)
    assert not app.warning


def test_swaps_of_the_harmed_identity_lower_the_score_and_need_a_model() -> None:
    said = plain(text(start(MODEL)))
    swaps = table(MODEL, "swaps")
    own = identity_swaps.ordered(swaps.query("source == 'texts' and output == 'toxic'"))
    first = own.iloc[0]
    assert HARMED in (first["given"], first["wanted"])  # planted
    assert f"moves it {'down' if first['shift'] < 0 else 'up'} by **{abs(first['shift']):.3f}**" in said
    assert "needs a model" not in said
    app = start(FOUND)
    assert "This needs a model" in plain(text(app))
    assert any("plumbline audit --weights" in code.value for code in app.code)


def test_worst_swaps_are_masked_until_asked_for() -> None:
    app = start(MODEL)
    app.selectbox(key="swap_pair").set_value(f"{HARMED} → christian").run()
    hidden = [str(m.value) for m in app.markdown if "[christian" in str(m.value)]
    assert hidden
    assert not any("street" in m for m in hidden)
    app.toggle(key="swap_show").set_value(True).run()
    assert any("street" in str(m.value) for m in app.markdown if "[christian" in str(m.value))


def test_the_suite_passes_what_the_table_says() -> None:
    suites = table(MODEL, "suites")
    whole = suites.query("functionality == '' and target == '' and gold == 'both'").iloc[0]
    assert f"{100 * whole['passed'] / whole['n']:.1f}% (" in plain(text(start(MODEL)))
    cells = suites.query("gold == 'both' and functionality != '' and target != ''")
    targets = ordered_targets(suites)
    figure = identity_suites.suite_chart(cells, targets, sorted(set(cells["functionality"])))
    said = sorted(t for trace in figure.data[1:] for t in trace.text)
    assert said == sorted(f"{p}/{n}" for p, n in zip(cells["passed"], cells["n"], strict=True))


def test_errors_at_a_threshold_are_those_of_the_table() -> None:
    app = start(FOUND)
    app.slider(key="identity_asked").set_value(0.55).run()
    rows = table(FOUND, "thresholds").query("output == 'toxic' and identity == @HARMED")
    row = rows[(rows["threshold"] - 0.55).abs() < 1e-9].iloc[0]
    assert f"FPR **{row['fpr']:.1%} (" in plain(text(app))
    assert not app.exception


@pytest.mark.parametrize(
    ("model", "said"),
    [
        (NOBODY, "No audited text speaks of any identity"),
        (NUMBERS, "Identity terms were not looked at: no yes/no output and no labels"),
        (UNASKED, "This run did not look at identity terms."),
    ],
)
def test_where_there_is_nothing_the_page_says_why(model: str, said: str) -> None:
    assert said in plain(text(start(model)))


def test_findings_on_the_overview_read_as_words_and_lead_to_the_cell() -> None:
    app = AppTest.from_file(APP, default_timeout=60)
    app.query_params["run"] = identity_run(FOUND).name
    app.run()
    said = plain(text(app))
    assert f"BPSN AUC of texts that speak of “{HARMED}”" in said
    assert "below other texts (the background)" in said
    app.button(key="open_0").click().run()
    assert not app.exception
    assert app.session_state["identity"] == HARMED


def test_a_text_with_an_insult_is_never_shown_unasked() -> None:
    for identity in (HARMED, "christian", "jewish"):
        app = start(FOUND, identity=identity)
        app.button_group(key="identity_rows_toxic_bpsn_auc").set_value("all").run()
        assert INSULT not in text(app)
