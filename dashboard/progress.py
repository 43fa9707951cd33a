"""How far long work is: a bar with rate and time left on a terminal, else a log line now and then."""

from __future__ import annotations

import sys
import time
from collections.abc import Callable
from typing import TextIO

BAR_SECONDS = 0.1
LOG_SECONDS = 5.0
WIDTH = 24


class TerminalProgress:
    """One line of a terminal, drawn over and over; a finished piece of work leaves its line behind."""

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        """Draw on a stream.

        Args:
            stream: a terminal.
            now: seconds, for tests.
        """
        self.stream, self.now = stream, now
        self.clock = _Clock(now)
        self.shown = float("-inf")
        self.open = ""

    def step(self, what: str, done: int, total: int) -> None:
        """Redraw, at most ten times a second."""
        if self.open and self.open != what:
            self.stream.write("\n")
        seconds, rate = self.clock.read(what, done)
        last = done >= total
        if not last and self.open == what and self.now() - self.shown < BAR_SECONDS:
            return
        filled = WIDTH * done // max(total, 1)
        bar = "█" * filled + "░" * (WIDTH - filled)
        rest = f"{duration(seconds)}" if last else f"{_left(total - done, rate)} left"
        self.stream.write(f"\r\x1b[K{what}  {bar} {done:,}/{total:,}{_per_second(rate)}  {rest}")
        self.shown, self.open = self.now(), what
        if last:
            self.stream.write("\n")
            self.open = ""
        self.stream.flush()


class LogProgress:
    """Log lines: the first step of a piece of work, one every few seconds, and its end."""

    def __init__(self, stream: TextIO, now: Callable[[], float] = time.monotonic) -> None:
        """Write to a stream.

        Args:
            stream: a file or a pipe.
            now: seconds, for tests.
        """
        self.stream, self.now = stream, now
        self.clock = _Clock(now)
        self.shown = now()

    def step(self, what: str, done: int, total: int) -> None:
        """Write a line where it is time for one."""
        seconds, rate = self.clock.read(what, done)
        last = done >= total
        if not (last and seconds >= LOG_SECONDS) and self.now() - self.shown < LOG_SECONDS:
            return
        rest = f"done in {duration(seconds)}" if last else f"{_left(total - done, rate)} left"
        self.stream.write(f"{what}: {done:,}/{total:,}{_per_second(rate)}, {rest}\n")
        self.stream.flush()
        self.shown = self.now()


class _Clock:
    """When each piece of work began, and how many units it had done by then."""

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.began: dict[str, tuple[float, int]] = {}

    def read(self, what: str, done: int) -> tuple[float, float]:
        """Seconds since it began, and units a second since then (0 where not known)."""
        start, first = self.began.setdefault(what, (self.now(), done))
        seconds = self.now() - start
        return seconds, (done - first) / seconds if seconds > 0 and done > first else 0.0


def make(stream: TextIO | None = None) -> TerminalProgress | LogProgress:
    """What suits a stream: a bar on a terminal, log lines elsewhere.

    Args:
        stream: None: stderr, so that stdout holds results only.
    """
    stream = stream or sys.stderr
    return TerminalProgress(stream) if stream.isatty() else LogProgress(stream)


def duration(seconds: float) -> str:
    """Seconds as ``0:07``, ``2:03`` or ``1:02:03``."""
    minutes, rest = divmod(round(seconds), 60)
    hours, minutes = divmod(minutes, 60)
    return f"{hours}:{minutes:02d}:{rest:02d}" if hours else f"{minutes}:{rest:02d}"


def _left(units: int, rate: float) -> str:
    return duration(units / rate) if rate > 0 else "?"


def _per_second(rate: float) -> str:
    if rate <= 0:
        return ""
    return f"  {rate:,.0f}/s" if rate >= 10 else f"  {rate:.1f}/s"
