"""One audit, from a predictions file or a model and its data to a finished run folder."""

from __future__ import annotations

import json
import shutil
import time
from collections.abc import Iterable, Iterator, Mapping, Sequence
from concurrent.futures import Executor
from contextlib import contextmanager, suppress
from dataclasses import replace
from datetime import datetime
from pathlib import Path
from typing import Any

import pyarrow as pa

from audit.core import SCHEMA_VERSION
from audit.errors import InputError, PlumblineError
from audit.executors import Serial
from audit.inputs.files import find
from audit.inputs.load import Loaded
from audit.inputs.payloads import text_batches
from audit.inputs.rejected import write_rejected
from audit.manifest import choose_split, describe_data, host, package_versions, plumbline_version
from audit.opening import data_root, describe_model, open_subject
from audit.protocols import Context, NoProgress, Progress
from audit.resume import Chosen, load_probes, probe_names, run_probes
from audit.run_rows import RunRows, payload_column
from audit.spec import Spec
from audit.store.atomic import remove_temporary, replacing, write_json
from audit.store.hashes import hash_file, write_hashes
from audit.store.layout import (
    PREDICTIONS,
    REJECTED,
    RUN,
    TIMES,
    RunPlace,
    is_finished,
    make_run_id,
    manifest_hashes,
)
from audit.store.lock import locked
from audit.store.payload_rows import PayloadRows
from audit.store.predictions_file import write_predictions
from audit.store.read import read_times
from audit.subject import Subject

ENDINGS = (".gz", ".csv", ".tsv", ".parquet", ".pq", ".jsonl", ".ndjson")


def audit_predictions(
    path: Path,
    spec: Spec,
    runs_dir: Path,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Path:
    """Audit a file of predictions, without a model. As `audit`.

    Args:
        path: CSV, Parquet or JSON Lines in the columns of the contract.
        spec: what to do; an empty name is the file's stem, an empty version the first digits of its hash.
        runs_dir: folder that holds runs.
        executor: what runs the work; None: this thread.
        progress: where to say how far it is.
    """
    return audit(Subject(predictions=path), spec, runs_dir, executor, progress)


def audit(
    subject: Subject,
    spec: Spec,
    runs_dir: Path,
    executor: Executor | None = None,
    progress: Progress | None = None,
) -> Path:
    """Audit a file of predictions, a model on its data, or a model beside a file.

    The same audit twice is the same run: a finished one is not computed again, an interrupted one goes on.

    Args:
        subject: what is audited.
        spec: what to do. An empty name is the model's or else the file's stem, an empty version the first
            digits of the hash of the weights or else of the file.
        runs_dir: folder that holds runs.
        executor: what runs the work; None: this thread.
        progress: where to say how far it is.

    Returns:
        The run's folder.

    Raises:
        PlumblineError: file, data or model can't be used, a probe is unknown, or another process is writing
            this run.
    """
    asked = bool(spec.probes)
    data_hash, weights = _identity(subject, progress)
    spec = replace(
        spec,
        name=spec.name or _name(subject),
        version=spec.version or (weights or data_hash)[:8],
        probes=probe_names(spec.probes),
    )
    hashes = manifest_hashes(data_hash, weights, spec, subject.settings_hash())
    run_id = make_run_id(hashes, plumbline_version())
    place = RunPlace(runs=runs_dir, model=spec.name, version=spec.version, run_id=run_id)
    if is_finished(place.folder):
        return place.folder
    chosen = load_probes(spec.probes, asked=asked)
    with _no_empty_folders(place), locked(place.lock):
        if not is_finished(place.folder):
            with _nothing_left(place):
                _write_run(
                    place, spec, hashes, subject, chosen, executor or Serial(), progress or NoProgress()
                )
        shutil.rmtree(place.work, ignore_errors=True)
    return place.folder


def _identity(subject: Subject, progress: Progress | None) -> tuple[str, str]:
    """Hash of the data and of the weights."""
    weights = "" if subject.model is None else subject.model.sha256
    if subject.data is not None:
        return subject.data.sha256(progress), weights
    assert subject.predictions is not None
    find(subject.predictions)
    return hash_file(subject.predictions), weights


def _name(subject: Subject) -> str:
    if subject.model is not None:
        return subject.model.name
    assert subject.predictions is not None
    return stem(subject.predictions)


def stem(path: Path) -> str:
    """A file's name without its endings: ``preds`` of ``preds.csv.gz``."""
    name = path.name
    while name.lower().endswith(ENDINGS) and Path(name).stem:
        name = Path(name).stem
    return name


def _write_run(
    place: RunPlace,
    spec: Spec,
    hashes: Mapping[str, str],
    subject: Subject,
    chosen: Sequence[Chosen],
    executor: Executor,
    progress: Progress,
) -> None:
    """Compute and store everything that is not stored yet; the list of hashes comes last."""
    clock = time.monotonic()
    times = _begin(place, subject)
    opened = open_subject(place, subject, spec, hashes["data"], progress)
    loaded, examples = opened.loaded, opened.loaded.examples
    _store_rows(place, opened.file, spec, loaded, progress)
    split, audited, message = choose_split(examples, spec)
    context = Context(
        examples=examples,
        predictions=loaded.predictions,
        audited=audited,
        spec=spec,
        seed=spec.seed,
        executor=executor,
        cache=place.work / "cache",
        payloads=PayloadRows(place.folder / PREDICTIONS) if examples.source.payloads else None,
        model=opened.model,
        progress=progress,
    )
    if payload_column(context) is not None:
        context = replace(context, data=RunRows(context))
    data = describe_data(examples, loaded.predictions, split, audited, message)
    model, note = describe_model(subject, context)
    if model:
        data |= {"model": model, "messages": [note, *data["messages"]]}
    sections = run_probes(place, chosen, context)
    manifest = {
        "schema_version": SCHEMA_VERSION,
        "plumbline_version": plumbline_version(),
        "run_id": place.run_id,
        "model": spec.name,
        "version": spec.version,
        "hashes": dict(hashes),
        "seed": spec.seed,
        "packages": package_versions(with_model=opened.model is not None),
        "spec": json.loads(json.dumps(spec.as_json(), sort_keys=True)),
        "data": data,
        "sections": sections.entries,
    }
    write_json(place.folder / RUN, manifest)
    finished = {
        "finished": _now(),
        "seconds": round(time.monotonic() - clock, 3),
        "probes": {**times.get("probes", {}), **sections.seconds},
        "reused": sections.reused,
    }
    write_json(place.folder / TIMES, times | finished)
    write_hashes(place.folder)


def _begin(place: RunPlace, subject: Subject) -> dict[str, Any]:
    """Make the folder of a run, or clean up after a killed process; listed as unfinished from now on."""
    place.folder.mkdir(parents=True, exist_ok=True)
    remove_temporary(place.folder)
    earlier = read_times(place.folder)
    path = subject.predictions if subject.data is None else subject.data.root
    times = {
        "run_id": place.run_id,
        "model": place.model,
        "version": place.version,
        "weights": "" if subject.model is None else subject.model.sha256,
        "started": earlier.get("started", _now()),
        "resumed": earlier.get("resumed", -1) + 1,
        "host": host(),
        "source": {"path": str(path.resolve()) if path else "", "data_root": str(data_root(subject))},
    }
    write_json(place.folder / TIMES, times)
    return times


def _store_rows(place: RunPlace, path: Path, spec: Spec, loaded: Loaded, progress: Progress) -> None:
    if loaded.rejected.num_rows:
        with replacing(place.folder / REJECTED) as beside:
            write_rejected(loaded.rejected, beside)
    stored, known = place.folder / PREDICTIONS, place.work / f"{PREDICTIONS}.sha256"
    if stored.is_file() and known.is_file() and known.read_text() == hash_file(stored):
        return
    texts: Iterable[pa.Array] | None = None
    if "text" in loaded.examples.source.payloads:
        texts = _counted(text_batches(path, spec, loaded.records), loaded.examples.n, progress)
    progress.step("store the rows", 0, loaded.examples.n)
    write_predictions(stored, loaded.examples, loaded.predictions.values(), texts)
    progress.step("store the rows", loaded.examples.n, loaded.examples.n)
    known.parent.mkdir(parents=True, exist_ok=True)
    known.write_text(hash_file(stored))


def _counted(texts: Iterable[pa.Array], total: int, progress: Progress) -> Iterator[pa.Array]:
    done = 0
    for piece in texts:
        yield piece
        done += len(piece)
        if done < total:
            progress.step("store the rows", done, total)


@contextmanager
def _nothing_left(place: RunPlace) -> Iterator[None]:
    """Where an audit is refused, remove what was begun, but no finished section.

    Scores stay where the input is not to blame.
    """
    try:
        yield
    except PlumblineError as error:
        keep = ("sections",) if isinstance(error, InputError) else ("sections", "scores")
        if not any((place.work / name).exists() for name in keep):
            for folder in (place.folder, place.work):
                shutil.rmtree(folder, ignore_errors=True)
        raise


@contextmanager
def _no_empty_folders(place: RunPlace) -> Iterator[None]:
    """Where an audit is refused, leave no folders of a model or version without a run behind."""
    try:
        yield
    except PlumblineError:
        if not place.folder.exists():
            for folder in (place.folder.parent, place.folder.parent.parent):
                with suppress(OSError):
                    folder.rmdir()
        raise


def _now() -> str:
    return datetime.now().astimezone().isoformat(timespec="milliseconds")
