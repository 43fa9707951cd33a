"""The same comparison without leaked rows: what changed on rows that no copy in training gave away.

A row is left out where either run's search for copies calls it leaked. The rest are slices of their own,
``leaked=no`` for everyone and ``leaked=no & ATTR=VALUE`` by attribute: they are shown beside the whole, and
are gated only where a policy names them.
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import replace
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from numpy.typing import NDArray

from audit.core import Attribute, Slice, Status
from audit.slices import slice_set
from audit.spec import AttributeSpec
from audit.store.audited import AuditedRows
from audit.versions.changes import ChangeColumn, change_columns
from audit.versions.join import Joined, Pair
from audit.versions.paired import Settings

PROBE, ATTRIBUTE, VALUE = "leakage", "leaked", "no"


def leaked_rows(old: AuditedRows, new: AuditedRows, joined: Joined) -> NDArray[np.bool_] | None:
    """Joined rows (n,) that either run calls leaked; None where not both searched, or none or all leaked."""
    found = [_leaked_ids(run) for run in (old, new)]
    if any(ids is None for ids in found):
        return None
    ids = pa.concat_arrays([one for one in found if one is not None])
    names = new.ids.take(pa.array(joined.at_new))
    leaked = np.asarray(pc.is_in(names, value_set=ids).to_numpy(zero_copy_only=False), dtype=bool)
    return leaked if leaked.any() and not leaked.all() else None


def _leaked_ids(run: AuditedRows) -> pa.StringArray | None:
    """Ids that the run's search for copies calls leaked; None where it has none that went through."""
    for section in run.manifest["sections"]:
        if section["probe"] == PROBE and section["status"] == Status.OK.value:
            entry: Mapping[str, Any] | None = section["tables"].get("clusters")
            if entry is None:
                return pa.array([], pa.string())
            table = pq.read_table(run.folder / entry["file"], columns=["id", "leaked"])
            ids = table.filter(table["leaked"])["id"].cast(pa.string()).combine_chunks()
            return pa.concat_arrays(ids.chunks) if isinstance(ids, pa.ChunkedArray) else ids
    return None


def leak_free_columns(
    pair: Pair,
    leaked: NDArray[np.bool_],
    attributes: Mapping[str, Attribute],
    declared: Mapping[str, AttributeSpec],
    clusters: NDArray[np.int32] | None,
    settings: Settings,
    minimum_n: int,
) -> list[ChangeColumn]:
    """Every metric of the rows that did not leak, of everyone and by attribute.

    Args:
        pair: n rows of one question.
        leaked: (N,) of all joined rows.
        attributes: of all joined rows.
        declared: reference values of attributes.
        clusters: (N,) of all joined rows, or None.
        settings: level, replicates, seed.
        minimum_n: of the policy.
    """
    kept = np.flatnonzero(~leaked[pair.new.rows])
    if not kept.size or kept.size == pair.new.n:
        return []
    rest = Pair(old=pair.old.take(kept), new=pair.new.take(kept))
    slices = slice_set(attributes, rest.new.rows, 1, declared, minimum_n)
    name = ATTRIBUTE if ATTRIBUTE not in attributes else f"{ATTRIBUTE} copy"
    marked = tuple(Slice(of=((name, VALUE), *s.of), n=s.n) for s in slices.slices)
    found = change_columns(rest, slices, None if clusters is None else clusters[rest.new.rows], settings)
    return [replace(c, slices=replace(slices, slices=marked), beside=name) for c in found]
