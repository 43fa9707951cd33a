"""How far work is: a bar on a terminal, log lines elsewhere."""

from __future__ import annotations

import io

import pytest

from dashboard.progress import LogProgress, TerminalProgress, duration, make


class Clock:
    def __init__(self) -> None:
        self.seconds = 0.0

    def __call__(self) -> float:
        return self.seconds


class Terminal(io.StringIO):
    def isatty(self) -> bool:
        return True


def test_a_terminal_gets_a_bar_with_rate_and_time_left() -> None:
    clock, stream = Clock(), Terminal()
    bar = TerminalProgress(stream, clock)
    bar.step("rows", 0, 1000)
    clock.seconds = 2
    bar.step("rows", 250, 1000)
    assert (
        stream.getvalue().split("\r\x1b[K")[-1]
        == "rows  " + "█" * 6 + "░" * 18 + " 250/1,000  125/s  0:06 left"
    )
    clock.seconds = 8
    bar.step("rows", 1000, 1000)
    assert stream.getvalue().endswith("█" * 24 + " 1,000/1,000  125/s  0:08\n")


def test_a_bar_is_not_drawn_more_than_ten_times_a_second() -> None:
    clock, stream = Clock(), Terminal()
    bar = TerminalProgress(stream, clock)
    for done in range(100):
        clock.seconds += 0.01
        bar.step("rows", done, 1000)
    assert 5 <= stream.getvalue().count("\r") <= 11


def test_work_inside_work_keeps_to_its_own_line() -> None:
    stream = Terminal()
    bar = TerminalProgress(stream, Clock())
    bar.step("probes", 0, 2)
    bar.step("slices", 1, 1)
    bar.step("probes", 2, 2)
    lines = stream.getvalue().removesuffix("\n").split("\n")
    assert [line.split("\x1b[K")[-1].split()[0] for line in lines] == ["probes", "slices", "probes"]


def test_without_a_terminal_there_is_a_line_every_few_seconds() -> None:
    clock, stream = Clock(), io.StringIO()
    log = LogProgress(stream, clock)
    for done in range(13):
        clock.seconds = done
        log.step("rows", done, 12)
    assert stream.getvalue().splitlines() == [
        "rows: 5/12  1.0/s, 0:07 left",
        "rows: 10/12  1.0/s, 0:02 left",
        "rows: 12/12  1.0/s, done in 0:12",
    ]


def test_short_work_is_not_worth_a_line() -> None:
    stream = io.StringIO()
    log = LogProgress(stream, Clock())
    log.step("rows", 0, 1)
    log.step("rows", 1, 1)
    assert stream.getvalue() == ""


def test_the_stream_decides() -> None:
    assert isinstance(make(Terminal()), TerminalProgress)
    assert isinstance(make(io.StringIO()), LogProgress)


@pytest.mark.parametrize(
    ("seconds", "words"), [(0, "0:00"), (59.6, "1:00"), (123, "2:03"), (3723, "1:02:03")]
)
def test_duration(seconds: float, words: str) -> None:
    assert duration(seconds) == words
