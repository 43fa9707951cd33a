"""Counts, crossings and label rates of a data set, against pandas, scikit-learn and statsmodels."""

import numpy as np
import pandas as pd
import pytest
from sklearn.metrics import matthews_corrcoef
from statsmodels.stats.proportion import proportion_confint

from audit.clusters import design_effect, effective_n
from audit.profile.counts import among, coded, crossing, distribution, split_attribute
from audit.profile.labels import co_occurrence, identity_counts, label_counts
from audit.profile.rates import base_rates

COLOUR = coded("colour", ("blue", "red", "unknown"), np.array([1, 0, 1, 2, 1]))
SIZE = coded("size", ("l", "s"), np.array([1, 0, 0, 1, 1]))


def test_counts_and_crossings_keep_what_never_occurs():
    assert distribution(COLOUR).to_pydict() == {
        "value": ["blue", "red", "unknown"],
        "n": [1, 3, 1],
        "share": [0.2, 0.6, 0.2],
    }
    pairs = crossing(COLOUR, SIZE).to_pylist()
    assert [(p["colour"], p["size"], p["n"]) for p in pairs] == [
        ("blue", "l", 1),
        ("blue", "s", 0),
        ("red", "l", 1),
        ("red", "s", 2),
        ("unknown", "l", 0),
        ("unknown", "s", 1),
    ]
    assert pairs[3]["share_of_first"] == pytest.approx(2 / 3)


def test_missing_codes_are_counted_nowhere_and_no_row_has_no_share():
    codes = np.random.default_rng(0).integers(-1, 4, (2, 500))
    first, second = coded("a", "wxyz", codes[0]), coded("b", "wxyz", codes[1])
    kept = (codes >= 0).all(axis=0)
    expected = pd.crosstab(codes[0][kept], codes[1][kept])
    assert crossing(first, second)["n"].to_numpy().reshape(4, 4).tolist() == expected.to_numpy().tolist()
    assert (
        distribution(first)["n"].to_pylist() == pd.Series(codes[0]).value_counts().sort_index()[1:].tolist()
    )
    nobody = among(first, np.zeros(500, dtype=bool))
    assert distribution(nobody)["share"].null_count == 4
    assert crossing(nobody, second)["share_of_first"].null_count == 16


def test_splits_are_counted_like_an_attribute():
    split = split_attribute(np.array([2, 0, 2], dtype=np.int8))
    assert distribution(split)["n"].to_pylist() == [1, 0, 2]
    assert split.values == ("train", "validation", "test")


def test_label_rates_have_wilsons_interval():
    rng = np.random.default_rng(1)
    hit, group = rng.integers(-1, 2, 400).astype(np.int8), coded("g", "abcd", rng.integers(-1, 3, 400))
    rows = base_rates(hit, group, level=0.9).to_pylist()
    for code, row in enumerate(rows[:3]):
        mine = hit[(group.codes == code) & (hit >= 0)]
        low, high = proportion_confint(mine.sum(), len(mine), 0.1, "wilson")
        assert (row["n"], row["events"], row["n_effective"]) == (len(mine), mine.sum(), len(mine))
        assert (row["rate"], row["low"], row["high"]) == pytest.approx((mine.mean(), low, high))
    assert (rows[3]["n"], rows[3]["rate"], rows[3]["high"]) == (0, None, None)


def test_label_rates_of_rows_that_belong_together_count_for_less():
    clusters = np.repeat(np.arange(60), 5)
    hit = np.repeat(np.arange(60) % 2, 5).astype(np.int8)
    group = coded("g", ("all",), np.zeros(300))
    row = base_rates(hit, group, clusters).to_pylist()[0]
    effect = design_effect(hit.astype(float), clusters, np.zeros(300, dtype=int), 1)
    assert row["n_effective"] == pytest.approx(effective_n(300, effect.deff, effect.df)[0])
    assert row["n_effective"] < 61  # all five rows of a cluster are equal: they are worth one
    alone = base_rates(hit, group).to_pylist()[0]
    assert row["rate"] == alone["rate"] == 0.5
    assert row["high"] - row["low"] > 2 * (alone["high"] - alone["low"])


def test_labels_together_against_matthews_correlation_and_pandas():
    labels = (np.random.default_rng(2).random((700, 3)) < (0.5, 0.2, 0.1)).astype(np.int8)
    labels[:, 2] &= labels[:, 0]
    names = ("toxic", "threat", "insult")
    frame = pd.DataFrame(labels, columns=names)
    for row in co_occurrence(labels, names).to_pylist():
        mine, other = frame[row["label"]], frame[row["other"]]
        assert row["n"] == 700
        assert row["both"] == int((mine & other).sum())
        assert row["share_of_label"] == pytest.approx(other[mine == 1].mean())
        assert row["phi"] == pytest.approx(matthews_corrcoef(mine, other))


def test_labels_that_are_not_known_leave_the_pair():
    labels = np.array([[1, 1, 0], [1, 0, 0], [0, -1, 0], [1, -1, 0]], dtype=np.int8)
    found = {(r["label"], r["other"]): r for r in co_occurrence(labels, "abc").to_pylist()}
    assert (found["a", "b"]["n"], found["a", "b"]["both"], found["a", "b"]["share_of_label"]) == (2, 1, 0.5)
    assert (found["b", "a"]["n"], found["b", "a"]["share_of_label"]) == (2, 1)
    assert found["a", "b"]["phi"] is None  # a is always positive where b is known
    assert (found["c", "a"]["share_of_label"], found["c", "a"]["phi"]) == (None, None)
    assert label_counts(labels, "abc").to_pylist()[1] == {
        "label": "b",
        "known": 2,
        "positives": 1,
        "rate": 0.5,
    }
    assert label_counts(labels[:0], "abc")["rate"].null_count == 3


def test_labels_of_many_rows_are_multiplied_in_parts():
    labels = (np.random.default_rng(3).random((150_000, 2)) < 0.5).astype(np.int8)
    assert co_occurrence(labels, "ab")["both"][1].as_py() == int((labels[:, 0] & labels[:, 1]).sum())


def test_labels_among_identities():
    labels = np.zeros((5, 6), dtype=np.int8)
    labels[:3, 0] = 1
    labels[:2, 4] = 1
    labels[4, 4] = -1
    members = np.array([1, 0.5, 0.49, np.nan, 1], dtype=np.float32)
    one = identity_counts(labels, "abcdef", {"deaf": members}).to_pylist()[0]
    assert (one["annotated"], one["members"], one["a"], one["e"]) == (4, 3, 2, 2)
    assert one["e_rate"] == 1  # of the two members that carry a known label
