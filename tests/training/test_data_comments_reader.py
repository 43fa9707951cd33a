"""Readers of comments: Kaggle's Jigsaw files, Civil Comments' shares, a generic CSV, and what is refused."""

import csv
import gzip

import numpy as np
import pytest

from audit.errors import InputError
from training.data.comment_columns import LONGEST
from training.data.comments import read_comments
from training.data.loading import load
from training.data.records import LABELS

JIGSAW = ["id", "comment_text", *LABELS]


def write(path, *rows):
    opened = gzip.open if path.suffix == ".gz" else open
    with opened(path, "wt", newline="", encoding="utf-8") as stream:
        csv.writer(stream).writerows(rows)


def test_jigsaw_train_packed_with_rows_that_must_go(tmp_path):
    write(
        tmp_path / "train.csv.gz",
        JIGSAW,
        ["a", "two\nlines", 1, 0, 1, 0, 0, 0],
        ["b", "   ", 0, 0, 0, 0, 0, 0],
        ["c", "fine", 0, 0, 0, 0, 0, 0],
        ["c", "again", 0, 0, 0, 0, 0, 0],
        ["d", "half", 0.5, 0, 0, 0, 0, 0],
        ["e", "two", 2, 0, 0, 0, 0, 0],
        ["", "no id", 0, 0, 0, 0, 0, 0],
        ["f", "x" * (LONGEST + 1), 0, 0, 0, 0, 0, 0],
        ["g", "NA", 0, "", 0, 0, 0, 1],
    )
    read = read_comments(tmp_path)
    assert read.layout == "jigsaw"
    assert read.data.ids.to_pylist() == ["a", "c", "g"]
    assert read.data.text.to_pylist() == ["two\nlines", "fine", "NA"]
    assert read.data.labels.tolist() == [[1, 0, 1, 0, 0, 0], [0] * 6, [0, -1, 0, 0, 0, 1]]
    assert {(r.record, r.line, r.id, r.column) for r in read.rejected} == {
        (2, 4, "b", "comment_text"),
        (4, 6, "c", "id"),
        (5, 7, "d", "toxic"),
        (6, 8, "e", "toxic"),
        (7, 9, "", "id"),
        (8, 10, "f", "comment_text"),
    }


def test_kaggle_test_rows_without_labels_are_refused(tmp_path):
    write(tmp_path / "train.csv", JIGSAW, ["a", "one", 0, 0, 0, 0, 0, 0])
    write(tmp_path / "test.csv", ["id", "comment_text"], ["b", "two"], ["c", "three"], ["d", "four"])
    write(tmp_path / "test_labels.csv", ["id", *LABELS], ["c", 1, 0, 0, 0, 1, 0], ["b", *[-1] * 6])
    read = read_comments(tmp_path)
    assert read.data.ids.to_pylist() == ["a", "c"]
    assert read.data.split.tolist() == [0, 2]
    assert read.data.labels[1].tolist() == [1, 0, 0, 0, 1, 0]
    assert [(r.id, r.reason.split(";")[0]) for r in read.rejected] == [
        ("b", "-1 marks a row that was not labelled (test_labels.csv)"),
        ("d", "none of the six labels is given"),
    ]


def test_civil_comments_shares_become_labels_at_a_half(tmp_path):
    write(
        tmp_path / "all_data.csv",
        [
            "id",
            "comment_text",
            "split",
            "toxicity",
            "severe_toxicity",
            "identity_attack",
            "insult",
            "muslim",
            "female",
        ],
        ["1", "one", "train", "0.5", "0.49", "1.0", "0", "0.6", ""],
        ["2", "two", "test", "0.4999", "0", "0", "0.8", "0", "1.5"],
        ["3", "three", "test", "0.2", "0", "0", "0.8", "0", "1.0"],
    )
    read = read_comments(tmp_path)
    assert read.layout == "civil"
    assert read.data.labels.tolist() == [[1, 0, -1, -1, 0, 1], [0, 0, -1, -1, 1, 0]]
    assert read.data.split.tolist() == [0, 2]
    np.testing.assert_allclose(read.data.identities["muslim"], [0.6, 0])
    np.testing.assert_allclose(read.data.identities["female"], [np.nan, 1])
    assert [(r.id, r.column) for r in read.rejected] == [("2", "female")]
    assert "all_data.csv: labels not given: obscene, threat" in read.messages


def test_a_generic_csv_from_two_files_with_their_splits_in_their_names(tmp_path):
    write(tmp_path / "train.csv", ["body", "toxic", "identity.deaf"], ["one", "true", "1"], ["two", "no", ""])
    write(tmp_path / "test.csv", ["body", "insult", "author"], ["three", "1", "x"])
    data = read_comments(tmp_path).data
    assert sorted(data.ids.to_pylist()) == ["test.csv:1", "train.csv:1", "train.csv:2"]
    assert data.text.to_pylist() == ["three", "one", "two"]
    assert data.split.tolist() == [2, 0, 0]
    assert data.labels[:, 0].tolist() == [-1, 1, 0]
    assert len(set(data.cluster.tolist())) == 3
    np.testing.assert_allclose(data.identities["deaf"], [np.nan, 1, np.nan])


def test_ids_that_mostly_repeat_are_replaced_by_record_numbers(tmp_path):
    write(tmp_path / "t.csv", ["id", "text", "toxic"], *[["0", f"words {i}", 0] for i in range(5)])
    read = read_comments(tmp_path)
    assert read.data.ids.to_pylist() == [f"t.csv:{i}" for i in range(1, 6)]
    assert "t.csv: most values of id repeat; record numbers stand in for ids" in read.messages


def test_copies_of_texts_are_named_and_clustered(tmp_path):
    write(
        tmp_path / "t.csv",
        ["id", "text", "toxic", "split"],
        ["a", "Hello there", 0, "train"],
        ["b", "Hello there", 0, "train"],
        ["c", "hello, THERE!", 1, "test"],
        ["d", "else", 1, "test"],
    )
    loaded = load("comments", tmp_path)
    assert [(r.id, r.reason) for r in loaded.rejected] == [
        ("b", "the same text as a"),
        ("c", "the same text as a but for case, spacing or punctuation with other labels in another split"),
    ]
    assert {r.action for r in loaded.rejected} == {"kept"}
    assert loaded.clusters.tolist() == [0, 0, 0, 1]
    assert loaded.data.n == 4


def test_what_is_no_set_of_comments_says_what_was_found(tmp_path):
    write(tmp_path / "t.csv", ["a", "b"], [1, 2])
    with pytest.raises(InputError, match=r"Found: t\.csv; the first has the columns a, b\."):
        read_comments(tmp_path)
    write(tmp_path / "t.csv", ["text", "toxic"], ["", 1])
    with pytest.raises(InputError, match="no comment could be used, 1 were refused. The first was: record 1"):
        read_comments(tmp_path)
