"""Executors: the same answers, whoever runs the work."""

from __future__ import annotations

import threading
from concurrent.futures import ThreadPoolExecutor

import pytest

from audit.errors import PlumblineError
from audit.executors import Serial, Threads, local


def test_serial_runs_where_it_is_called() -> None:
    with Serial() as executor:
        assert executor.submit(threading.get_ident).result() == threading.get_ident()
        assert list(executor.map(divmod, [7, 9], [2, 4])) == [(3, 1), (2, 1)]


def test_serial_hands_on_what_a_task_raises() -> None:
    future = Serial().submit(int, "x")
    with pytest.raises(ValueError, match="invalid literal"):
        future.result()


def test_the_number_of_workers_decides() -> None:
    assert isinstance(local(1), Serial)
    with local(3) as executor:
        assert isinstance(executor, ThreadPoolExecutor)
        assert executor._max_workers == 3
    with pytest.raises(PlumblineError, match="must be 1 or more, came 0"):
        local(0)


def test_threads_drop_what_has_not_begun() -> None:
    begun, go_on = threading.Event(), threading.Event()

    def wait() -> None:
        begun.set()
        go_on.wait(10)

    with Threads(1) as executor:
        executor.submit(wait)
        later = executor.submit(wait)
        begun.wait(10)
        threading.Timer(0.05, go_on.set).start()
    assert later.cancelled()
