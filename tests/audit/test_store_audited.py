"""What a run stored comes back as it went in, for every kind of output."""

from __future__ import annotations

from pathlib import Path

import numpy as np
import pandas as pd
import pytest

from audit.core import TaskKind
from audit.errors import RunError
from audit.inputs.load import load
from audit.runner import audit_predictions
from audit.spec import AttributeSpec, OutputSpec, Spec
from audit.store.audited import audited_rows


@pytest.fixture
def stored(tmp_path: Path):
    n = 60
    rng = np.random.default_rng(0)
    scores = rng.dirichlet((1, 1, 1), n)
    table = pd.DataFrame(
        {
            "id": [f"r{i}" for i in range(n)],
            "split": ["test" if i % 3 else "train" for i in range(n)],
            "true.ok": rng.choice(["yes", "no"], n),
            "score.ok": rng.random(n),
            "true.genus": rng.choice(["Boletus", "Amanita", "Russula"], n),
            **{
                f"score.genus.{name}": scores[:, i]
                for i, name in enumerate(("Russula", "Boletus", "Amanita"))
            },
            "true.age": rng.integers(1, 90, n),
            "pred.age": rng.random(n) * 90,
            "true.tags.a": rng.integers(0, 2, n).astype(object),
            "pred.tags.a": rng.integers(0, 2, n).astype(object),
            "true.tags.b": rng.integers(0, 2, n).astype(object),
            "pred.tags.b": rng.integers(0, 2, n).astype(object),
            "group.years": rng.integers(1, 90, n),
            "group.team": rng.choice(["a", "b", ""], n),
            "cluster": rng.choice(["p", "q", "r"], n),
        }
    )
    table.loc[4, "true.age"] = np.nan
    table.loc[7, "score.ok"] = np.nan
    table.loc[8, "true.tags.b"] = ""
    table = table.sample(frac=1, random_state=1)  # so that no dictionary of the file is in order
    path = tmp_path / "p.csv"
    table.to_csv(path, index=False)
    spec = Spec(
        name="m",
        version="1",
        probes=("fake_probes:NotApplicable",),
        outputs={"ok": OutputSpec(positive="yes", threshold=0.3)},
        attributes={"years": AttributeSpec(bins=(18, 60))},
    )
    return load(path, spec), audit_predictions(path, spec, tmp_path / "runs")


def test_every_output_comes_back(stored) -> None:
    loaded, folder = stored
    rows = audited_rows(folder)
    kept = np.flatnonzero(loaded.examples.split == 2)
    assert rows.ids.to_pylist() == loaded.examples.ids.take(kept).to_pylist()
    assert rows.label == "m/1"
    place = np.full(loaded.examples.n, -1)
    place[kept] = np.arange(len(kept))
    assert {p.task.kind for p in rows.predictions.values()} == set(TaskKind)
    for name, given in loaded.predictions.items():
        wanted = given.take(place[given.rows] >= 0)
        found = rows.predictions[name]
        assert (found.task, found.thresholds) == (wanted.task, wanted.thresholds)
        assert np.array_equal(found.rows, place[wanted.rows])
        for field in ("truth", "scores", "decision"):
            one, two = getattr(found, field), getattr(wanted, field)
            assert (one is None) == (two is None), (name, field)
            if one is not None:
                assert one.dtype == two.dtype
                assert np.array_equal(one, two, equal_nan=one.dtype.kind == "f"), (name, field)


def test_groups_and_clusters_come_back(stored) -> None:
    loaded, folder = stored
    rows = audited_rows(folder)
    kept = loaded.examples.split == 2
    for name, given in loaded.examples.attributes.items():
        found = rows.attributes[name]
        assert found.values == given.values
        assert np.array_equal(found.codes, given.codes[kept])
    assert np.array_equal(rows.clusters, loaded.examples.clusters[kept])


def test_a_run_without_rows_is_refused(stored) -> None:
    (stored[1] / "predictions.parquet").unlink()
    with pytest.raises(RunError, match="holds no predictions.parquet"):
        audited_rows(stored[1])
