"""The parts beside the slices, each against a closed form, another library, or a planted truth."""

from __future__ import annotations

import math

import numpy as np
import pytest
from builders import binary_predictions, build_attribute, build_examples
from scipy import stats
from sklearn.metrics import confusion_matrix, f1_score
from statsmodels.stats.power import NormalIndPower
from statsmodels.stats.proportion import proportion_confint

from audit.core import Predictions, Task, TaskKind
from audit.errors import PlumblineError
from audit.group_error.impact import impact
from audit.group_error.probe import GroupError
from audit.group_error.severity import rank, smallest_gap_from_error, smallest_rate_gap
from audit.group_error.spread import normal_spread, rate_spread
from audit.metrics import METRICS, metric
from audit.slices import slice_set


def noisy(n: int, seed: int = 0):
    rng = np.random.default_rng(seed)
    groups = {"g": rng.choice(["a", "b", "c"], n).tolist(), "s": rng.choice(["f", "m"], n).tolist()}
    truth = rng.integers(0, 2, n)
    return groups, truth, np.clip(truth * 0.3 + rng.random(n) * 0.7, 0, 1)


def numbers(truth, said, name="age", unit="years"):
    return Predictions(
        output=name,
        task=Task(kind=TaskKind.REGRESSION, unit=unit),
        rows=np.arange(len(truth)),
        truth=np.asarray(truth, float),
        scores=None,
        decision=np.asarray(said, float),
    )


class TestSpread:
    def test_two_groups_have_the_score_tests_p(self):
        events, n = np.array([30.0, 45.0]), np.array([200.0, 200.0])
        got = rate_spread(events, n, np.ones(2), 0, 20_000)
        pooled = 75 / 400
        z = 0.075 / math.sqrt(pooled * (1 - pooled) / 100)
        assert got.gap == pytest.approx(0.075)
        assert got.p == pytest.approx(2 * stats.norm.sf(z), abs=0.012)
        assert got.expected == pytest.approx(math.sqrt(2 / math.pi * pooled * (1 - pooled) / 100), rel=0.03)

    def test_between_spread_is_unbiased(self):
        """Planted standard deviation between groups .1: the correction for sampling recovers it."""
        rng = np.random.default_rng(0)
        found = []
        for _ in range(300):
            rates = np.clip(rng.normal(0.4, 0.1, 8), 0.01, 0.99)
            found.append(
                rate_spread(rng.binomial(80, rates).astype(float), np.full(8, 80.0), np.ones(8), 0, 9)
            )
        assert np.sqrt(np.mean([f.between**2 for f in found])) == pytest.approx(0.1, abs=0.01)

    def test_fewer_than_two_groups_have_none(self):
        assert math.isnan(normal_spread(np.array([1.0, np.nan]), np.array([0.1, 0.1]), 0, 9).gap)


class TestImpact:
    def test_ratio_is_to_the_most_selected_of_enough_rows(self):
        got = impact(np.array([3.0, 40.0, 30.0]), np.array([3.0, 100.0, 100.0]), 0.02, 0.95, 0)
        assert got.reference == 1
        assert got.ratio[2] == pytest.approx(0.75)
        assert got.low[2] < 0.75 < got.high[2]

    def test_the_rule_fires_by_chance_as_published(self):
        """Equal groups of 100 at base rate .3: 30 % of audits of 2 groups, 84 % of 5, 99 % of 10."""
        for k, share in ((2, 0.30), (5, 0.84), (10, 0.99)):
            got = impact(np.full(k, 30.0), np.full(k, 100.0), 0.02, 0.95, 1)
            assert got.fires == pytest.approx(share, abs=0.02)

    def test_nobody_selected_has_no_ratio(self):
        got = impact(np.zeros(2), np.full(2, 50.0), 0.02, 0.95, 0)
        assert got.reference == -1
        assert np.isnan(got.ratio).all()


class TestPowerAndSeverity:
    def test_smallest_rate_gap_reaches_its_power_by_simulation(self):
        gap = float(
            smallest_rate_gap(np.array([0.2]), np.array([150.0]), np.array([600.0]), np.ones(1), 1)[0]
        )
        rng = np.random.default_rng(0)
        a, b = rng.binomial(150, 0.2 + gap, 20_000), rng.binomial(600, 0.2, 20_000)
        pooled = (a + b) / 750
        z = (a / 150 - b / 600) / np.sqrt(pooled * (1 - pooled) * (1 / 150 + 1 / 600))
        assert np.mean(np.abs(z) > 1.96) == pytest.approx(0.8, abs=0.02)

    def test_smallest_gap_of_a_mean_equals_statsmodels(self):
        effect = NormalIndPower().solve_power(nobs1=50, alpha=0.05 / 4, power=0.8, ratio=1)
        error = np.array([math.sqrt(2 / 50)])
        assert smallest_gap_from_error(error, 4)[0] == pytest.approx(effect, abs=1e-4)

    def test_no_gap_is_large_enough_for_a_handful(self):
        assert np.isnan(
            smallest_rate_gap(np.array([0.9]), np.array([5.0]), np.array([50.0]), np.ones(1), 100)
        )[0]

    def test_levels_follow_margins(self):
        low = np.array([0.11, 0.06, 0.01, -0.01, 0.11])
        value = np.array([0.4, 0.4, 0.4, 0.4, 0.1])
        got = rank(METRICS["fpr"], value, np.full(5, 0.2), low, low + 0.1, np.array([0.01] * 5), 0.05)
        assert got.level.tolist() == ["high", "medium", "low", "not_established", "not_established"]
        assert got.score[:3] == pytest.approx([2.2, 1.2, 0.2])

    def test_bias_is_harmful_away_from_zero_only(self):
        value, other = np.array([-3.0, 3.0, 1.0]), np.array([-1.0, 1.0, -2.0])
        got = rank(
            METRICS["bias"], value, other, value - other - 0.5, value - other + 0.5, np.full(3, 0.01), 1.0
        )
        assert got.harmful.tolist() == [True, True, False]
        assert got.score[:2] == pytest.approx([1.5, 1.5])


class TestTables:
    def test_what_if_equals_counting_at_each_threshold(self, context):
        groups, truth, scores = noisy(600)
        section = GroupError().run(
            context(build_examples(600, groups), binary_predictions(truth, scores, 0.37))
        )
        table = section.tables["thresholds"].to_pandas()
        inside = np.array(groups["g"]) == "b"
        for threshold in (0.01, 0.37, 0.8):
            row = table[(table["slice"] == "g=b") & np.isclose(table.threshold, threshold)].iloc[0]
            tn, fp, fn, tp = confusion_matrix(truth[inside], scores[inside] >= threshold).ravel()
            assert (row.fpr, row.fnr) == pytest.approx((fp / (fp + tn), fn / (fn + tp)))
            assert row.in_force == (threshold == 0.37)
            low, high = proportion_confint(fp, fp + tn, method="wilson")
            assert (row.fpr_low, row.fpr_high) == pytest.approx((low, high))

    def test_composition_removes_a_gap_made_by_the_mix(self, context):
        """Errors depend on the class alone; group a has more of the hard class."""
        rng = np.random.default_rng(0)
        hard = np.r_[rng.random(4000) < 0.8, rng.random(4000) < 0.2]
        wrong = rng.random(8000) < np.where(hard, 0.4, 0.1)
        truth = hard.astype(int)
        scores = np.where(truth ^ wrong, 0.9, 0.1)
        examples = build_examples(8000, {"g": ["a"] * 4000 + ["b"] * 4000})
        section = GroupError().run(context(examples, binary_predictions(truth, scores)))
        row = section.tables["composition"].to_pandas().set_index("value").loc["a"]
        assert row.gap == pytest.approx(0.18, abs=0.03)
        assert row.low < 0 < row.high
        assert abs(row.standardised_gap) < 0.03

    def test_joint_errors_are_their_correlation(self, context):
        groups, truth, scores = noisy(500)
        rng = np.random.default_rng(1)
        years = rng.uniform(5, 80, 500)
        wrong = truth != (scores >= 0.5)
        said = years + rng.normal(0, 3, 500) + 8 * wrong
        section = GroupError().run(
            context(build_examples(500, groups), binary_predictions(truth, scores), numbers(years, said))
        )
        row = section.tables["joint"].to_pandas().set_index("slice").loc["all"]
        want = stats.pearsonr(wrong, np.abs(said - years))
        assert row.correlation == pytest.approx(want.statistic, abs=1e-12)
        ci = want.confidence_interval(0.95)
        assert (row.low, row.high) == pytest.approx((ci.low, ci.high), abs=1e-9)

    def test_age_gates_count_minors_who_pass(self, context):
        truth = np.array([10.0] * 50 + [17.0] * 50 + [30.0] * 100)
        said = np.array([12.0] * 50 + [26.0] * 10 + [20.0] * 40 + [31.0] * 100)
        examples = build_examples(200, {"g": ["a", "b"] * 100})
        section = GroupError().run(context(examples, numbers(truth, said)))
        row = section.tables["age_gates"].to_pandas().set_index("slice").loc["all"]
        assert (row.minors, row.passed, row.share) == (100, 10, pytest.approx(0.1))

    def test_by_truth_has_the_error_of_each_band(self, context):
        truth = np.repeat([1.0, 5.0, 9.0], 40)
        said = truth + np.repeat([0.5, -1.0, 2.0], 40)
        section = GroupError().run(context(build_examples(120, {"g": ["a", "b"] * 60}), numbers(truth, said)))
        table = section.tables["by_truth"].to_pandas()
        everyone = table[table["slice"] == "all"].set_index("band_from")
        assert everyone.bias.to_dict() == pytest.approx({1.0: 0.5, 5.0: -1.0, 9.0: 2.0})
        assert everyone.n.tolist() == [40, 40, 40]

    def test_a_users_metric_runs_and_its_failure_is_reported(self, context):
        groups, truth, scores = noisy(300)
        section = GroupError().run(
            context(
                build_examples(300, groups),
                binary_predictions(truth, scores),
                metrics=("sklearn.metrics:f1_score", "math:sqrt"),
            )
        )
        table = section.tables["custom"].to_pandas()
        inside = np.array(groups["g"]) == "a"
        row = table[(table.metric == "sklearn.metrics:f1_score") & (table["slice"] == "g=a")].iloc[0]
        assert row.result == pytest.approx(f1_score(truth[inside], (scores >= 0.5)[inside]))
        assert table[table.metric == "math:sqrt"].failed.str.startswith("TypeError").all()

    def test_a_users_metric_that_does_not_exist_stops_with_its_name(self, context):
        groups, truth, scores = noisy(100)
        with pytest.raises(PlumblineError, match=r"'sklearn\.metrics:no_such'"):
            GroupError().run(
                context(
                    build_examples(100, groups),
                    binary_predictions(truth, scores),
                    metrics=("sklearn.metrics:no_such",),
                )
            )

    def test_search_finds_a_planted_deep_slice_and_confirms_it(self, context):
        rng = np.random.default_rng(5)
        n = 6000
        groups = {k: rng.choice(["x", "y", "z"], n).tolist() for k in ("a", "b", "c", "d")}
        planted = np.all([np.array(groups[k]) == "x" for k in ("a", "b", "c")], axis=0)
        truth = rng.integers(0, 2, n)
        wrong = rng.random(n) < np.where(planted, 0.5, 0.08)
        section = GroupError().run(
            context(build_examples(n, groups), binary_predictions(truth, np.where(truth ^ wrong, 0.9, 0.1)))
        )
        top = section.tables["search"].to_pandas().iloc[0]
        assert (top["slice"], top.confirmed) == ("a=x & b=x & c=x", True)
        assert any(f.slice.key == "a=x & b=x & c=x" and f.test.adjustment == "Holm" for f in section.findings)


def test_slices_are_counted_as_pandas_counts_them():
    groups, *_ = noisy(200)
    groups["g"][:10] = ["unknown"] * 10
    attributes = {k: build_attribute(k, v) for k, v in groups.items()}
    found = slice_set(attributes, np.arange(200), 2, {}, 30)
    sizes = {s.key: s.n for s in found.slices}
    for g in "abc":
        for s in "fm":
            want = sum(x == g and y == s for x, y in zip(groups["g"], groups["s"], strict=True))
            assert sizes[f"g={g} & s={s}"] == want
    unknown = [s.key for s, known in zip(found.slices, found.known, strict=True) if not known]
    assert set(unknown) == {"g=unknown", "g=unknown & s=f", "g=unknown & s=m"}


def test_every_metric_has_a_title_a_unit_and_a_direction():
    for m in [*METRICS.values(), metric("recall/cap")]:
        assert m.title
        assert m.unit
        assert m.better in ("higher", "lower", "zero", "neither")
