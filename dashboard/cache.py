"""What pages read of the runs on disk, kept between reruns under plain strings: folder and hash."""

from __future__ import annotations

import hashlib
import io
import json
from collections.abc import Sequence
from pathlib import Path
from typing import Any

import pandas as pd
import pyarrow as pa
import pyarrow.compute as pc
import streamlit as st

from audit.core import AuditRun
from audit.store import hashes, read
from audit.store.comparison import ComparisonEntry, comparison_entries
from audit.store.find import Entry, list_runs
from audit.store.layout import HASHES, RUN

THUMBNAIL = 160
"""Longest side of a thumbnail in pixels."""


@st.cache_data(ttl=5, max_entries=4, show_spinner=False)
def runs(runs_dir: str) -> list[Entry]:
    """Every run under a folder, newest first; looked up again after five seconds."""
    return list_runs(Path(runs_dir))


@st.cache_data(ttl=5, max_entries=4, show_spinner=False)
def comparisons(runs_dir: str) -> list[ComparisonEntry]:
    """Every comparison under a folder that can be read, newest first; looked up again after five seconds."""
    return comparison_entries(Path(runs_dir))


def fingerprint(folder: str) -> str:
    """A run's hash over its list of hashes; empty while it is unfinished."""
    path = Path(folder) / HASHES
    return hashlib.sha256(path.read_bytes()).hexdigest()[:16] if path.is_file() else ""


@st.cache_data(max_entries=256, show_spinner=False)
def manifest_is_whole(folder: str, mark: str) -> bool:
    """Whether run.json is as the list of hashes has it: cheap enough to ask of every run that is shown."""
    listed = Path(folder, HASHES).read_text(encoding="utf-8", errors="replace").splitlines()
    return f"{hashes.hash_file(Path(folder, RUN))}  {RUN}" in listed if Path(folder, RUN).is_file() else False


def verify(folder: str) -> hashes.Verdict:
    """Recompute every hash now: never cached, since the question is what lies there now."""
    return hashes.verify(Path(folder))


@st.cache_resource(max_entries=16, show_spinner=False)
def run(folder: str, mark: str) -> AuditRun:
    """A run's manifest and findings; frozen, so shared and not copied.

    Args:
        folder: the run's folder.
        mark: its `fingerprint`: a run that changed is read again.
    """
    return read.open_run(Path(folder))


@st.cache_data(max_entries=64, show_spinner=False)
def times(folder: str, mark: str) -> dict[str, Any]:
    """When and how long the run ran."""
    return read.read_times(Path(folder))


@st.cache_resource(max_entries=64, show_spinner=False)
def table(folder: str, mark: str, probe: str, name: str) -> pa.Table | None:
    """One table of a section, or None where the run has no such table. Arrow tables can't be changed."""
    entries = json.loads(Path(folder, RUN).read_text(encoding="utf-8"))["sections"]
    has = any(entry["probe"] == probe and name in entry["tables"] for entry in entries)
    return read.table(Path(folder), probe, name) if has else None


@st.cache_data(max_entries=128, show_spinner=False)
def frame(folder: str, mark: str, probe: str, name: str, **equal: str) -> pd.DataFrame:
    """Rows of a table where columns equal values; empty where the run has no such table.

    Args:
        folder: the run's folder.
        mark: its `fingerprint`.
        probe: the section's probe.
        name: the table's name.
        equal: column=value, all of which hold.
    """
    found = table(folder, mark, probe, name)
    if found is None:
        return pd.DataFrame()
    for column, value in equal.items():
        if column not in found.column_names:
            return pd.DataFrame()
        found = found.filter(pc.equal(found[column], value))
    rows: pd.DataFrame = found.to_pandas()
    return rows


@st.cache_data(max_entries=64, show_spinner=False)
def outputs(folder: str, mark: str, probe: str) -> list[str]:
    """Outputs that the section's slices are of, in their order; labels are ``output/label``."""
    found = table(folder, mark, probe, "slices")
    if found is None or not found.num_rows:
        return []
    names: list[str] = found["output"].unique().to_pylist()
    return names


@st.cache_data(max_entries=64, show_spinner=False)
def metrics(folder: str, mark: str, probe: str, output: str) -> list[str]:
    """Metrics that an output's slices have, in their order."""
    found = table(folder, mark, probe, "slices")
    if found is None or not found.num_rows:
        return []
    names: list[str] = found.filter(pc.equal(found["output"], output))["metric"].unique().to_pylist()
    return names


@st.cache_data(max_entries=32, show_spinner=False)
def columns(folder: str, mark: str) -> list[str]:
    """Names of the columns of predictions.parquet."""
    names: list[str] = read.rows(Path(folder), limit=0).column_names
    return names


@st.cache_data(max_entries=8, show_spinner=False)
def members(
    folder: str, mark: str, of: tuple[tuple[str, str], ...], split: str, names: tuple[str, ...]
) -> pd.DataFrame:
    """Some columns of the rows of one slice.

    Args:
        folder: the run's folder.
        mark: its `fingerprint`.
        of: the attribute values that define the slice.
        split: the split that was audited.
        names: columns to read.
    """
    filters: list[read.Filter] = [(f"group.{attribute}", "==", value) for attribute, value in of]
    if split:
        filters.append(("split", "==", split))
    return _plain(read.rows(Path(folder), filters, names))


@st.cache_data(max_entries=64, show_spinner=False)
def details(folder: str, mark: str, ids: tuple[str, ...], names: tuple[str, ...]) -> pd.DataFrame:
    """Groups, texts and image paths of a page of rows, in the order asked for."""
    found = _plain(read.rows(Path(folder), [("id", "in", list(ids))], ("id", *names)))
    return found.drop_duplicates("id").set_index("id").reindex(list(ids)).reset_index()


@st.cache_data(max_entries=512, show_spinner=False)
def thumbnail(path: str, changed: int, blurred: bool) -> bytes | None:
    """A small JPEG of an image file, or None where it can't be read.

    Args:
        path: of the image.
        changed: when the file was last written, so that a new one is read again.
        blurred: so far that nobody can be recognised.
    """
    from PIL import Image, ImageFilter, ImageOps

    try:
        with Image.open(path) as image:
            small = ImageOps.fit(image.convert("RGB"), (THUMBNAIL, THUMBNAIL))
    except (OSError, ValueError, Image.DecompressionBombError):
        return None
    if blurred:
        small = small.filter(ImageFilter.GaussianBlur(THUMBNAIL / 8))
    memory = io.BytesIO()
    small.save(memory, "JPEG", quality=80)
    return memory.getvalue()


def _plain(found: pa.Table) -> pd.DataFrame:
    """To pandas with words as words: a category column would break comparisons between columns."""
    frame: pd.DataFrame = found.to_pandas()
    words: Sequence[str] = [
        name for name in frame.columns if isinstance(frame[name].dtype, pd.CategoricalDtype)
    ]
    return frame.astype(dict.fromkeys(words, object))
