"""Claim: a million rows load, check and group in at most 4 s and 1 GB; 5 GB of texts load in at most 3 GB.

    python benchmarks/door.py               the million rows, median of 5
    python benchmarks/door.py --large 5     a CSV of 5 GB whose bulk is a text column, with quoted line ends

Each measurement is a fresh process: its time is that of `load` (and of one pass over the texts), its memory
the peak of the whole process.
"""

import argparse
import json
import resource
import statistics
import subprocess
import sys
import tempfile
import time
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.csv as arrow_csv

from audit.inputs.load import load
from audit.inputs.payloads import text_batches
from audit.spec import Spec

SEED = 0
BLOCK = 50_000
SEX, BAND = np.array(["Female", "Male", "Other"]), np.array(["18-29", "30-44", "45-59", "60+"])
ETHNICITY = np.array(["A", "B", "C", "D", "E"])


def rows(first: int, n: int, random: np.random.Generator, texts: pa.Array | None) -> pa.Table:
    """One output, three groups, and a text where there are texts to choose from."""
    columns = {
        "id": pa.array([f"row{first + i:09d}" for i in range(n)]),
        "true.hire": random.integers(0, 2, n),
        "score.hire": np.round(random.random(n), 6),
        "group.sex": SEX[random.integers(0, 3, n)],
        "group.band": BAND[random.integers(0, 4, n)],
        "group.ethnicity": ETHNICITY[random.integers(0, 5, n)],
    }
    if texts is not None:
        columns["text"] = texts.take(pa.array(random.integers(0, len(texts), n)))
    return pa.table(columns)


def write(path: Path, *, n: int = 0, size: float = 0.0) -> int:
    """Write n rows, or rows with texts until the file has `size` bytes; return the number of rows."""
    random = np.random.default_rng(SEED)
    texts = None
    if size:
        words = np.array(['one, "two"', "line\nend", "caffè", "plain", "words", "to", "read"])
        texts = pa.array([" ".join(words[random.integers(0, len(words), 140)]) for _ in range(5000)])
    written = 0
    with path.open("wb") as file:
        while written < n or file.tell() < size:
            block = min(BLOCK, n - written) if n else BLOCK
            arrow_csv.write_csv(
                rows(written, block, random, texts), file, arrow_csv.WriteOptions(include_header=written == 0)
            )
            written += block
    return written


def measure(path: Path, *, with_text: bool) -> dict[str, float]:
    """Load in this process; seconds and megabytes."""
    started = time.perf_counter()
    loaded = load(path, Spec())
    told = {
        "rows": loaded.examples.n,
        "load_s": time.perf_counter() - started,
        "refused": loaded.rejected.num_rows,
    }
    told["load_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    if with_text:
        started = time.perf_counter()
        told["texts"] = sum(len(batch) for batch in text_batches(path, Spec(), loaded.records))
        told["text_s"] = time.perf_counter() - started
        told["peak_mb"] = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return told


def in_a_process(path: Path, *, with_text: bool) -> dict[str, float]:
    """Measure in a fresh process."""
    command = [sys.executable, __file__, "--measure", str(path), *(["--with-text"] if with_text else [])]
    return json.loads(subprocess.run(command, check=True, capture_output=True, text=True).stdout)


def main() -> None:
    parser = argparse.ArgumentParser(
        description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter
    )
    parser.add_argument("--rows", type=int, default=1_000_000)
    parser.add_argument("--repeats", type=int, default=5)
    parser.add_argument(
        "--large", type=float, default=0.0, metavar="GB", help="also a text file of this size"
    )
    parser.add_argument("--folder", type=Path, default=None, help="where to put the files while measuring")
    parser.add_argument("--measure", type=Path, help=argparse.SUPPRESS)
    parser.add_argument("--with-text", action="store_true", help=argparse.SUPPRESS)
    wanted = parser.parse_args()
    if wanted.measure:
        print(json.dumps(measure(wanted.measure, with_text=wanted.with_text)))
        return
    with tempfile.TemporaryDirectory(dir=wanted.folder) as folder:
        path = Path(folder) / "predictions.csv"
        write(path, n=wanted.rows)
        told = [in_a_process(path, with_text=False) for _ in range(wanted.repeats)]
        seconds = statistics.median(run["load_s"] for run in told)
        peak = statistics.median(run["load_mb"] for run in told)
        print(
            f"{wanted.rows:,} rows x 3 groups x 1 output, {path.stat().st_size / 1e6:.0f} MB of CSV: "
            f"{seconds:.2f} s, peak {peak:.0f} MB (median of {wanted.repeats}; claim 4 s, 1,000 MB)"
        )
        if wanted.large:
            path.unlink()
            n = write(path, size=wanted.large * 1e9)
            run = in_a_process(path, with_text=True)
            print(
                f"{n:,} rows with texts, {path.stat().st_size / 1e9:.2f} GB of CSV: {run['load_s']:.1f} s, "
                f"peak {run['load_mb']:.0f} MB; all {run['texts']:,} texts once more: {run['text_s']:.1f} s, "
                f"peak {run['peak_mb']:.0f} MB (claim 3,000 MB)"
            )


if __name__ == "__main__":
    main()
