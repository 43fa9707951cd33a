"""Predictions for the demo, drawn from a seed, with faults planted in them; the peoples are invented.

===========  =======  ======================================================================================
file         version  planted
===========  =======  ======================================================================================
demo-faces   1, 2     ``island``: 24 rows, as good as the others: too few to say anything of
demo-faces   1        age: errors twice as wide for ``highland`` women
demo-faces   1, 2     gender: scores of ``coastal`` faces shifted up, so that women there pass as men
demo-faces   2        age of ``highland`` women repaired; gender: men of 60 and more missed
demo-remarks 1, 2     insult: harmless remarks from ``forum_b`` score as insults
demo-remarks 1, 2     toxic: harmless remarks on ``northerners`` score high (seen by identity, not by group)
demo-faces   1, 2     three records broken: an id twice, a score of 1.7, no id
===========  =======  ======================================================================================
"""

from __future__ import annotations

import csv
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.random import Generator
from numpy.typing import NDArray

Floats = NDArray[np.float64]
PEOPLES = ("coastal", "highland", "river", "steppe", "valley")
SMALL, SMALL_ROWS = "island", 24
BANDS = ((0, "0-17"), (18, "18-39"), (40, "40-59"), (60, "60+"))
LABELS = ("toxic", "insult", "threat")
OPENINGS = (
    "I read this",
    "Somebody wrote this",
    "Look at the article",
    "You changed the page",
    "See the talk page",
)
TOPICS = {"": "about gardens", "northerners": "about northerners", "southerners": "about southerners"}
ENDINGS = ("and it is fine", "again today", "without a source", "before the vote", "for the third time")


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something planted, and how an audit should see it."""

    version: str
    output: str
    of: tuple[tuple[str, str], ...]
    """The slice, as pairs of attribute and value in the order of the attributes' columns."""
    metrics: tuple[str, ...]
    """Metrics, any of which shows it."""
    words: str


FACE_FAULTS = (
    Fault(
        version="1",
        output="age",
        of=(("gender", "female"), ("ethnicity", "highland")),
        metrics=("mae",),
        words="age errors twice as wide for highland women",
    ),
    Fault(
        version="1",
        output="gender",
        of=(("ethnicity", "coastal"),),
        metrics=("fpr", "error_rate"),
        words="gender scores of coastal faces shifted up",
    ),
    Fault(
        version="2",
        output="gender",
        of=(("ethnicity", "coastal"),),
        metrics=("fpr", "error_rate"),
        words="gender scores of coastal faces shifted up",
    ),
    Fault(
        version="2",
        output="gender",
        of=(("age_band", "60+"),),
        metrics=("fnr", "error_rate"),
        words="men of 60 and more missed",
    ),
)
REMARK_FAULTS = tuple(
    Fault(
        version=version,
        output="remark/insult",
        of=(("source", "forum_b"),),
        metrics=("fpr", "error_rate"),
        words="harmless remarks from forum_b score as insults",
    )
    for version in ("1", "2")
)


def write_faces(path: Path, version: str, rows: int, seed: int = 7) -> None:
    """Write predictions of age and gender.

    Args:
        path: CSV file to write.
        version: "1" or "2": the same people, another model.
        rows: sound rows; three broken ones come on top.
        seed: of the people; the model's errors follow from it and the version.
    """
    people = np.random.default_rng(seed)
    model = np.random.default_rng([seed, int(version)])
    age = np.round(people.uniform(1, 85, rows), 1)
    male = people.random(rows) < 0.5
    people_of = people.choice(PEOPLES, rows).astype(object)
    people_of[people.choice(rows, SMALL_ROWS, replace=False)] = SMALL
    band = np.array([name for _, name in BANDS])[
        np.searchsorted([low for low, _ in BANDS], age, side="right") - 1
    ]

    spread = np.full(rows, 4.0)
    logit = np.where(male, 2.0, -2.0) + model.normal(0, 1.2, rows)
    if version == "1":
        spread[(people_of == "highland") & ~male] = 8.0
    else:
        logit[(band == "60+") & male] -= 1.5
    logit[people_of == "coastal"] += 1.3
    guessed = np.clip(age + model.normal(0, 1, rows) * spread, 0, 110)
    score = _sigmoid(logit)

    header = ("id", "true.age", "pred.age", "true.gender", "score.gender")
    groups = ("group.age_band", "group.gender", "group.ethnicity")
    lines: list[tuple[object, ...]] = [
        (
            f"face-{i:05d}",
            age[i],
            f"{guessed[i]:.2f}",
            int(male[i]),
            f"{score[i]:.5f}",
            band[i],
            _sex(male[i]),
            people_of[i],
        )
        for i in range(rows)
    ]
    sound = lines[0][1:]
    lines.append(("face-00000", *sound))
    lines.append(("face-broken-score", "", "", 1, "1.7", *lines[0][5:]))
    lines.append(("", *sound))
    _write(path, (*header, *groups), lines)


def write_remarks(path: Path, version: str, rows: int, seed: int = 11) -> None:
    """Write predictions of three labels for short remarks, with identities and text.

    Args:
        path: CSV file to write.
        version: "1" or "2": the same remarks, another model.
        rows: number of remarks.
        seed: of the remarks.
    """
    remarks = np.random.default_rng(seed)
    model = np.random.default_rng([seed, int(version)])
    source = remarks.choice(("forum_a", "forum_b", "forum_c"), rows)
    topic = remarks.choice(tuple(TOPICS), rows, p=(0.8, 0.1, 0.1))
    truth = {
        label: remarks.random(rows) < rate for label, rate in zip(LABELS, (0.2, 0.15, 0.05), strict=True)
    }
    raised = {
        "toxic": ~truth["toxic"] & (topic == "northerners"),
        "insult": ~truth["insult"] & (source == "forum_b"),
    }
    scores = {label: _scores(model, truth[label], raised.get(label)) for label in LABELS}
    texts = [f"{remarks.choice(OPENINGS)} {TOPICS[str(about)]} {remarks.choice(ENDINGS)}." for about in topic]
    header = [
        "id",
        *(f"true.remark.{label}" for label in LABELS),
        *(f"score.remark.{label}" for label in LABELS),
    ]
    header += ["group.source", "identity.northerners", "identity.southerners", "text"]
    lines: list[tuple[object, ...]] = []
    for i in range(rows):
        truths = (int(truth[label][i]) for label in LABELS)
        said = (f"{scores[label][i]:.5f}" for label in LABELS)
        named = (int(topic[i] == who) for who in ("northerners", "southerners"))
        lines.append((f"remark-{i:05d}", *truths, *said, source[i], *named, texts[i]))
    _write(path, header, lines)


def _scores(model: Generator, truth: NDArray[np.bool_], raised: NDArray[np.bool_] | None) -> Floats:
    logit = np.where(truth, 2.0, -3.0) + model.normal(0, 1.2, len(truth))
    if raised is not None:
        logit = logit + 1.8 * raised
    return _sigmoid(logit)


def _sigmoid(logit: Floats) -> Floats:
    made: Floats = 1 / (1 + np.exp(-logit))
    return made


def _sex(male: bool) -> str:
    return "male" if male else "female"


def _write(path: Path, header: list[str] | tuple[str, ...], lines: list[tuple[object, ...]]) -> None:
    path.parent.mkdir(parents=True, exist_ok=True)
    with path.open("w", encoding="utf-8", newline="") as file:
        writer = csv.writer(file, lineterminator="\n")
        writer.writerow(header)
        writer.writerows(lines)
