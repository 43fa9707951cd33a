"""The doors that a stranger's model, data set or probe enters by. Three methods at most each."""

from __future__ import annotations

from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any, Protocol, runtime_checkable

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import Examples, Predictions, Reason, Section, Task
from audit.spec import Spec

Batch = Sequence[Any]
"""Images as (H, W, 3) uint8 arrays, or texts as strings."""


@runtime_checkable
class Model(Protocol):
    """Anything that turns a batch of payloads into scores."""

    tasks: Mapping[str, Task]
    """Output name -> task."""
    payload: str
    """"image" or "text"."""

    def predict(self, batch: Batch) -> Mapping[str, NDArray[np.float64]]:
        """Score a batch.

        Returns:
            For each output: (n,) probability for binary, (n, C) or (n, L) for multiclass and multilabel,
            (n,) number for regression.
        """
        ...


@runtime_checkable
class DataSet(Protocol):
    """Payloads by split."""

    def rows(self, split: str) -> Iterable[tuple[str, Any]]:
        """Yield (id, payload) of one split."""
        ...


@runtime_checkable
class Declares(Protocol):
    """A data set that says what is known of its rows, so that predictions of it can be audited."""

    def columns(self) -> pa.Table:
        """What is known of every row, in the columns of the predictions contract.

        Returns:
            id, split, true.*, group.*, identity.*, cluster, and text or image (relative to the data folder).
        """
        ...


@runtime_checkable
class Decides(Protocol):
    """A model with thresholds of its own."""

    def decide(self, scores: Mapping[str, NDArray[np.float64]]) -> Mapping[str, NDArray[np.int8]]:
        """(n,) 0/1 of each yes/no output, from the scores of `Model.predict`."""
        ...


@runtime_checkable
class ReadsFiles(Protocol):
    """An image model that decodes files itself, while it computes."""

    def predict_files(self, paths: Sequence[Path], workers: int = 0) -> Mapping[str, NDArray[np.float64]]:
        """As `Model.predict` of the decoded pictures; further names, such as ``age_spread``, are allowed."""
        ...


@runtime_checkable
class Differentiable(Protocol):
    """A model that offers gradients: numpy in and out, the framework stays inside."""

    def gradient(self, batch: Batch, output: str, target: NDArray[Any]) -> list[NDArray[np.float64]]:
        """Gradient of the output's loss with respect to pixels, or to token embeddings for text."""
        ...


@runtime_checkable
class Embeds(Protocol):
    """A model with an embedding of each payload."""

    def embed(self, batch: Batch) -> NDArray[np.float32]:
        """(n, d) penultimate features."""
        ...


@runtime_checkable
class Perturbable(Protocol):
    """An image model that composes masked versions of one picture itself, faster than as arrays.

    The scores equal those of `Model.predict` on `audit.attribution.hiding.masked` and `boxed`.
    """

    def predict_masked(
        self,
        picture: NDArray[np.uint8],
        fill: NDArray[np.uint8],
        segments: NDArray[np.int32],
        masks: NDArray[np.bool_],
    ) -> Mapping[str, NDArray[np.float64]]:
        """Scores of n versions: (H, W) superpixels that (n, S) masks do not show look like the fill."""
        ...

    def predict_boxed(
        self,
        picture: NDArray[np.uint8],
        fill: NDArray[np.uint8],
        boxes: NDArray[np.int64],
        masks: NDArray[np.bool_],
    ) -> Mapping[str, NDArray[np.float64]]:
        """Scores of n versions: all but the (B, 4) boxes that (n, B) masks show looks like the fill."""
        ...


@runtime_checkable
class Randomisable(Protocol):
    """A model that can be had with random weights."""

    def randomised(self, seed: int) -> Model:
        """The same architecture with weights drawn anew."""
        ...


@runtime_checkable
class Tunable(Protocol):
    """A model that runs under several working conditions."""

    def configured(self, threads: int, precision: str, compile: bool) -> Model:
        """The same model with these settings."""
        ...


@runtime_checkable
class Explains(Protocol):
    """A model with attributions of its own."""

    def explain(self, batch: Batch, output: str, method: str) -> list[NDArray[np.float64]]:
        """Attribution of each payload by a named method.

        Args:
            batch: n payloads.
            output: an output, or ``output/class`` for one class; a many-class output alone means the
                predicted class.
            method: one that the model knows.

        Returns:
            n arrays: (H, W) for pictures, (T,) for the tokens of texts (see `Spans`).
        """
        ...


@runtime_checkable
class Spans(Protocol):
    """A text model that says where its tokens stand."""

    def spans(self, batch: Batch) -> list[list[tuple[int, int]]]:
        """First character and one past the last of each token of each text; equal for tokens of no text."""
        ...


@dataclass(frozen=True, kw_only=True)
class Context:
    """All that a probe may look at."""

    examples: Examples
    predictions: Mapping[str, Predictions]
    """Every split; a probe takes the rows of `audited` for metrics."""
    audited: NDArray[np.bool_]
    """(examples.n,) rows of the split that metrics use."""
    spec: Spec
    seed: int
    executor: Executor
    cache: Path
    """Folder for what a resumed run need not compute again."""
    payloads: Callable[[str, NDArray[np.int64]], Iterable[Any]] | None = None
    """(column, rows) -> payloads as the file holds them: texts or image paths; None without any."""
    data: DataSet | None = None
    """The rows' payloads as a model takes them, under the ids of `examples`; None without any. For rows by
    position: `audit.run_rows.inputs`."""
    model: Model | None = None
    """The audited model where it is at hand; it made the predictions, or scores alike."""
    progress: Progress = field(default_factory=lambda: NoProgress())


class Progress(Protocol):
    """Where long work says how far it is; the engine itself never prints."""

    def step(self, what: str, done: int, total: int) -> None:
        """`done` of `total` units of `what` are finished."""
        ...


class NoProgress:
    """Says nothing."""

    def step(self, what: str, done: int, total: int) -> None:
        """Ignore."""


class Probe(Protocol):
    """One question asked of a model's predictions."""

    name: str

    def applies(self, context: Context) -> Reason | None:
        """None where it can run, else why not."""
        ...

    def run(self, context: Context) -> Section:
        """Answer; deterministic given the context's seed."""
        ...
