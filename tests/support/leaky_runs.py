"""Runs with planted copies, to browse and to report: made once a process by the real door."""

from __future__ import annotations

import csv
import tempfile
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np

from audit.leakage.planted import KINDS, textured
from audit.runner import audit_predictions
from audit.spec import Spec

PICTURES, TEXTS, CLEAN, UNTRAINED, UNSEARCHED = "pictures", "texts", "clean", "untrained", "unsearched"
HOSTILE = "<b>x</b>"
INSULT = "idiot"
TRAIN, COPIES, FRESH = 100, 40, 60
Csv = tuple[Sequence[str], Sequence[Sequence[object]]]


@cache
def leaky_runs() -> Path:
    """A folder with a run of each maker."""
    runs = Path(tempfile.mkdtemp(prefix="plumbline-leaky-"))
    for name, make in MAKERS.items():
        home = runs.parent / f"{runs.name}-{name}"
        home.mkdir()
        header, rows = make(home)
        with (home / "rows.csv").open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle).writerows([header, *rows])
        probes = ("group_error",) if name == UNSEARCHED else ("group_error", "leakage")
        spec = Spec(name=name, version="1", probes=probes, draws=99, replicates=50)
        with ThreadPoolExecutor(2) as executor:
            audit_predictions(home / "rows.csv", spec, runs, executor)
    return runs


def leaky_run(name: str) -> Path:
    """The folder of the run of a maker."""
    return next((leaky_runs() / name / "1").iterdir())


def _pictures(home: Path) -> Csv:
    """100 training and 100 test pictures; the first 40 test ones are copies of training ones.

    The model is right on every copy and wrong on half of the fresh rows. 32 of the copies are of group b; the
    truth of the first copy contradicts its original's.
    """
    rng = np.random.default_rng(0)
    train = [textured(rng, 96, 72) for _ in range(TRAIN)]
    alter = [KINDS[kind] for kind in ("re-encoded", "resized", "cropped 2 %", "brightened")]
    copies = [train[k] if k % 5 == 0 else alter[k % 4](train[k], rng) for k in range(COPIES)]
    fresh = [textured(rng, 96, 72) for _ in range(FRESH)]
    rows = []
    for k, picture in enumerate([*train, *copies, *fresh]):
        picture.save(home / f"{k:03}.png")
        copied = TRAIN <= k < TRAIN + COPIES
        truth = k % 2
        if k == TRAIN:
            truth = 1 - truth
        wrong = k >= TRAIN + COPIES and (k // 2) % 2 == 0
        said = 1 - truth if wrong else truth
        group = "b" if copied and k >= TRAIN + 8 else HOSTILE if k % 2 else "b"
        split = "train" if k < TRAIN else "test"
        rows.append([f"=row{k}", split, f"{k:03}.png", truth, 0.9 * said + 0.05, group])
    return ["id", "split", "image", "true.edible", "score.edible", "group.site"], rows


def _texts(home: Path) -> Csv:
    """Comments from few words; 20 of 60 test ones repeat a training one but for its last word."""
    rng = np.random.default_rng(1)
    words = [f"word{k}" for k in range(400)]
    train = [" ".join(rng.choice(words, 14)) for _ in range(120)]
    for k in range(0, 120, 4):
        train[k] += f" {INSULT} {HOSTILE}"
    copies = [f"{text} last{k}" for k, text in enumerate(train[:20])]
    fresh = [" ".join(rng.choice(words, 14)) for _ in range(40)]
    rows = []
    for k, text in enumerate([*train, *copies, *fresh]):
        truth = int(INSULT in text)
        score = 0.9 if truth else 0.1
        if k >= 140 and k % 3 == 0:
            score = 1 - score
        split = "train" if k < 120 else "test"
        rows.append([f"r{k}", split, text, truth, score, "ab"[k % 2]])
    return ["id", "split", "text", "true.toxic", "score.toxic", "group.side"], rows


def _clean(home: Path) -> Csv:
    rng = np.random.default_rng(2)
    rows = []
    for k in range(24):
        textured(rng, 96, 72).save(home / f"{k:02}.png")
        rows.append([f"r{k}", "train" if k < 12 else "test", f"{k:02}.png", k % 2, (k * 7 % 10) / 10])
    return ["id", "split", "image", "true.edible", "score.edible"], rows


def _untrained(home: Path) -> Csv:
    header, rows = _texts(home)
    return header, [row for row in rows if row[1] == "test"]


MAKERS: dict[str, Callable[[Path], Csv]] = {
    PICTURES: _pictures,
    TEXTS: _texts,
    CLEAN: _clean,
    UNTRAINED: _untrained,
    UNSEARCHED: _texts,
}
