"""JSON, JUnit XML and Markdown: what they say, and that names from the data do nothing in them."""

from __future__ import annotations

import json
import xml.etree.ElementTree as ET
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from versions_builders import store_run

from audit.versions import codes as codes_of_roles
from audit.versions import exports
from audit.versions.policy import Gate, Policy
from audit.versions.runs import StoredComparison, compare_runs

HOSTILE = "<img src=x> | `x` @all #12 [a](http://b)\x1b[31m\u202e"


@pytest.fixture(scope="module")
def stored(tmp_path_factory: pytest.TempPathFactory) -> StoredComparison:
    place = tmp_path_factory.mktemp("exports")
    rng = np.random.default_rng(0)
    n = 900
    truth = rng.integers(0, 2, n)
    v1 = pd.DataFrame(
        {
            "id": np.arange(n),
            "true.ok": truth,
            "pred.ok": np.where(rng.random(n) < 0.1, 1 - truth, truth),
            "group.team": np.where(np.arange(n) < 200, HOSTILE, np.where(np.arange(n) < 240, "few", "many")),
        }
    )
    v2 = v1.copy()
    hit = (np.arange(n) < 200) & (rng.random(n) < 0.3)
    v2.loc[hit, "pred.ok"] = 1 - truth[hit]
    folders = [store_run(place, version, table) for version, table in (("1", v1), ("2", v2))]
    gates = (
        Gate(metric="error_rate", demand=("team=many", "team=few"), watch=("all",), margin=0.02),
        Gate(metric="fnr", demand=(), margin=0.001),
    )
    return compare_runs(folders, Policy(gates=gates), place / "runs")


def test_junit_counts_failures_errors_and_what_was_skipped(stored: StoredComparison, tmp_path: Path) -> None:
    exports.write_junit(stored.run, tmp_path / "gate.xml")
    root = ET.parse(tmp_path / "gate.xml").getroot()
    suite = next(s for s in root if s.get("name") == "ok error_rate")
    cases = {c.get("name"): c for c in suite}
    assert [len(cases), suite.get("failures"), suite.get("errors")] == [3, "1", "1"]
    hostile = next(name for name in cases if name and "img" in name)
    assert "\x1b" not in hostile
    failure = cases[hostile].find("failure")
    assert failure is not None
    assert failure.get("type") == "regressed"
    assert "margin 2.0%, n=200, adjusted p <.0001" in str(failure.get("message"))
    error = cases["team=few"].find("error")
    assert error is not None
    assert error.get("type") == "cannot_tell"
    assert "needs n=" in str(error.get("message"))
    assert list(cases["team=many"]) == []
    fnr = next(s for s in root if s.get("name") == "ok fnr")
    assert int(fnr.get("skipped", "0")) > 0
    assert fnr.get("errors") == "0"


def test_markdown_holds_the_verdict_and_no_live_text(stored: StoredComparison, tmp_path: Path) -> None:
    exports.write_markdown(stored.run, tmp_path / "gate.md")
    text = (tmp_path / "gate.md").read_text()
    assert text.startswith("## m 2 against 1: fails: a gated slice regressed\n")
    assert "| regressed | 0 |" in text
    row = next(line for line in text.splitlines() if "img" in line)
    assert row.count(" | ") == 9
    for alive in ("<img", "`x`", "@all", "#12 ", "](", "http:", "\x1b", "\u202e"):
        assert alive not in row
    assert "&#60;img src&#61;x&#62; &#124; &#96;x&#96; &#64;all" in row


def test_json_holds_every_row_and_the_exit_code(stored: StoredComparison, tmp_path: Path) -> None:
    exports.write_json_file(stored.run, tmp_path / "gate.json")
    value = json.loads((tmp_path / "gate.json").read_text())
    assert value["exit_code"] == stored.exit_code == 2
    assert len(value["verdicts"]) == stored.run.sections[0].tables["verdicts"].num_rows
    assert value["verdicts"][0]["verdict"] == "regressed"
    assert value["verdicts"][0]["slice"] == f"team={HOSTILE}"
    assert {row["output"] for row in value["flips"]} == {"ok"}
    assert value["runs"][0]["content_hash"] == value["hashes"]["run 1"]


def test_a_terminal_gets_no_control_characters() -> None:
    assert exports.printable("a\x1b[31m\u202eb\né") == "a\\u001b[31m\\u202eb\\né"


@pytest.mark.parametrize(
    ("p", "text"), [(None, "-"), (0.00001, "<.0001"), (0.0123, "0.01"), (0.0012, "0.0012"), (1.0, "1.00")]
)
def test_a_p_has_the_digits_that_matter(p: float | None, text: str) -> None:
    assert exports.p_value(p) == text


def test_every_reason_of_a_role_has_words(stored: StoredComparison) -> None:
    codes = set(stored.run.sections[0].tables["verdicts"]["role_why"].to_pylist()) - {""}
    assert codes
    assert all(codes_of_roles.reason(code) != code for code in codes)
