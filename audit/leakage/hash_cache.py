"""Fingerprints kept between runs, by path, size, time of change and algorithm: a Parquet file each."""

from __future__ import annotations

import hashlib
import os
import tempfile
from collections.abc import Sequence
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from numpy.typing import NDArray

from audit.leakage.fingerprints import ARRAYS, Fingerprints

ABSENT = (-1, -1)


class HashCache:
    """One file of fingerprints. A file that is damaged or of another layout is left behind, never trusted."""

    def __init__(self, folder: Path, algorithm: str) -> None:
        """Name the file of one algorithm; nothing is read yet.

        Args:
            folder: made when something is added.
            algorithm: of `Reading`.
        """
        self.algorithm = algorithm
        self.file = folder / f"fingerprints-{hashlib.sha256(algorithm.encode()).hexdigest()[:12]}.parquet"

    def look_up(self, paths: Sequence[str]) -> tuple[Fingerprints, NDArray[np.int64]]:
        """Find what is known.

        Args:
            paths: wanted.

        Returns:
            The fingerprints of the paths that are known and unchanged, in their order, and the positions in
            `paths` of the others.
        """
        table = self._read()
        stored = _columns(table)
        place = {path: row for row, path in enumerate(stored.paths)}
        size, changed = table["size"].to_numpy(), table["changed"].to_numpy()
        rows, missing = [], []
        for position, path in enumerate(paths):
            row = place.get(_key(path), -1)
            if row >= 0 and (size[row], changed[row]) == _status(path):
                rows.append(row)
            else:
                missing.append(position)
        known = stored.take(np.array(rows, dtype=np.int64))
        absent = set(missing)
        asked = tuple(path for position, path in enumerate(paths) if position not in absent)
        return _renamed(known, asked, self.algorithm), np.array(missing, dtype=np.int64)

    def add(self, made: Fingerprints) -> None:
        """Keep fingerprints of files that could be read; the others are tried again each time.

        Args:
            made: fingerprints of this cache's algorithm.
        """
        rows = np.flatnonzero(made.used)
        if rows.size == 0:
            return
        fresh = _table(made.take(rows))
        old = self._read()
        replaced = set(fresh["path"].to_pylist())
        keep = np.array([path not in replaced for path in old["path"].to_pylist()], dtype=np.bool_)
        table = pa.concat_tables([old.filter(pa.array(keep)), fresh]) if old.num_rows else fresh
        self.file.parent.mkdir(parents=True, exist_ok=True)
        handle, name = tempfile.mkstemp(dir=self.file.parent, suffix=".part")
        os.close(handle)
        try:
            pq.write_table(table.replace_schema_metadata({"algorithm": self.algorithm}), name)
            os.replace(name, self.file)
        finally:
            Path(name).unlink(missing_ok=True)

    def _read(self) -> pa.Table:
        try:
            table = pq.read_table(self.file)
        except (OSError, pa.ArrowException):
            return SCHEMA.empty_table()
        metadata = table.schema.metadata or {}
        if metadata.get(b"algorithm") != self.algorithm.encode() or set(SCHEMA.names) - set(
            table.column_names
        ):
            return SCHEMA.empty_table()
        return table.select(SCHEMA.names).replace_schema_metadata(None)


SCHEMA = pa.schema(
    [
        ("path", pa.string()),
        ("size", pa.int64()),
        ("changed", pa.int64()),
        ("reason", pa.string()),
        *((name, pa.bool_() if name in ("used", "blank") else pa.binary()) for name in ARRAYS),
    ]
)


def _key(path: str) -> str:
    return os.path.abspath(path).encode("utf-8", "backslashreplace").decode()


def _status(path: str) -> tuple[int, int]:
    try:
        status = os.stat(path)
    except (OSError, ValueError):
        return ABSENT
    return status.st_size, status.st_mtime_ns


def _table(made: Fingerprints) -> pa.Table:
    status = [_status(path) for path in made.paths]
    columns = [
        pa.array([_key(path) for path in made.paths]),
        pa.array([size for size, _ in status], pa.int64()),
        pa.array([changed for _, changed in status], pa.int64()),
        pa.array(made.reasons, pa.string()),
    ]
    for name in ARRAYS:
        values = np.ascontiguousarray(getattr(made, name))
        if values.dtype == np.bool_:
            columns.append(pa.array(values))
        else:
            columns.append(pa.array([row.tobytes() for row in values], pa.binary()))
    return pa.table(columns, schema=SCHEMA)


def _columns(table: pa.Table) -> Fingerprints:
    words = dict.fromkeys(("phash", "dhash", "parts"), np.uint64)
    dtypes: dict[str, type[np.generic]] = {"width": np.int32, "height": np.int32, **words}
    arrays = {}
    for name in ARRAYS:
        column = table[name]
        if name in ("used", "blank"):
            arrays[name] = column.to_numpy().astype(np.bool_)
            continue
        values = np.frombuffer(b"".join(column.to_pylist()), dtype=dtypes.get(name, np.uint8)).copy()
        arrays[name] = (
            values
            if name in ("width", "height")
            else values.reshape(table.num_rows, -1 if values.size else 0)
        )
    return Fingerprints(
        paths=tuple(table["path"].to_pylist()),
        reasons=tuple(table["reason"].to_pylist()),
        algorithm="",
        **arrays,
    )


def _renamed(known: Fingerprints, paths: tuple[str, ...], algorithm: str) -> Fingerprints:
    """The fingerprints under the paths that were asked for."""
    return Fingerprints(
        paths=paths,
        reasons=known.reasons,
        algorithm=algorithm,
        **{name: getattr(known, name) for name in ARRAYS},
    )
