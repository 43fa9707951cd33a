"""The probe: planted bias is found and nothing else, and every cell is listed."""

from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import binary_predictions, build_examples
from identity_scores import K, N, cells_of, memberships, multilabel, scores_of, truth_of
from statsmodels.stats.multitest import multipletests

from audit.core import Level, Status
from audit.identity_terms.probe import IdentityTerms
from audit.metrics import IDENTITY_METRICS

DOCS = Path(__file__).parents[2] / "docs" / "identity-terms.md"


@pytest.fixture
def audit(context):
    def make(shares, *predictions, clusters=None, **spec):
        examples = build_examples(len(shares), clusters=clusters)
        columns = {f"g{k}": np.asarray(column, np.float32) for k, column in enumerate(np.asarray(shares).T)}
        return context(replace(examples, identities=columns), *predictions, **spec)

    return make


def test_planted_bias_is_found_and_nothing_else(audit):
    shares, truth = memberships(), truth_of()
    planted = binary_predictions(truth, scores_of(truth, shares, harmless=1.2, abuse=1.2), name="toxic")
    clean = binary_predictions(truth, scores_of(truth, shares, seed=5), name="insult")
    section = IdentityTerms().run(audit(shares, planted, clean))
    assert section.status is Status.OK
    found = {
        (f.output, f.slice.key, f.metric)
        for f in section.findings
        if f.severity.level is not Level.NOT_ESTABLISHED
    }
    assert found == {
        ("toxic", "identity=g0", "bpsn_auc"),
        ("toxic", "identity=g0", "subgroup_auc"),
        ("toxic", "identity=g0", "fpr"),
        ("toxic", "identity=g1", "bnsp_auc"),
        ("toxic", "identity=g1", "subgroup_auc"),
        ("toxic", "identity=g1", "fnr"),
    }
    worst = section.findings[0]
    assert (worst.probe, worst.reference, worst.slice.n) == (
        "identity_terms",
        "background",
        int(shares[:, 1].sum()),
    )
    assert worst.severity.level is Level.HIGH
    cells = cells_of(section)
    assert cells.loc[("toxic", "g0", "negative_aeg"), "high"] < 0
    assert cells.loc[("toxic", "g1", "positive_aeg"), "low"] > 0
    assert section.summary["established"] == len(found)


def test_every_label_identity_and_metric_has_a_cell_and_one_family(audit):
    shares, truth = memberships(), truth_of()
    outputs = [binary_predictions(truth, scores_of(truth, shares, s), name=f"o{s}") for s in (3, 4)]
    section = IdentityTerms().run(audit(shares, *outputs))
    cells = cells_of(section)
    expected = {(o, f"g{k}", m) for o in ("o3", "o4") for k in range(K) for m in IDENTITY_METRICS}
    assert set(cells.index) == expected
    tested = cells[cells.p.notna()]
    assert set(tested.index.get_level_values("metric")) == {
        "subgroup_auc",
        "bpsn_auc",
        "bnsp_auc",
        "fpr",
        "fnr",
    }
    assert len(tested) == 2 * K * 5 == section.summary["tests"]
    np.testing.assert_allclose(tested.p_adjusted, multipletests(tested.p, method="holm")[1])
    assert set(cells.loc[cells.p.isna(), "untested"]) == {"shown_only"}
    assert cells.value.notna().all()
    assert (cells.expected.isna() == cells.value.isna()).all()
    np.testing.assert_allclose(cells.difference, cells.value - cells.expected, atol=1e-12)
    assert ((cells.diff_low <= cells.difference) & (cells.difference <= cells.diff_high)).all()


def test_columns_of_every_table_are_documented(audit):
    shares, truth = memberships(), truth_of()
    section = IdentityTerms().run(audit(shares, binary_predictions(truth, scores_of(truth, shares))))
    parts = DOCS.read_text().split("\n**`")
    documented = {part.partition("`")[0]: part for part in parts[1:]}
    assert set(section.tables) == {"cells", "summary", "thresholds", "choices", "terms"}
    for name, table in section.tables.items():
        for column in table.column_names:
            assert f"`{column}`" in documented[name], (name, column)
    for fact in section.summary:
        assert f"`{fact}`" in documented["terms"], fact


def test_rows_that_nobody_was_asked_about_are_in_neither(audit):
    shares, truth = memberships(), truth_of()
    scores = scores_of(truth, shares)
    asked = np.random.default_rng(9).random(N) < 0.7
    holes = shares.copy()
    holes[~asked, 0] = np.nan
    all_rows = cells_of(IdentityTerms().run(audit(holes, binary_predictions(truth, scores))))
    only = cells_of(
        IdentityTerms().run(audit(shares[asked], binary_predictions(truth[asked], scores[asked])))
    )
    columns = [
        "value",
        "low",
        "high",
        "n_pos",
        "n_neg",
        "background_n_pos",
        "background_n_neg",
        "diff_low",
        "p",
    ]
    for metric in IDENTITY_METRICS:
        a, b = (t.loc[("out", "g0", metric), columns].astype(float) for t in (all_rows, only))
        np.testing.assert_allclose(a, b, rtol=1e-9, err_msg=metric)
    terms = IdentityTerms().run(audit(holes, binary_predictions(truth, scores))).tables["terms"].to_pylist()
    assert (terms[0]["annotated"], terms[0]["rows"]) == (asked.sum(), shares[asked, 0].sum())
    assert terms[1]["annotated"] == N


def test_the_threshold_of_membership_is_the_specs(audit):
    truth = truth_of(n=400)
    shares = np.tile([[0.4], [0.6], [0.0], [0.0]], (100, 1))
    scores = scores_of(truth, np.zeros((400, 2)))
    for threshold, rows in ((0.5, 100), (0.3, 200), (0.4, 200)):
        made = audit(shares, binary_predictions(truth, scores), identity_threshold=threshold)
        assert IdentityTerms().run(made).tables["terms"]["rows"].to_pylist() == [rows]


def test_a_label_loses_only_the_rows_that_lack_it(audit):
    shares = memberships()
    truth = np.stack([truth_of(2), truth_of(3)], axis=1)
    scores = np.stack([scores_of(truth[:, j], shares, j) for j in (0, 1)], axis=1)
    truth[: N // 2, 1] = -1
    cells = cells_of(
        IdentityTerms().run(audit(shares, multilabel(truth, np.where(truth < 0, np.nan, scores))))
    )
    assert set(cells.label) == {"toxic", "threat"}
    sums = cells[["n_pos", "n_neg", "background_n_pos", "background_n_neg"]].sum(axis=1)
    assert set(sums.loc["comment/toxic"]) == {N}
    assert set(sums.loc["comment/threat"]) == {N - N // 2}
    rest = slice(N // 2, None)
    alone = binary_predictions(truth[rest, 1], scores[rest, 1])
    expected = cells_of(IdentityTerms().run(audit(shares[rest], alone)))
    np.testing.assert_allclose(cells.loc["comment/threat"].value, expected.loc["out"].value, rtol=1e-12)


def test_rows_with_another_label_are_counted(audit):
    shares = memberships(n=800)
    shares[:100, 2] = np.nan
    truth = [truth_of(seed, 800) for seed in (2, 3, 4)]
    outputs = [binary_predictions(t, scores_of(t, shares), name=f"o{i}") for i, t in enumerate(truth)]
    cells = cells_of(IdentityTerms().run(audit(shares, *outputs)))
    for i, own in enumerate(truth):
        another = (sum(truth) - own > 0) & (own == 0)
        for k in range(K):
            row = cells.loc[(f"o{i}", f"g{k}", "bpsn_auc")]
            member, asked = shares[:, k] >= 0.5, ~np.isnan(shares[:, k])
            assert row.n_neg_other == (another & member).sum()
            assert row.background_n_neg_other == (another & asked & ~member).sum()
    alone = cells_of(IdentityTerms().run(audit(shares, outputs[0])))
    assert alone.n_neg_other.isna().all()
