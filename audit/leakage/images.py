"""The whole search among images: fingerprints, pairs, second check, threshold, copies."""

from __future__ import annotations

from collections.abc import Sequence
from concurrent.futures import Executor
from dataclasses import dataclass, field, replace
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

from audit.leakage.clusters import Copies
from audit.leakage.confirm import CONFIRMED, Squares, correlate, join_squares, read_squares
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
    check = _Checker(prints.paths, rows, settings.reading.exif, executor, progress)
    sampled = explore(found, check.confirms, seed=settings.seed, sample=settings.sample, level=settings.level)
    checked_to = _checked_to(sampled, settings)
    lists = [_up_to(found, check, checked_to), _beyond(found, check, checked_to, settings)]
    counted = _counted(sampled, lists[0], checked_to, settings.level)
    if settings.reading.orientations:
        lists.append(_turned(prints.phash[rows], check, checked_to))
    near = joined(lists)
    confirmed = near.take(near.confirmed)
    return ImageSearch(
        prints=prints,
        copies=Copies(content=content, left=confirmed.a, right=confirmed.b),
        pairs=joined([star(content, kinds), near]),
        curve=counted,
        planted=_planted(prints, rows, settings),
        checked_to=checked_to,
        searched_to=found.d,
        counts=_counts(prints, content, kinds, rows.size),
    )


class _Checker:
    """The second check between distinct pictures, which reads each picture once."""

    def __init__(
        self,
        paths: Sequence[str],
        rows: NDArray[np.int64],
        exif: bool,
        executor: Executor | None,
        progress: Progress,
    ) -> None:
        self.paths, self.rows = paths, rows
        self._read = {"exif": exif, "executor": executor, "progress": progress}
        self._squares: Squares | None = None
        self._tried = np.zeros(len(paths), dtype=np.bool_)

    def scores(
        self, i: NDArray[np.integer], j: NDArray[np.integer], way: NDArray[np.integer] | None = None
    ) -> NDArray[np.float32]:
        """(p,) correlation of pairs of distinct pictures, the first laid in the way given."""
        a, b = self.rows[i], self.rows[j]
        wanted = np.unique(np.concatenate([a, b]))
        fresh = wanted[~self._tried[wanted]]
        if fresh.size or self._squares is None:
            self._tried[fresh] = True
            read = read_squares(self.paths, fresh, **self._read)  # type: ignore[arg-type]
            self._squares = read if self._squares is None else join_squares(self._squares, read)
        return correlate(self._squares, a, b, way)

    def confirms(self, i: NDArray[np.int64], j: NDArray[np.int64]) -> NDArray[np.bool_]:
        """(p,) whether the pictures are the same."""
        return np.asarray(self.scores(i, j) >= CONFIRMED)


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


def _up_to(found: HashPairs, check: _Checker, distance: int) -> PairList:
    i, j, bits = found.pairs(distance)
    scores = check.scores(i, j)
    return pair_list(check.rows[i], check.rows[j], NEAR, bits, scores, scores >= CONFIRMED)


def _counted(sampled: Curve, checked: PairList, checked_to: int, level: float) -> Curve:
    """The curve with all pairs in place of a sample, where all were checked."""
    bits = checked.distance.astype(np.int64)
    confirmed = sampled.confirmed.copy()
    confirmed[: checked_to + 1] = np.bincount(bits[checked.confirmed], minlength=checked_to + 1)
    size = sampled.sampled.copy()
    size[: checked_to + 1] = sampled.pairs[: checked_to + 1]
    return curve(sampled.n, sampled.pairs, size, confirmed, level)


def _beyond(found: HashPairs, check: _Checker, distance: int, settings: ImageSettings) -> PairList:
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


def _turned(hashes: NDArray[np.uint64], check: _Checker, distance: int) -> PairList:
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
        pictures, seed=settings.seed, sample=settings.planted, orientations=settings.reading.orientations
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
