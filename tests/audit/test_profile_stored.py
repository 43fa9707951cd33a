"""Columns of a stored run against the file that was audited, read by pandas."""

from __future__ import annotations

import numpy as np
import pandas as pd
from profiled_runs import MIXED, TRAIN_ONLY, profiled, used

from audit.core import SPLITS
from audit.profile import stored
from audit.profile.counts import distribution
from audit.profile.rates import base_rates
from audit.store import read


def test_splits_attributes_and_clusters_are_those_of_the_file() -> None:
    folder, expected = profiled(MIXED), used()
    data = read.open_run(folder).data
    assert [SPLITS[code] for code in stored.splits(folder)] == expected["split"].tolist()
    for name, values in data["attributes"].items():
        own = stored.attribute(folder, name, tuple(values))
        given = expected[f"group.{name}"].replace("", "unknown")
        assert [own.values[code] for code in own.codes] == given.tolist()
        assert (
            dict(zip(own.values, distribution(own)["n"].to_pylist(), strict=True))
            == given.value_counts().reindex(list(values)).to_dict()
        )
    assert "cluster" not in stored.columns(folder)


def test_truth_of_every_kind_of_output() -> None:
    folder, expected = profiled(MIXED), used()
    outputs = read.open_run(folder).data["outputs"]
    usable = (expected["true.hired"] != "") & (expected["id"] != "bad")
    hired = stored.truth(folder, "hired", outputs["hired"]).classes
    said = [hired.values[code] if code >= 0 else "" for code in hired.codes]
    assert said == expected["true.hired"].where(usable, "").tolist()
    assert stored.dropped(folder, "hired", outputs["hired"]).tolist() == (~usable).tolist()
    kind = stored.truth(folder, "kind", outputs["kind"]).classes
    assert [kind.values[code] for code in kind.codes] == expected["true.kind"].tolist()
    assert (
        stored.truth(folder, "age", outputs["age"]).number.tolist()
        == expected["true.age"].astype(float).tolist()
    )
    found = {question.name: question for question in stored.questions(outputs)}
    assert list(found) == ["hired", "remark/toxic", "remark/insult"]
    assert (
        stored.positive(folder, found["remark/toxic"]).tolist() == expected["true.toxic"].astype(int).tolist()
    )
    assert not stored.dropped(folder, "remark", outputs["remark"]).any()
    yes = stored.positive(folder, found["hired"])
    assert yes.tolist() == [{"yes": 1, "no": 0, "": -1}[word] for word in said]


def test_what_the_model_decided_is_read_as_well() -> None:
    folder = profiled(MIXED)
    question = stored.questions(read.open_run(folder).data["outputs"])[0]
    score = pd.to_numeric(used()["score.hired"])
    decided = stored.positive(folder, question, "pred")
    assert decided[decided >= 0].tolist() == (score >= 0.5).astype(int)[decided >= 0].tolist()


def test_base_rates_are_those_of_the_audit() -> None:
    folder = profiled(MIXED)
    data = read.open_run(folder).data
    slices = read.table(folder, "group_error", "slices").to_pandas()
    slices = slices[(slices["output"] == "hired") & (slices["metric"] == "base_rate")].set_index("slice")
    audited = stored.splits(folder) == SPLITS.index("test")
    hit = np.where(audited, stored.positive(folder, stored.questions(data["outputs"])[0]), -1).astype(np.int8)
    for name in data["attributes"]:
        own = stored.attribute(folder, name, tuple(data["attributes"][name]))
        for row in base_rates(hit, own).to_pylist():
            if row["n"]:
                there = slices.loc[f"{name}={row['value']}"]
                assert (row["rate"], row["low"], row["high"], row["n"]) == (
                    there["value"],
                    there["low"],
                    there["high"],
                    there["n"],
                )


def test_texts_and_pictures_of_some_used() -> None:
    folder, expected = profiled(MIXED), used()
    at = np.array([400, 3, 50])
    assert stored.payloads(folder, at, "text") == [t or None for t in expected["text"].iloc[at]]
    assert stored.payloads(folder, at, "image") == expected["image"].iloc[at].tolist()
    assert stored.columns(folder.parent) == []
    assert "text" not in stored.columns(profiled(TRAIN_ONLY))
