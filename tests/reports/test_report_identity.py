"""The part on identity terms: its numbers are the run's, few rows are hidden, no text is passed on."""

from __future__ import annotations

import csv
import io
import re
from pathlib import Path
from typing import Any

import pandas as pd
import pytest
from identity_pages import (
    DECLARED,
    FEW,
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
)

from audit.core import AuditRun
from audit.store.read import open_run
from reports import attachments, card, identity_terms, pdf

pypdf = pytest.importorskip("pypdf")


def opened(name: str) -> AuditRun:
    return open_run(identity_run(name))


def part(name: str) -> dict[str, Any]:
    made = identity_terms.part(opened(name))
    assert made is not None
    return made


def table(name: str, which: str) -> pd.DataFrame:
    section = next(s for s in opened(name).sections if s.probe == "identity_terms")
    return section.tables[which].to_pandas()


def written(name: str, folder: Path) -> str:
    out = pdf.write(identity_run(name), folder / "r.pdf")
    pages = pypdf.PdfReader(out).pages
    return " ".join(" ".join(page.extract_text() for page in pages).replace("\u200b", "").split())


def test_the_verdict_names_the_planted_harm() -> None:
    said = identity_terms.verdict(opened(FOUND))
    cells = table(FOUND, "cells")
    harmed = len(cells[cells["level"] != ""].groupby(["output", "identity"]))
    assert said.startswith(f"Harm is established in {harmed} of {len(cells) // 7} label × identity pairs; ")
    row = cells.query("identity == @HARMED and metric == 'bpsn_auc' and output == 'toxic'").iloc[0]
    assert f"(BPSN AUC {row['value']:.3f} instead of {row['expected']:.3f};" in said


def test_every_cell_of_the_heat_table_is_the_stored_difference() -> None:
    cells = table(FOUND, "cells").set_index(["metric", "label", "identity"])
    made = part(FOUND)
    names = {"BPSN AUC": "bpsn_auc", "BNSP AUC": "bnsp_auc"}
    columns = [(names[block["metric"]], label) for block in made["blocks"] for label in made["labels"]]
    assert len(columns) == 4
    seen = 0
    for row in made["rows"]:
        for (metric, label), cell in zip(columns, row["cells"], strict=True):
            stored = cells.loc[(metric, label, row["identity"])]
            assert float(cell["text"].replace("−", "-")) == pytest.approx(stored["difference"], abs=5.1e-4)
            assert cell["sign"] == stored["level"]
            seen += 1
    assert seen == 4 * len(made["rows"]) > 0


def test_cells_of_few_texts_lose_their_numbers() -> None:
    assert FEW not in [row["identity"] for row in part(FOUND)["rows"]]
    assert part(FOUND)["rows_small"] == 1
    row = {"difference": -0.2, "n": 9, "unit": "AUC", "level": "high", "metric": "bpsn_auc"}
    assert identity_terms._cell(row, 30) == {"text": "<10", "sign": "", "share": "0", "tone": "small"}
    grey = identity_terms._cell({**row, "n": 10, "level": ""}, 30)
    assert (grey["text"], grey["tone"], grey["share"]) == ("−0.200", "small", "0")
    assert float(identity_terms._cell({**row, "n": 30}, 30)["share"]) == 1.0  # harmful, beyond the scale


def test_attached_cells_of_few_texts_are_blank() -> None:
    made, _ = attachments.attachments(identity_run(FOUND), opened(FOUND))
    files = {one.name: one.content for one in made}
    for name in ("identity_terms.cells.csv", "identity_terms.thresholds.csv"):
        rows = list(csv.DictReader(io.StringIO(files[name].decode())))
        few = [row for row in rows if row["identity"] == FEW]
        assert few
        numbers = ("value", "difference", "fpr", "fnr", "n_pos", "n_neg")
        assert all(row.get(n, "") == "" for row in few for n in numbers)
        assert any(row.get("value") or row.get("fpr") for row in rows)


def test_no_text_and_no_id_of_a_row_leaves_the_run() -> None:
    made, left = attachments.attachments(identity_run(MODEL), opened(MODEL))
    assert not any(re.search(rb"\br\d{4}\b", one.content) for one in made)
    assert not any(INSULT.encode() in one.content for one in made)
    assert "identity_terms.swap_examples (ids of rows)" in left


def test_the_worst_list_is_ranked_and_says_what_no_bias_would_give() -> None:
    rows = part(DECLARED)["worst"]
    stored = table(DECLARED, "cells").query("identity == @HOSTILE and metric == 'fpr'").iloc[0]
    fpr = next(row for row in rows if row[3] == HOSTILE and row[4] == "False positive rate")
    assert fpr[0] == stored["level"]
    assert fpr[5] == f"{stored['value']:.1%}"
    assert fpr[7] == str(stored["n"])
    assert fpr[8] == f"{stored['expected']:.1%}"
    assert rows[0][3] == HOSTILE
    assert {row[3] for row in rows} == {HOSTILE, FORMULA}


def test_power_means_and_sums_are_the_runs() -> None:
    stored = table(DECLARED, "summary").set_index("metric")
    made = part(DECLARED)
    assert made["means"][0][3].startswith(f"{stored.loc['power_mean_bpsn_auc', 'value']:.3f} (")
    assert made["sums"][0][1] == f"{stored.loc['fped', 'value']:.3f}"
    assert made["sums"][0][2] == f"{stored.loc['fped', 'expected']:.3f}"


def test_swaps_list_the_largest_shift_of_each_source_or_say_why_there_are_none() -> None:
    made = part(MODEL)["swaps"]
    swaps = table(MODEL, "swaps").query("source == 'texts'")
    sure = swaps[swaps["p_adjusted"] <= 0.05]
    largest = sure.loc[sure["shift"].abs().idxmax()]
    assert made["rows"][0][3] == f"{largest['given']} → {largest['wanted']}"
    assert float(made["rows"][0][5].replace("−", "-")) == pytest.approx(largest["shift"], abs=5.1e-4)
    assert {row[1] for row in made["rows"]} == {"texts", "shipped suite"}
    assert part(FOUND)["swaps"]["reason"] == "needs a model, and only predictions were given"


def test_the_suites_are_counted_by_functionality_and_target() -> None:
    (made,) = part(MODEL)["suites"]
    suites = table(MODEL, "suites").query("gold == 'both'")
    by = suites.query("target == '' and functionality != ''")
    assert len(made["cases"]) + made["cases_more"] == len(by)
    worst = by.loc[by["rate"].idxmin()]
    assert made["cases"][0][3] == str(worst["n"])


def test_names_that_hurt_are_set_as_text(tmp_path: Path) -> None:
    said = written(DECLARED, tmp_path)
    assert "Identity terms" in said
    assert HOSTILE.replace(" ", "") in said.replace(" ", "")
    assert FORMULA in said


def test_the_pdf_has_the_part_and_the_first_page_names_the_harm(tmp_path: Path) -> None:
    said = written(MODEL, tmp_path)
    assert f"BPSN AUC of toxic, texts that speak of “{HARMED}”" in said
    assert "for other texts (the background)" in said
    assert "Difference to no bias, labels by identities" in said
    assert "Suite: shipped suite, label toxic" in said


@pytest.mark.parametrize("name", [NUMBERS, UNASKED])
def test_where_identities_were_not_looked_at_there_is_no_part(name: str) -> None:
    assert identity_terms.part(opened(name)) is None
    assert identity_terms.verdict(opened(name)) == ""


def test_where_no_text_speaks_of_anybody_the_part_says_so(tmp_path: Path) -> None:
    assert part(NOBODY)["verdict"] == "No audited text speaks of any identity."
    assert "No audited text speaks of any identity." in written(NOBODY, tmp_path)


def test_the_card_has_a_line_on_identity_terms(tmp_path: Path) -> None:
    said = card.write(identity_run(FOUND), tmp_path / "found.md").read_text()
    assert "- Identity terms: Harm is established in" in said
    assert "- Identity terms:" not in card.write(identity_run(UNASKED), tmp_path / "none.md").read_text()
