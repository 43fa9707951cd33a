"""Models and readers with a known answer, loaded as a stranger's are: ``fake_models:Lengths``."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from audit.core import Task, TaskKind

YES_NO = Task(kind=TaskKind.BINARY, classes=("no", "yes"))
SPLIT_WORDS = ("train", "test", "test", "validation")


def length_score(text: str) -> float:
    """What `Lengths` says of a text."""
    return len(text) % 10 / 10


class Lengths:
    """Texts: "toxic" by their length. Leaves a line in $FAKE_MODEL_LOG for each batch, and may wait."""

    payload = "text"

    def __init__(self) -> None:
        self.tasks: Mapping[str, Task] = {"toxic": YES_NO}

    def predict(self, batch: Sequence[str]) -> dict[str, np.ndarray]:
        if path := os.environ.get("FAKE_MODEL_LOG"):
            with Path(path).open("a") as file:
                file.write(f"{len(batch)}\n")
            _wait(len(Path(path).read_text().splitlines()))
        return {"toxic": np.array([length_score(text) for text in batch])}


def _wait(batches: int) -> None:
    """After $FAKE_MODEL_BATCHES batches, say so and wait to be killed."""
    stop = os.environ.get("FAKE_MODEL_BATCHES")
    if stop is None or batches < int(stop) or Path(os.environ["FAKE_MODEL_GO_ON"]).exists():
        return
    Path(os.environ["FAKE_MODEL_BEGUN"]).write_text("begun")
    deadline = time.monotonic() + 60
    while time.monotonic() < deadline:
        time.sleep(0.02)
    raise TimeoutError("nobody killed this process")


lengths = Lengths()
"""An instance, as a module may hold one."""


def weighted(weights: Path) -> Lengths:
    """A loader that reads its weights: a file with the word ``length``."""
    if weights.read_text() != "length":
        raise ValueError("not the weights of a length")
    return Lengths()


class Shifted(Lengths):
    """Says something else than the file of `Lengths`."""

    def predict(self, batch: Sequence[str]) -> dict[str, np.ndarray]:
        return {"toxic": np.clip(super().predict(batch)["toxic"] + 0.1, 0, 1)}


class Other(Lengths):
    def __init__(self) -> None:
        self.tasks = {"angry": YES_NO}

    def predict(self, batch: Sequence[str]) -> dict[str, np.ndarray]:
        return {"angry": np.zeros(len(batch))}


class Raises(Lengths):
    def predict(self, batch: Sequence[str]) -> dict[str, np.ndarray]:
        raise ZeroDivisionError("planted")


class TooFew(Lengths):
    def predict(self, batch: Sequence[str]) -> dict[str, np.ndarray]:
        return {"toxic": np.zeros(len(batch) - 1)}


class NotANumber(Lengths):
    def predict(self, batch: Sequence[str]) -> dict[str, np.ndarray]:
        return {"toxic": np.full(len(batch), np.nan)}


class NoModel:
    payload = "text"


class Brightness:
    """Pictures: "age" is the mean of red in years, "gender" the share of green."""

    payload = "image"

    def __init__(self) -> None:
        self.tasks: Mapping[str, Task] = {
            "age": Task(kind=TaskKind.REGRESSION, unit="years"),
            "gender": Task(kind=TaskKind.BINARY, classes=("Female", "Male")),
        }

    def predict(self, batch: Sequence[np.ndarray]) -> dict[str, np.ndarray]:
        means = np.array([picture.reshape(-1, 3).mean(axis=0) for picture in batch])
        return {"age": means[:, 0], "gender": means[:, 1] / 255}


class Folder:
    """A reader: one text a line of ``texts.txt``, with a truth and a group."""

    def __init__(self, root: Path) -> None:
        self.lines = (root / "texts.txt").read_text().splitlines()

    def columns(self) -> pa.Table:
        n = len(self.lines)
        return pa.table(
            {
                "id": [f"line{i}" for i in range(n)],
                "split": [SPLIT_WORDS[i % 4] for i in range(n)],
                "true.toxic": ["yes" if "zork" in line else "no" for line in self.lines],
                "group.team": ["ab"[i % 2] for i in range(n)],
                "text": self.lines,
            }
        )

    def rows(self, split: str) -> Iterator[tuple[str, Any]]:
        for i, line in enumerate(self.lines):
            if SPLIT_WORDS[i % 4] == split:
                yield f"line{i}", line


class Plain:
    """A reader that gives payloads only."""

    def __init__(self, root: Path) -> None:
        self.folder = Folder(root)

    def rows(self, split: str) -> Iterator[tuple[str, Any]]:
        yield from self.folder.rows(split)


class Pictures:
    """A reader whose rows are pictures, without paths."""

    def __init__(self, root: Path) -> None:
        self.root = root

    def rows(self, split: str) -> Iterator[tuple[str, Any]]:
        if split == "test":
            yield "one", np.zeros((2, 2, 3), np.uint8)


def not_a_reader(root: Path) -> int:
    return 1
