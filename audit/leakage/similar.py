"""Similar examples by the embeddings of the audited model: the same person or object, not the same picture.

Kept apart from duplicates: that a model finds two rows alike says as much about the model as about the rows.
"""

from __future__ import annotations

import numpy as np
from numpy.typing import NDArray

from audit.leakage.hamming import PAIR_CAP, TooManyPairsError

BLOCK = 2048
THRESHOLD = 0.95


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
