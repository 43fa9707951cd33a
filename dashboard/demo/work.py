"""The pieces of work: synthesise, train, audit, compare. Each is done once; what is finished is kept.

A finished piece leaves a stamp beside it that says what it was made from. Where the same is asked for again,
nothing is done; where something else is asked for, it is made anew; an interrupted training goes on.
"""

from __future__ import annotations

import argparse
import importlib
import json
import shutil
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.errors import InputError
from audit.manifest import plumbline_version
from audit.store.atomic import write_json
from dashboard.demo.plan import PIXELS, Demo, Version
from training.data.records import Kind


@dataclass(frozen=True, kw_only=True)
class Places:
    """Where the pieces of one model lie."""

    demo: Demo
    kind: Kind

    def data(self, faults: frozenset[str]) -> Path:
        """Data with these faults; the audited data have the plain name."""
        missing = sorted(self.demo.audited(self.kind) - faults)
        return self.demo.folder / "-without-".join([self.kind, *missing])

    def weights(self, version: str) -> Path:
        """Weights of one version."""
        return self.demo.folder / "weights" / f"{self.kind}-{version}"

    def log(self, task: str) -> Path:
        """What a piece of work says while it runs."""
        return self.demo.folder / "logs" / f"{task.replace(' ', '-')}.log"


def synthesise(demo: Demo, kind: Kind, faults: frozenset[str]) -> None:
    """Draw the data with some faults."""
    place = Places(demo=demo, kind=kind).data(faults)
    made_from = data_stamp(demo, kind, faults)
    if _finished(place, made_from):
        return
    _begin(place, made_from)
    maker = importlib.import_module(f"training.data.synthesis_{kind}")
    size = {} if kind == "comments" else {"size": PIXELS}
    maker.make(place, demo.size.rows[kind], demo.seed, faults, **size)
    _finish(place, made_from)


def train(demo: Demo, version: Version) -> None:
    """Train one version with the public command's own flags and function."""
    places = Places(demo=demo, kind=version.kind)
    place = places.weights(version.version)
    made_from = {"data": data_stamp(demo, version.kind, version.faults), "flags": list(version.flags)}
    if _finished(place, made_from):
        return
    if _read(_started(place)) != made_from:
        _begin(place, made_from)
    script = importlib.import_module(f"training.{version.kind}")
    parser = argparse.ArgumentParser()
    script.add_arguments(parser)
    script.train(parser.parse_args(train_flags(places, version) + ["--resume"]))
    _finish(place, made_from)


def train_flags(places: Places, version: Version) -> list[str]:
    """Flags of `plumbline train KIND`."""
    data, weights = places.data(version.faults), places.weights(version.version)
    return ["--data", str(data), "--weights-out", str(weights), *version.flags]


def audit(demo: Demo, version: Version) -> Path:
    """Audit one version with its model at hand; the folder of the run."""
    from audit.runner import audit as make
    from audit.spec import OutputSpec, Spec
    from dashboard import progress
    from dashboard.sources import Asked, subject

    kind = version.kind
    places = Places(demo=demo, kind=kind)
    asked = Asked(
        data=places.data(demo.audited(kind)), weights=places.weights(version.version), splits="declared"
    )
    outputs = {"age": OutputSpec(unit="years")} if kind == "faces" else {}
    spec = Spec(name=demo.name(kind), version=version.version, outputs=outputs)
    return make(subject(asked), spec, demo.runs, None, progress.make())


def compare(demo: Demo, kind: Kind, folders: list[Path]) -> Path:
    """Compare version 2 with version 1; the folder of the comparison."""
    from audit.versions.policy import Policy
    from audit.versions.runs import compare_runs
    from dashboard import progress

    return compare_runs(folders, Policy(), demo.runs, progress=progress.make()).folder


def data_stamp(demo: Demo, kind: Kind, faults: frozenset[str]) -> dict[str, Any]:
    """What a data set is made from."""
    return {
        "plumbline": plumbline_version(),
        "kind": kind,
        "rows": demo.size.rows[kind],
        "seed": demo.seed,
        "faults": sorted(faults),
        "pixels": PIXELS,
    }


def _started(place: Path) -> Path:
    return place.with_name(f"{place.name}.started.json")


def _made(place: Path) -> Path:
    return place.with_name(f"{place.name}.made.json")


def _finished(place: Path, made_from: Mapping[str, Any]) -> bool:
    return place.is_dir() and _read(_made(place)) == made_from


def _begin(place: Path, made_from: Mapping[str, Any]) -> None:
    """Leave nothing of another data set or training; say what is begun.

    Raises:
        InputError: something lies there that no demo has made.
    """
    if place.exists() and not (_made(place).is_file() or _started(place).is_file()):
        raise InputError(str(place), "is in the way: the demo did not make it.", "Choose another --data DIR.")
    _made(place).unlink(missing_ok=True)
    if place.exists():
        shutil.rmtree(place)
    write_json(_started(place), made_from)


def _finish(place: Path, made_from: Mapping[str, Any]) -> None:
    write_json(_made(place), made_from)


def _read(path: Path) -> Any:
    try:
        return json.loads(path.read_text("utf-8"))
    except (OSError, ValueError):
        return None
