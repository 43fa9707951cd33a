"""Which tables describe a data set, and that they are the rows' own numbers."""

import numpy as np

from training.data import synthesis_comments, synthesis_faces
from training.data.loading import load
from training.data.profile import profile_comments, profile_pictures, split_counts


def test_splits_that_are_not_declared_are_counted_apart():
    assert split_counts(np.array([0, 0, 2], dtype=np.int8)).to_pydict() == {
        "split": ["train", "validation", "test"],
        "n": [2, 0, 1],
    }
    assert split_counts(np.array([-1], dtype=np.int8))["split"][0].as_py() == "not declared"


def test_tables_of_comments(tmp_path):
    synthesis_comments.make(tmp_path, 300)
    comments = load("comments", tmp_path).data
    tables = profile_comments(comments)
    assert tables["labels"]["positives"].to_pylist() == (comments.labels == 1).sum(axis=0).tolist()
    assert tables["co_occurrence"].column_names == ["label", "other", "both", "share_of_label"]
    lengths = [len(text) for text in comments.text.to_pylist()]
    assert sum(tables["lengths"]["n"].to_pylist()) == 300
    by_toxic = tables["lengths by toxic"].to_pylist()
    toxic = comments.labels[:, 0] == 1
    assert [(r["value"], r["n"]) for r in by_toxic] == [("0", (~toxic).sum()), ("1", toxic.sum())]
    assert np.isclose(by_toxic[1]["mean"], np.mean(np.array(lengths)[toxic]))


def test_tables_of_pictures_by_group(tmp_path):
    synthesis_faces.make(tmp_path, 40, 0, set(), size=32)
    loaded = load("faces", tmp_path, workers=0)
    tables = profile_pictures(loaded.data, loaded.facts)
    bands = tables["brightness by tone_band"].to_pylist()
    group = loaded.data.groups["tone_band"]
    for code, row in enumerate(bands):
        inside = loaded.facts.brightness[group.codes == code]
        assert (row["value"], row["n"]) == (group.values[code], len(inside))
        assert np.isclose(row["mean"], inside.mean())
    assert sum(tables["ages"]["n"].to_pylist()) == np.isfinite(loaded.data.age).sum()
    assert "brightness by tone_band" not in profile_pictures(loaded.data, None)
