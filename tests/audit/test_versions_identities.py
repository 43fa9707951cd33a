"""Changes by identity against scikit-learn on the rows that the definitions name."""

from __future__ import annotations

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import roc_auc_score
from statsmodels.stats.contingency_tables import mcnemar
from versions_builders import pair_of, store_run

from audit.auc import paired_auc_difference
from audit.placements import rank
from audit.store.audited import audited_rows
from audit.versions.compare import compare
from audit.versions.identities import identity_columns, named
from audit.versions.paired import Settings
from audit.versions.policy import Gate, Policy

N = 1200


@pytest.fixture(scope="module")
def rows():
    """Two versions; the new one scores harmless rows that name `muslim` higher. Some are not annotated."""
    rng = np.random.default_rng(0)
    truth = (rng.random(N) < 0.3).astype(int)
    shares = {
        name: np.where(rng.random(N) < p, rng.choice([0.6, 1.0], N), rng.choice([0.0, 0.3], N))
        for name, p in (("muslim", 0.25), ("white", 0.2))
    }
    shares["muslim"][:150] = np.nan
    shared = rng.normal(size=N) + 1.5 * truth
    old = 1 / (1 + np.exp(-(shared + rng.normal(size=N) * 0.6 - 1)))
    pull = 1.2 * ((shares["muslim"] >= 0.5) & (truth == 0))
    new = 1 / (1 + np.exp(-(shared + pull + rng.normal(size=N) * 0.6 - 1)))
    return truth, old, new, {k: v.astype(np.float32) for k, v in shares.items()}


def columns_of(rows, clusters=None):
    truth, old, new, shares = rows
    pair = pair_of("yes_no", truth, (old >= 0.5).astype(int), (new >= 0.5).astype(int), (old, new))
    found = identity_columns(pair, named(shares, 0.5, np.arange(len(truth))), clusters, Settings())
    return {c.metric.name: c for c in found}


def masks(rows, name):
    truth, _, _, shares = rows
    own = shares[name] >= 0.5
    background = shares[name] < 0.5  # not annotated: in neither
    return truth == 1, own, background


def test_the_aucs_are_scikit_learns_on_the_rows_of_the_definitions(rows) -> None:
    truth, old, new, _ = rows
    found = columns_of(rows)
    for k, name in enumerate(("muslim", "white")):
        yes, own, background = masks(rows, name)
        sets = {
            "subgroup_auc": own,
            "bpsn_auc": np.where(yes, background, own),
            "bnsp_auc": np.where(yes, own, background),
        }
        for metric, of in sets.items():
            change = found[metric].change
            assert change.old[k] == pytest.approx(roc_auc_score(truth[of], old[of]))
            assert change.new[k] == pytest.approx(roc_auc_score(truth[of], new[of]))
            alone = paired_auc_difference(
                rank(old[of]), rank(new[of]), truth[of].astype(np.int8), np.zeros(of.sum(), np.int32), 1
            )
            assert (change.low[k], change.high[k], change.p[k]) == pytest.approx(
                (alone.low[0], alone.high[0], alone.p[0])
            )


def test_a_planted_pull_on_harmless_mentions_lowers_bpsn_and_raises_fpr(rows) -> None:
    found = columns_of(rows)
    assert found["bpsn_auc"].harm.low[0] > 0
    assert found["fpr"].harm.low[0] > 0
    # a quarter of the rows that name `white` name `muslim` as well: its BPSN falls by less
    assert found["bpsn_auc"].harm.value[0] > 2 * found["bpsn_auc"].harm.value[1]
    assert found["bnsp_auc"].harm.low[0] <= 0


def test_average_equality_gaps_are_half_less_the_share_of_pairs_and_only_shown(rows) -> None:
    found = columns_of(rows)
    _, old, new, _ = rows
    for k, name in enumerate(("muslim", "white")):
        yes, own, background = masks(rows, name)
        for metric, which in (("positive_aeg", yes), ("negative_aeg", ~yes)):
            change = found[metric].change
            for score, value in ((old, change.old[k]), (new, change.new[k])):
                first, second = score[own & which], score[background & which]
                pairs = np.sign(first[:, None] - second[None, :])
                assert value == pytest.approx(0.5 - (pairs + 1).mean() / 2)
            assert change.value[k] == pytest.approx(change.new[k] - change.old[k])
            assert change.low[k] < change.value[k] < change.high[k]
        assert np.isnan(found["positive_aeg"].harm.value[k])


def test_rates_by_identity_are_counted_and_tested_by_mcnemar(rows) -> None:
    truth, old, new, _ = rows
    found = columns_of(rows)
    yes, own, background = masks(rows, "muslim")
    was, now = old >= 0.5, new >= 0.5
    for metric, of in (("fpr", own & ~yes), ("fnr", own & yes)):
        error_old, error_new = (was, now) if metric == "fpr" else (~was, ~now)
        change = found[metric].change
        assert (change.old[0], change.new[0]) == pytest.approx((error_old[of].mean(), error_new[of].mean()))
        table = [[0, (error_old & ~error_new)[of].sum()], [(~error_old & error_new)[of].sum(), 0]]
        assert change.p[0] == pytest.approx(mcnemar(table, exact=True).pvalue)
        rest = background & (yes if metric == "fnr" else ~yes)
        other = error_new[rest].mean() - error_old[rest].mean()
        assert found[metric].gap.value[0] == pytest.approx(change.value[0] - other)
    assert truth.sum() > 0


def test_copies_in_clusters_widen_what_they_repeat_by_identity(rows) -> None:
    truth, old, new, shares = rows
    copies = np.repeat(np.arange(N), 3)
    many = (truth[copies], old[copies], new[copies], {k: v[copies] for k, v in shares.items()})
    once, clustered = columns_of(rows), columns_of(many, copies.astype(np.int32))
    for metric in ("fpr", "subgroup_auc", "bpsn_auc"):
        a, b = once[metric].change, clustered[metric].change
        assert b.value == pytest.approx(a.value)
        assert b.high - b.low == pytest.approx(a.high - a.low, rel=0.15), metric


def stored(rows, place, version: str, score) -> pd.DataFrame:
    truth, _, _, shares = rows
    table = pd.DataFrame({"id": np.arange(N), "true.toxic": truth, "score.toxic": score.round(5)})
    table = table.assign(**{f"identity.{k}": v for k, v in shares.items()})
    return audited_rows(store_run(place, version, table, name="texts"))


def test_a_comparison_has_identities_as_slices_and_a_policy_can_gate_them(rows, tmp_path) -> None:
    _, old, new, _ = rows
    runs = [stored(rows, tmp_path, v, s) for v, s in (("1", old), ("2", new))]
    gates = (Gate(metric="bpsn_auc"), Gate(metric="subgroup_auc", watch=("identity",)))
    found = compare(*runs, Policy(gates=gates))
    table = {(r["metric"], r["slice"]): r for r in found.section.tables["verdicts"].to_pylist()}
    row = table["bpsn_auc", "identity=muslim"]
    assert (row["verdict"], row["role"] in ("demanded", "tested"), found.exit_code) == ("regressed", True, 2)
    assert table["subgroup_auc", "identity=white"]["role"] == "watched"
    assert table["positive_aeg", "identity=white"]["role_why"] == "no_harmful_direction"
    assert not any(r["same_rows_as"] for r in table.values() if r["slice"].startswith("identity="))
    direct = columns_of((rows[0], old.round(5), new.round(5), rows[3]))["bpsn_auc"].change
    assert row["change"] == pytest.approx(direct.value[0])


def test_runs_without_identities_have_none(rows, tmp_path) -> None:
    truth, old, new, _ = rows
    table = pd.DataFrame({"id": np.arange(N), "true.toxic": truth})
    runs = [
        audited_rows(store_run(tmp_path, v, table.assign(**{"score.toxic": s.round(5)}), name="bare"))
        for v, s in (("1", old), ("2", new))
    ]
    found = compare(*runs, Policy())
    assert "bpsn_auc" not in found.section.tables["verdicts"]["metric"].to_pylist()
