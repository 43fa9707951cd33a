"""Runs pieces of work in processes, each on one core, as soon as what they need is done.

Small networks gain little from a second thread and lose much where a core is busy elsewhere, so two pieces
run side by side instead. What a piece prints goes to a log file of its own.
"""

from __future__ import annotations

import multiprocessing
import os
import signal
import sys
import time
import traceback
from collections.abc import Callable, Iterator, Mapping, Sequence
from contextlib import contextmanager
from dataclasses import dataclass
from multiprocessing.connection import Connection, wait
from multiprocessing.process import BaseProcess
from pathlib import Path
from types import FrameType
from typing import Any

from audit.errors import PlumblineError

THREADS = ("OMP_NUM_THREADS", "MKL_NUM_THREADS", "OPENBLAS_NUM_THREADS", "NUMBA_NUM_THREADS")
"""What numerical libraries read when they are loaded."""
STOP_SECONDS = 10.0
LAST_LINES = 5


@dataclass(frozen=True, kw_only=True)
class Task:
    """One piece of work."""

    name: str
    call: Callable[..., Any]
    arguments: tuple[Any, ...]
    """An argument that is a `Result` is replaced by what that task gave."""
    log: Path
    after: tuple[str, ...] = ()
    """Tasks that come first."""


@dataclass(frozen=True, kw_only=True)
class Result:
    """Stands for what another task gives."""

    of: str


@dataclass(frozen=True, kw_only=True)
class Done:
    """A finished piece of work."""

    task: str
    value: Any
    seconds: float
    """By the clock."""
    busy: float
    """Of a processor, in this process and those that it started and that have ended."""


@dataclass(kw_only=True)
class _Worker:
    process: BaseProcess
    pipe: Connection
    task: Task | None = None
    began: float = 0.0


def run(tasks: Sequence[Task], processes: int) -> Iterator[Done | tuple[Task, ...]]:
    """Run tasks; gives each as it ends, and what is running whenever that changes or half a second passed.

    Args:
        tasks: earlier ones are preferred.
        processes: that run at the same time.

    Raises:
        PlumblineError: a task failed; the others are stopped.
    """
    left, values = list(tasks), dict[str, Any]()
    with _workers(min(processes, len(tasks))) as workers:
        while left or any(w.task for w in workers):
            for worker in (w for w in workers if w.task is None):
                ready = next((t for t in left if all(name in values for name in t.after)), None)
                if ready is not None:
                    left.remove(ready)
                    _give(worker, ready, values)
            yield tuple(w.task for w in workers if w.task is not None)
            for pipe in wait([w.pipe for w in workers if w.task is not None], timeout=0.5):
                done = _take(next(w for w in workers if w.pipe is pipe))
                values[done.task] = done.value
                yield done


def _give(worker: _Worker, task: Task, values: Mapping[str, Any]) -> None:
    given = tuple(_filled(argument, values) for argument in task.arguments)
    worker.task, worker.began = task, time.monotonic()
    worker.pipe.send((task.call, given, task.log))


def _filled(argument: Any, values: Mapping[str, Any]) -> Any:
    if isinstance(argument, list):
        return [_filled(one, values) for one in argument]
    return values[argument.of] if isinstance(argument, Result) else argument


def _take(worker: _Worker) -> Done:
    task = worker.task
    assert task is not None
    seconds = time.monotonic() - worker.began
    worker.task = None
    try:
        good, value, busy = worker.pipe.recv()
    except EOFError:
        worker.process.join()
        good, value, busy = False, f"its process ended with code {worker.process.exitcode}", 0.0
    if not good:
        raise PlumblineError(f"{task.name}: {value} (log: {task.log})")
    return Done(task=task.name, value=value, seconds=seconds, busy=busy)


@contextmanager
def _workers(count: int) -> Iterator[list[_Worker]]:
    """Processes that wait for work; none of them outlives the block."""
    context = multiprocessing.get_context("spawn")
    made: list[_Worker] = []
    with _one_thread():
        for _ in range(count):
            mine, theirs = context.Pipe()
            process = context.Process(target=_serve, args=(theirs,))
            process.start()
            theirs.close()
            made.append(_Worker(process=process, pipe=mine))
    try:
        yield made
    finally:
        for worker in made:
            if worker.task is not None:
                worker.process.terminate()
            worker.pipe.close()
        for worker in made:
            worker.process.join(STOP_SECONDS)
            if worker.process.is_alive():
                worker.process.kill()
                worker.process.join()


@contextmanager
def _one_thread() -> Iterator[None]:
    """Processes that are started inside use one thread each."""
    before = {name: os.environ.get(name) for name in THREADS}
    os.environ.update(dict.fromkeys(THREADS, "1"))
    try:
        yield
    finally:
        for name, value in before.items():
            if value is None:
                del os.environ[name]
            else:
                os.environ[name] = value


def _serve(pipe: Connection) -> None:
    """Life of a process: take a call, answer with what it gave or what went wrong."""
    signal.signal(signal.SIGTERM, _stop)
    try:
        while True:
            call, arguments, log = pipe.recv()
            before = sum(os.times()[:4])
            good, value = _attempt(call, arguments, log)
            pipe.send((good, value, sum(os.times()[:4]) - before))
    except (EOFError, KeyboardInterrupt, BrokenPipeError):
        return


def _stop(number: int, frame: FrameType | None) -> None:
    raise KeyboardInterrupt


def _attempt(call: Callable[..., Any], arguments: tuple[Any, ...], log: Path) -> tuple[bool, Any]:
    log.parent.mkdir(parents=True, exist_ok=True)
    with log.open("a", encoding="utf-8") as stream:
        for old in (1, 2):
            os.dup2(stream.fileno(), old)
    try:
        return True, call(*arguments)
    except PlumblineError as error:
        return False, str(error)
    except Exception as error:
        traceback.print_exc()
        return False, f"{type(error).__name__}: {error}"
    finally:
        sys.stdout.flush()
        sys.stderr.flush()
