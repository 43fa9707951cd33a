"""Arrays that an interrupted audit need not compute again, one file an example."""

from __future__ import annotations

import zipfile
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.store.atomic import replacing

Arrays = Mapping[str, NDArray[Any]]


def kept(file: Path, compute: Callable[[], Arrays]) -> Arrays:
    """Read arrays, or compute and keep them.

    Args:
        file: in the probe's cache; a damaged one is computed anew.
        compute: gives arrays of numbers or text, no objects.
    """
    try:
        with file.open("rb") as opened, np.load(opened, allow_pickle=False) as stored:
            return dict(stored)
    except (OSError, ValueError, zipfile.BadZipFile):
        pass
    made = compute()
    file.parent.mkdir(parents=True, exist_ok=True)
    with replacing(file) as beside, beside.open("wb") as out:
        np.savez(out, **made)  # type: ignore[arg-type]
    return made
