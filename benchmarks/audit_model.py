"""What `plumbline audit --weights --data` adds to the forward passes: scoring in parts that are kept.

    python -m benchmarks.audit_model WEIGHTS DATA [--only SPLIT] [--rows N] [--rounds N]

Peer: `Model.predict` (texts) or `predict_files` (images) of the same adapter on all rows in one call, which
keeps nothing. Medians of interleaved rounds; also what hashing the data folder costs.
"""

from __future__ import annotations

import argparse
import os
import statistics
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import numpy as np

from audit.data_hash import hash_data
from audit.scoring import score
from dashboard.predicting import Wanted, open_weights, read_folder, read_kind
from training.data.contract import read_files
from training.data.records import Comments


def main() -> None:
    """Time both and print the ratio."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("weights", type=Path)
    parser.add_argument("data", type=Path)
    parser.add_argument("--only", default="test")
    parser.add_argument("--rows", type=int, default=2000)
    parser.add_argument("--rounds", type=int, default=5)
    flags = parser.parse_args()
    kind, card = read_kind(flags.weights)
    data = read_folder(kind, Wanted(data=flags.data, only=flags.only), card).data
    data = data.take(np.arange(min(flags.rows, data.n)))
    payloads = (data.text if isinstance(data, Comments) else data.paths).to_pylist()
    model = open_weights(kind, flags.weights, "cpu", "benchmark")

    def bare():
        if isinstance(data, Comments):
            return model.predict(payloads)
        return model.predict_files([Path(data.root, name) for name in payloads])

    def kept():
        with tempfile.TemporaryDirectory() as folder:
            return score(model, payloads, root=data.root, keep=Path(folder))

    apart = max(np.abs(bare()[name] - values).max() for name, values in kept().items())
    times = {"bare": [], "kept": []}
    for _ in range(flags.rounds):
        times["bare"].append(_seconds(bare))
        times["kept"].append(_seconds(kept))
    alone, parts = (statistics.median(times[name]) for name in ("bare", "kept"))
    print(f"{kind}: {len(payloads):,} rows; load {os.getloadavg()[0]:.1f}")
    print(f"one call {len(payloads) / alone:,.0f} rows/s, in kept parts {len(payloads) / parts:,.0f} rows/s")
    print(f"ratio {parts / alone:.3f}; scores differ by at most {apart:.1g}")
    root = flags.data if flags.data.is_dir() else flags.data.parent
    files = list(read_files(flags.data))
    size = sum(file.stat().st_size for file in files)
    hashing = statistics.median(_seconds(lambda: hash_data(root, files)) for _ in range(flags.rounds))
    print(f"hash of the data: {len(files):,} files, {size / 1e6:,.0f} MB in {hashing:.2f} s")


def _seconds(run: Callable[[], object]) -> float:
    began = time.perf_counter()
    run()
    return time.perf_counter() - began


if __name__ == "__main__":
    main()
