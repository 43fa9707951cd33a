"""The whole search among images: fingerprints, pairs, second check, threshold, copies."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.leakage.captions import Parts, part_pairs
from audit.leakage.checker import Checker
from audit.leakage.clusters import Copies
from audit.leakage.confirm import CONFIRMED
from audit.leakage.decode import Reading
from audit.leakage.fingerprints import Fingerprints, fingerprint
from audit.leakage.hamming import HashPairs, TooManyPairsError, search
from audit.leakage.hashes import ORIENTATIONS
from audit.leakage.pair_list import NEAR, SAME_FILE, SAME_PIXELS, PairList, joined, pair_list, star
from audit.leakage.recall import Planted, plant
from audit.leakage.threshold import Curve, curve, explore
from audit.protocols import NoProgress, Progress


@dataclass(frozen=True, kw_only=True)
class ImageSettings:
    """What is searched, and how much is checked."""

    reading: Reading = field(default_factory=Reading)
    distance: int = 12
    """Largest distance that is explored, bits."""
    sample: int = 200
    """Pairs checked at each distance where not all are."""
    checks: int = 5_000
    """All pairs are checked up to the distance at which there are this many; up to the recommended one in
    any case."""
    most_checks: int = 100_000
    planted: int = 100
    """Pictures of which copies are made to estimate recall; 0: none."""
    seed: int = 0
    level: float = 0.95


@dataclass(frozen=True, kw_only=True)
class ImageSearch:
    """What was found among n files."""

    prints: Fingerprints
    copies: Copies
    """Identical content, and pairs that the second check confirmed."""
    pairs: PairList
    """Identical (each copy with the first), all pairs up to `checked_to` bits, and the sample beyond."""
    curve: Curve
    """Among distinct pictures that are not blank."""
    planted: Planted | None
    checked_to: int
    """Every pair up to this distance was checked; -1: none."""
    searched_to: int
    """Distance up to which all pairs were found: less than asked where there were too many."""
    parts_to: int
    """Bits between the hashes of parts up to which copies with captions or bars were searched; -1: not."""
    counts: dict[str, int]
    """Files, used, rejected, blank, distinct, identical_files, identical_pixels (copies beyond the first)."""


def search_images(
    paths: Sequence[str],
    settings: ImageSettings | None = None,
    *,
    executor: Executor | None = None,
    cache: Path | None = None,
    progress: Progress | None = None,
) -> ImageSearch:
    """Search files for copies of one another.

    Args:
        paths: of the files.
        settings: what and how; None: the defaults.
        executor: where files are read; None: here.
        cache: folder of fingerprints kept between runs; None: none.
        progress: told how far it is.
    """
    settings, progress = settings or ImageSettings(), progress or NoProgress()
    prints = fingerprint(paths, settings.reading, executor=executor, cache=cache, progress=progress)
    prints = _with_pixels(prints, settings.reading, executor, cache)
    content, kinds = _contents(prints)
    rows = np.flatnonzero((content == np.arange(prints.n)) & ~prints.blank)
    found = _search(prints.phash[rows, 0], settings.distance)
    check = Checker(prints.paths, rows, settings.reading.exif, executor, progress)
    sampled = explore(found, check.confirms, seed=settings.seed, sample=settings.sample, level=settings.level)
    checked_to = _checked_to(sampled, settings)
    lists = [_up_to(found, check, checked_to), _beyond(found, check, checked_to, settings)]
    parts, parts_to = _parts(prints, rows, check, settings)
    counted = _counted(sampled, [_agreed(one, parts) for one in lists], checked_to, settings.level)
    if settings.reading.orientations:
        lists.append(_turned(prints.phash[rows], check, checked_to))
    near = _merged(joined(lists), parts)
    confirmed = near.take(near.confirmed)
    return ImageSearch(
        prints=prints,
        copies=Copies(content=content, left=confirmed.a, right=confirmed.b),
        pairs=joined([star(content, kinds), near]),
        curve=counted,
        planted=_planted(prints, rows, settings),
        checked_to=checked_to,
        parts_to=parts_to,
        searched_to=found.d,
        counts=_counts(prints, content, kinds, rows.size),
    )


def _with_pixels(
    prints: Fingerprints, reading: Reading, executor: Executor | None, cache: Path | None
) -> Fingerprints:
    """Hash the pixels of the files that can have equal ones: those whose perceptual hashes are equal."""
    if reading.draft or reading.has_pixels:
        return prints
    used = np.flatnonzero(prints.used)
    both = np.stack([prints.phash[used, 0], prints.dhash[used, 0]], axis=1)
    _, code, count = np.unique(both, axis=0, return_inverse=True, return_counts=True)
    rows = used[count[code.reshape(-1)] > 1]
    if rows.size == 0:
        return prints
    asked = replace(reading, pixels=True)
    made = fingerprint([prints.paths[r] for r in rows], asked, executor=executor, cache=cache)
    pixel_sha = prints.pixel_sha.copy()
    pixel_sha[rows] = made.pixel_sha
    return replace(prints, pixel_sha=pixel_sha)


def _contents(prints: Fingerprints) -> tuple[NDArray[np.int64], NDArray[np.object_]]:
    """First row of equal content of each row, and whether files or only pixels are equal."""
    content = np.full(prints.n, -1, dtype=np.int64)
    used = np.flatnonzero(prints.used)
    keys = np.where(prints.pixel_sha.any(axis=1, keepdims=True), prints.pixel_sha, prints.file_sha)
    words = np.ascontiguousarray(keys[used]).view("V32").reshape(-1)
    _, first, code = np.unique(words, return_index=True, return_inverse=True)
    content[used] = used[first[code]]
    same_file = (prints.file_sha == prints.file_sha[np.maximum(content, 0)]).all(axis=1)
    return content, np.where(same_file, SAME_FILE, SAME_PIXELS).astype(object)


def _search(hashes: NDArray[np.uint64], distance: int) -> HashPairs:
    """All pairs, up to the largest distance that does not drown in them."""
    while True:
        try:
            return search(hashes, distance)
        except TooManyPairsError:
            if distance == 0:
                raise
            distance = max(0, distance - 2)


def _checked_to(sampled: Curve, settings: ImageSettings) -> int:
    total = np.cumsum(sampled.pairs)
    cheap = int(np.searchsorted(total, settings.checks, side="right")) - 1
    wanted = max(cheap, sampled.recommended)
    affordable = int(np.searchsorted(total, settings.most_checks, side="right")) - 1
    return min(wanted, affordable)


def _up_to(found: HashPairs, check: Checker, distance: int) -> PairList:
    i, j, bits = found.pairs(distance)
    scores = check.scores(i, j)
    return pair_list(check.rows[i], check.rows[j], NEAR, bits, scores, scores >= CONFIRMED)


def _parts(
    prints: Fingerprints, rows: NDArray[np.int64], check: Checker, settings: ImageSettings
) -> tuple[PairList, int]:
    """Confirmed pairs that agree in a part, in rows of the files, and how far they were searched."""
    if not settings.reading.captions:
        return pair_list(rows[:0], rows[:0], NEAR), -1
    hashes = Parts(whole=prints.phash[rows, 0], middle=prints.parts[rows, 0], inner=prints.parts[rows, 1])
    found, searched = part_pairs(hashes, check)
    return pair_list(
        rows[found.a], rows[found.b], found.kind, found.distance, found.check, found.confirmed
    ), searched


def _same_pairs(pairs: PairList, others: PairList) -> NDArray[np.bool_]:
    """(p,) whether a pair of rows is also among others."""
    size = int(max(pairs.b.max(initial=0), others.b.max(initial=0))) + 1
    return np.isin(pairs.a * size + pairs.b, others.a * size + others.b)


def _agreed(pairs: PairList, parts: PairList) -> PairList:
    """Pairs, confirmed also where a part is."""
    return replace(pairs, confirmed=pairs.confirmed | _same_pairs(pairs, parts))


def _merged(near: PairList, parts: PairList) -> PairList:
    """Each pair once: by the whole picture where that was confirmed, else by a part."""
    better = parts.take(~_same_pairs(parts, near.take(near.confirmed)))
    return joined([near.take(~_same_pairs(near, better)), better])


def _counted(sampled: Curve, lists: Sequence[PairList], checked_to: int, level: float) -> Curve:
    """The curve with what was found: all pairs in place of a sample, where all were checked."""
    checked, beyond = lists
    confirmed = np.zeros_like(sampled.confirmed)
    for pairs in (checked, beyond):
        bits = pairs.distance[pairs.confirmed].astype(np.int64)
        confirmed += np.bincount(bits, minlength=confirmed.size)
    size = sampled.sampled.copy()
    size[: checked_to + 1] = sampled.pairs[: checked_to + 1]
    return curve(sampled.n, sampled.pairs, size, confirmed, level)


def _beyond(found: HashPairs, check: Checker, distance: int, settings: ImageSettings) -> PairList:
    """The sample at each further distance: the same draw as the curve's."""
    parts = []
    counts = found.counts()
    for bits in range(distance + 1, found.d + 1):
        if counts[bits]:
            i, j = found.sample(bits, settings.sample, np.random.default_rng((settings.seed, bits)))
            scores = check.scores(i, j)
            parts.append(
                pair_list(check.rows[i], check.rows[j], NEAR, float(bits), scores, scores >= CONFIRMED)
            )
    nothing = np.zeros(0, dtype=np.int64)
    return joined(parts) if parts else pair_list(nothing, nothing, NEAR)


def _turned(hashes: NDArray[np.uint64], check: Checker, distance: int) -> PairList:
    """Pairs that agree only after one picture is turned or mirrored; the best way, confirmed ones alone."""
    n = hashes.shape[0]
    parts = []
    for way in range(1, len(ORIENTATIONS)):
        found = _search(np.concatenate([hashes[:, 0], hashes[:, way]]), distance)
        i, j, bits = found.pairs()
        across = (i < n) & (j >= n) & (j - n != i)
        i, j, bits = i[across], j[across] - n, bits[across]
        scores = check.scores(j, i, np.full(i.size, way))
        parts.append(
            pair_list(check.rows[i], check.rows[j], ORIENTATIONS[way], bits, scores, scores >= CONFIRMED)
        )
    whole = joined(parts)
    whole = whole.take(whole.confirmed)
    _, first = np.unique(whole.a * check.rows.max(initial=0) + whole.a + whole.b, return_index=True)
    return whole.take(np.sort(first))


def _planted(prints: Fingerprints, rows: NDArray[np.int64], settings: ImageSettings) -> Planted | None:
    if not settings.planted or not rows.size:
        return None
    pictures = [prints.paths[r] for r in rows]
    return plant(
        pictures,
        seed=settings.seed,
        sample=settings.planted,
        orientations=settings.reading.orientations,
        captions=settings.reading.captions,
    )


def _counts(
    prints: Fingerprints, content: NDArray[np.int64], kinds: NDArray[np.object_], distinct: int
) -> dict[str, int]:
    later = (content >= 0) & (content != np.arange(prints.n))
    return {
        "files": prints.n,
        "used": int(prints.used.sum()),
        "rejected": int((~prints.used).sum()),
        "blank": int(prints.blank.sum()),
        "distinct": distinct,
        "identical_files": int((later & (kinds == SAME_FILE)).sum()),
        "identical_pixels": int((later & (kinds == SAME_PIXELS)).sum()),
    }
