"""How fast copies are found, against the libraries that one would otherwise take.

    python benchmarks/leakage.py [pairs] [hashing] [text]

Everything is made here from seeds. Times of one process are CPU seconds, so that a busy machine changes them
little; times of two processes and of the cache are wall seconds. Each is the median of the runs stated.
Libraries that are not installed are named as missing: pip install faiss-cpu datasketch rensa.
"""

from __future__ import annotations

import io
import os
import resource
import statistics
import sys
import tempfile
import time
from collections.abc import Callable
from concurrent.futures import ProcessPoolExecutor
from multiprocessing import get_context
from pathlib import Path

import imagehash
import numpy as np
from PIL import Image

from audit.leakage.decode import Reading
from audit.leakage.fingerprints import fingerprint
from audit.leakage.hamming import search
from audit.leakage.planted import textured
from audit.leakage.text import Bags, jaccard_pairs, normalise, text_pairs

SEED = 0


def cpu(work: Callable[[], object], runs: int = 3) -> float:
    return _median(work, runs, time.process_time)


def wall(work: Callable[[], object], runs: int = 3) -> float:
    return _median(work, runs, time.perf_counter)


def _median(work: Callable[[], object], runs: int, clock: Callable[[], float]) -> float:
    taken = []
    for _ in range(runs):
        start = clock()
        work()
        taken.append(clock() - start)
    return statistics.median(taken)


def line(what: str, value: str, target: str = "", met: bool | None = None) -> None:
    verdict = "" if met is None else ("  met" if met else "  MISSED")
    print(f"{what:66}{value:>16}{'   target ' + target if target else '':24}{verdict}", flush=True)


def planted_hashes(n: int, identical: float = 0.0) -> np.ndarray:
    """Random hashes; 1 % are copies of others with 0 to 12 bits flipped; a share is one and the same hash."""
    rng = np.random.default_rng(SEED)
    made = rng.integers(0, 2**64, n, dtype=np.uint64)
    copies = n // 100
    flips = np.zeros(copies, dtype=np.uint64)
    for row, bits in enumerate(rng.integers(0, 13, copies)):
        flips[row] = np.bitwise_or.reduce(
            np.uint64(1) << rng.choice(64, bits, replace=False).astype(np.uint64)
        )
    made[n - copies :] = made[:copies] ^ flips
    made[copies : copies + int(n * identical)] = 0
    return made


def pairs() -> None:
    print("\nAll pairs within 8 bits")
    search(planted_hashes(1000), 8)
    few = planted_hashes(200_000)
    took = cpu(lambda: search(few, 8), 5)
    line("200,000 hashes, 5 runs", f"{took:.3f} s", "0.2 s", took <= 0.2)
    blank = planted_hashes(200_000, identical=0.2)
    took = cpu(lambda: search(blank, 8), 5)
    line("200,000 hashes, 20 % of them identical", f"{took:.3f} s", "no change", took <= 0.2)
    for d in (4, 12, 16):
        line(f"200,000 hashes within {d} bits", f"{cpu(lambda d=d: search(few, d)):.3f} s")
    many = planted_hashes(1_000_000)
    took = cpu(lambda: search(many, 8))
    line("1,000,000 hashes, 3 runs", f"{took:.2f} s", "2 s", took <= 2)
    took = cpu(lambda: search(few[:20_000], 8, engine="numpy"), 1)
    line("20,000 hashes by the numpy fallback", f"{took:.2f} s")
    most = np.random.default_rng(SEED).integers(0, 2**64, 10_000_000, dtype=np.uint64)
    took = cpu(lambda: search(most, 8), 1)
    line("10,000,000 hashes, 1 run", f"{took:.1f} s", "60 s", took <= 60)
    memory = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1e6
    line("largest memory of the process so far", f"{memory:.2f} GB", "4 GB", memory <= 4)
    _other_pairs(few)


def _other_pairs(hashes: np.ndarray) -> None:
    sample = [imagehash.hex_to_hash(f"{int(word):016x}") for word in hashes[:400]]
    took = cpu(lambda: [a - b for i, a in enumerate(sample) for b in sample[:i]], 1)
    line(
        "imagehash, a - b in loops, 200,000 extrapolated from 400",
        f"{took * (200_000 / 400) ** 2 / 3600:.1f} h",
    )
    try:
        import faiss
    except ImportError:
        return line("FAISS BinaryFlat", "not installed")
    faiss.omp_set_num_threads(1)
    part = np.ascontiguousarray(hashes[:50_000]).view(np.uint8).reshape(-1, 8)
    index = faiss.IndexBinaryFlat(64)
    index.add(part)
    took = cpu(lambda: index.range_search(part, 9), 1)
    return line("FAISS BinaryFlat, one thread, 200,000 extrapolated from 50,000", f"{took * 16:.1f} s")


def photographs(folder: Path, n: int, side: tuple[int, int]) -> list[str]:
    """JPEG files of quality 88, about as large for their pixels as photographs."""
    rng = np.random.default_rng(SEED)
    paths = []
    for number in range(n):
        paths.append(str(folder / f"{side[0]}-{number:04}.jpg"))
        textured(rng, *side).save(paths[-1], quality=88)
    return paths


def hashing() -> None:
    with tempfile.TemporaryDirectory() as name:
        for side in ((112, 112), (224, 224), (640, 480)):
            _hashing(photographs(Path(name), 300 if side[0] < 640 else 80, side), f"{side[0]} x {side[1]}")
        _cache(Path(name))


def _hashing(paths: list[str], size: str) -> None:
    print(f"\nHashing JPEG files of {size}, {os.path.getsize(paths[0]) / 1e3:.0f} KB, one core, 5 runs")
    fingerprint(paths[:20])
    small = not size.startswith("640")
    one = cpu(lambda: [imagehash.phash(Image.open(path)) for path in paths], 5)
    both = cpu(lambda: [_both_hashes(path) for path in paths], 5)
    line("imagehash, pHash", f"{len(paths) / one:,.0f} /s")
    line("imagehash, pHash and dHash", f"{len(paths) / both:,.0f} /s")
    for name, reading, aim in (
        ("bit-identical", Reading(), 1.3),
        ("bit-identical, without parts for captions", Reading(captions=False), 1.3),
        ("draft", Reading(draft=True), 2.5),
        ("draft, without parts for captions", Reading(draft=True, captions=False), 2.5),
    ):
        took = cpu(lambda reading=reading: fingerprint(paths, reading), 5)
        line(f"{name}: pHash, dHash and SHA-256 of the file", f"{len(paths) / took:,.0f} /s")
        asked = small or reading.draft
        target, met = (f"{aim} x", one / took >= aim) if asked else ("", None)
        line("    against imagehash's pHash alone", f"{one / took:.2f} x", target, met)
        line("    against the same two hashes of imagehash", f"{both / took:.2f} x")
    read = [Path(path).read_bytes() for path in paths]
    took = cpu(lambda: [_drafted(data) for data in read], 5)
    line("the limit of the draft path: decoding alone, against pHash alone", f"{one / took:.2f} x")
    _turbo(read, one)
    took = cpu(lambda: [Image.open(io.BytesIO(data)).load() for data in read], 5)
    line(
        "share of JPEG decoding in the bit-identical path", f"{took / cpu(lambda: fingerprint(paths), 5):.0%}"
    )


def _turbo(read: list[bytes], one: float) -> None:
    """What another binding of libjpeg-turbo would give: it scales by eighths and has no tiles to set up."""
    try:
        import simplejpeg
    except ImportError:
        print("simplejpeg is not installed: pip install simplejpeg")
        return
    took = cpu(lambda: [simplejpeg.decode_jpeg(d, "GRAY", min_height=64, min_width=64) for d in read], 5)
    line("    the same by simplejpeg", f"{one / took:.2f} x")


def _both_hashes(path: str) -> tuple[object, object]:
    with Image.open(path) as image:
        return imagehash.phash(image), imagehash.dhash(image)


def _drafted(data: bytes) -> None:
    with Image.open(io.BytesIO(data)) as image:
        image.draft("L", (64, 64))
        image.load()


def _cache(folder: Path) -> None:
    print("\nProcesses and cache, 224 x 224, wall time")
    paths = sorted(str(path) for path in folder.glob("224-*.jpg")) * 10
    alone = wall(lambda: fingerprint(paths, Reading(draft=True)))
    with ProcessPoolExecutor(2, mp_context=get_context("spawn")) as pool:
        fingerprint(paths[:300], Reading(draft=True), executor=pool)
        two = wall(lambda: fingerprint(paths, Reading(draft=True), executor=pool))
    line(
        f"two processes against one, {os.getloadavg()[0]:.1f} jobs waiting",
        f"{alone / two:.2f} x",
        "1.8 x",
        alone / two >= 1.8,
    )
    files = paths[:300]
    fingerprint(files, cache=folder / "cache")
    first, second = (
        wall(lambda: fingerprint(files), 5),
        wall(lambda: fingerprint(files, cache=folder / "cache"), 5),
    )
    line("second run from the cache", f"{first / second:.0f} x", "20 x", first / second >= 20)


def comments(n: int, words: int = 50_000) -> list[str]:
    """Texts of 10 to 60 words, frequencies by Zipf's law; 2 % are copies with 8 % of the words replaced."""
    rng = np.random.default_rng(SEED)
    share = 1 / np.arange(1, words + 1) ** 1.05
    share /= share.sum()
    sizes = rng.integers(10, 61, n)
    texts = np.split(rng.choice(words, sizes.sum(), p=share), np.cumsum(sizes)[:-1])
    for row in range(n // 50):
        copy = texts[row].copy()
        other = rng.random(copy.size) < 0.08
        copy[other] = rng.choice(words, other.sum(), p=share)
        texts[n - 1 - row] = copy
    return [" ".join(f"w{word}" for word in text) for text in texts]


def text() -> None:
    print("\n200,000 comments of 10 to 60 words, Jaccard similarity of .7 and more")
    text_pairs(comments(500))
    texts = comments(200_000)
    found = []
    took = cpu(lambda: found.append(text_pairs(texts)), 1)
    line(
        f"exact prefix filter: all {found[0].left.size:,} pairs, recall 1, 1 run",
        f"{took:.1f} s",
        "60 s",
        took <= 60,
    )
    bags = Bags.of([normalise(one) for one in texts], 1)
    line(
        "    of this the search; the rest is reading words",
        f"{cpu(lambda: jaccard_pairs(bags, 0.7), 1):.1f} s",
    )
    wanted = set(zip(found[0].left.tolist(), found[0].right.tolist(), strict=True))
    few = texts[:20_000]
    exact = text_pairs(few + texts[-400:])
    _rensa(texts, wanted)
    _datasketch(few + texts[-400:], set(zip(exact.left.tolist(), exact.right.tolist(), strict=True)))


def _rensa(texts: list[str], wanted: set[tuple[int, int]]) -> None:
    try:
        from rensa import RMinHash, RMinHashLSH
    except ImportError:
        return line("rensa", "not installed")

    def run() -> set[tuple[int, int]]:
        index = RMinHashLSH(threshold=0.7, num_perm=128, num_bands=16)
        made, found = [], set()
        for row, one in enumerate(texts):
            sketch = RMinHash(num_perm=128, seed=42)
            sketch.update(one.split())
            made.append(sketch)
            found |= {(other, row) for other in index.query(sketch)}
            index.insert(row, sketch)
        return found

    found: list[set[tuple[int, int]]] = []
    took = cpu(lambda: found.append(run()), 1)
    return line(
        f"rensa, 128 permutations: recall {len(found[0] & wanted) / len(wanted):.3f}", f"{took:.1f} s"
    )


def _datasketch(texts: list[str], wanted: set[tuple[int, int]]) -> None:
    try:
        from datasketch import MinHash, MinHashLSH
    except ImportError:
        return line("datasketch", "not installed")

    def run() -> set[tuple[int, int]]:
        index, found = MinHashLSH(threshold=0.7, num_perm=128), set()
        sketches = MinHash.bulk([[word.encode() for word in one.split()] for one in texts], num_perm=128)
        for row, sketch in enumerate(sketches):
            found |= {(other, row) for other in index.query(sketch)}
            index.insert(row, sketch)
        return found

    found: list[set[tuple[int, int]]] = []
    took = cpu(lambda: found.append(run()), 1)
    share = len(found[0] & wanted) / max(1, len(wanted))
    return line(f"datasketch, {len(texts):,} of them: recall {share:.3f}", f"{took:.1f} s")


PARTS = {"pairs": pairs, "hashing": hashing, "text": text}

if __name__ == "__main__":
    print(f"numpy {np.__version__}, {os.cpu_count()} CPUs, {os.getloadavg()[0]:.1f} jobs waiting")
    for part in sys.argv[1:] or list(PARTS):
        PARTS[part]()
