"""A model's scores of many rows, in parts that an interrupted audit need not make again."""

from __future__ import annotations

import traceback
import zipfile
from collections.abc import Callable, Mapping, Sequence
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.core import Task, TaskKind
from audit.errors import InputError, PlumblineError
from audit.pictures import decode
from audit.protocols import Model, NoProgress, Progress, ReadsFiles
from audit.store.atomic import replacing

PART = 512
"""Rows of a part. Every command scores in the same parts, so that the same rows have the same scores to the
last bit: texts that are padded to another length differ in the seventh digit."""
Scores = Mapping[str, NDArray[np.float64]]


def score(
    model: Model,
    payloads: Sequence[str],
    *,
    root: Path | None = None,
    batch_size: int = 64,
    workers: int = 0,
    keep: Path | None = None,
    progress: Progress | None = None,
) -> dict[str, NDArray[np.float64]]:
    """Score rows.

    Args:
        model: with `payload` "text" or "image".
        payloads: (n,) texts, or image paths.
        root: folder of the image paths.
        batch_size: rows given to a model that has no `batch_size` of its own.
        workers: processes that decode pictures, where the model reads files itself.
        keep: folder of finished parts; None: they are not kept.
        progress: told how many rows are scored.

    Returns:
        Output -> (n,) or (n, C), and what else the model measures, such as ``age_spread``.

    Raises:
        InputError: a picture can't be read, or the model's scores have another shape or are no numbers.
    """
    progress = progress or NoProgress()
    read = _reader(model, root, batch_size, workers)
    parts: list[Scores] = []
    n = len(payloads)
    for start in range(0, n, PART):
        progress.step("score the rows", start, n)
        stop = min(start + PART, n)
        file = None if keep is None else keep / f"scores-{start:09d}-{stop:09d}.npz"
        part = None if file is None else _kept(file)
        if part is None:
            part = checked(model.tasks, _asked(read, payloads[start:stop], start), stop - start)
            if file is not None:
                _keep(file, part)
        parts.append(part)
    progress.step("score the rows", n, n)
    return {name: np.concatenate([part[name] for part in parts]) for name in parts[0]}


def checked(tasks: Mapping[str, Task], scores: Scores, n: int) -> dict[str, NDArray[np.float64]]:
    """Check a model's answer against what it promised.

    Args:
        tasks: of the model.
        scores: of n rows.
        n: number of rows.

    Raises:
        InputError: an output is missing, has another shape, or holds something that is no number.
    """
    found = {name: np.asarray(values, dtype=np.float64) for name, values in scores.items()}
    for name, task in tasks.items():
        wide = task.kind in (TaskKind.MULTICLASS, TaskKind.MULTILABEL)
        shape = (n, len(task.classes)) if wide else (n,)
        if name not in found:
            raise InputError(
                "model", f"it promised the output {name!r}, its scores are of {', '.join(found)}."
            )
        if found[name].shape != shape:
            raise InputError(
                f"model, output {name!r}", f"scores of shape {shape} were expected, came {found[name].shape}."
            )
        if not np.isfinite(found[name]).all():
            count = int((~np.isfinite(found[name])).sum())
            raise InputError(f"model, output {name!r}", f"{count:,} of its scores are no finite numbers.")
    return found


def _reader(
    model: Model, root: Path | None, batch_size: int, workers: int
) -> Callable[[Sequence[str]], Scores]:
    """How a part is scored: by the model's own reading of files, in its own batches, or in batches here."""
    any_model: Any = model
    own = hasattr(any_model, "batch_size")
    if own:
        any_model.batch_size = batch_size
    if model.payload == "text":
        return model.predict if own else lambda texts: _in_batches(model, texts, batch_size, str)
    folder = root or Path()
    if isinstance(model, ReadsFiles):
        return lambda names: model.predict_files([folder / name for name in names], workers)
    return lambda names: _in_batches(model, names, batch_size, lambda name: decode(folder / name))


def _asked(read: Callable[[Sequence[str]], Scores], rows: Sequence[str], start: int) -> Scores:
    """Ask the model; what a stranger's model raises is told as its failure, with the place."""
    try:
        return read(rows)
    except (PlumblineError, MemoryError):
        raise
    except Exception as error:
        last = traceback.extract_tb(error.__traceback__)[-1]
        raise InputError(
            "model",
            f"its predict failed on rows {start + 1:,} to {start + len(rows):,}: "
            f"{type(error).__name__}: {error} ({Path(last.filename).name}, line {last.lineno}).",
        ) from error


def _in_batches(
    model: Model, rows: Sequence[str], size: int, read: Callable[[str], str | NDArray[np.uint8]]
) -> Scores:
    parts = [
        model.predict([read(row) for row in rows[start : start + size]])
        for start in range(0, len(rows), size)
    ]
    return {name: np.concatenate([np.asarray(part[name]) for part in parts]) for name in parts[0]}


def _keep(file: Path, part: Scores) -> None:
    with replacing(file) as beside, beside.open("wb") as stream:
        np.savez(stream, **part)  # type: ignore[arg-type]


def _kept(file: Path) -> Scores | None:
    """A part that was finished before; None where there is none, or a power cut left it damaged."""
    try:
        with file.open("rb") as stream, np.load(stream, allow_pickle=False) as stored:
            return {name: stored[name] for name in stored.files}
    except (OSError, ValueError, KeyError, EOFError, zipfile.BadZipFile):
        return None
