"""What an audit looks at: a file of predictions, a model with data, or a model beside a file.

The sources say who they are (names and hashes) before anything is computed, so that an audit that was made
before is recognised at once; the model and the rows themselves are opened when they are needed.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa

from audit.protocols import Model, Progress


@dataclass(frozen=True, kw_only=True)
class ModelSource:
    """A model that can be opened."""

    name: str
    """Default name of the run's model."""
    sha256: str
    """Of the weights; of the import path where a model comes without weights."""
    open: Callable[[], Model]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """JSON values for the manifest: where the model came from; they are part of the run's id."""
    batch_size: int = 64
    workers: int = 0
    """Processes that decode pictures."""


@dataclass(frozen=True, kw_only=True)
class Rows:
    """The rows of a data set in the columns of the predictions contract."""

    table: pa.Table
    """id, split, true.*, group.*, identity.*, cluster, and text or image (relative to the data's root)."""
    messages: tuple[str, ...] = ()
    """What the reader wants the auditor to know."""


@dataclass(frozen=True, kw_only=True)
class DataSource:
    """A data set that can be read."""

    root: Path
    """Folder that image paths are relative to."""
    name: str
    """What the manifest calls it."""
    sha256: Callable[[Progress | None], str]
    """Hash of its files as they are now; tells how many are read."""
    read: Callable[[Model], Rows]
    settings: Mapping[str, Any] = field(default_factory=dict)
    """JSON values for the manifest: reader and splits; they are part of the run's id."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What one audit looks at; `predictions` or `data` is given, `data` never without `model`."""

    predictions: Path | None = None
    model: ModelSource | None = None
    data: DataSource | None = None
    trust: bool = False
    """Take a file's predictions where the model's own scores are others."""

    def settings(self) -> dict[str, Any]:
        """What decides the scores beside data and weights; empty without a model."""
        if self.model is None:
            return {}
        made = {"model": dict(self.model.settings)}
        if self.data is not None:
            return made | {"data": dict(self.data.settings)}
        return made | {"trusted": self.trust}

    def settings_hash(self) -> str:
        """SHA-256 of the settings; empty without a model."""
        if self.model is None:
            return ""
        return hashlib.sha256(json.dumps(self.settings(), sort_keys=True).encode()).hexdigest()
