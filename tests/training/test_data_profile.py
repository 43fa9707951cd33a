"""Tables that describe a data set, against counts done by hand."""

import numpy as np
import pyarrow as pa
import pytest

from training.data.profile import (
    by_group,
    co_occurrence,
    crossing,
    distribution,
    histogram,
    identity_counts,
    label_counts,
    split_counts,
    text_lengths,
)
from training.data.records import LABELS, attribute

COLOUR = attribute("colour", ["red", "blue", "red", "", "red"])
SIZE = attribute("size", ["s", "l", "l", "s", "s"])


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


def test_numbers_by_group_leave_out_what_is_missing():
    table = by_group(np.array([1.0, 5.0, 3.0, np.nan, 2.0]), COLOUR).to_pylist()
    assert [(r["value"], r["n"], r["mean"]) for r in table] == [
        ("blue", 1, 5),
        ("red", 3, 2),
        ("unknown", 0, None),
    ]
    assert table[0]["sd"] is None
    assert table[1]["sd"] == pytest.approx(1)
    assert (table[1]["p05"], table[1]["p50"], table[1]["p95"]) == pytest.approx((1.1, 2, 2.9))


def test_histogram_puts_outliers_into_the_ends():
    assert histogram(np.array([-5, 0, 4.9, 5, 10, 99, np.nan]), (0, 5, 10))["n"].to_pylist() == [3, 3]


def test_labels_alone_and_together():
    labels = np.zeros((5, 6), dtype=np.int8)
    labels[:3, 0] = 1
    labels[:2, 4] = 1
    labels[4, 4] = -1
    assert label_counts(labels)["positives"].to_pylist() == [3, 0, 0, 0, 2, 0]
    assert label_counts(labels)["known"].to_pylist() == [5, 5, 5, 5, 4, 5]
    assert label_counts(labels)["rate"][4].as_py() == 0.5
    both = {
        (r["label"], r["other"]): (r["both"], r["share_of_label"]) for r in co_occurrence(labels).to_pylist()
    }
    assert both["toxic", "insult"] == (2, pytest.approx(2 / 3))
    assert both["insult", "toxic"] == (2, 1)
    assert both["threat", "toxic"] == (0, 0)
    members = np.array([1, 0.5, 0.49, np.nan, 1], dtype=np.float32)
    one = identity_counts(labels, {"deaf": members}).to_pylist()[0]
    assert (one["annotated"], one["members"], one["toxic"], one["insult"]) == (4, 3, 2, 2)
    assert one["insult_rate"] == 1  # of the two members that carry a known label
    assert set(LABELS) < set(one)


def test_splits_and_lengths():
    assert split_counts(np.array([0, 0, 2], dtype=np.int8)).to_pydict() == {
        "split": ["train", "validation", "test"],
        "n": [2, 0, 1],
    }
    assert split_counts(np.array([-1], dtype=np.int8))["split"][0].as_py() == "not declared"
    assert text_lengths(pa.array(["", "été", "a\nb"])).tolist() == [0, 3, 3]
