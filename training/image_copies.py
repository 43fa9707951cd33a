"""Copies among training pictures, found as the audit finds them: near hashes, then a look at the pixels.

Aligned faces look alike to a perceptual hash long before they are copies, so no fixed distance tells them
apart. The search of `audit.leakage` explores every distance, compares the pixels of pairs, and joins
confirmed copies only.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.leakage.images import ImageSettings, search_images
from audit.leakage.threshold import Curve
from training.data.duplicates import clusters_by_hash


@dataclass(frozen=True, kw_only=True)
class FoundCopies:
    """Which pictures are copies of each other, and how that was told."""

    clusters: NDArray[np.int32]
    """(n,) codes; copies share one."""
    distance: int
    """Bits: where copies stop outnumbering look-alikes, or the distance that was set."""
    how: str
    lines: tuple[str, ...]
    """The exploration, for a log."""


def find_copies(
    paths: Sequence[Path], phash: NDArray[np.uint64], distance: int | None, seed: int = 0
) -> FoundCopies:
    """Find copies.

    Args:
        paths: n files.
        phash: (n,) their hashes, for a set distance.
        distance: None: confirmed by pixels, the threshold explored; a number: hashes so close are copies,
            unseen.
        seed: of the pairs that are looked at where there are too many.
    """
    if distance is not None:
        how = f"hashes at most {distance} bits apart"
        clusters = clusters_by_hash(phash=phash, distance=distance)
        return FoundCopies(clusters=clusters, distance=distance, how=how, lines=())
    found = search_images([str(path) for path in paths], ImageSettings(seed=seed, planted=0))
    return FoundCopies(
        clusters=with_singles(found.copies.clusters()),
        distance=found.curve.recommended,
        how="same pixels, or near hashes confirmed by correlation",
        lines=tuple(as_lines(found.curve)),
    )


def with_singles(clusters: NDArray[np.int32]) -> NDArray[np.int32]:
    """Codes in which a row without a copy (-1) is a cluster of its own."""
    alone = clusters < 0
    codes = clusters.copy()
    codes[alone] = clusters.max(initial=-1) + 1 + np.arange(alone.sum(), dtype=np.int32)
    return codes


def first_of_each(clusters: NDArray[np.int32], ids: Sequence[str]) -> NDArray[np.bool_]:
    """(n,) true for the one row of each cluster that is kept.

    The first by id, whatever the order of the rows.
    """
    keep = np.zeros(len(clusters), bool)
    if not len(clusters):
        return keep
    order = np.lexsort((np.asarray(ids, dtype=object).astype(str), clusters))
    keep[order[np.r_[True, np.diff(clusters[order]) != 0]]] = True
    return keep


def as_lines(curve: Curve) -> list[str]:
    """The exploration as lines of text for a log; distances without pairs are left out."""
    lines = ["distance   pairs   by chance   compared   same picture"]
    for distance in np.flatnonzero(curve.pairs):
        compared = int(curve.sampled[distance])
        share = f"{curve.confirmed[distance] / compared:.0%}" if compared else "-"
        chance = curve.by_chance[distance]
        lines.append(f"{distance:8d} {curve.pairs[distance]:7d} {chance:11.2f} {compared:10d} {share:>14}")
    return [*lines, f"copies stop outnumbering look-alikes beyond {curve.recommended} bits"]
