"""From the words of `plumbline audit` to what it looks at: a file, a model with its data, or both."""

from __future__ import annotations

import hashlib
import os
import sys
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit import registry
from audit.core import SPLITS
from audit.errors import InputError, PlumblineError
from audit.protocols import DataSet, Declares, Model, Progress
from audit.subject import DataSource, ModelSource, Rows, Subject
from dashboard import predicting
from dashboard.predicting import Wanted

COMMAND = "plumbline audit"
OWN = ("comments", "faces", "mushrooms")
"""Models and readers whose weights carry a card, and whose data can be split as in the training."""


@dataclass(frozen=True, kw_only=True)
class Asked:
    """What a person asked to have audited; the command line's options, under their names."""

    predictions: Path | None = None
    data: Path | None = None
    weights: Path | None = None
    model: str | None = None
    reader: str | None = None
    splits: str = "auto"
    only: str | None = None
    device: str = "cpu"
    batch_size: int = 64
    workers: int = 0
    """Processes that decode pictures."""
    trust: bool = False


def subject(asked: Asked) -> Subject:
    """Name what is to be audited; models and data are opened later, when they are needed.

    Args:
        asked: by a person.

    Raises:
        InputError: the options do not go together, or weights or data are not there.
    """
    _check(asked)
    if asked.weights is None and asked.model is None:
        return Subject(predictions=asked.predictions)
    kind, card = _kind(asked)
    model = _model(asked, kind, card)
    if asked.data is None:
        return Subject(predictions=asked.predictions, model=model, trust=asked.trust)
    return Subject(model=model, data=_data(asked, asked.data, kind, card))


def _check(asked: Asked) -> None:
    predicting.check_batch_size(asked.batch_size)
    with_model = asked.weights is not None or asked.model is not None
    rules = [
        (
            asked.predictions is not None or asked.data is not None,
            "--predictions",
            "a file of predictions was expected, or --data DIR with --weights DIR or --model NAME.",
        ),
        (
            asked.predictions is None or asked.data is None,
            "--data",
            "does not go with --predictions: the file holds the rows already.",
        ),
        (with_model or asked.data is None, "--data", "needs a model: --weights DIR or --model NAME."),
        (
            asked.data is not None or (asked.reader, asked.only, asked.splits) == (None, None, "auto"),
            "--reader, --splits and --only",
            "belong to --data.",
        ),
        (
            not asked.trust or (with_model and asked.predictions is not None),
            "--trust-predictions",
            "belongs to --predictions with a model beside them.",
        ),
    ]
    for good, place, problem in rules:
        if not good:
            raise InputError(place, problem)


def _kind(asked: Asked) -> tuple[str, dict[str, Any]]:
    """Name that the model is had by, and the card of its weights (empty for a stranger's)."""
    if asked.model is None:
        assert asked.weights is not None
        return predicting.read_kind(asked.weights)
    if ":" in asked.model:
        return asked.model, {}
    if asked.model not in registry.names("model"):
        known = ", ".join(registry.names("model"))
        raise InputError(
            "--model", f"no model is called {asked.model!r}. Known: {known}; package.module:name works too."
        )
    if asked.model not in OWN:
        return asked.model, {}
    if asked.weights is None:
        raise InputError(f"--model {asked.model}", "needs its weights: --weights DIR.")
    kind, card = predicting.read_kind(asked.weights)
    if kind != asked.model:
        raise InputError(str(asked.weights), f"these are weights of {kind}, not of {asked.model}.")
    return kind, card


def _model(asked: Asked, kind: str, card: Mapping[str, Any]) -> ModelSource:
    if not card:
        return _strangers(asked, kind)
    from models import weights as stored

    assert asked.weights is not None
    weights = asked.weights
    tensors, beside = stored.paths(weights)
    if not tensors.is_file():
        raise InputError(str(tensors), "is missing; its card lies beside it.")
    return ModelSource(
        name=str(card["model"]),
        sha256=stored.sha256(tensors),
        open=lambda: predicting.open_weights(kind, weights, asked.device, COMMAND),
        settings={"loader": kind, "card": stored.sha256(beside)},
        batch_size=asked.batch_size,
        workers=asked.workers,
    )


def _strangers(asked: Asked, path: str) -> ModelSource:
    """A stranger's model: an instance, or what returns one, given the weights where there are some."""
    if asked.device != "cpu":
        raise InputError("--device", f"is for Plumbline's own models; {path} chooses its device itself.")
    weights = asked.weights
    if weights is not None and not weights.exists():
        raise InputError(str(weights), "there is no such file or folder.")

    def open_it() -> Model:
        found = _imported("--model", path)
        if isinstance(found, type) or not isinstance(found, Model):
            found = _called("--model", path, found, [] if weights is None else [weights])
        lacking = [name for name in ("tasks", "payload", "predict") if not hasattr(found, name)]
        if lacking or found.payload not in ("text", "image"):
            problem = f"has no {', '.join(lacking)}" if lacking else f"has the payload {found.payload!r}"
            raise InputError(
                f"--model {path}",
                f"is no model: it {problem}.",
                'A model has `tasks`, `payload` ("text" or "image") and `predict(batch)`.',
            )
        model: Model = found
        return model

    digest = hashlib.sha256(path.encode()).hexdigest() if weights is None else _hash(weights, False, None)
    return ModelSource(
        name=path.replace(":", "."),
        sha256=digest,
        open=open_it,
        settings={"loader": path, "weights": "given" if weights else "none given: the hash is of the name"},
        batch_size=asked.batch_size,
        workers=asked.workers,
    )


def _data(asked: Asked, root: Path, kind: str, card: Mapping[str, Any]) -> DataSource:
    if not root.exists():
        raise InputError(str(root), "there is no such folder.")
    reader = asked.reader or (kind if card else "")
    known = registry.names("data")
    if not reader or (":" not in reader and reader not in known):
        came = f"no reader is called {reader!r}" if reader else "a reader for the data was expected"
        raise InputError("--reader", f"{came}. Known: {', '.join(known)}; package.module:name works too.")
    own = reader in OWN
    wanted = Wanted(data=root, splits=asked.splits, only=asked.only)
    if own:
        splits = predicting.split_words(wanted, card)
    elif asked.splits == "as-trained":
        raise InputError("--splits as-trained", f"is for Plumbline's own data; {reader} declares its splits.")
    else:
        splits = "as declared"

    def read(model: Model) -> Rows:
        if own:
            folder = predicting.read_folder(reader, wanted, card)  # type: ignore[arg-type]
            return Rows(table=folder.columns(), messages=folder.messages)
        return _strangers_rows(reader, wanted)

    return DataSource(
        root=root if root.is_dir() else root.parent,
        name=root.resolve().name,
        sha256=lambda progress: _hash(root, own, progress),
        read=read,
        settings={"reader": reader, "splits": splits, "only": asked.only or ""},
    )


def _strangers_rows(reader: str, wanted: Wanted) -> Rows:
    import pyarrow as pa
    import pyarrow.compute as pc

    found = _called("--reader", reader, _imported("--reader", reader), [wanted.data])
    if isinstance(found, Declares):
        table = found.columns()
    elif isinstance(found, DataSet):
        table = _payload_rows(reader, found)
    else:
        raise InputError(
            f"--reader {reader}", "gave no data set: it has neither `columns()` nor `rows(split)`."
        )
    if not isinstance(table, pa.Table) or not {"id", "split"} <= set(table.column_names):
        raise InputError(f"--reader {reader}", "its columns() must be a PyArrow table with id and split.")
    return Rows(table=table if wanted.only is None else table.filter(pc.equal(table["split"], wanted.only)))


def _payload_rows(reader: str, found: DataSet) -> Any:
    """A table of a data set that gives payloads and says nothing else of its rows."""
    import pyarrow as pa

    rows = [(name, split, payload) for split in SPLITS for name, payload in found.rows(split)]
    if not all(isinstance(payload, str) for _, _, payload in rows):
        raise InputError(
            f"--reader {reader}",
            "its rows are pictures: give it `columns()` with a column of image paths.",
        )
    names, splits, texts = zip(*rows, strict=True) if rows else ((), (), ())
    return pa.table(
        {"id": pa.array(names, pa.string()), "split": pa.array(splits, pa.string()), "text": texts}
    )


def _hash(root: Path, own: bool, progress: Progress | None) -> str:
    from audit.data_hash import hash_data, visible_files
    from training.data.contract import read_files

    folder = root if root.is_dir() else root.parent
    return hash_data(folder, read_files(root) if own else visible_files(root), progress)


def _imported(option: str, path: str) -> Any:
    """Import by path, also from the folder that the command is run in."""
    if os.getcwd() not in sys.path:
        sys.path.append(os.getcwd())
    try:
        return registry.load("model" if option == "--model" else "data", path)
    except PlumblineError as error:
        raise InputError(option, str(error)) from error
    except Exception as error:
        raise _failed(f"{option} {path}", "can't be imported", error) from error


def _called(option: str, path: str, found: Any, words: list[Path]) -> Any:
    if not callable(found):
        raise InputError(f"{option} {path}", f"is a {type(found).__name__} and can't be called.")
    try:
        return found(*words)
    except PlumblineError:
        raise
    except Exception as error:
        given = f"with {words[0]}" if words else "without arguments"
        raise _failed(f"{option} {path}", f"failed when it was called {given}", error) from error


def _failed(place: str, what: str, error: Exception) -> InputError:
    return InputError(place, f"{what}: {type(error).__name__}: {error}.")
