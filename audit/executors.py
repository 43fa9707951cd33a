"""What runs the pure functions of an audit: anything with the protocol of `concurrent.futures`."""

from __future__ import annotations

import os
from collections.abc import Callable
from concurrent.futures import Executor, Future, ThreadPoolExecutor
from typing import Any

from audit.errors import PlumblineError


class Serial(Executor):
    """Runs a task at once, where it is submitted: no threads, the plainest traceback."""

    def submit(self, fn: Callable[..., Any], /, *args: Any, **kwargs: Any) -> Future[Any]:
        """Run and give a future that is done.

        Args:
            fn: what to run.
            *args: its arguments.
            **kwargs: its keyword arguments.
        """
        future: Future[Any] = Future()
        try:
            future.set_result(fn(*args, **kwargs))
        except Exception as error:
            future.set_exception(error)
        return future


class Threads(ThreadPoolExecutor):
    """Threads that drop what has not begun when the audit ends, so that Ctrl-C is not kept waiting."""

    def __exit__(self, *_: object) -> None:
        self.shutdown(cancel_futures=True)


def local(workers: int | None = None) -> Executor:
    """An executor on this machine.

    Threads, not processes: the work is NumPy and compiled code that lets other threads run, and the tables
    are shared instead of copied.

    Args:
        workers: threads; None: as many as there are CPUs; 1: none but the caller's.

    Raises:
        PlumblineError: fewer than one.
    """
    if workers is None:
        workers = os.cpu_count() or 1
    if workers < 1:
        raise PlumblineError(f"the number of workers must be 1 or more, came {workers}.")
    return Serial() if workers == 1 else Threads(workers, thread_name_prefix="plumbline")
