"""The PDF: its numbers are the run's, it is accessible, the same every time, and hides what it must."""

from __future__ import annotations

import csv
import hashlib
import io
import json
import re
import shutil
import subprocess
import sys
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pypdf
import pytest
from pypdf.generic import DictionaryObject, IndirectObject

from audit.core import Level
from audit.errors import RunError
from audit.runner import audit_predictions
from audit.spec import Spec
from audit.store.find import find_run
from audit.store.hashes import content_hash
from audit.store.notes import About, open_notes
from audit.store.read import open_run, table
from reports import check, numbers, pdf


@pytest.fixture(scope="session")
def held(planted: Path) -> bytes:
    return pdf.render(planted)


@pytest.fixture(scope="session")
def reader(held: bytes) -> pypdf.PdfReader:
    return pypdf.PdfReader(io.BytesIO(held))


def text_of(reader: pypdf.PdfReader) -> str:
    """All pages as one line, without the places where long words may break."""
    text = "\n".join(page.extract_text() for page in reader.pages).replace("\u200b", "")
    return re.sub(r"\s+", " ", text)


@pytest.fixture(scope="session")
def text(reader: pypdf.PdfReader) -> str:
    return text_of(reader)


def attached(reader: pypdf.PdfReader) -> dict[str, bytes]:
    return {name: files[0] for name, files in reader.attachments.items()}


def test_overall_numbers_are_the_runs(planted: Path, text: str) -> None:
    slices = table(planted, "group_error", "slices")
    for metric in ("selection_rate", "fpr", "fnr"):
        row = slices.filter(
            pc.and_(pc.equal(slices["metric"], metric), pc.equal(slices["depth"], 0))
        ).to_pylist()[0]
        assert (
            f"{row['value']:.1%} ({row['low'] * 100:.1f} to {row['high'] * 100:.1f}) n = {row['n']:,}" in text
        )


def test_group_numbers_are_the_runs(planted: Path, text: str) -> None:
    slices = table(planted, "group_error", "slices").to_pylist()
    shown = [r for r in slices if r["depth"] == 1 and r["metric"] in ("fpr", "fnr") and r["n"] >= 10]
    assert len(shown) == 22
    for row in shown:
        value = numbers.measured(row["value"], row["low"], row["high"], row["n"], row["events"], "rate", "")
        assert f"{value.value} {value.interval} {value.n} " in text


def test_the_worst_finding_stands_with_interval_n_family_rank_and_power(planted: Path, text: str) -> None:
    finding = open_run(planted).sections[0].findings[0]
    assert finding.severity.level is Level.HIGH
    assert finding.slice.of == (("team", "#set text(red)"),)
    assert finding.gap.value is not None
    assert f"{finding.gap.value * 100:+.1f} points" in text
    assert f"Adjusted p < .0001: {finding.test.adjustment} over {finding.test.tests:,} tests" in text
    assert f"Rank: {finding.severity.why}." in text
    assert finding.smallest_gap is not None
    assert f"would have shown: {abs(finding.smallest_gap) * 100:.1f} points." in text


def test_the_primary_family_is_the_runs(planted: Path, text: str) -> None:
    for row in table(planted, "group_error", "families").to_pylist():
        assert numbers.p(row["p_adjusted"]) in text
    assert "Holm" in text


def test_three_pages_with_hashes_and_page_numbers(planted: Path, reader: pypdf.PdfReader) -> None:
    assert len(reader.pages) == 3
    run = open_run(planted)
    for i, page in enumerate(reader.pages, start=1):
        footer = page.extract_text()
        assert f"Page {i} of 3" in footer
        for value in (run.hashes["data"], run.hashes["spec"], content_hash(planted)):
            assert value[:16] in footer


def kinds(node: Any, found: dict[str, list[DictionaryObject]]) -> dict[str, list[DictionaryObject]]:
    node = node.get_object() if isinstance(node, IndirectObject) else node
    if isinstance(node, list):
        for item in node:
            kinds(item, found)
    elif isinstance(node, DictionaryObject):
        found.setdefault(str(node.get("/S")), []).append(node)
        kinds(node.get("/K", []), found)
    return found


def test_it_is_tagged_and_says_so(reader: pypdf.PdfReader, held: bytes) -> None:
    root = reader.trailer["/Root"]
    assert root["/MarkInfo"]["/Marked"]
    assert root["/Lang"] == "en"
    assert root["/ViewerPreferences"]["/DisplayDocTitle"]
    assert b"<pdfuaid:part>1</pdfuaid:part>" in held
    assert b"<pdfaid:part>3</pdfaid:part>" in held
    assert reader.metadata is not None
    assert reader.metadata.title == "Audit report: planted v1"
    found = kinds(root["/StructTreeRoot"]["/K"], {})
    assert {"/H1", "/H2", "/Table", "/TH", "/TD", "/Figure"} <= set(found)
    assert len(found["/Figure"]) == 22
    assert all(str(figure["/Alt"]).endswith(".") for figure in found["/Figure"])


def test_it_has_an_outline(reader: pypdf.PdfReader) -> None:
    titles = [entry.title for entry in reader.outline if not isinstance(entry, list)]
    assert titles == ["Summary", "Slices", "Further findings", "How to read this report"] or titles == [
        "Summary", "Slices", "How to read this report"
    ]  # fmt: skip


def test_the_same_run_gives_the_same_bytes_in_another_process(
    planted: Path, held: bytes, tmp_path: Path
) -> None:
    code = (
        "import sys; from pathlib import Path as P; from reports import pdf; pdf.write(*map(P, sys.argv[1:]))"
    )
    subprocess.run([sys.executable, "-c", code, planted, tmp_path / "r.pdf"], check=True, timeout=60)
    assert (tmp_path / "r.pdf").read_bytes() == held
    assert [f.name for f in tmp_path.iterdir()] == ["r.pdf"]


def test_markup_in_names_is_shown_as_it_is(text: str) -> None:
    for name in ("#set text(red)", "*bold*", "<img src=x>", "$x$", "@ref", "#panic(1)", "=1+1", "a" * 60):
        assert re.sub(r"\s", "", name) in re.sub(r"\s", "", text)


def test_signs_without_a_glyph_are_code_points_and_whole_in_the_attachment(
    reader: pypdf.PdfReader, text: str
) -> None:
    assert "U+4E2D" in text
    assert "written as their code points" in text
    assert "team=中文" in attached(reader)["group_error.slices.csv"].decode()


def test_small_cells_are_hidden_on_pages_and_in_attachments(
    planted: Path, reader: pypdf.PdfReader, text: str
) -> None:
    assert "tiny hidden <10 hidden <10" in text
    assert "person-" not in text
    for name, content in attached(reader).items():
        assert b"person-" not in content
        if name.endswith(".csv") and b"tiny" in content:
            for row in csv.DictReader(io.StringIO(content.decode())):
                if row.get("slice", "") == "shift=tiny":
                    assert row["hidden"] == "hidden: fewer than 10 rows"
                    kept = [c for c in ("n", "rows", "low", "events", "gap", "rate") if row.get(c, "") != ""]
                    assert (name, kept) == (name, [])
    record = json.loads(attached(reader)["run.json"])
    assert record["data"]["attributes"]["shift"]["tiny"] is None
    assert all(f["evidence"] == [] for s in record["sections"] for f in s["findings"])


def test_attachments_are_the_tables_and_their_hashes_hold(planted: Path, reader: pypdf.PdfReader) -> None:
    files = attached(reader)
    listed = dict(line.split("  ")[::-1] for line in files["attachments.sha256"].decode().splitlines())
    assert set(listed) == set(files) - {"attachments.sha256"}
    for name, digest in listed.items():
        assert hashlib.sha256(files[name]).hexdigest() == digest
    assert files["run.sha256"] == (planted / "run.sha256").read_bytes()
    assert (
        hashlib.sha256((planted / "run.json").read_bytes()).hexdigest()
        == json.loads(files["run.json"])["shared_copy"]["sha256"]
    )
    rows = list(csv.DictReader(io.StringIO(files["group_error.slices.csv"].decode())))
    stored = table(planted, "group_error", "slices").to_pylist()
    assert len(rows) == len(stored)
    for row, truth in zip(rows, stored, strict=True):
        if not row["hidden"] and truth["value"] is not None:
            assert float(row["value"]) == truth["value"]


def test_formulas_in_attached_csv_are_neutralised(reader: pypdf.PdfReader) -> None:
    impact = attached(reader)["group_error.impact.csv"].decode()
    assert "'=1+1" in impact
    assert ",=1+1" not in impact


def test_without_attributes_it_says_so(bare: Path) -> None:
    reader = pypdf.PdfReader(io.BytesIO(pdf.render(bare)))
    text = text_of(reader)
    assert len(reader.pages) == 3
    assert "no attributes declared" in text
    assert "No attributes are declared, so there are no groups to compare." in text
    assert "Mean absolute error" in text


def test_without_truth_selection_rates_are_shown_and_errors_are_not(truthless: Path) -> None:
    text = text_of(pypdf.PdfReader(io.BytesIO(pdf.render(truthless))))
    assert "loan: errors are not computed, because no truth was given" in text
    assert "50.0% (45.1 to 54.9) n = 400" in text
    assert "ROC AUC –" not in text


def test_no_sign_off_is_said_and_a_sign_off_is_shown_with_its_hash(
    planted: Path, text: str, tmp_path: Path
) -> None:
    assert "No sign-off and no note is recorded for this run." in text
    runs = tmp_path / "runs"
    shutil.copytree(planted.parents[2], runs)
    run = find_run(runs, planted.name)
    notes = open_notes(runs)
    notes.sign_off(
        About(author="A. <b>Auditor</b>", run_id=run.name, content_hash=content_hash(run)), "Read; #open."
    )
    signed = text_of(pypdf.PdfReader(io.BytesIO(pdf.render(run))))
    assert "Signed off by A. <b>Auditor</b>" in signed
    assert "Read; #open." in signed
    assert "of another state of the run" not in signed
    assert notes.snapshot(run.name).sha256 in signed.replace(" ", "")


def test_a_second_run_needs_a_comparison(planted: Path, bare: Path, tmp_path: Path) -> None:
    with pytest.raises(RunError, match=f"plumbline compare {planted.name} {bare.name}"):
        pdf.write(planted, tmp_path / "r.pdf", compare=bare)
    assert not (tmp_path / "r.pdf").exists()


def test_an_unfinished_run_is_refused(planted: Path, tmp_path: Path) -> None:
    run = tmp_path / planted.name
    shutil.copytree(planted, run)
    (run / "run.sha256").unlink()
    with pytest.raises(RunError, match="unfinished"):
        pdf.write(run, tmp_path / "r.pdf")


def test_a_report_is_checked_against_its_run(planted: Path, held: bytes, tmp_path: Path) -> None:
    runs = planted.parents[2]
    report = tmp_path / "r.pdf"
    report.write_bytes(held)
    assert check.check(report, runs).genuine
    report.write_bytes(held[:-40] + b" " + held[-39:])
    assert not check.check(report, runs).genuine
    report.write_bytes(b"%PDF-1.7 something else")
    with pytest.raises(RunError, match="it names no run"):
        check.check(report, runs)


def test_a_probe_without_tables_of_slices_is_reported_as_well(tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("id,true.ok,score.ok,group.team\nr1,1,0.9,a\nr2,0,0.2,b\nr3,0,0.8,b\n")
    spec = Spec(name="answers", version="v1", probes=("fake_probes:Count", "group_error"))
    run = audit_predictions(file, spec, tmp_path / "runs")
    text = text_of(pypdf.PdfReader(io.BytesIO(pdf.render(run))))
    assert "Numbers hidden: fewer than 10 rows; they stand in the run." in text
    assert "group error" in text


def test_a_failed_probe_is_said(tmp_path: Path) -> None:
    file = tmp_path / "answers.csv"
    file.write_text("id,true.ok,score.ok,group.team\nr1,1,0.9,a\nr2,0,0.2,b\nr3,0,0.8,b\n")
    spec = Spec(name="answers", version="v1", probes=("fake_probes:Count", "fake_probes:Raises"))
    run = audit_predictions(file, spec, tmp_path / "runs")
    assert "FAILED" in text_of(pypdf.PdfReader(io.BytesIO(pdf.render(run))))
