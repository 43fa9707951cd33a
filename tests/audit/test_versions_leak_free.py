"""Comparisons without leaked rows: the rows that the search names, and the metrics of the others."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.runner import audit_predictions
from audit.spec import Spec
from audit.store.audited import AuditedRows, audited_rows
from audit.versions.compare import compare
from audit.versions.join import join
from audit.versions.leak_free import leaked_rows
from audit.versions.policy import Gate, Policy

WORDS = [
    "river",
    "stone",
    "cloud",
    "lamp",
    "chair",
    "garden",
    "winter",
    "paper",
    "engine",
    "silver",
    "market",
    "window",
    "forest",
    "letter",
]
N, COPIED = 500, 120


def table(new: bool) -> pd.DataFrame:
    """A fifth of the test rows are training texts; the new version has learned those by heart."""
    rng = np.random.default_rng(0)
    texts = [" ".join(rng.choice(WORDS, 14)) + f" number {i}" for i in range(N)]
    truth = rng.integers(0, 2, N)
    right = rng.random(N) < 0.7
    if new:
        right = np.where(np.arange(N) < COPIED, True, right)
    said = np.where(right, truth, 1 - truth)
    test = pd.DataFrame({"id": [f"t{i}" for i in range(N)], "split": "test", "text": texts})
    train = test[:COPIED].assign(id=lambda t: "train-" + t["id"], split="train")
    columns = {"true.ok": truth, "score.ok": np.round(np.where(said == 1, 0.8, 0.2) + rng.random(N) / 10, 4)}
    columns["group.sex"] = np.where(np.arange(N) % 2, "f", "m")
    return pd.concat([test.assign(**columns), train.assign(**{k: v[:COPIED] for k, v in columns.items()})])


@pytest.fixture(scope="module")
def runs(tmp_path_factory: pytest.TempPathFactory) -> dict[str, AuditedRows]:
    place = tmp_path_factory.mktemp("leaks")
    made = {}
    for version, new, probe in (
        ("1", False, "leakage"),
        ("2", True, "leakage"),
        ("unsearched", True, "fake_probes:NotApplicable"),
    ):
        file = place / f"{version}.csv"
        table(new).to_csv(file, index=False)
        made[version] = audited_rows(
            audit_predictions(file, Spec(name="m", version=version, probes=(probe,)), place / "runs")
        )
    return made


def test_the_leaked_rows_are_those_that_were_copied(runs) -> None:
    joined = join(runs["1"], runs["2"])
    leaked = leaked_rows(runs["1"], runs["2"], joined)
    assert leaked is not None
    names = runs["2"].ids.take(joined.at_new).to_pylist()
    assert {n for n, hit in zip(names, leaked, strict=True) if hit} == {f"t{i}" for i in range(COPIED)}


def test_a_gain_by_heart_is_gone_without_the_leaked_rows(runs) -> None:
    found = compare(runs["1"], runs["2"], Policy())
    rows = {(r["metric"], r["slice"]): r for r in found.section.tables["verdicts"].to_pylist()}
    whole, rest = rows["error_rate", "all"], rows["error_rate", "leaked=no"]
    assert whole["new"] < whole["old"] - 0.04
    assert (rest["n"], rest["change"]) == (N - COPIED, 0.0)
    old, new = (table(new)[COPIED:N] for new in (False, True))
    women = old["group.sex"] == "f"
    wrong = ((old["score.ok"] >= 0.5) != (old["true.ok"] == 1))[women].mean()
    assert rows["error_rate", "leaked=no & sex=f"]["old"] == pytest.approx(wrong)
    assert len(new) == N - COPIED
    assert {"auc", "fpr", "calibration_error"} <= {m for m, s in rows if s == "leaked=no"}


def test_they_are_shown_beside_and_gated_where_a_policy_names_them(runs) -> None:
    beside = compare(runs["1"], runs["2"], Policy())
    rows = [r for r in beside.section.tables["verdicts"].to_pylist() if r["slice"].startswith("leaked=")]
    assert {(r["role"], r["role_why"]) for r in rows if r["metric"] == "fnr"} == {("watched", "beside")}
    without = compare(runs["1"], runs["unsearched"], Policy())
    assert beside.section.summary["tests"] == without.section.summary["tests"]
    assert beside.exit_code == without.exit_code
    gates = (Gate(metric="error_rate", demand=("all", "leaked=no")),)
    named = compare(runs["1"], runs["2"], Policy(gates=gates)).section.tables["verdicts"].to_pylist()
    (row,) = (r for r in named if (r["metric"], r["slice"]) == ("error_rate", "leaked=no"))
    assert row["role"] == "demanded"


def test_nothing_is_left_out_where_one_run_did_not_search(runs) -> None:
    found = compare(runs["1"], runs["unsearched"], Policy())
    assert not any(s.startswith("leaked=") for s in found.section.tables["verdicts"]["slice"].to_pylist())
    assert Path(runs["1"].folder).is_dir()
