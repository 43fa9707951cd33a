"""What a run records of itself beside its findings: data, packages, times and host."""

from __future__ import annotations

import os
import platform
import socket
from collections.abc import Mapping
from importlib.metadata import PackageNotFoundError, version
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.core import SPLITS, Examples, Predictions
from audit.spec import Spec

PACKAGES = ("numpy", "numba", "scipy", "pandas", "pyarrow", "scikit-learn", "fairlearn")
"""Distributions whose version can change a number."""
MODEL_PACKAGES = ("torch", "torchvision", "transformers", "Pillow")
"""Those that can change a model's scores."""


def plumbline_version() -> str:
    """Version of the installed Plumbline."""
    return version("plumbline")


def package_versions(with_model: bool = False) -> dict[str, str]:
    """Versions of Python and of the packages that compute.

    Args:
        with_model: those that a model computes with as well.
    """
    found = {"python": platform.python_version()}
    for name in (*PACKAGES, *(MODEL_PACKAGES if with_model else ())):
        try:
            found[name] = version(name)
        except PackageNotFoundError:
            continue
    return found


def host() -> dict[str, Any]:
    """The machine, for times.json: it is no part of what was found."""
    return {
        "name": socket.gethostname(),
        "system": platform.platform(),
        "machine": platform.machine(),
        "cpus": os.cpu_count() or 1,
    }


def choose_split(examples: Examples, spec: Spec) -> tuple[str, NDArray[np.bool_], str]:
    """Rows that metrics use.

    Args:
        examples: all rows.
        spec: names the split that is wanted.

    Returns:
        The split used, (n,) its rows, and a message where it is not the one that was wanted.
    """
    counts = np.bincount(examples.split, minlength=len(SPLITS))
    wanted = spec.split
    order = [wanted, *(name for name in reversed(SPLITS) if name != wanted)]
    used = next((name for name in order if name in SPLITS and counts[SPLITS.index(name)]), wanted)
    rows = examples.split == (SPLITS.index(used) if used in SPLITS else -1)
    if used == wanted:
        return used, rows, ""
    count = int(rows.sum())
    return used, rows, f"No rows of split {wanted!r}: the metrics use split {used!r} ({count:,} rows)."


def describe_data(
    examples: Examples,
    predictions: Mapping[str, Predictions],
    split: str,
    audited: NDArray[np.bool_],
    message: str,
) -> dict[str, Any]:
    """`AuditRun.data`: the rows, splits, outputs and attributes of the run, as JSON values.

    Args:
        examples: all rows.
        predictions: output name -> what the model said.
        split: the split that metrics use.
        audited: (n,) its rows.
        message: from `choose_split`.
    """
    source = examples.source
    counts = np.bincount(examples.split, minlength=len(SPLITS))
    return {
        "file": os.path.basename(source.path),
        "records": source.records,
        "rows": examples.n,
        "rejected": source.rejected,
        "splits": {name: int(count) for name, count in zip(SPLITS, counts, strict=True) if count},
        "audited": {"split": split, "rows": int(audited.sum())},
        "outputs": {name: _output(p, audited) for name, p in predictions.items()},
        "attributes": {
            name: dict(zip(a.values, _counts(a.codes[audited], len(a.values)), strict=True))
            for name, a in examples.attributes.items()
        },
        "identities": {name: _identity(m[audited]) for name, m in examples.identities.items()},
        "clusters": None if examples.clusters is None else len(np.unique(examples.clusters[audited])),
        "payloads": list(source.payloads),
        "unsliced": dict(source.unsliced),
        "messages": [*source.messages, *([message] if message else [])],
    }


def _output(prediction: Predictions, audited: NDArray[np.bool_]) -> dict[str, Any]:
    task = prediction.task
    return {
        "kind": task.kind.value,
        "classes": list(task.classes),
        "unit": task.unit,
        "rows": int(audited[prediction.rows].sum()),
        "truth": prediction.truth is not None,
        "scores": prediction.scores is not None,
        "thresholds": list(prediction.thresholds),
        "dropped": dict(prediction.dropped),
        "disagreements": prediction.disagreements,
    }


def _counts(codes: NDArray[np.int32], values: int) -> list[int]:
    return [int(count) for count in np.bincount(codes, minlength=values)]


def _identity(membership: NDArray[np.float32]) -> dict[str, int]:
    """Counted at .5 for the overview; probes use the spec's threshold."""
    known = membership[~np.isnan(membership)]
    return {"annotated": len(known), "members": int((known >= 0.5).sum())}
