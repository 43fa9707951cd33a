"""Where a run lies and what its files are called."""

from __future__ import annotations

import hashlib
import re
import unicodedata
from collections.abc import Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from audit.errors import RunError
from audit.spec import Spec

RUN, TIMES, PREDICTIONS, HASHES = "run.json", "times.json", "predictions.parquet", "run.sha256"
TABLES, EVIDENCE, REJECTED = "tables", "evidence", "rejected.csv"
COMPARISONS = "compare"
"""Folder of a model that holds its comparisons; no version may be called so."""
LONGEST = 120
"""Longest folder name made of a model or version, in bytes."""
_UNSAFE = re.compile(r"[^\w.+-]+")


@dataclass(frozen=True, kw_only=True)
class RunPlace:
    """A run's folder, and beside it what exists only while the run is unfinished."""

    runs: Path
    model: str
    version: str
    run_id: str

    @property
    def folder(self) -> Path:
        """The run itself."""
        return self.runs / safe_name(self.model, "model") / safe_name(self.version, "version") / self.run_id

    @property
    def work(self) -> Path:
        """Finished sections and caches of an unfinished run."""
        return self.folder.with_name(f".{self.run_id}.work")

    @property
    def lock(self) -> Path:
        """File that is locked by the one process that may write the run."""
        return self.folder.with_name(f".{self.run_id}.lock")


def safe_name(name: str, role: str) -> str:
    """Turn a name into a folder name: itself where it is safe, else cleaned with six digits of its hash.

    Args:
        name: a model's name or a version, any text.
        role: "model" or "version", for the message.

    Raises:
        RunError: the name is empty, only dots, or the one that comparisons need.
    """
    text = unicodedata.normalize("NFC", name)
    if not text.strip() or not text.strip(". "):
        raise RunError(f"the {role} {name!r} can't name a folder: use letters or digits.")
    if role == "version" and text.lower() == COMPARISONS:
        raise RunError(f"the version {name!r} is the name of the folder for comparisons: choose another.")
    short = _UNSAFE.sub("-", text).strip("-.").encode()[:LONGEST]
    clean = short.decode(errors="ignore").rstrip("-.")
    if clean == name:
        return clean
    mark = hashlib.sha256(name.encode()).hexdigest()[:6]
    return f"{clean}-{mark}" if clean else mark


def make_run_id(hashes: Mapping[str, str], plumbline_version: str) -> str:
    """12 hex digits that stand for what was asked: data, weights, resolved spec and Plumbline's version.

    Args:
        hashes: "data", "weights" (empty without a model) and "spec", as SHA-256 in hex; with a model also
            "settings": what decides its scores beside data and weights.
        plumbline_version: version of the program that computes.
    """
    parts = [hashes["data"], hashes["weights"], hashes["spec"], plumbline_version]
    parts += [hashes["settings"]] if hashes.get("settings") else []
    return hashlib.sha256("\n".join(parts).encode()).hexdigest()[:12]


def manifest_hashes(data: str, weights: str, spec: Spec, settings: str = "") -> dict[str, str]:
    """The hashes of a run: three, and with a model a fourth of its settings."""
    made = {"data": data, "weights": weights, "spec": spec.sha256()}
    return made | ({"settings": settings} if settings else {})


def is_finished(folder: Path) -> bool:
    """Whether the file that is written last is there."""
    return (folder / HASHES).is_file()


def is_run(folder: Path) -> bool:
    """Whether a folder holds a run, finished or not."""
    return any((folder / name).is_file() for name in (HASHES, RUN, TIMES))


def id_of(manifest: Mapping[str, Any]) -> str:
    """The run id that a run.json should carry, from its own hashes."""
    return make_run_id(manifest["hashes"], manifest["plumbline_version"])
