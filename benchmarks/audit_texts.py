"""What looking for copies adds to an audit of many comments: processor time and memory, with and without.

    python -m benchmarks.audit_texts [ROWS]

Invented comments: words by Zipf's law over 50,000, log-normal lengths of 55 words on average, one in a
hundred a near copy of another. Each audit is a process of its own.
"""

from __future__ import annotations

import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

WORDS = 50_000


def write(path: Path, n: int) -> None:
    """Comments, scores and a group."""
    rng = np.random.default_rng(0)
    words = np.array([f"w{i}" for i in range(WORDS)])
    shares = 1 / np.arange(1, WORDS + 1)
    lengths = np.clip(rng.lognormal(3.5, 0.9, n).astype(int), 3, 600)
    spoken = words[rng.choice(WORDS, size=lengths.sum(), p=shares / shares.sum())]
    ends = np.cumsum(lengths)
    texts = [
        " ".join(spoken[end - length : end])
        for end, length in zip(ends.tolist(), lengths.tolist(), strict=True)
    ]
    for source, copy in rng.integers(0, n, (n // 100, 2)).tolist():
        texts[copy] = texts[source] + " x"
    truth = rng.random(n) < 0.1
    columns = {
        "id": [str(i) for i in range(n)],
        "split": np.where(rng.random(n) < 0.7, "train", "test").tolist(),
        "true.toxic": truth.astype(np.int8),
        "score.toxic": np.clip(truth * 0.4 + rng.random(n) * 0.6, 0, 1),
        "group.place": rng.choice(list("abcd"), n).tolist(),
        "text": texts,
    }
    pq.write_table(pa.table(columns), path)


def child(*words: str) -> tuple[float, float]:
    """Run a process: its processor seconds and its largest memory in GB."""
    process = subprocess.Popen(
        [sys.executable, "-m", *words], stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL
    )
    _, status, used = os.wait4(process.pid, 0)
    if status:
        raise SystemExit(f"{' '.join(words)} failed")
    return used.ru_utime + used.ru_stime, used.ru_maxrss / 1e6


def main() -> None:
    """Print both; the comments are written by a process of their own, whose memory would count else."""
    if sys.argv[1:2] == ["write"]:
        write(Path(sys.argv[2]), int(sys.argv[3]))
        return
    n = int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000
    with tempfile.TemporaryDirectory() as folder:
        file = f"{folder}/comments.parquet"
        child("benchmarks.audit_texts", "write", file, str(n))
        for probes in ("group_error", "group_error,leakage"):
            words = ["dashboard.cli.main", "audit", "--predictions", file, "--runs", f"{folder}/runs"]
            seconds, memory = child(*words, "--probes", probes)
            print(f"{n:,} comments, {probes}: {seconds:.0f} s of processor time, {memory:.1f} GB", flush=True)
    print(f"load {os.getloadavg()[0]:.1f}")


if __name__ == "__main__":
    main()
