"""The report's part on versions: its numbers are the comparison's, it is verified, it hides what it must."""

from __future__ import annotations

import csv
import io
import json
import re
import shutil
from pathlib import Path

import pypdf
import pytest
from versions_builders import damaged, first_version, store_run

from audit.errors import RunError
from audit.store.read import open_run, table
from audit.versions.policy import Gate, Policy
from audit.versions.runs import StoredComparison, compare_runs
from dashboard.cli import main as cli
from reports import check, numbers, pdf, versions

HOSTILE = "#set text(red) *bold* $x$"
HURT = f"sex=f & team={HOSTILE}"


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    """Version 2 fails women of one team; seven rows are of a shift of their own."""
    place = tmp_path_factory.mktemp("report_versions")
    v1 = first_version()
    v1["group.shift"] = ["tiny" if i < 7 else ("early", "late")[i % 2] for i in range(len(v1))]
    hurt = (v1["group.sex"] == "f") & (v1["group.team"] == "a")
    made = {"dir": place / "runs"}
    other = damaged(v1, hurt, 0.3).assign(id=lambda t: "other-" + t["id"])
    for version, rows in (("1", v1), ("2", damaged(v1, hurt, 0.3)), ("3", v1), ("4", other)):
        teams = rows["group.team"].replace({"a": HOSTILE})
        made[version] = store_run(place, version, rows.assign(**{"group.team": teams}))
    return made


@pytest.fixture(scope="module")
def stored(runs: dict[str, Path]) -> StoredComparison:
    return compare_runs([runs["1"], runs["2"]], Policy(), runs["dir"])


@pytest.fixture(scope="module")
def held(runs: dict[str, Path], stored: StoredComparison) -> bytes:
    return pdf.render(runs["2"], stored.folder)


def text_of(held: bytes) -> str:
    pages = pypdf.PdfReader(io.BytesIO(held)).pages
    return re.sub(r"\s+", " ", "\n".join(page.extract_text() for page in pages).replace("\u200b", ""))


def attached(held: bytes) -> dict[str, bytes]:
    return {name: files[0] for name, files in pypdf.PdfReader(io.BytesIO(held)).attachments.items()}


def test_the_section_says_what_the_comparison_holds(stored: StoredComparison, held: bytes) -> None:
    text, summary = text_of(held), stored.run.sections[0].summary
    gated = [r for r in table(stored.folder, "versions", "verdicts").to_pylist() if r["role"] != "watched"]
    regressed = [r for r in gated if r["verdict"] == "regressed"]
    assert f"Fails (exit code 2). {len(regressed)} of {len(gated)} gated comparisons regressed." in text
    assert f"{summary['joined']['rows']:,} examples in both versions, compared row by row." in text
    assert "2, the version that was judged; 1 is the one compared against" in text
    for row in regressed:
        assert numbers.signed(row["harm"], row["unit"]) in text
        assert numbers.span(row["harm_low"], row["harm_high"], row["unit"]) in text
        assert numbers.p(row["p_adjusted"]) in text
    flips = {(r["output"], r["slice"]): r for r in table(stored.folder, "versions", "flips").to_pylist()}
    whole = flips["ok", "all"]
    line = (
        f"ok everyone {whole['rows']:,} {whole['negative']:,} {whole['positive']:,} {whole['wrong_both']:,}"
    )
    assert line in text


def test_names_are_text_in_the_section(held: bytes) -> None:
    assert HOSTILE in text_of(held)


def test_gaps_that_grew_are_those_whose_interval_lies_above_zero(stored: StoredComparison) -> None:
    gated = [r for r in table(stored.folder, "versions", "verdicts").to_pylist() if r["role"] != "watched"]
    assert {r["better"] for r in gated} == {"lower"}
    grown = {
        (r["output"], r["metric"], r["slice"]) for r in gated if (r["gap_low"] or 0) > 0 and r["n"] >= 10
    }
    part = versions.part(stored.run, stored.run, {})
    assert part is not None
    assert part["gaps"]["grown"] == len(grown) > 0
    assert ("ok", "fpr", HURT) in grown
    assert HURT in {row["slice"] for row in part["gaps"]["rows"]}


def test_a_better_metric_that_falls_behind_counts_as_lost_ground(
    runs: dict[str, Path], tmp_path: Path
) -> None:
    gates = (Gate(metric="f1", outputs=("ok",)),)
    stored = compare_runs([runs["1"], runs["2"]], Policy(gates=gates), tmp_path)
    part = versions.part(stored.run, stored.run, {})
    assert part is not None
    worst = part["gaps"]["rows"][0]
    assert worst["slice"] == HURT
    assert worst["gap"].startswith("+")


def test_the_same_comparison_gives_the_same_bytes_and_is_verified(
    runs: dict[str, Path], stored: StoredComparison, held: bytes, tmp_path: Path
) -> None:
    assert pdf.render(runs["2"], stored.folder) == held
    out = tmp_path / "r.pdf"
    out.write_bytes(held)
    assert check.check(out, runs["dir"]).genuine
    changed = bytearray(held)
    changed[len(changed) // 2] ^= 1
    out.write_bytes(changed)
    assert not check.check(out, runs["dir"]).genuine


def test_an_altered_or_missing_comparison_is_no_proof(
    runs: dict[str, Path], stored: StoredComparison, held: bytes, tmp_path: Path
) -> None:
    shutil.copytree(runs["dir"], tmp_path / "runs")
    out = tmp_path / "r.pdf"
    out.write_bytes(held)
    folder = tmp_path / "runs" / "m" / "compare" / "1..2"
    with (folder / "tables" / "versions.flips.parquet").open("ab") as file:
        file.write(b"x")
    found = check.check(out, tmp_path / "runs")
    assert not found.genuine
    assert found.words == f"its comparison is altered: plumbline verify {folder}"
    shutil.rmtree(folder)
    with pytest.raises(RunError, match=f"the comparison {stored.run.run_id} that the report was made with"):
        check.check(out, tmp_path / "runs")


def test_a_report_without_the_comparison_is_genuine_as_before(runs: dict[str, Path], tmp_path: Path) -> None:
    out = pdf.write(runs["2"], tmp_path / "r.pdf")
    assert "Versions:" not in text_of(out.read_bytes())
    assert check.check(out, runs["dir"]).genuine


def test_ids_of_rows_and_small_cells_stay_in_the_run(stored: StoredComparison, held: bytes) -> None:
    files = attached(held)
    assert "versions.examples.csv" not in files
    assert not any(re.search(rb"\br(?!2\b)\d+\b", data) for name, data in files.items() if "versions" in name)
    rows = list(csv.DictReader(io.StringIO(files["versions.verdicts.csv"].decode())))
    tiny = [r for r in rows if "shift=tiny" in r["slice"]]
    assert tiny
    assert all(r["hidden"] and not r["old"] and not r["new"] and not r["harm"] for r in tiny)
    flips = list(csv.DictReader(io.StringIO(files["versions.flips.csv"].decode())))
    assert all(not r["negative"] for r in flips if "shift=tiny" in r["slice"])
    manifest = json.loads(files["compare.run.json"])
    assert manifest["run_id"] == stored.run.run_id
    assert all(not f["evidence"] for s in manifest["sections"] for f in s["findings"])


def test_turns_of_small_slices_are_hidden_as_well(runs: dict[str, Path], tmp_path: Path) -> None:
    stored = compare_runs([runs["1"], runs["3"], runs["2"]], Policy(), tmp_path)
    held = pdf.render(runs["2"], stored.folder)
    assert "When it got worse" in text_of(held)
    assert "the largest harm at the step 3 to 2" in text_of(held)
    turns = list(csv.DictReader(io.StringIO(attached(held)["versions.turns.csv"].decode())))
    tiny = [r for r in turns if "shift=tiny" in r["slice"]]
    assert tiny
    assert all(not r["worst_step_harm"] for r in tiny)
    assert any(r["worst_step_harm"] for r in turns)


def test_an_unpaired_comparison_is_called_weaker_in_the_report(runs: dict[str, Path], tmp_path: Path) -> None:
    stored = compare_runs([runs["1"], runs["4"]], Policy(), tmp_path)
    text = text_of(pdf.render(runs["4"], stored.folder))
    assert "Unpaired:" in text
    assert "This is the weaker comparison" in text
    assert "What flipped" not in text


def test_the_command_takes_a_second_run(
    runs: dict[str, Path], stored: StoredComparison, tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    place = ["--runs", str(runs["dir"])]
    for first, second in (("m/2", "m/1"), ("m/1", "m/2")):
        out = tmp_path / f"{first[-1]}.pdf"
        assert cli.main(["report", first, second, "-o", str(out), *place]) == 0
        assert "Versions: 2 against 1" in text_of(out.read_bytes())
        assert cli.main(["verify", str(out), *place]) == 0
    capsys.readouterr()
    assert cli.main(["report", "m/3", "m/1", "-o", str(tmp_path / "x.pdf"), *place]) == 1
    said = capsys.readouterr().err
    assert f"plumbline compare {runs['1'].name} {runs['3'].name}" in said
    assert cli.main(["report", str(stored.folder), "-o", str(tmp_path / "x.pdf"), *place]) == 1
    assert "this is a comparison" in capsys.readouterr().err
    assert not (tmp_path / "x.pdf").exists()
    assert open_run(stored.folder).sections[0].probe == "versions"
