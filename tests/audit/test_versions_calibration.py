"""Change of the calibration error: each version's own is the audit's, the interval that of resampled rows."""

from __future__ import annotations

import numpy as np
import pytest
from builders import build_attribute
from scipy.special import expit, logit
from scipy.stats import norm
from versions_builders import pair_of

from audit.calibration import (
    bin_edges,
    calibration_cells,
    calibration_error,
    outside_cells,
    squared_errors,
    top_label,
)
from audit.slices import slice_set
from audit.versions.calibration_change import calibration_change
from audit.versions.changes import change_columns
from audit.versions.paired import Settings

SETTINGS = Settings()


def everyone(n):
    return slice_set({}, np.arange(n), 1, {}, 30)


def scores(seed: int, n: int, old: float = 1.0, new: float = 1.0):
    """Two models that each see a part of what decides; a factor of 1 on the logit is calibrated."""
    rng = np.random.default_rng(seed)
    shared, first, second = rng.normal(size=(3, n))
    truth = (shared + first + second + rng.normal(size=n) > 0).astype(int)
    p, q = (np.clip(norm.cdf((shared + x) / np.sqrt(2)), 1e-9, 1 - 1e-9) for x in (first, second))
    return truth, expit(old * logit(p)), expit(new * logit(q))


def change(truth, old, new, slices, clusters=None):
    decided = [(s >= 0.5).astype(int) for s in (old, new)]
    found = calibration_change(pair_of("yes_no", truth, *decided, (old, new)), slices, clusters, SETTINGS)
    assert found is not None
    return found


def l2(score, truth, edges) -> float:
    cells = calibration_cells(score, truth, np.zeros(len(truth), int), 1, edges)
    return float(np.sqrt(max(squared_errors(cells)[0][0], 0.0)))


def test_each_version_has_the_calibration_error_that_an_audit_gives_it() -> None:
    truth, old, new = scores(0, 3000, 1.5, 1.2)
    teams = build_attribute("team", ["abc"[i % 3] for i in range(3000)])
    slices = slice_set({"team": teams}, np.arange(3000), 1, {}, 30)
    own, outside = change(truth, old, new, slices)
    for score, field in ((old, "old"), (new, "new")):
        edges = bin_edges(score)
        cells = calibration_cells(score, truth, teams.codes, 3, edges)
        assert getattr(own, field)[0] == pytest.approx(l2(score, truth, edges))
        assert getattr(own, field)[1:] == pytest.approx(calibration_error(cells).value)
        assert getattr(outside, field)[1:] == pytest.approx(calibration_error(outside_cells(cells)).value)
    assert own.value == pytest.approx(own.new - own.old)
    assert own.n[1:].tolist() == [1000, 1000, 1000]


def test_the_error_of_the_change_is_that_of_rows_drawn_again() -> None:
    truth, old, new = scores(1, 2000, 1.8, 1.4)
    found, _ = change(truth, old, new, everyone(2000))
    edges = bin_edges(old), bin_edges(new)
    rng = np.random.default_rng(0)
    drawn, plain, debiased = [], [], []
    for score, edge in zip((old, new), edges, strict=True):
        cells = calibration_cells(score, truth, np.zeros(2000, int), 1, edge)
        errors = squared_errors(cells)
        debiased.append(errors[0][0])
        plain.append(errors[1][0])
    for _ in range(1500):
        i = rng.integers(0, 2000, 2000)
        roots = []
        for k, (score, edge) in enumerate(zip((old, new), edges, strict=True)):
            cells = calibration_cells(score[i], truth[i], np.zeros(2000, int), 1, edge)
            roots.append(np.sqrt(max(debiased[k] + squared_errors(cells)[0][0] - plain[k], 0)))
        drawn.append(roots[1] - roots[0])
    assert found.error[0] == pytest.approx(np.std(drawn), rel=0.07)
    assert np.percentile(drawn, [2.5, 97.5]) == pytest.approx((found.low[0], found.high[0]), abs=0.004)


@pytest.mark.parametrize(("old", "new", "sign"), [(1.0, 2.0, 1), (2.0, 1.0, -1)])
def test_a_planted_loss_of_calibration_is_found_with_its_sign(old: float, new: float, sign: int) -> None:
    found, _ = change(*scores(2, 4000, old, new), everyone(4000))
    assert np.sign(found.value[0]) == sign
    assert found.p[0] < 1e-4
    assert found.low[0] * found.high[0] > 0


def test_the_same_scores_are_no_change_of_calibration() -> None:
    truth, old, _ = scores(3, 500)
    found, _ = change(truth, old, old, everyone(500))
    assert (found.value[0], found.low[0], found.high[0], found.p[0]) == (0.0, 0.0, 0.0, 1.0)
    assert found.identical[0]


def test_copies_in_clusters_do_not_narrow_the_interval() -> None:
    truth, old, new = scores(4, 800, 1.6, 1.1)
    once, _ = change(truth, old, new, everyone(800))
    copies = np.repeat(np.arange(800), 4)
    rows = truth[copies], old[copies], new[copies]
    many, _ = change(*rows, everyone(3200), copies.astype(np.int32))
    naive, _ = change(*rows, everyone(3200))
    assert many.error[0] == pytest.approx(once.error[0], rel=0.15)
    assert naive.error[0] < 0.7 * once.error[0]


def test_many_classes_are_calibrated_by_their_top_label() -> None:
    rng = np.random.default_rng(5)
    truth = rng.integers(0, 4, 1500)
    tables = []
    for sharp in (1.0, 3.0):
        logits = rng.normal(size=(1500, 4))
        logits[np.arange(1500), truth] += 1.0
        odds = np.exp(sharp * logits)
        tables.append(odds / odds.sum(axis=1, keepdims=True))
    pair = pair_of("classes", truth, *(t.argmax(axis=1) for t in tables), (tables[0], tables[1]))
    found, _ = calibration_change(pair, everyone(1500), None, SETTINGS)
    for table, value in zip(tables, (found.old[0], found.new[0]), strict=True):
        confidence, right = top_label(table, truth)
        assert value == pytest.approx(l2(confidence, right, bin_edges(confidence)))


def test_crossings_say_why_they_have_none() -> None:
    truth, old, new = scores(6, 900)
    attributes = {
        "team": build_attribute("team", ["ab"[i % 2] for i in range(900)]),
        "sex": build_attribute("sex", ["fmf"[i % 3] for i in range(900)]),
    }
    slices = slice_set(attributes, np.arange(900), 2, {}, 30)
    decided = [(s >= 0.5).astype(int) for s in (old, new)]
    pair = pair_of("yes_no", truth, *decided, (old, new))
    columns = {c.metric.name: c for c in change_columns(pair, slices, None, SETTINGS)}
    column = columns["calibration_error"]
    crossing = slices.depth == 2
    assert np.isnan(column.change.value[crossing]).all()
    assert not np.isnan(column.change.value[~crossing]).any()
    assert column.empties is not None
    assert set(column.empties[crossing]) == {"single_attributes_only"}
    known = column.gap.value[slices.depth == 1]
    both = column.change.value[slices.depth == 1]
    assert known[:2] == pytest.approx([both[0] - both[1], both[1] - both[0]])
