"""How far a training is: a bar with rate and time left on a terminal, else a log line every few seconds."""

from __future__ import annotations

import sys
import time
from typing import TextIO

QUIET_SECONDS = 15.0  # between log lines where there is no terminal
BAR_SECONDS = 0.2


class TrainingProgress:
    """Prints; knows nothing of networks."""

    def __init__(self, stream: TextIO | None = None) -> None:
        self.stream = stream or sys.stderr
        self.bar = self.stream.isatty()
        self.every = BAR_SECONDS if self.bar else QUIET_SECONDS
        self.started = self.last = time.monotonic()
        self.first = 0

    def start(self, done: int) -> None:
        """Begin counting at step `done`, which is above 0 in a resumed run."""
        self.started = self.last = time.monotonic()
        self.first = done

    def due(self) -> bool:
        """Whether it is time to print: a loss is read from the device only when it is shown."""
        return time.monotonic() - self.last >= self.every

    def step(self, epoch: int, epochs: int, done: int, total: int, loss: float) -> None:
        """Show step `done` of `total` over all epochs."""
        self.last = time.monotonic()
        rate = (done - self.first) / max(self.last - self.started, 1e-9)
        left = (total - done) / rate if rate > 0 else float("inf")
        line = f"epoch {epoch + 1}/{epochs}  step {done}/{total}  loss {loss:.4f}  {rate:.2f} steps/s"
        self._print(f"{line}  {clock(left)} left", end="" if self.bar else "\n")

    def epoch(self, epoch: int, epochs: int, metrics: dict[str, float]) -> None:
        """Show what an epoch came to."""
        shown = "  ".join(f"{name} {value:.4f}" for name, value in metrics.items())
        self._print(f"epoch {epoch + 1}/{epochs}  {shown}", end="\n")

    def say(self, text: str) -> None:
        """Print one line."""
        self._print(text, end="\n")

    def _print(self, line: str, end: str) -> None:
        start = "\r\x1b[K" if self.bar else ""
        print(start + line, end=end, file=self.stream, flush=True)


def clock(seconds: float) -> str:
    """Seconds as ``1:02:03`` or ``2:03``; ``?`` where unknown."""
    if seconds == float("inf"):
        return "?"
    minutes, rest = divmod(int(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"
