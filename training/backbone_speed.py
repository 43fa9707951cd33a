"""How fast and how large a backbone is, measured in a process of its own: so is its peak of memory."""

from __future__ import annotations

import time
from collections.abc import Iterator, Sequence
from concurrent.futures import ProcessPoolExecutor
from dataclasses import dataclass
from multiprocessing import get_context
from pathlib import Path

import numpy as np

from audit.latency.timing import cores

MIN_SECONDS = 0.4
"""Spent on each condition after the warm-up."""
MIN_ROUNDS, MAX_ROUNDS = 3, 60


@dataclass(frozen=True, kw_only=True)
class Conditions:
    """All combinations of these are measured."""

    sizes: tuple[int, ...] = ()
    """Empty: that of the training."""
    batches: tuple[int, ...] = (1, 8, 32)
    threads: tuple[int, ...] = (1, 2)
    precisions: tuple[str, ...] = ("fp32", "bf16")
    device: str = "cpu"

    def each(self) -> Iterator[tuple[int, int, str, int]]:
        """(size, threads, precision, batch), sizes from small to large."""
        for size in sorted(self.sizes):
            for threads in self.threads:
                for precision in self.precisions:
                    for batch in sorted(self.batches):
                        yield size, threads, precision, batch


@dataclass(frozen=True, kw_only=True)
class Speed:
    """One condition."""

    backbone: str
    size: int
    threads: int
    precision: str
    batch: int
    p50_ms: float
    """Of one forward pass of the whole batch."""
    p90_ms: float
    rounds: int
    pictures_per_second: float
    """At the median."""


@dataclass(frozen=True, kw_only=True)
class Measured:
    """One backbone."""

    backbone: str
    width: int
    parameters: int
    flops: dict[int, int]
    """Size in pixels -> floating-point operations of one picture."""
    peak_mib: dict[int, float]
    """Size in pixels -> memory of weights and one forward pass of the largest batch, fp32."""
    speeds: tuple[Speed, ...]


def measure(name: str, conditions: Conditions) -> Measured:
    """Measure one backbone in a fresh process.

    Args:
        name: torchvision's name.
        conditions: what to combine.
    """
    with ProcessPoolExecutor(1, mp_context=get_context("spawn")) as pool:
        return pool.submit(measure_here, name, conditions).result()


def measure_here(name: str, conditions: Conditions) -> Measured:
    """Measure in this process; the peak of the memory is that of the process so far."""
    import torch
    import torchvision  # noqa: F401 - so that its libraries are not counted as the network's

    from models.backbones import build, flops, parameters

    base = _peak_mib(conditions.device)
    # channels last, as the adapter runs it
    network = build(name).to(conditions.device, memory_format=torch.channels_last).eval()
    most = max(conditions.batches)
    peak: dict[int, float] = {}
    for size in sorted(conditions.sizes):  # from small to large: a process's peak never falls
        with torch.inference_mode():
            network(torch.zeros(most, 3, size, size, device=conditions.device))
        peak[size] = _peak_mib(conditions.device) - base
    before = torch.get_num_threads()
    try:
        speeds = [_speed(name, network, conditions.device, *each) for each in conditions.each()]
    finally:
        torch.set_num_threads(before)
    return Measured(
        backbone=name,
        width=network.width,
        parameters=parameters(network),
        flops={size: flops(network, size) for size in conditions.sizes},
        peak_mib=peak,
        speeds=tuple(speeds),
    )


def _speed(
    name: str, network: object, device: str, size: int, threads: int, precision: str, batch: int
) -> Speed:
    import torch

    torch.set_num_threads(threads)
    pictures = torch.rand(batch, size, size, 3, device=device).permute(0, 3, 1, 2)
    kind = torch.device(device).type
    times: list[float] = []
    with torch.inference_mode(), torch.autocast(kind, torch.bfloat16, enabled=precision == "bf16"):
        for _ in range(2):
            network(pictures)  # type: ignore[operator]
        began = time.perf_counter()
        while len(times) < MAX_ROUNDS and (
            len(times) < MIN_ROUNDS or time.perf_counter() - began < MIN_SECONDS
        ):
            start = time.perf_counter()
            network(pictures)  # type: ignore[operator]
            if kind == "cuda":
                torch.cuda.synchronize()
            times.append((time.perf_counter() - start) * 1000)
    median = float(np.median(times))
    return Speed(
        backbone=name,
        size=size,
        threads=threads,
        precision=precision,
        batch=batch,
        p50_ms=median,
        p90_ms=float(np.quantile(times, 0.9)),
        rounds=len(times),
        pictures_per_second=batch / median * 1000,
    )


def _peak_mib(device: str) -> float:
    if device.startswith("cuda"):
        import torch

        return torch.cuda.max_memory_allocated() / 2**20
    status = Path("/proc/self/status")
    if status.exists():  # Linux: what getrusage tells there includes the parent of the process
        line = next(line for line in status.read_text().splitlines() if line.startswith("VmHWM"))
        return int(line.split()[1]) / 2**10
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 2**20  # bytes on macOS


def fitting_threads(asked: Sequence[int]) -> tuple[int, ...]:
    """Numbers of threads that the machine has processors for; at least one."""
    return tuple(count for count in asked if count <= cores()) or (1,)
