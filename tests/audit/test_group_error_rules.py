"""The rules of comparison: references, unknown, mirrors, fixed truth, small slices, worst parents."""

from __future__ import annotations

import numpy as np
import pytest
from builders import binary_predictions, build_examples
from statsmodels.stats.proportion import confint_proportions_2indep

from audit.core import Level, Predictions, Task, TaskKind
from audit.errors import SpecError
from audit.group_error.probe import GroupError
from audit.spec import AttributeSpec, OutputSpec, Primary


def rates(spec: list[tuple[dict[str, str], int, int, int, int]]):
    """Rows with planted counts: (groups, negatives, false positives, positives, misses)."""
    groups: dict[str, list[str]] = {k: [] for k in spec[0][0]}
    truth: list[int] = []
    scores: list[float] = []
    for values, negatives, fp, positives, fn in spec:
        for name, value in values.items():
            groups[name] += [value] * (negatives + positives)
        truth += [0] * negatives + [1] * positives
        scores += [0.9] * fp + [0.1] * (negatives - fp) + [0.1] * fn + [0.9] * (positives - fn)
    return groups, truth, scores


def run(context, groups, truth, scores, **spec):
    return GroupError().run(
        context(build_examples(len(truth), groups), binary_predictions(truth, scores), **spec)
    )


def row(section, metric, key):
    table = section.tables["slices"].to_pandas()
    return table[(table.metric == metric) & (table.slice == key)].iloc[0]


def finding(section, metric, key):
    return next(f for f in section.findings if (f.metric, f.slice.key) == (metric, key))


THREE = [
    ({"g": "a"}, 400, 40, 100, 10),
    ({"g": "b"}, 400, 40, 100, 10),
    ({"g": "c"}, 400, 120, 100, 10),
    ({"g": "unknown"}, 100, 100, 10, 10),
]


def test_a_planted_gap_is_the_first_finding_and_unknown_is_in_no_reference(context):
    section = run(context, *rates(THREE))
    first = finding(section, "fpr", "g=c")
    assert first.severity.level is Level.HIGH
    assert first.reference_value.value == pytest.approx(80 / 800)
    low, high = confint_proportions_2indep(120, 400, 80, 800, method="newcomb")
    assert (first.gap.low, first.gap.high) == pytest.approx((low, high), abs=1e-9)
    assert first.severity.score == pytest.approx(low / 0.05, abs=1e-6)
    unknown = row(section, "fpr", "g=unknown")
    assert unknown.value == 1.0
    assert unknown.untested == "unknown_group"
    assert np.isnan(unknown.gap)


def test_evidence_are_false_positives_of_the_slice(context):
    section = run(context, *rates(THREE))
    evidence = finding(section, "fpr", "g=c").evidence
    assert set(evidence) <= {f"r{i}" for i in range(1000, 1120)}
    assert len(evidence) == 12


def test_declared_reference_is_used_and_not_tested(context):
    section = run(context, *rates(THREE), attributes={"g": AttributeSpec(reference="a")})
    assert row(section, "fpr", "g=a").untested == "is_reference"
    got = row(section, "fpr", "g=c")
    assert (got.reference, got.reference_value) == ("g=a", pytest.approx(0.1))


def test_two_values_are_one_comparison(context):
    section = run(context, *rates([THREE[0], THREE[2]]))
    assert row(section, "fpr", "g=a").untested == "mirror"
    assert row(section, "fpr", "g=c").untested == ""


def test_the_error_that_harms_nobody_is_shown_and_not_tested(context):
    section = run(context, *rates(THREE), outputs={"out": OutputSpec(harmful="fnr")})
    shown = row(section, "fpr", "g=c")
    assert (shown.value, shown.untested) == (pytest.approx(0.3), "shown_only")
    assert "fpr" not in {f.metric for f in section.findings}
    assert set(section.tables["families"].to_pandas().metric) == {"fnr"}


def test_only_harm_is_a_finding(context):
    section = run(context, *rates(THREE))
    assert {f.slice.key for f in section.findings} == {"g=c"}
    assert not row(section, "fpr", "g=a").harmful


def test_a_small_slice_is_shown_and_not_tested(context):
    tiny = ({"g": "tiny"}, 20, 20, 20, 0)
    section = run(context, *rates([*THREE[:3], tiny]))
    got = row(section, "fpr", "g=tiny")
    assert (got.value, got.untested, got.n) == (1.0, "too_few", 20)
    assert not [f for f in section.findings if (f.metric, f.slice.key) == ("fpr", "g=tiny")]


def test_expected_not_observed_events_decide(context):
    """A group of 100 without a single false positive is tested where the reference would give it 10."""
    section = run(context, *rates([*THREE[:3], ({"g": "none"}, 100, 0, 100, 10)]))
    assert row(section, "fpr", "g=none").untested == ""
    rare = [({"g": k}, 400, 2, 100, 10) for k in "abc"]
    section = run(context, *rates(rare))
    assert row(section, "fpr", "g=a").untested == "too_few_expected"


def test_an_attribute_that_fixes_the_truth_is_said_and_not_tested(context):
    groups, truth, scores = rates(
        [({"g": "f", "e": "x"}, 300, 60, 0, 0), ({"g": "f", "e": "y"}, 300, 20, 0, 0)]
        + [({"g": "m", "e": "x"}, 0, 0, 300, 30), ({"g": "m", "e": "y"}, 0, 0, 300, 30)]
    )
    section = run(context, groups, truth, scores)
    assert section.summary["fixed_by_attribute"] == {"out": ["g"]}
    assert row(section, "error_rate", "g=f").untested == "attribute_fixes_truth"
    families = section.tables["families"].to_pandas()
    assert set(families.attribute) == {"e"}
    assert row(section, "fpr", "e=x").level in ("high", "medium")


def test_age_bands_fix_an_age_and_crossings_compare_inside_the_band(context):
    rng = np.random.default_rng(0)
    band = np.repeat(["0-20", "21-50", "51+"], 400)
    truth = np.repeat([10.0, 35.0, 65.0], 400)
    sex = np.tile(["f", "m"], 600)
    error = (
        rng.normal(0, 4, 1200)
        + np.where(band == "51+", -12, 0)
        + np.where((band == "21-50") & (sex == "f"), 6, 0)
    )
    predictions = Predictions(
        output="age",
        task=Task(kind=TaskKind.REGRESSION),
        rows=np.arange(1200),
        truth=truth,
        scores=None,
        decision=truth + error,
    )
    examples = build_examples(1200, {"band": band.tolist(), "sex": sex.tolist()})
    section = GroupError().run(context(examples, predictions))
    assert section.summary["fixed_by_attribute"] == {"age": ["band"]}
    assert row(section, "mae", "band=51+").untested == "attribute_fixes_truth"
    first = section.findings[0]
    assert (first.slice.key, first.reference) == ("band=21-50 & sex=f", "band=21-50")
    assert first.gap.unit == "years"


def test_a_crossing_is_ranked_by_its_excess_over_its_worst_parent(context):
    groups, truth, scores = rates(
        [({"s": "f", "e": "x"}, 500, 150, 100, 10), ({"s": "f", "e": "y"}, 500, 100, 100, 10)]
        + [({"s": "m", "e": "x"}, 500, 50, 100, 10), ({"s": "m", "e": "y"}, 500, 50, 100, 10)]
    )
    got = row(run(context, groups, truth, scores), "fpr", "s=f & e=x")
    assert (got.reference, got.parent) == ("everyone else", "s=f")
    assert got.gap == pytest.approx(0.3 - 200 / 1500)
    assert got.excess == pytest.approx(0.3 - 250 / 1000)
    low, high = confint_proportions_2indep(150, 500, 100, 500, method="newcomb")
    assert (got.excess_low, got.excess_high) == pytest.approx((low / 2, high / 2), abs=1e-9)


def test_primary_family_is_holm_over_omnibus_tests(context):
    from scipy.stats import chi2_contingency

    section = run(context, *rates(THREE))
    families = section.tables["families"].to_pandas().set_index("metric")
    table = [[40, 360], [40, 360], [120, 280]]
    assert families.p["fpr"] == pytest.approx(chi2_contingency(table, correction=False).pvalue, rel=1e-9)
    assert families.p_adjusted["fpr"] == pytest.approx(2 * families.p["fpr"], rel=1e-9)
    assert (families.tests == 2).all()


def test_a_declared_primary_comparison_that_is_not_there_names_what_is(context):
    with pytest.raises(SpecError) as error:
        run(context, *rates(THREE), primary=(Primary(output="out", attribute="age", metric="fpr"),))
    assert str(error.value) == "spec, primary: no attribute is called 'age'; attributes are g."


def test_without_truth_selection_rates_still_run(context):
    groups, _, scores = rates(THREE)
    section = GroupError().run(context(build_examples(len(scores), groups), binary_predictions(None, scores)))
    table = section.tables["slices"].to_pandas()
    assert set(table.metric) == {"selection_rate"}
    assert section.summary["without_truth"] == ["out"]
    impact = section.tables["impact"].to_pandas().set_index("value")
    assert impact.ratio["c"] == 1.0
    assert impact.ratio["a"] == pytest.approx((130 / 500) / (210 / 500))
    assert "unknown" not in impact.index


def test_a_file_without_groups_has_overall_metrics_and_says_so(context):
    _, truth, scores = rates(THREE)
    section = GroupError().run(context(build_examples(len(truth)), binary_predictions(truth, scores)))
    table = section.tables["slices"].to_pandas()
    assert set(table.slice) == {"all"}
    assert section.summary["attributes_note"] == "no_attributes"
    assert section.findings == ()


def test_one_class_only_gives_reasons_not_numbers(context):
    groups, truth, scores = rates([({"g": "a"}, 100, 10, 0, 0), ({"g": "b"}, 100, 30, 0, 0)])
    section = run(context, groups, truth, scores)
    assert np.isnan(row(section, "auc", "all").value)
    assert row(section, "auc", "all")["empty"] == "no_positives"
    assert row(section, "fnr", "g=a")["empty"] == "no_positives"
    assert row(section, "fpr", "g=b").value == pytest.approx(0.3)


def test_clusters_widen_intervals_and_leave_values(context):
    rng = np.random.default_rng(1)
    person = np.repeat(np.arange(150), 8)
    groups = {"g": np.where(person % 3 == 0, "a", np.where(person % 3 == 1, "b", "c")).tolist()}
    truth = np.zeros(1200, int)
    scores = np.where(rng.random(150)[person] < 0.2, 0.9, 0.1)  # all rows of a person share their error
    alone = GroupError().run(context(build_examples(1200, groups), binary_predictions(truth, scores)))
    together = GroupError().run(
        context(build_examples(1200, groups, person.tolist()), binary_predictions(truth, scores))
    )
    a, b = (row(s, "fpr", "g=a") for s in (alone, together))
    assert a.value == pytest.approx(b.value, abs=1e-15)
    assert (b.high - b.low) > 2 * (a.high - a.low)
    assert b.mark.startswith("n_effective=")


def test_two_runs_are_equal(context):
    one, two = (run(context, *rates(THREE)) for _ in range(2))
    assert one.findings == two.findings
    assert all(one.tables[k].equals(two.tables[k]) for k in one.tables)


def test_everyone_is_no_comparison_that_was_not_tested(context):
    from audit.metrics import METRICS

    section = run(context, *rates(THREE))
    table = section.tables["slices"].to_pandas()
    findable = [name for name, metric in METRICS.items() if metric.finding]
    compared = table[(table.slice != "all") & table.metric.isin(findable) & (table.untested != "")]
    assert section.summary["untested"] == compared["untested"].value_counts().to_dict()
    assert "no_reference" not in section.summary["untested"]
