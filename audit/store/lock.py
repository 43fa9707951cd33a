"""One process at a time writes a run. The lock is the kernel's: a dead process holds none."""

from __future__ import annotations

import json
import os
import socket
import sys
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from audit.errors import RunError


@contextmanager
def locked(path: Path) -> Iterator[None]:
    """Hold a lock file, and remove it at the end.

    The file that a killed process leaves behind is not locked any more and is taken over.

    Args:
        path: the lock file; its folder is made where missing.

    Raises:
        RunError: another process holds it; the message names the process.
    """
    path.parent.mkdir(parents=True, exist_ok=True)
    handle = _acquire(path)
    try:
        os.ftruncate(handle, 0)
        os.lseek(handle, 0, os.SEEK_SET)
        os.write(handle, json.dumps({"pid": os.getpid(), "host": socket.gethostname()}).encode())
        yield
    finally:
        if os.name == "nt":
            os.close(handle)
            path.unlink(missing_ok=True)
        else:
            # Removed while held, so that nobody is left holding a file that has no name.
            path.unlink(missing_ok=True)
            os.close(handle)


def _acquire(path: Path) -> int:
    while True:
        handle = os.open(path, os.O_RDWR | os.O_CREAT, 0o644)
        try:
            _lock(handle)
        except OSError as error:
            holder = os.read(handle, 200).decode(errors="replace")
            os.close(handle)
            raise RunError(
                f"another process is writing this run{_who(holder)}: wait for it, or stop it."
            ) from error
        if os.name == "nt" or _is_at(handle, path):
            return handle
        os.close(handle)


def _is_at(handle: int, path: Path) -> bool:
    """Whether the locked file is still the one of that name: its last holder may have removed it."""
    try:
        return os.path.samestat(os.fstat(handle), path.stat())
    except FileNotFoundError:
        return False


def _who(holder: str) -> str:
    try:
        known = json.loads(holder)
        return f" (process {known['pid']} on {known['host']})"
    except (ValueError, KeyError, TypeError):
        return ""


if sys.platform == "win32":
    import msvcrt

    def _lock(handle: int) -> None:
        msvcrt.locking(handle, msvcrt.LK_NBLCK, 1)

else:
    import fcntl

    def _lock(handle: int) -> None:
        fcntl.flock(handle, fcntl.LOCK_EX | fcntl.LOCK_NB)
