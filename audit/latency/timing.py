"""Time one call again and again, and say how steady the machine was."""

from __future__ import annotations

import os
import time
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path

import numpy as np
from numpy.typing import NDArray

WARM_UP = 2
MIN_ROUNDS, MAX_ROUNDS = 5, 200
UNSTEADY = 0.25
"""Coefficient of variation above which a condition is marked: the machine was not quiet."""
BUSY = 0.5
"""Load of other work, per processor, above which the run says that the machine was not quiet."""


@dataclass(frozen=True, kw_only=True)
class Timed:
    """Milliseconds of one call, over rounds."""

    rounds: int
    p50: float
    p95: float
    p99: float
    p50_low: float
    """Order statistics that hold the median with 95 %; the least and the largest with fewer than 6 rounds."""
    p50_high: float
    variation: float
    """Standard deviation ÷ mean."""


def timed(
    call: Callable[[], object], seconds: float, clock: Callable[[], float] = time.perf_counter
) -> Timed:
    """Warm up, then call until the seconds are spent, at least `MIN_ROUNDS` and at most `MAX_ROUNDS` times.

    Args:
        call: what is timed.
        seconds: to spend after the warm-up.
        clock: seconds, ever rising.
    """
    for _ in range(WARM_UP):
        call()
    times: list[float] = []
    began = clock()
    while len(times) < MAX_ROUNDS and (len(times) < MIN_ROUNDS or clock() - began < seconds):
        start = clock()
        call()
        times.append((clock() - start) * 1000)
    return described(np.array(times))


def described(times: NDArray[np.float64]) -> Timed:
    """Percentiles of (n,) milliseconds, with the distribution-free interval of the median.

    Source:
        Conover (1999), Practical Nonparametric Statistics, 3.2: ranks n/2 -+ 1.96 sqrt(n)/2.
    """
    ordered = np.sort(times)
    n = len(ordered)
    half = 1.96 * np.sqrt(n) / 2
    low, high = max(int(np.floor(n / 2 - half)) - 1, 0), min(int(np.ceil(n / 2 + half)), n - 1)
    p50, p95, p99 = (float(value) for value in np.quantile(ordered, (0.5, 0.95, 0.99)))
    return Timed(
        rounds=n,
        p50=p50,
        p95=p95,
        p99=p99,
        p50_low=float(ordered[low]),
        p50_high=float(ordered[high]),
        variation=float(ordered.std() / ordered.mean()) if ordered.mean() else 0.0,
    )


def cores() -> int:
    """Processors that this process may use."""
    return len(os.sched_getaffinity(0)) if hasattr(os, "sched_getaffinity") else os.cpu_count() or 1


def load() -> float | None:
    """Average number of runnable processes of the last minute; None where the system does not say."""
    return round(os.getloadavg()[0], 2) if hasattr(os, "getloadavg") else None


def resident_mib() -> tuple[float, float] | None:
    """Memory of this process now and at its peak, in MiB; None where the system has no /proc."""
    status = Path("/proc/self/status")
    if not status.exists():
        return None
    found = dict(line.split(":", 1) for line in status.read_text().splitlines() if ":" in line)
    now, peak = (int(found[name].split()[0]) / 1024 for name in ("VmRSS", "VmHWM"))
    return now, peak


def reset_peak() -> bool:
    """Let the peak start from the present; true where the system allows it."""
    try:
        Path("/proc/self/clear_refs").write_text("5")
    except OSError:
        return False
    return True
