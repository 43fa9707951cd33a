"""Two stored runs and a policy: joining, planted damage, refusals, clusters, history, what is stored."""

from __future__ import annotations

import json
from pathlib import Path

import numpy as np
import pandas as pd
import pytest
from versions_builders import N, damaged, first_version, planted_runs, store_run

from audit.errors import RunError
from audit.store.audited import audited_rows
from audit.versions.compare import compare
from audit.versions.policy import Gate, Policy


@pytest.fixture(scope="module")
def v1() -> pd.DataFrame:
    return first_version()


@pytest.fixture(scope="module")
def runs(v1: pd.DataFrame, tmp_path_factory: pytest.TempPathFactory) -> dict[str, Path]:
    return planted_runs(v1, tmp_path_factory.mktemp("versions"))


def rows_of(found, **wanted):
    rows = found.section.tables["verdicts"].to_pylist()
    return [r for r in rows if all(r[k] == v for k, v in wanted.items())]


def test_the_planted_damage_is_found_where_it_is(runs, v1) -> None:
    found = compare(audited_rows(runs["1"]), audited_rows(runs["2"]), Policy())
    assert found.exit_code == 2
    worst = found.section.tables["verdicts"].to_pylist()[:2]
    assert {r["slice"] for r in worst} == {"sex=f & team=a"}
    assert all(r["verdict"] == "regressed" for r in worst)
    assert not rows_of(found, slice="sex=m", verdict="regressed")
    (flips,) = (
        r
        for r in found.section.tables["flips"].to_pylist()
        if (r["output"], r["slice"]) == ("ok", "sex=f & team=a")
    )
    v2 = pd.read_csv(runs["dir"].parent / "m-2.csv")
    both = v1.merge(v2[["id", "score.ok"]], on="id", suffixes=("", ".new")).set_index("id")
    mine = both[(both["group.sex"] == "f") & (both["group.team"] == "a")]
    was = (mine["score.ok"] >= 0.5) == (mine["true.ok"] == 1)
    now = (mine["score.ok.new"] >= 0.5) == (mine["true.ok"] == 1)
    lost = set(mine.index[was & ~now])
    assert (flips["negative"], flips["positive"]) == (len(lost), 0)
    assert set(flips["negative_ids"]) <= lost
    assert len(flips["negative_ids"]) == min(20, len(lost))
    examples = found.section.tables["examples"].to_pylist()
    mine_too = {e["id"] for e in examples if (e["group.sex"], e["group.team"]) == ("f", "a")}
    assert {e["id"] for e in examples if e["output"] == "ok"} == mine_too == lost
    finding = found.section.findings[0]
    assert (finding.slice.key, finding.reference) == ("sex=f & team=a", "m/1")


def test_the_gap_of_gaps_is_the_change_of_the_slice_less_that_of_everyone_else(runs) -> None:
    found = compare(audited_rows(runs["1"]), audited_rows(runs["2"]), Policy())
    (women,) = rows_of(found, output="ok", metric="error_rate", slice="sex=f")
    (men,) = rows_of(found, output="ok", metric="error_rate", slice="sex=m")
    assert women["gap_change"] == pytest.approx(women["change"] - men["change"])
    half = np.hypot(women["change"] - women["low"], men["high"] - men["change"])
    assert women["gap_low"] == pytest.approx(women["gap_change"] - half)
    declared = compare(audited_rows(runs["1"]), audited_rows(runs["2"]), Policy(references={"team": "c"}))
    (a,) = rows_of(declared, output="ok", metric="error_rate", slice="team=a")
    (c,) = rows_of(declared, output="ok", metric="error_rate", slice="team=c")
    assert a["reference"] == "team=c"
    assert a["gap_change"] == pytest.approx(a["change"] - c["change"])


def test_the_same_answers_in_another_order_pass(runs) -> None:
    found = compare(audited_rows(runs["1"]), audited_rows(runs["same"]), Policy())
    assert found.exit_code == 0
    rows = [r for r in rows_of(found) if r["change"] is not None]
    assert {r["change"] for r in rows} == {0.0}
    assert {r["verdict"] for r in rows if r["harm"] is not None} <= {"not_worse", "cannot_tell"}
    assert {r["verdict"] for r in rows if r["role"] == "demanded"} == {"not_worse"}


def test_cannot_tell_is_3_and_a_policy_can_let_it_pass(runs) -> None:
    gates = (
        Gate(metric="fnr", outputs=("ok",), demand=("sex=m & team=b",), margin=0.0001, watch=("sex=f",)),
    )
    old, new = audited_rows(runs["1"]), audited_rows(runs["same"])
    strict = compare(old, new, Policy(gates=gates))
    (row,) = rows_of(strict, role="demanded")
    assert (strict.exit_code, row["verdict"]) == (3, "cannot_tell")
    assert row["needed_n"] > row["n"]
    assert compare(old, new, Policy(gates=gates, cannot_tell="pass")).exit_code == 0


def test_a_regression_beats_cannot_tell(runs) -> None:
    gates = (
        Gate(metric="error_rate", outputs=("ok",)),
        Gate(metric="fnr", outputs=("ok",), demand=("sex=m & team=b",), margin=0.0001),
    )
    assert compare(audited_rows(runs["1"]), audited_rows(runs["2"]), Policy(gates=gates)).exit_code == 2


def test_rows_on_one_side_are_counted_and_refused_past_the_share(v1, runs, tmp_path) -> None:
    fewer = store_run(tmp_path, "fewer", v1.iloc[: N - 60])
    found = compare(audited_rows(runs["1"]), audited_rows(fewer), Policy())
    assert found.section.summary["joined"]["only_old"] == 60
    misfits = {r["kind"]: r for r in found.section.tables["misfits"].to_pylist()}
    assert misfits["only_old"]["ids"][0] == f"r{N - 60}"
    with pytest.raises(RunError, match=r"60 rows are in the first only.*2\.5%.*allows 2\.0%"):
        compare(audited_rows(runs["1"]), audited_rows(fewer), Policy(most_unmatched=0.02))


def test_changed_truths_leave_the_output_and_are_refused_past_the_share(v1, runs, tmp_path) -> None:
    other = v1.copy()
    other.loc[:11, "true.ok"] = 1 - other.loc[:11, "true.ok"]
    other.loc[5, "group.sex"] = "x"
    changed = audited_rows(store_run(tmp_path, "changed", other))
    found = compare(audited_rows(runs["1"]), changed, Policy())
    assert found.section.summary["joined"]["changed_truths"] == {"ok": 12}
    assert found.section.summary["joined"]["changed_groups"] == {"sex": 1}
    assert rows_of(found, output="ok", metric="error_rate", slice="all")[0]["n"] == N - 12
    assert rows_of(found, output="age", metric="mae", slice="all")[0]["n"] == N
    with pytest.raises(RunError, match=r"truth of ok: 12; group sex: 1.*allows 0\.4%"):
        compare(audited_rows(runs["1"]), changed, Policy(most_changed=0.004))


def test_outputs_that_cannot_be_compared_are_said(v1, runs, tmp_path) -> None:
    other = v1.drop(columns=["true.age", "pred.age"])
    found = compare(audited_rows(runs["1"]), audited_rows(store_run(tmp_path, "x", other)), Policy())
    assert found.section.summary["joined"]["left_out"] == {"age": "only the old run has it"}
    nothing = v1[["id", "true.age", "pred.age"]].rename(columns=lambda c: c.replace("age", "size"))
    with pytest.raises(RunError, match="have no metric in common"):
        compare(audited_rows(runs["1"]), audited_rows(store_run(tmp_path, "y", nothing)), Policy())


def test_other_data_are_compared_unpaired_and_called_so(v1, runs, tmp_path) -> None:
    other = damaged(v1, v1["group.sex"] == "f", 0.5).assign(id=lambda t: "other-" + t["id"])
    new = audited_rows(store_run(tmp_path, "other", other))
    found = compare(audited_rows(runs["1"]), new, Policy())
    assert found.section.summary["paired"] is False
    assert "flips" not in found.section.tables
    (women,) = rows_of(found, output="ok", metric="error_rate", slice="sex=f")
    assert women["mark"] == "unpaired"
    assert rows_of(found, output="ok", metric="fnr", slice="sex=f")[0]["verdict"] == "regressed"
    (paired,) = rows_of(
        compare(
            audited_rows(runs["1"]),
            audited_rows(store_run(tmp_path, "p", damaged(v1, v1["group.sex"] == "f", 0.5))),
            Policy(),
        ),
        output="ok",
        metric="error_rate",
        slice="sex=f",
    )
    assert women["change"] == pytest.approx(paired["change"])
    assert women["high"] - women["low"] > paired["high"] - paired["low"]


def test_clusters_widen_what_they_repeat(v1, tmp_path) -> None:
    few = v1.iloc[:600]
    new = damaged(v1, v1["group.sex"] == "f", 0.2).loc[few.index]
    runs = {}
    for name, copies in (("once", 1), ("copied", 4)):
        for version, frame in (("1", few), ("2", new)):
            many = pd.concat(
                [frame.assign(id=frame["id"] + f"-{k}", cluster=frame["id"]) for k in range(copies)]
            )
            runs[name + version] = audited_rows(store_run(tmp_path, version, many, name=name))
    once = compare(runs["once1"], runs["once2"], Policy(depth=1))
    copied = compare(runs["copied1"], runs["copied2"], Policy(depth=1))
    for metric in ("error_rate", "f1", "auc", "brier"):
        (a,) = rows_of(once, output="ok", metric=metric, slice="sex=f")
        (b,) = rows_of(copied, output="ok", metric=metric, slice="sex=f")
        assert b["change"] == pytest.approx(a["change"])
        assert b["high"] - b["low"] > 0.9 * (a["high"] - a["low"]), metric


def test_json_values_only_in_the_summary(runs) -> None:
    found = compare(audited_rows(runs["1"]), audited_rows(runs["2"]), Policy())
    assert json.loads(json.dumps(found.section.summary)) == dict(found.section.summary)
