"""The probe: planted bias is found and nothing else, every cell is listed, and what is missing says why."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import binary_predictions, build_examples
from identity_builders import WordModel, text_context
from statsmodels.stats.multitest import multipletests

from audit.core import Level, Predictions, Reason, Status, Task, TaskKind
from audit.identity_terms.finder import find_terms
from audit.identity_terms.lexicon import built_in
from audit.identity_terms.probe import IdentityTerms
from audit.metrics import IDENTITY_METRICS
from audit.spec import OutputSpec

DOCS = Path(__file__).parents[2] / "docs" / "identity-terms.md"
N, K = 6000, 6


def memberships(seed=0, n=N, k=K):
    return (np.random.default_rng(seed).random((n, k)) < 0.12).astype(np.float32)


def scores_of(truth, shares, seed=1, harmless=0.0, abuse=0.0):
    """Harmless texts about g0 score higher, abuse of g1 scores lower."""
    noise = np.random.default_rng(seed).normal(size=len(truth))
    raw = noise + 2.5 * truth - 1.2 + harmless * shares[:, 0] * (1 - truth) - abuse * shares[:, 1] * truth
    return 1 / (1 + np.exp(-raw))


def truth_of(seed=2, n=N):
    return (np.random.default_rng(seed).random(n) < 0.3).astype(np.int8)


@pytest.fixture
def audit(context):
    def make(shares, *predictions, clusters=None, **spec):
        examples = build_examples(len(shares), clusters=clusters)
        columns = {f"g{k}": np.asarray(column, np.float32) for k, column in enumerate(np.asarray(shares).T)}
        return context(replace(examples, identities=columns), *predictions, **spec)

    return make


def cells_of(section):
    return section.tables["cells"].to_pandas().set_index(["output", "identity", "metric"]).sort_index()


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


def remarks(n=2000, seed=0):
    rng = np.random.default_rng(seed)
    who = ["people", "Muslims", "gay men", "women", "Germans"]
    return [
        f"these {who[w]} are {'awful' if bad else 'fine'}"
        for w, bad in zip(rng.integers(0, 5, n), rng.random(n) < 0.4, strict=True)
    ]


def test_terms_are_found_where_no_identity_is_declared(tmp_path, audit):
    texts = remarks()
    truth = np.array(["awful" in t for t in texts], np.int8)
    scores = scores_of(truth, np.zeros((len(texts), 2)))
    made = replace(
        text_context(texts, None, tmp_path), predictions={"out": binary_predictions(truth, scores)}
    )
    section = IdentityTerms().run(made)
    lexicon = built_in()
    matrix = find_terms(texts, lexicon)
    named = [i for i, any_row in enumerate(matrix.any(axis=0)) if any_row]
    declared = audit(matrix[:, named], binary_predictions(truth, scores), minimum_n=5)
    columns = ["metric", "value", "low", "high", "n", "p", "p_adjusted"]
    ours, theirs = (
        s.tables["cells"].select(columns).to_pandas() for s in (section, IdentityTerms().run(declared))
    )
    assert ours.equals(theirs)
    cells = section.tables["cells"]
    assert set(cells["source"].to_pylist()) == {"lexicon"}
    assert {"muslim", "gay", "female"} <= set(cells["identity"].to_pylist())
    assert set(section.tables["terms"]["identity"].to_pylist()) == set(lexicon.identities)
    assert section.summary["swaps"]["texts"]["reason"] == "needs_model"


def test_only_audited_texts_are_read(tmp_path):
    texts = remarks()
    truth = np.array(["awful" in t for t in texts], np.int8)
    scores = scores_of(truth, np.zeros((len(texts), 2)))
    whole = replace(
        text_context(texts, None, tmp_path), predictions={"out": binary_predictions(truth, scores)}
    )
    half = np.arange(len(texts)) % 2 == 0
    part = IdentityTerms().run(replace(whole, audited=half))
    alone = replace(
        text_context([t for t, h in zip(texts, half, strict=True) if h], None, tmp_path),
        predictions={"out": binary_predictions(truth[half], scores[half])},
    )
    assert part.tables["cells"].equals(IdentityTerms().run(alone).tables["cells"])


def test_a_model_of_texts_is_asked_for_swaps_and_suites(tmp_path):
    texts = remarks(300)
    model = WordModel(lambda text: 0.9 if "uslim" in text or "awful" in text else 0.1)
    section = IdentityTerms().run(text_context(texts, model, tmp_path, swap_texts=20))
    assert {"swaps", "swap_examples", "suites", "terms", "cells"} <= set(section.tables)
    sources = set(section.tables["swaps"]["source"].to_pylist())
    assert sources == {"texts", *section.summary["suites"]["names"]}
    assert section.summary["swaps"]["texts"]["scored"] > 0
    assert set(section.tables["cells"]["reason"].to_pylist()) == {"no_truth"}


def multilabel(truth, scores):
    return Predictions(
        output="comment",
        task=Task(kind=TaskKind.MULTILABEL, classes=("toxic", "threat")),
        rows=np.arange(len(truth)),
        truth=truth,
        scores=scores,
        decision=np.where(truth < 0, -1, scores >= 0.5).astype(np.int8),
        thresholds=(0.5, 0.5),
    )


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


def test_what_is_missing_says_why(audit):
    shares, truth = memberships(), truth_of()
    shares[:, 3] = 0  # nobody
    shares[:, 4] *= truth  # abused only
    shares[:, 5] *= 1 - truth  # never abused
    scores = scores_of(truth, shares)
    cells = cells_of(IdentityTerms().run(audit(shares, binary_predictions(truth, scores)))).loc["out"]
    assert set(cells.loc["g3"].reason) == {"no_rows"}
    auc = {m: cells.loc[("g4", m), "reason"] for m in IDENTITY_METRICS}
    assert auc == {
        "subgroup_auc": "no_negatives",
        "bpsn_auc": "no_negatives",
        "bnsp_auc": "",
        "positive_aeg": "",
        "negative_aeg": "no_negatives",
        "fpr": "no_negatives",
        "fnr": "",
    }
    assert cells.loc[("g5", "bnsp_auc"), "reason"] == "no_positives"
    assert cells.loc[("g5", "bpsn_auc"), "reason"] == ""
    empty = cells[cells.reason != ""]
    assert empty[["value", "low", "high", "difference", "p"]].isna().all(axis=None)
    assert (empty.untested != "").all()
    one_class = cells_of(IdentityTerms().run(audit(shares, binary_predictions(np.zeros(N, np.int8), scores))))
    assert one_class.loc[("out", "g0", "bpsn_auc"), "reason"] == "no_reference"


def test_no_truth_and_no_scores_say_so(audit):
    shares, truth = memberships(), truth_of()
    given = binary_predictions(truth, scores_of(truth, shares))
    blind = IdentityTerms().run(audit(shares, replace(given, truth=None)))
    assert set(blind.tables["cells"]["reason"].to_pylist()) == {"no_truth"}
    assert (blind.findings, blind.summary["without_truth"], blind.summary["tests"]) == ((), ["out"], 0)
    unscored = IdentityTerms().run(audit(shares, replace(given, scores=None, thresholds=())))
    cells, full = (
        cells_of(unscored).loc["out"],
        cells_of(IdentityTerms().run(audit(shares, given))).loc["out"],
    )
    rates = cells.index.get_level_values("metric").isin(["fpr", "fnr"])
    assert set(cells[~rates].reason) == {"no_scores"}
    np.testing.assert_array_equal(cells[rates].value, full[rates].value)
    assert unscored.summary["without_scores"] == ["out"]


def test_small_identities_are_shown_and_not_tested(audit):
    shares, truth = memberships(), truth_of()
    shares[:, 0] = 0
    shares[np.flatnonzero(truth == 0)[:200], 0] = 1
    shares[np.flatnonzero(truth == 1)[:12], 0] = 1
    scores = scores_of(truth, shares)
    cells = cells_of(IdentityTerms().run(audit(shares, binary_predictions(truth, scores)))).loc[("out", "g0")]
    assert {m: cells.loc[m, "untested"] for m in ("subgroup_auc", "bpsn_auc", "bnsp_auc", "fpr", "fnr")} == {
        "subgroup_auc": "too_few",
        "bpsn_auc": "",
        "bnsp_auc": "too_few",
        "fpr": "",
        "fnr": "too_few",
    }
    assert cells.value.notna().all()
    assert cells.loc["bnsp_auc", "marks"] == "small"
    low = binary_predictions(truth, np.where(truth == 0, 0.0, scores))  # no false alarm anywhere
    rare = cells_of(IdentityTerms().run(audit(shares, low)))
    assert set(rare.xs("fpr", level="metric").untested) == {"too_few_expected"}


@pytest.mark.parametrize(
    ("harmful", "spared"), [("fnr", {"fpr", "bpsn_auc"}), ("fpr", {"fnr", "bnsp_auc"}), ("both", set())]
)
def test_an_error_that_harms_nobody_is_not_tested(audit, harmful, spared):
    shares, truth = memberships(), truth_of()
    given = binary_predictions(truth, scores_of(truth, shares), name="toxic")
    cells = cells_of(
        IdentityTerms().run(audit(shares, given, outputs={"toxic": OutputSpec(harmful=harmful)}))
    )
    untested = cells[cells.p.isna()].index.get_level_values("metric")
    assert set(untested) == spared | {"positive_aeg", "negative_aeg"}
    assert set(cells.loc[cells.p.isna(), "untested"]) == {"shown_only"}


def test_evidence_is_the_identitys_own_rows_worst_first(audit):
    shares, truth = memberships(), truth_of()
    scores = scores_of(truth, shares, harmless=1.2, abuse=1.2)
    section = IdentityTerms().run(audit(shares, binary_predictions(truth, scores)))
    found = {(f.slice.of[0][1], f.metric): [int(i[1:]) for i in f.evidence] for f in section.findings}
    high, low = found["g0", "bpsn_auc"], found["g1", "bnsp_auc"]
    assert high == sorted(np.flatnonzero((shares[:, 0] == 1) & (truth == 0)), key=lambda r: -scores[r])[:12]
    assert low == sorted(np.flatnonzero((shares[:, 1] == 1) & (truth == 1)), key=lambda r: scores[r])[:12]
    both = found["g0", "subgroup_auc"]
    assert [truth[r] for r in both] == [0] * 6 + [1] * 6
    wrong = found["g0", "fpr"]
    assert wrong
    assert all(truth[r] == 0 and scores[r] >= 0.5 and shares[r, 0] for r in wrong)


def test_severity_uses_the_margin_of_the_spec(audit):
    shares, truth = memberships(), truth_of()
    given = binary_predictions(truth, scores_of(truth, shares, harmless=1.2))
    for margin, level in ((0.02, Level.HIGH), (0.08, Level.MEDIUM), (0.5, Level.LOW)):
        made = audit(shares, given, margins={"auc": margin, "rate": 1.0})
        worst = next(f for f in IdentityTerms().run(made).findings if f.metric == "bpsn_auc")
        assert (worst.severity.level, worst.severity.margin) == (level, margin)


def test_copies_in_clusters_are_not_evidence(audit):
    shares, truth = memberships(n=500), truth_of(n=500)
    scores = scores_of(truth, shares, harmless=0.35)
    copied = [np.repeat(x, 20, axis=0) for x in (shares, truth, scores)]
    apart = IdentityTerms().run(audit(copied[0], binary_predictions(*copied[1:])))
    together = IdentityTerms().run(
        audit(copied[0], binary_predictions(*copied[1:]), clusters=np.repeat(np.arange(500), 20))
    )
    assert apart.summary["established"] > 5
    assert together.summary["established"] == 0
    assert together.summary["clusters_note"]
    assert not apart.summary["clusters_note"]
    marks = cells_of(together).xs("fpr", level="metric").marks
    assert marks.str.startswith("n_effective=").all()


def test_threads_change_nothing(audit):
    shares, truth = memberships(), truth_of()
    outputs = [binary_predictions(truth, scores_of(truth, shares, s), name=f"o{s}") for s in range(3)]
    made = audit(shares, *outputs)
    one = IdentityTerms().run(made)
    with ThreadPoolExecutor(3) as pool:
        three = IdentityTerms().run(replace(made, executor=pool))
    assert one.findings == three.findings
    assert all(table.equals(three.tables[name]) for name, table in one.tables.items())


def test_where_it_does_not_apply(audit, tmp_path):
    shares, truth = memberships(n=50), truth_of(n=50)
    given = binary_predictions(truth, scores_of(truth, shares))
    probe = IdentityTerms()
    assert probe.applies(audit(shares, given)) is None
    assert probe.applies(audit(np.empty((50, 0)), given)) is Reason.NO_IDENTITIES
    assert probe.applies(text_context(["a"], None, tmp_path)) is None
    assert probe.applies(replace(audit(shares, given), audited=np.zeros(50, bool))) is Reason.NO_ROWS
    number = replace(given, task=Task(kind=TaskKind.REGRESSION), scores=None, decision=np.zeros(50))
    assert probe.applies(audit(shares, number)) is Reason.NO_YES_NO


def test_texts_that_name_nobody_leave_only_the_terms(tmp_path):
    texts = ["nothing", None] * 20
    made = replace(
        text_context(texts, None, tmp_path),
        predictions={"out": binary_predictions(np.arange(40) % 2, np.linspace(0, 1, 40))},
    )
    section = IdentityTerms().run(made)
    assert (section.status, set(section.tables), section.findings) == (Status.OK, {"terms"}, ())
    assert section.summary["identities_mentioned"] == 0
