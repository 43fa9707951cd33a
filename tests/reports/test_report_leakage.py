"""The part on leakage: its numbers are the run's, few rows are hidden, no id is passed on."""

from __future__ import annotations

import csv
import io
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest
from leaky_runs import CLEAN, HOSTILE, PICTURES, TEXTS, UNSEARCHED, UNTRAINED, leaky_run

from audit.core import AuditRun
from audit.store.read import open_run, rows
from reports import attachments, card, leakage, pdf, privacy
from reports.content import units

pypdf = pytest.importorskip("pypdf")


def opened(name: str) -> AuditRun:
    return open_run(leaky_run(name))


def part(name: str) -> dict[str, Any]:
    run = opened(name)
    made = leakage.part(run, units(run))
    assert made is not None
    return made


def test_the_metrics_are_those_of_the_run() -> None:
    made = {row["metric"]: row for row in part(PICTURES)["metrics"]}
    # 30 of 100 audited rows are wrong, none among the 40 copies: 50 % of the other 60
    error = made["Error rate"]
    assert (error["n"], error["leaked"], error["all"], error["clean"], error["gap"]) == (
        "100",
        "40",
        "30.0%",
        "50.0%",
        "−20.0",
    )
    assert error["reads"] == "flattered"


def test_the_verdict_names_share_and_worst_change() -> None:
    said = leakage.verdict(opened(PICTURES))
    assert said.startswith("40 of 100 audited rows (40.0%; ")
    assert "too low (" in said or "too high (" in said


@pytest.mark.parametrize(
    ("name", "said"),
    [
        (CLEAN, "None of the 12 audited rows has a confirmed copy in training."),
        (UNTRAINED, "The file holds no training rows"),
        (UNSEARCHED, ""),
    ],
)
def test_the_verdict_of_other_runs(name: str, said: str) -> None:
    assert leakage.verdict(opened(name)).startswith(said)


def test_a_run_that_did_not_search_has_no_part() -> None:
    assert leakage.part(opened(UNSEARCHED), {}) is None


def test_a_change_by_few_rows_is_hidden_by_group() -> None:
    found = part(PICTURES)["groups"]
    shown = {row["group"]: row for row in found["rows"]}
    few = shown[HOSTILE]  # 4 of the 40 copies are of this group
    assert few["leaked"] == "<10"
    assert (few["gap"], few["clean"], few["strip"]) == ("hidden", "", "")
    assert few["share"] == "hidden"
    assert shown["b"]["strip"].startswith("<svg")
    assert "without leaked rows" in shown["b"]["alt"]


@pytest.mark.parametrize(
    ("n", "leaked", "few"),
    [(100, 40, False), (9, 0, True), (100, 9, True), (100, 10, False), (100, 91, True), (100, 0, False)],
)
def test_what_is_too_few_to_share(n: int, leaked: int, few: bool) -> None:
    table = pa.table({"n": [n], "leaked": [leaked], "all": [0.5]})
    shown = privacy.shared_table(table, frozenset())
    assert (shown["all"][0].as_py() is None) == few
    made = leakage._is_few({"n": n, "leaked": leaked})
    assert made == few


@pytest.mark.parametrize("name", [PICTURES, TEXTS])
def test_no_id_of_a_row_leaves_the_run(name: str) -> None:
    run = opened(name)
    made, left = attachments.attachments(leaky_run(name), run)
    ids = set(rows(leaky_run(name), columns=("id",))["id"].to_pylist())
    for attached in made:
        if not attached.name.endswith(".csv"):
            continue
        cells = {
            cell.lstrip("'") for row in csv.reader(io.StringIO(attached.content.decode())) for cell in row
        }
        assert not cells & ids, attached.name
    assert "leakage.pairs (ids of rows)" in left
    assert "leakage.inflation.csv" in {attached.name for attached in made}


@pytest.mark.parametrize("name", [PICTURES, TEXTS, CLEAN, UNTRAINED])
def test_the_pdf_holds_the_part_and_no_payload(name: str, tmp_path: Path) -> None:
    out = pdf.write(leaky_run(name), tmp_path / "report.pdf")
    text = " ".join(page.extract_text() for page in pypdf.PdfReader(out).pages)
    text = " ".join(text.split())
    assert "Leakage" in text
    assert leakage.verdict(opened(name))[:40] in text
    assert "word12" not in text
    if name == PICTURES:
        assert "Which distance tells copies from look-alikes" in text
        assert "−20.0" in text


def test_the_model_card_has_a_line_on_leakage(tmp_path: Path) -> None:
    said = card.write(leaky_run(PICTURES), tmp_path / "card.md").read_text(encoding="utf-8")
    line = next(line for line in said.splitlines() if line.startswith("- Leakage: "))
    assert "40 of 100 audited rows" in line
    assert "- Leakage: " not in card.write(leaky_run(UNSEARCHED), tmp_path / "other.md").read_text(
        encoding="utf-8"
    )
