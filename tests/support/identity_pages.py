"""Runs with a planted harm of one identity, to browse and to report: made once a process by the real door."""

from __future__ import annotations

import csv
import tempfile
import zlib
from collections.abc import Callable, Sequence
from concurrent.futures import ThreadPoolExecutor
from functools import cache
from pathlib import Path

import numpy as np
from identity_builders import WordModel

from audit.runner import audit
from audit.spec import IdentitySpec, Spec
from audit.subject import ModelSource, Subject

FOUND, MODEL, DECLARED, NOBODY, NUMBERS, UNASKED = (
    "found",
    "model",
    "declared",
    "nobody",
    "numbers",
    "unasked",
)
HARMED = "muslim"
FEW = "hindu"
"""An identity that is mentioned in `FEW_TEXTS` texts only."""
FEW_TEXTS = 4
HOSTILE, FORMULA = "<b>x</b> [a](http://b) $y$", "=1+1"
INSULT, SLUR = "idiots", "bitch"
SWAPS = 40
Csv = tuple[Sequence[str], Sequence[Sequence[object]]]


def planted_score(text: str) -> float:
    """What the model says: an insult raises the score, and so does a mention of the harmed identity."""
    noise = zlib.crc32(text.encode()) % 1000 / 1000 * 0.3
    low = text.lower()
    return min(0.99, noise + 0.5 * (INSULT in low) + 0.4 * (HARMED in low))


@cache
def identity_runs() -> Path:
    """A folder with a run of each maker."""
    runs = Path(tempfile.mkdtemp(prefix="plumbline-identity-"))
    for name, make in MAKERS.items():
        home = runs.parent / f"{runs.name}-{name}"
        home.mkdir()
        header, rows = make()
        with (home / "rows.csv").open("w", newline="", encoding="utf-8") as handle:
            csv.writer(handle).writerows([header, *rows])
        probes = ("group_error",) if name == UNASKED else ("group_error", "identity_terms")
        asked = IdentitySpec(swap_texts=SWAPS)
        spec = Spec(name=name, version="1", probes=probes, draws=99, replicates=50, identity=asked)
        model = ModelSource(name=name, sha256="0" * 64, open=lambda: WordModel(planted_score))
        subject = Subject(
            predictions=home / "rows.csv", model=model if name == MODEL else None, trust=name == MODEL
        )
        with ThreadPoolExecutor(2) as executor:
            audit(subject, spec, runs, executor)
    return runs


def identity_run(name: str) -> Path:
    """The folder of the run of a maker."""
    return next((identity_runs() / name / "1").iterdir())


def _found() -> Csv:
    """Comments about three religions, about nobody, and a few about a fourth; half of them insult."""
    people = [*(["muslims", "christians", "jews", "neighbours"] * 80), *(["hindus"] * FEW_TEXTS)]
    rows = []
    for k, who in enumerate(people):
        for insult in (0, 1):
            verb = f"are {INSULT}" if insult else "are kind"
            text = f"Number {k}: the {who} of our street {verb}, <i>I</i> said."
            if who == "christians" and not insult and k < 8:
                text += f" Then a {SLUR} sang."
            score = planted_score(text)
            rows.append([f"r{len(rows):04}", text, insult, score, insult, score / 2])
    return ("id", "text", "true.toxic", "score.toxic", "true.insult", "score.insult"), rows


def _declared() -> Csv:
    """Two declared identities with names that hurt; the model overrates harmless texts of the first."""
    rng = np.random.default_rng(3)
    rows = []
    for k in range(600):
        truth, first, second = int(rng.random() < 0.5), int(k % 3 == 0), int(k % 5 == 0)
        score = float(np.clip(rng.normal(0.3 + 0.3 * truth + 0.25 * first, 0.12), 0.001, 0.999))
        rows.append([f"d{k:03}", truth, score, first, second])
    return ("id", "true.toxic", "score.toxic", f"identity.{HOSTILE}", f"identity.{FORMULA}"), rows


def _nobody() -> Csv:
    rows = [[f"n{k}", f"It rains on day {k}.", k % 2, 0.5] for k in range(40)]
    return ("id", "text", "true.toxic", "score.toxic"), rows


def _numbers() -> Csv:
    rows = [[f"m{k}", f"Some muslims of day {k}.", k, k + 1] for k in range(40)]
    return ("id", "text", "true.age", "pred.age"), rows


MAKERS: dict[str, Callable[[], Csv]] = {
    FOUND: _found,
    MODEL: _found,
    DECLARED: _declared,
    NOBODY: _nobody,
    NUMBERS: _numbers,
    UNASKED: _nobody,
}
