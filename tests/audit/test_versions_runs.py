"""A comparison on disk: made once, whole, verified, found again; the history of several versions."""

from __future__ import annotations

import re
from pathlib import Path

import pytest
from versions_builders import first_version, planted_runs

from audit.errors import PlumblineError, RunError, SpecError
from audit.store.comparison import (
    comparison_between,
    comparison_entries,
    find_comparison,
    list_comparisons,
)
from audit.store.find import list_runs
from audit.store.hashes import verify
from audit.store.read import open_run, table
from audit.versions.policy import Policy
from audit.versions.runs import compare_runs


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return planted_runs(first_version(), tmp_path_factory.mktemp("versions"))


def test_a_comparison_is_a_run_that_verifies_and_is_made_once(runs) -> None:
    first = compare_runs([runs["1"], runs["2"]], Policy(), runs["dir"])
    assert first.folder == runs["dir"] / "m" / "compare" / "1..2"
    assert verify(first.folder).intact
    run = open_run(first.folder)
    assert run.sections[0].probe == "versions"
    assert set(run.hashes) == {"data", "weights", "spec", "run 1", "run 2"}
    assert table(first.folder, "versions", "verdicts").num_rows > 100
    again = compare_runs([runs["1"], runs["2"]], Policy(), runs["dir"])
    assert (again.made_before, again.exit_code) == (True, first.exit_code)
    other = compare_runs([runs["1"], runs["2"]], Policy(minimum_n=50), runs["dir"])
    assert not other.made_before
    assert verify(other.folder).intact
    assert [p.name for p in other.folder.parent.iterdir()] == ["1..2"]
    (other.folder / "run.json").write_text(
        (other.folder / "run.json").read_text().replace('"exit_code": 2', '"exit_code": 0')
    )
    assert verify(other.folder).altered == ("run.json",)


def test_a_comparison_is_found_by_its_runs(runs) -> None:
    made = compare_runs([runs["1"], runs["3"]], Policy(), runs["dir"]).folder
    assert find_comparison(runs["dir"], [runs["1"], runs["3"]]) == made
    assert find_comparison(runs["dir"], [runs["3"], runs["1"]]) is None
    assert made in list_comparisons(runs["dir"])
    assert made not in [entry.folder for entry in list_runs(runs["dir"])]


def test_entries_say_what_was_compared_and_what_came_of_it(runs, tmp_path) -> None:
    assert comparison_entries(tmp_path) == []
    stored = [
        compare_runs([runs[name] for name in names], Policy(), tmp_path)
        for names in (("1", "same"), ("1", "same", "2"))
    ]
    entries = {e.folder: e for e in comparison_entries(tmp_path)}
    assert set(entries) == {one.folder for one in stored}
    whole = entries[stored[1].folder]
    assert whole.versions == ("1", "same", "2")
    assert whole.runs == tuple(runs[name].name for name in ("1", "same", "2"))
    assert (whole.exit_code, whole.paired, whole.run_id) == (2, True, stored[1].run.run_id)
    rows = table(whole.folder, "versions", "verdicts").to_pylist()
    gated = [r["verdict"] for r in rows if r["role"] != "watched"]
    assert {k: v for k, v in whole.verdicts.items() if v} == {v: gated.count(v) for v in set(gated)}
    (stored[0].folder / "run.json").write_text("{}")
    assert [e.folder for e in comparison_entries(tmp_path)] == [whole.folder]


def test_the_comparison_between_two_runs_is_found_whichever_is_named_first(runs, tmp_path) -> None:
    one, same, two = (runs[name] for name in ("1", "same", "2"))
    assert comparison_between(tmp_path, one, two) is None
    chain = compare_runs([one, same, two], Policy(), tmp_path).folder
    assert comparison_between(tmp_path, two, one) == comparison_between(tmp_path, one, two) == chain
    assert comparison_between(tmp_path, same, two) is None
    pair = compare_runs([one, two], Policy(), tmp_path).folder
    assert comparison_between(tmp_path, two, one) == comparison_between(tmp_path, one, two) == pair
    back = compare_runs([two, one], Policy(), tmp_path).folder
    assert comparison_between(tmp_path, one, two) == back
    assert comparison_between(tmp_path, two, one) == pair


def test_what_a_killed_process_moved_away_is_put_back_or_replaced(runs, tmp_path) -> None:
    pair = [runs["1"], runs["2"]]
    folder = compare_runs(pair, Policy(), tmp_path).folder
    folder.rename(folder.with_name(".1..2.old"))
    folder.with_name(".1..2.new").mkdir()
    stored = compare_runs(pair, Policy(minimum_n=40), tmp_path)
    assert verify(stored.folder).intact
    assert stored.run.spec["minimum_n"] == 40
    assert [p.name for p in folder.parent.iterdir()] == ["1..2"]


def test_every_column_of_every_table_is_documented(runs) -> None:
    text = (Path(__file__).parents[2] / "docs" / "versions.md").read_text(encoding="utf-8")
    words = set(re.findall(r"`([^`]+)`", text.partition("## On disk")[2]))
    stored = compare_runs([runs["1"], runs["same"], runs["2"], runs["3"]], Policy(), runs["dir"])
    for name, table_ in stored.run.sections[0].tables.items():
        assert f"**{name}**" in text
        columns = {c for c in table_.column_names if not c.startswith("group.")}
        if name in ("history", "turns"):
            columns = {c.removesuffix("_low").removesuffix("_high") for c in columns}
        assert columns - words <= {"worst_step_p", "value", "worst_step"}, name


def test_two_equal_comparisons_have_equal_content(runs, tmp_path) -> None:
    texts = [
        (compare_runs([runs["1"], runs["2"]], Policy(), tmp_path / d).folder / "run.json").read_text()
        for d in "ab"
    ]
    assert texts[0] == texts[1]


def test_the_history_says_when_it_got_worse(runs) -> None:
    stored = compare_runs([runs["1"], runs["same"], runs["2"], runs["3"]], Policy(), runs["dir"])
    assert stored.folder.name == "1..same..2..3"
    assert stored.run.sections[0].summary["history"] == ["1", "same", "2", "3"]
    turns = {
        (r["output"], r["metric"], r["slice"]): r
        for r in table(stored.folder, "versions", "turns").to_pylist()
    }
    turn = turns["ok", "error_rate", "sex=f & team=a"]
    assert turn["worst_step"] == "same -> 2"
    assert turn["worse_since"] == "2"
    steps = [
        r
        for r in table(stored.folder, "versions", "history").to_pylist()
        if (r["output"], r["metric"], r["slice"]) == ("ok", "error_rate", "sex=f & team=a")
    ]
    assert [s["version"] for s in steps] == ["1", "same", "2", "3"]
    assert steps[0]["value"] == steps[1]["value"] < steps[2]["value"]
    assert steps[2]["harm"] == pytest.approx(steps[2]["value"] - steps[1]["value"])
    assert steps[3]["since_first"] == pytest.approx(steps[3]["value"] - steps[0]["value"])


def test_a_run_twice_a_comparison_and_a_wrong_policy_are_refused(runs) -> None:
    with pytest.raises(RunError, match="named twice"):
        compare_runs([runs["1"], runs["1"]], Policy(), runs["dir"])
    folder = compare_runs([runs["1"], runs["2"]], Policy(), runs["dir"]).folder
    with pytest.raises(RunError, match="a comparison can't be compared"):
        compare_runs([runs["1"], folder], Policy(), runs["dir"])
    with pytest.raises(SpecError, match="'nobody' is no slice of these runs"):
        compare_runs([runs["1"], runs["2"]], Policy(watch=("nobody",)), runs["dir"])
    assert issubclass(SpecError, PlumblineError)
