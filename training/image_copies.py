"""Copies among training pictures: at which distance of their hashes are two pictures still the same picture?

The perceptual hash of `training.data` (64 bits, half of them ones, so distances are even) says which
pairs to look at; comparing the pixels of a sample of pairs at each distance says how many of them are
copies. Aligned faces look alike to the hash long before they are copies, so the distance is chosen from
the data and not from a habit.
"""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass
from math import comb
from pathlib import Path

import numpy as np
from numpy.typing import NDArray
from PIL import Image

from training.data.duplicates import near_pairs

FURTHEST = 10
"""Bits: beyond it, look-alikes outnumber copies in every set that was looked at."""
SAME = 0.95
"""Correlation of two pictures' grey values, 64 x 64, from which they count as one picture."""
SAMPLE = 100
"""Pairs compared at each distance."""

Pairs = tuple[NDArray[np.int64], NDArray[np.int64]]


@dataclass(frozen=True, kw_only=True)
class Rung:
    """What is known of pairs at one distance."""

    distance: int
    pairs: int
    """At exactly this distance."""
    by_chance: float
    """Expected among as many random hashes."""
    compared: int
    confirmed: int
    """Of `compared`, pairs whose pixels agree."""

    @property
    def share(self) -> float:
        """Share of the compared pairs that were confirmed; NaN without pairs."""
        return self.confirmed / self.compared if self.compared else float("nan")


def explore(
    phash: NDArray[np.uint64],
    paths: Sequence[Path],
    seed: int = 0,
    furthest: int = FURTHEST,
    sample: int = SAMPLE,
) -> list[Rung]:
    """Count pairs at each even distance and compare the pixels of some.

    Args:
        phash: (n,) hashes.
        paths: n files.
        seed: of the sample.
        furthest: largest distance in bits.
        sample: pairs to compare at each distance.
    """
    left, right = pairs_within(phash, furthest)
    apart = np.bitwise_count(phash[left] ^ phash[right])
    chance = np.random.default_rng(seed)
    rungs = []
    for distance in range(0, furthest + 1, 2):
        here = np.flatnonzero(apart == distance)
        taken = chance.choice(here, min(sample, len(here)), replace=False)
        confirmed = sum(correlation(paths[left[i]], paths[right[i]]) > SAME for i in taken)
        rungs.append(
            Rung(
                distance=distance,
                pairs=len(here),
                by_chance=comb(len(phash), 2) * chance_of(distance),
                compared=len(taken),
                confirmed=int(confirmed),
            )
        )
    return rungs


def suggested(rungs: Sequence[Rung], least: float = 0.5) -> int:
    """The largest distance up to which at least this share of the pairs are copies; 0 where none is."""
    best = 0
    for rung in rungs:
        if rung.compared and rung.share < least:
            break
        if rung.compared:
            best = rung.distance
    return best


def chance_of(distance: int) -> float:
    """Probability that two random hashes of 64 bits with 32 ones are exactly so far apart."""
    return 0.0 if distance % 2 else comb(32, distance // 2) ** 2 / comb(64, 32)


def pairs_within(phash: NDArray[np.uint64], distance: int) -> Pairs:
    """Rows (i, j), i < j, whose hashes are at most so far apart, equal ones included."""
    distinct, codes = np.unique(phash, return_inverse=True)
    rows = (
        [np.flatnonzero(codes == code) for code in range(len(distinct))]
        if len(distinct) < len(phash)
        else None
    )
    left, right = near_pairs(distinct, distance)
    if rows is None:
        position = np.argsort(codes)
        i, j = position[left], position[right]
        return np.minimum(i, j), np.maximum(i, j)
    found = {(int(a), int(b)) for group in rows if len(group) > 1 for a in group for b in group if a < b}
    for p, q in zip(left, right, strict=True):
        found |= {(min(int(a), int(b)), max(int(a), int(b))) for a in rows[p] for b in rows[q]}
    ordered = np.array(sorted(found), np.int64).reshape(-1, 2)
    return ordered[:, 0], ordered[:, 1]


def correlation(first: Path, second: Path) -> float:
    """Normalised cross-correlation of two pictures' grey values at 64 x 64, in [-1, 1].

    0 where one is flat.
    """
    a, b = _grey(first), _grey(second)
    scale = float(np.linalg.norm(a) * np.linalg.norm(b))
    return float((a * b).sum() / scale) if scale else float(np.array_equal(a, b))


def first_of_each(clusters: NDArray[np.int32], ids: Sequence[str]) -> NDArray[np.bool_]:
    """(n,) true for the one row of each cluster that is kept.

    The first by id, whatever the order of the rows.
    """
    keep = np.zeros(len(clusters), bool)
    order = np.lexsort((np.asarray(ids, dtype=object).astype(str), clusters))
    new = np.r_[True, np.diff(clusters[order]) != 0] if len(order) else np.zeros(0, bool)
    keep[order[new]] = True
    return keep


def as_lines(rungs: Sequence[Rung], chosen: int) -> list[str]:
    """The exploration as lines of text for a log."""
    lines = ["distance   pairs   by chance   compared   same picture"]
    for rung in rungs:
        share = f"{rung.share:.0%}" if rung.compared else "-"
        lines.append(
            f"{rung.distance:8d} {rung.pairs:7d} {rung.by_chance:11.2f} {rung.compared:10d} {share:>14}"
        )
    return [*lines, f"pictures at most {chosen} bits apart are taken for copies"]


def _grey(path: Path) -> NDArray[np.float64]:
    with Image.open(path) as image:
        small = np.asarray(
            image.convert("RGB").convert("L").resize((64, 64), Image.Resampling.BILINEAR), float
        )
    return small - small.mean()
