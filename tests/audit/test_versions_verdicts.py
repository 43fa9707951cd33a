"""Verdicts, the discrete Holm correction, roles and the n that settles."""

from __future__ import annotations

import numpy as np
import pytest
from builders import build_attribute
from hypothesis import given
from hypothesis import strategies as st
from scipy.stats import binom
from versions_builders import pair_of

from audit.core import TaskKind
from audit.errors import SpecError
from audit.intervals import Interval, newcombe_paired
from audit.multiplicity import holm
from audit.slices import slice_set
from audit.versions.adjust import attainable, holm_discrete
from audit.versions.changes import change_columns
from audit.versions.judging import judge_columns
from audit.versions.paired import PairedRate, Settings
from audit.versions.policy import Gate, Policy
from audit.versions.roles import check_outputs, check_patterns, roles
from audit.versions.settle import can_settle, settling_n
from audit.versions.verdicts import verdicts

NAN = float("nan")


# STATISTICS.md, Versions: upper < 0 improved, < margin not worse, lower > 0 regressed, else cannot tell
@pytest.mark.parametrize(
    ("low", "high", "p", "word"),
    [
        (-0.08, -0.01, 0.01, "improved"),
        (-0.08, -0.01, 0.2, "not_worse"),
        (-0.08, 0.0, 0.01, "not_worse"),
        (-0.01, 0.049, 0.2, "not_worse"),
        (0.001, 0.049, 0.001, "not_worse"),
        (0.001, 0.05, 0.05, "regressed"),
        (0.001, 0.05, 0.0501, "cannot_tell"),
        (0.0, 0.2, 0.001, "cannot_tell"),
        (0.001, 0.2, NAN, "cannot_tell"),
        (-0.08, -0.01, NAN, "not_worse"),
        (NAN, NAN, NAN, "cannot_tell"),
    ],
)
def test_the_four_verdicts(low, high, p, word):
    harm = Interval(np.array([0.0]), np.array([low]), np.array([high]))
    assert verdicts(harm, np.array([0.05]), np.array([p]), 0.05).tolist() == [word]


def test_a_harm_that_is_not_known_is_not_judged():
    nothing = np.array([NAN])
    assert verdicts(Interval(nothing, nothing, nothing), np.array([0.05]), nothing, 0.05) == ["not_judged"]


p_values = st.lists(st.floats(0, 1) | st.just(NAN), min_size=1, max_size=12)


@given(p_values)
def test_with_continuous_tests_only_it_is_holm(p):
    assert holm_discrete(np.array(p), np.full(len(p), NAN)) == pytest.approx(holm(p), nan_ok=True)


@given(st.floats(1e-9, 1), st.integers(0, 200))
def test_the_attainable_level_is_the_largest_of_all_outcomes(p, rows):
    levels = np.minimum(2 * binom.cdf(np.arange(rows + 1), rows, 0.5), 1.0)
    reached = levels[levels <= p * (1 + 1e-9)] if rows else np.array([])
    expected = 1.0 if p >= 1 else reached.max(initial=0.0)
    assert attainable(p, np.array([float(rows)]))[0] == pytest.approx(expected)


@given(st.lists(st.integers(1, 40), min_size=2, max_size=10), st.integers(0, 10**6))
def test_it_is_never_above_holm_and_keeps_the_order(rows, seed):
    rng = np.random.default_rng(seed)
    changed = np.array(rows, float)
    fewer = rng.binomial(rows, 0.5)
    fewer = np.minimum(fewer, rows - fewer)
    p = np.minimum(2 * binom.cdf(fewer, rows, 0.5), 1.0)
    found = holm_discrete(p, changed)
    assert (found <= holm(p) + 1e-12).all()
    assert (found >= p - 1e-12).all()
    assert (np.diff(found[np.argsort(p, kind="stable")]) >= -1e-12).all()


def test_no_false_alarm_in_a_family_beyond_alpha():
    """All outcomes of three tests on 6, 8 and 9 changed rows, weighed: any adjusted p <= .05."""
    rows = (6, 8, 9)
    total = 0.0
    for a in range(7):
        for b in range(9):
            for c in range(10):
                seen = np.array([a, b, c])
                fewer = np.minimum(seen, np.array(rows) - seen)
                p = np.minimum(2 * binom.cdf(fewer, rows, 0.5), 1.0)
                if (holm_discrete(p, np.array(rows, float)) <= 0.05).any():
                    total += float(np.prod(binom.pmf(seen, rows, 0.5)))
    assert 0.01 < total <= 0.05


FORM = PairedRate(both=(0,), only_old=(1,), only_new=(2,), neither=(3,))


def rate_change(*cells):
    return FORM.change(np.array(cells, float), np.ones(len(cells)), Settings())


def test_the_n_that_settles_a_rate_is_where_its_interval_passes_the_margin():
    change = rate_change((10, 5, 7, 78))
    assert change.high[0] > 0.05
    n = settling_n(change, 1.0, 0.05, 0.95, 1, 0.05)[0]
    for rows, inside in ((n, True), (n - 2, False)):
        high = newcombe_paired(*(c * rows / 100 for c in (10, 7, 5, 78))).high
        assert bool(high < 0.05) is inside


def test_the_n_that_shows_a_regression_grows_with_the_family():
    change = rate_change((10, 2, 12, 76))
    few, many = (settling_n(change, 1.0, 0.05, 0.95, m, 0.05)[0] for m in (1, 1000))
    assert 100 < few < many
    assert np.isnan(settling_n(rate_change((0, 0, 0, 0)), 1.0, 0.05, 0.95, 1, 0.05)[0])


def test_a_large_slice_can_settle_the_margin_and_a_slice_that_never_changed_borrows_everyones_spread():
    change = rate_change((400, 200, 200, 3200), (40, 20, 20, 320), (5, 0, 0, 35))
    assert can_settle(change, 0.05, 0.95, 0.9).tolist() == [True, False, False]
    # z(.975) + z(.9) = 3.242; 3.242 * sqrt(.1 / n) <= .05 from n = 421 on
    assert can_settle(rate_change((40, 21, 21, 338)), 0.05, 0.95, 0.9).tolist() == [False]
    assert can_settle(rate_change((40, 21, 21, 341)), 0.05, 0.95, 0.9).tolist() == [True]


@pytest.fixture
def column():
    rng = np.random.default_rng(0)
    n = 4000
    truth = (rng.random(n) < 0.5).astype(np.int8)
    old = np.where(rng.random(n) < 0.2, 1 - truth, truth)
    new = np.where(rng.random(n) < 0.04, 1 - old, old)
    # (z .975 + z .99) sqrt(.04 / n) <= .05 takes 295 rows
    teams = ["big"] * 3720 + ["mid"] * 240 + ["tiny"] * 20 + ["unknown"] * 20
    attributes = {
        "team": build_attribute("team", teams),
        "site": build_attribute("site", ["x" if i % 2 else "y" for i in range(n)]),
    }
    slices = slice_set(attributes, np.arange(n), 2, {}, 30)
    (found,) = (
        c
        for c in change_columns(pair_of("yes_no", truth, old, new), slices, None, Settings(replicates=10))
        if c.metric.name == "error_rate"
    )
    return found


def roles_of(column, policy, gate):
    role, why = roles(column, gate, policy, 10)
    keys = [s.key for s in column.slices.slices]
    return dict(zip(keys, zip(role, why, strict=True), strict=True))


def test_the_default_demands_everyone_and_single_slices_that_can_settle(column):
    found = roles_of(column, Policy(), Gate(metric="error_rate"))
    assert found["all"] == ("demanded", "")
    assert found["team=big"] == ("demanded", "")
    assert found["team=mid"] == ("tested", "margin_not_settled")
    assert found["team=tiny"] == ("watched", "too_few")
    assert found["team=unknown"] == ("watched", "unknown_group")
    assert found["team=big & site=x"] == ("tested", "")


def test_a_slice_by_name_is_demanded_at_any_n_and_a_watched_one_only_shown(column):
    gate = Gate(metric="error_rate", demand=("team=tiny", "team & site"), watch=("site",))
    found = roles_of(column, Policy(), gate)
    assert found["team=tiny"] == ("demanded", "")
    assert found["team=big & site=x"] == ("demanded", "")
    assert found["site=x"] == ("watched", "watched")
    assert found["all"] == ("tested", "")


def test_what_is_not_gated_is_watched(column):
    assert set(roles_of(column, Policy(), None).values()) == {("watched", "not_gated")}


def test_patterns_and_outputs_that_the_runs_do_not_have_are_refused_with_their_line(column):
    policy = Policy(demand=("all", "tema"), places={"tema": "p.toml, line 3"})
    with pytest.raises(SpecError, match=r"p.toml, line 3: 'tema' is no slice of these runs.*site, team"):
        check_patterns(policy, [column.slices])
    with pytest.raises(SpecError, match="the runs have no output 'x' to compare"):
        check_outputs(Policy(gates=(Gate(metric="error_rate", outputs=("x",)),)), [column])
    with pytest.raises(SpecError, match="metric mae is gated, and no output of these runs has it"):
        check_outputs(Policy(gates=(Gate(metric="mae"),)), [column])


def test_a_crossing_with_the_rows_of_its_parent_shares_its_test(column):
    n = 400
    rng = np.random.default_rng(1)
    women = np.arange(n) < 200
    truth = (~women).astype(np.int8)  # the attribute fixes the truth: all negatives are women
    old = truth.copy()
    new = np.where(rng.random(n) < 0.2, 1 - truth, truth).astype(np.int8)
    attributes = {
        "gender": build_attribute("gender", ["f" if w else "m" for w in women]),
        "team": build_attribute("team", ["a" if i % 2 else "b" for i in range(n)]),
    }
    slices = slice_set(attributes, np.arange(n), 2, {}, 30)
    columns = [
        c
        for c in change_columns(pair_of("yes_no", truth, old, new), slices, None, Settings(replicates=10))
        if c.metric.name == "fpr"
    ]
    policy = Policy(gates=(Gate(metric="fpr"),))
    _, _, twin, answer = judge_columns(columns, policy, {"out": TaskKind.BINARY})
    keys = [s.key for s in slices.slices]
    of = {k: keys[t] if t >= 0 else "" for k, t in zip(keys, twin, strict=True)}
    assert of["gender=f"] == "all"
    assert of["gender=f & team=a"] == "team=a"
    assert of["team=a"] == ""
    at = keys.index
    assert answer.p_adjusted[at("gender=f & team=a")] == answer.p_adjusted[at("team=a")]
    assert answer.tests[at("all")] == 3  # everyone, team a, team b
