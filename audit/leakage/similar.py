"""Similar examples by the embeddings of the audited model: the same person or object, not the same picture.

Kept apart from duplicates: that a model finds two rows alike says as much about the model as about the rows.
"""

from __future__ import annotations

from collections.abc import Iterator
from dataclasses import dataclass, field
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.core import SPLITS
from audit.leakage.hamming import PAIR_CAP, TooManyPairsError
from audit.leakage.pair_list import SIMILAR, PairList, pair_list
from audit.protocols import Context, DataSet, Embeds

BLOCK = 2048
THRESHOLD = 0.95
STEPS = (THRESHOLD, 0.98, 0.99, 0.995, 0.999)
"""Thresholds that are tried in turn: features of many networks all point the same way."""
MOST_LISTED = 50_000
"""Similar pairs above which the next threshold is tried."""
MOST_EMBEDDED = 20_000
"""Rows above which embeddings are not computed here: their pairs grow with the square."""
EMBED_BATCH = {"text": 512, "image": 64}
"""Payloads handed to the model at once: texts are small, and it puts those of like length together."""


@dataclass(frozen=True, kw_only=True)
class Similar:
    """Pairs of rows that the model finds alike."""

    pairs: PairList | None = None
    counts: dict[str, Any] = field(default_factory=dict)
    """For the summary: rows embedded, threshold and pairs; or why there are none."""


def similar_rows(context: Context) -> Similar:
    """Pairs of rows that the audited model itself finds alike, where it says how and the rows are few enough.

    Args:
        context: of the audit.
    """
    model: Any = context.model
    if not isinstance(model, Embeds) or context.data is None:
        return Similar(counts={"why": "no model with embeddings"})
    n = context.examples.n
    if n > MOST_EMBEDDED:
        return Similar(counts={"why": f"{n:,} rows, more than {MOST_EMBEDDED:,}"})
    rows, vectors = _embedded(context, model, context.data)
    if not rows:
        return Similar(counts={"why": "no payload that can be read"})
    at, features = np.array(rows, dtype=np.int64), np.concatenate(vectors)
    for threshold in STEPS:
        try:
            i, j, cosine = similar_pairs(features, threshold, cap=MOST_LISTED)
        except TooManyPairsError:
            continue
        counts = {"rows": len(rows), "threshold": threshold, "pairs": len(i)}
        return Similar(pairs=pair_list(at[i], at[j], SIMILAR, 1 - cosine, np.nan, False), counts=counts)
    why = f"more than {MOST_LISTED:,} pairs with a cosine of {STEPS[-1]} or more: the model finds all alike"
    return Similar(counts={"rows": len(rows), "why": why})


def _embedded(context: Context, model: Embeds, data: DataSet) -> tuple[list[int], list[NDArray[np.float32]]]:
    """Positions of the rows that have a payload, and their features in batches."""
    place = {name: row for row, name in enumerate(context.examples.ids.to_pylist())}
    rows: list[int] = []
    vectors = []
    for batch in _batches(data, place, EMBED_BATCH[getattr(model, "payload", "image")]):
        rows += [row for row, _ in batch]
        vectors.append(model.embed([payload for _, payload in batch]))
        context.progress.step("embed the rows", len(rows), context.examples.n)
    return rows, vectors


def _batches(data: DataSet, place: dict[str, int], size: int) -> Iterator[list[tuple[int, Any]]]:
    for split in SPLITS:
        batch: list[tuple[int, Any]] = []
        for name, payload in data.rows(split):
            if name in place:
                batch.append((place[name], payload))
            if len(batch) == size:
                yield batch
                batch = []
        if batch:
            yield batch


def similar_pairs(
    embeddings: NDArray[np.floating], threshold: float = THRESHOLD, block: int = BLOCK, cap: int = PAIR_CAP
) -> tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]:
    """Find all pairs of rows with a cosine of at least the threshold, by products of blocks.

    Args:
        embeddings: (n, d) features; a row of zeros or with a value that is not finite has no pair.
        threshold: cosine, in (-1, 1].
        block: rows multiplied at once; memory is block² floats.
        cap: most pairs.

    Returns:
        (i, j, cosine), each (p,), i < j, sorted by (i, j). Cosines in float32, error below 1e-5.

    Raises:
        TooManyPairsError: more than `cap` pairs.
        ValueError: the embeddings are not (n, d).
    """
    if embeddings.ndim != 2:
        raise ValueError(f"embeddings must have shape (n, d), got {embeddings.shape}")
    unit, usable = _unit(embeddings)
    found: list[tuple[NDArray[np.int64], NDArray[np.int64], NDArray[np.float32]]] = []
    total, n = 0, unit.shape[0]
    for top in range(0, n, block):
        rows = unit[top : top + block]
        for side in range(top, n, block):
            cosine = rows @ unit[side : side + block].T
            i, j = np.nonzero(cosine >= threshold)
            keep = (i + top < j + side) & usable[i + top] & usable[j + side]
            i, j = i[keep], j[keep]
            found.append((i + top, j + side, np.minimum(cosine[i, j], 1.0)))
            total += i.size
            if total > cap:
                raise TooManyPairsError(cap, 0, n)
    if not found:
        return np.zeros(0, np.int64), np.zeros(0, np.int64), np.zeros(0, np.float32)
    i, j, cosines = (np.concatenate(parts) for parts in zip(*found, strict=True))
    by = np.lexsort((j, i))
    return i[by], j[by], cosines[by]


def _unit(embeddings: NDArray[np.floating]) -> tuple[NDArray[np.float32], NDArray[np.bool_]]:
    """Rows of length 1, and which rows have a direction."""
    finite = np.isfinite(embeddings).all(axis=1)
    clean = np.where(finite[:, None], embeddings, 0.0).astype(np.float32)
    length = np.linalg.norm(clean, axis=1)
    usable = length > 0
    return clean / np.where(usable, length, 1.0).astype(np.float32)[:, None], usable
