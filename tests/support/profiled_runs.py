"""Runs for tests of the Data page: every kind of output, every split, gaps, pictures of known light."""

from __future__ import annotations

import csv
import tempfile
from functools import cache
from pathlib import Path

import numpy as np
import pandas as pd
from browsed_runs import FEW, HOSTILE

from audit.runner import audit_predictions
from audit.spec import OutputSpec, Spec

MIXED, TRAIN_ONLY, UNSEEN = "mixed", "train-only", "no-pictures-there"
LIGHT = {"dark": 51, "light": 204}
"""Grey level of every picture of a site."""
SIZE = {"dark": (30, 20), "light": (24, 24)}
"""Width and height of its pictures."""
SLUR, FORMULA = "you idiot", "=1+1"


@cache
def source() -> pd.DataFrame:
    """The rows of the mixed run as they were written, with empty cells as ""; refused ones come last."""
    rng = np.random.default_rng(11)
    n = 600
    rows = []
    for i in range(n):
        site = ("dark", "light")[int(i % 3 == 0)]
        toxic, insult = int(rng.random() < 0.3), int(rng.random() < 0.2)
        rows.append(
            {
                "id": f"r{i}",
                "split": ("train", "validation", "test")[(i // 7) % 3],
                "true.hired": ""
                if i % 20 == 0 and site == "light"
                else ("no", "yes")[int(rng.random() < 0.4)],
                "score.hired": f"{rng.random():.4f}",
                "true.kind": ("fly", "bee", "ant")[int(rng.choice(3, p=(0.6, 0.3, 0.1)))],
                "pred.kind": ("fly", "bee", "ant")[int(rng.integers(3))],
                "true.age": int(rng.integers(10, 80)),
                "pred.age": f"{rng.uniform(10, 80):.2f}",
                "true.toxic": toxic,
                "score.toxic": f"{rng.random():.4f}",
                "true.insult": insult if toxic else 0,
                "score.insult": f"{rng.random():.4f}",
                "group.people": ("", HOSTILE, "plain", FORMULA)[int(rng.choice(4, p=(0.1, 0.4, 0.48, 0.02)))],
                "group.site": site,
                "text": "" if i % 50 == 0 else f"{SLUR} " * (1 + i % 5),
                "image": "" if i % 60 == 0 else f"pictures/{i}.png",
            }
        )
    rows += [{**rows[0]}, {**rows[1], "id": "bad", "score.hired": "1.7"}, {**rows[2], "id": ""}]
    return pd.DataFrame(rows).astype(str)


def used() -> pd.DataFrame:
    """The rows that became examples."""
    every = source()
    return every[(every["id"] != "") & ~every["id"].duplicated()].reset_index(drop=True)


@cache
def profiled_runs() -> Path:
    """A folder with the runs `MIXED`, `TRAIN_ONLY` and `UNSEEN`, the last without its pictures."""
    data = Path(tempfile.mkdtemp(prefix="plumbline-test-"))
    rows = source()
    outputs = {
        "hired": OutputSpec(positive="yes"),
        "age": OutputSpec(unit="years"),
        "remark": OutputSpec(labels=("toxic", "insult")),
    }
    _pictures(data, rows)
    _write(data / "mixed.csv", rows)
    (data / "elsewhere").mkdir()
    _write(data / "elsewhere" / "rows.csv", rows.head(90).drop(columns=["text"]))
    small = rows.loc[rows["split"] == "train", ["id", "split", "true.kind", "pred.kind"]]
    _write(data / "train.csv", small.head(100))
    runs = data / "runs"
    for name, file in ((MIXED, "mixed.csv"), (UNSEEN, "elsewhere/rows.csv"), (TRAIN_ONLY, "train.csv")):
        own = {} if name == TRAIN_ONLY else outputs
        audit_predictions(
            data / file, Spec(name=name, version="1", outputs=own, probes=("group_error",), **FEW), runs
        )
    return runs


def profiled(name: str) -> Path:
    """The folder of the run of a model."""
    return next((profiled_runs() / name / "1").iterdir())


def _write(path: Path, rows: pd.DataFrame) -> None:
    with path.open("w", newline="", encoding="utf-8") as file:
        csv.writer(file).writerows([list(rows.columns), *rows.itertuples(index=False)])


def _pictures(data: Path, rows: pd.DataFrame) -> None:
    """A picture of one grey a row; every 37th is missing, every 41st no picture."""
    from PIL import Image

    (data / "pictures").mkdir()
    for i, row in rows.head(600).iterrows():
        if row["image"] and int(i) % 37:
            path = data / str(row["image"])
            if int(i) % 41:
                Image.new("L", SIZE[row["group.site"]], LIGHT[row["group.site"]]).save(path)
            else:
                path.write_bytes(b"not a picture")
