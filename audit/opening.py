"""From a subject to rows that came through the door: read from a file, or scored by the model first."""

from __future__ import annotations

from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import pyarrow.compute as pc
import pyarrow.parquet as pq

from audit.agreement import check_outputs, compare, refuse_difference, sentence
from audit.errors import InputError
from audit.inputs.load import Loaded, load
from audit.predicted import predictions_table
from audit.protocols import Context, Model, Progress
from audit.scoring import score
from audit.spec import Spec
from audit.store.atomic import write_table
from audit.store.hashes import hash_file
from audit.store.layout import PREDICTIONS, RunPlace
from audit.subject import DataSource, Subject


@dataclass(frozen=True, kw_only=True)
class Opened:
    """The rows of an audit, and the model that scores them where it is at hand."""

    loaded: Loaded
    file: Path
    """Predictions file that texts are streamed from."""
    model: Model | None = None


def data_root(subject: Subject) -> Path:
    """Folder that relative payload paths start from."""
    if subject.data is not None:
        return subject.data.root.resolve()
    assert subject.predictions is not None
    return subject.predictions.resolve().parent


def open_subject(place: RunPlace, subject: Subject, spec: Spec, data_hash: str, progress: Progress) -> Opened:
    """Read a file of predictions, or let the model make one in the run's work folder.

    Args:
        place: the run that is being written; scores that an interrupted process had made are used again.
        subject: what is audited.
        spec: what to do.
        data_hash: of the file or the data folder, as it was when the run got its id.
        progress: where to say how far it is.

    Raises:
        InputError: model, data or file can't be used, do not belong together, or changed in the meantime.
    """
    model = None if subject.model is None else subject.model.open()
    file = subject.predictions
    if file is None:
        assert model is not None
        assert subject.data is not None
        file = _predict(place, subject, subject.data, model, spec, data_hash, progress)
    progress.step("read the file", 0, 1)
    loaded = load(file, spec)
    progress.step("read the file", 1, 1)
    source = loaded.examples.source
    if subject.data is not None:
        source = replace(
            source,
            path=subject.data.name,
            sha256=data_hash,
            data_root=str(data_root(subject)),
            messages=(*_notes(file), *source.messages),
        )
    if source.sha256 != data_hash:
        raise _changed(file.name)
    if model is not None and subject.data is None:
        check_outputs(model, loaded.predictions, file.name)
    examples = replace(loaded.examples, source=source)
    return Opened(loaded=replace(loaded, examples=examples), file=file, model=model)


def describe_model(subject: Subject, context: Context) -> tuple[dict[str, Any], str]:
    """Say for the manifest where the scores came from, and compare a file's with the model's.

    Args:
        subject: what is audited.
        context: its rows, payloads and model.

    Returns:
        JSON values and a message for the auditor; both empty without a model.

    Raises:
        InputError: the model does not say what the file says, and nobody asked to trust the file.
    """
    if context.model is None or subject.model is None:
        return {}, ""
    made: dict[str, Any] = {**subject.settings(), "outputs": list(context.model.tasks)}
    mark = f"{subject.model.name}, weights {subject.model.sha256[:8]}"
    if subject.data is not None:
        how = subject.data.settings.get("splits", "as declared")
        return made, f"Predictions made by this audit with {mark}; splits {how}."
    assert subject.predictions is not None
    found = compare(context, context.model)
    if not subject.trust:
        refuse_difference(found, subject.predictions.name)
    return made | {"agreement": found.as_json()}, sentence(found, mark)


def _predict(
    place: RunPlace,
    subject: Subject,
    data: DataSource,
    model: Model,
    spec: Spec,
    data_hash: str,
    progress: Progress,
) -> Path:
    """Score the rows of a data set; the finished file is marked with its hash and used again."""
    assert subject.model is not None
    file = place.work / PREDICTIONS
    mark = file.with_name(f"{PREDICTIONS}.made")
    if file.is_file() and mark.is_file() and mark.read_text() == hash_file(file):
        return file
    rows = data.read(model)
    known = rows.table
    _require_split(data, known.column("split"), spec)
    if model.payload not in known.column_names:
        raise InputError(
            data.name, f"the model reads {model.payload}s, and the data have no column {model.payload}."
        )
    scores = score(
        model,
        known[model.payload].to_pylist(),
        root=data.root,
        batch_size=subject.model.batch_size,
        workers=subject.model.workers,
        keep=place.work / "scores",
        progress=progress,
    )
    if data.sha256(None) != data_hash:
        raise _changed(data.name)
    table = predictions_table(model, known, scores)
    table = table.drop_columns([name for name in table.column_names if name.startswith("spread.")])
    write_table(file, table.replace_schema_metadata({"messages": "\n".join(rows.messages)}))
    mark.write_text(hash_file(file))
    return file


def _notes(file: Path) -> list[str]:
    """What the reader of the data said, kept beside the rows for an audit that goes on."""
    kept = (pq.read_schema(file).metadata or {}).get(b"messages", b"").decode()
    return [line for line in kept.split("\n") if line]


def _require_split(data: DataSource, split: Any, spec: Spec) -> None:
    counts = {row["values"]: row["counts"] for row in pc.value_counts(split).to_pylist()}
    if not counts.get(spec.split):
        has = ", ".join(f"{name} {count:,}" for name, count in counts.items()) or "none with these options"
        raise InputError(
            data.name,
            f"there are no rows of split {spec.split!r} to measure on; it has: {has}.",
            'Ask for other rows (--splits, --only), or for another split (split = "…" in the spec).',
        )


def _changed(name: str) -> InputError:
    return InputError(name, "it changed while it was being read.", "Run the audit again.")
