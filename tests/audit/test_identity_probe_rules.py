"""The probe: where identities come from, what is not tested and why, what is evidence."""

from concurrent.futures import ThreadPoolExecutor
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
from builders import binary_predictions, build_examples
from identity_builders import WordModel, text_context
from identity_scores import N, cells_of, memberships, remarks, scores_of, truth_of

from audit.core import Level, Reason, Status, Task, TaskKind
from audit.identity_terms.finder import find_terms
from audit.identity_terms.lexicon import built_in
from audit.identity_terms.probe import IdentityTerms
from audit.metrics import IDENTITY_METRICS
from audit.spec import OutputSpec

DOCS = Path(__file__).parents[2] / "docs" / "identity-terms.md"


@pytest.fixture
def audit(context):
    def make(shares, *predictions, clusters=None, **spec):
        examples = build_examples(len(shares), clusters=clusters)
        columns = {f"g{k}": np.asarray(column, np.float32) for k, column in enumerate(np.asarray(shares).T)}
        return context(replace(examples, identities=columns), *predictions, **spec)

    return make


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
