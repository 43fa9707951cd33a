"""Image files of folders, with what could not be listed."""

from __future__ import annotations

import os
from collections.abc import Sequence
from dataclasses import dataclass

import numpy as np
from numpy.typing import NDArray

from audit.errors import InputError
from audit.leakage.decode import EXTENSIONS


@dataclass(frozen=True, kw_only=True)
class Listing:
    """Files whose names say that they are images."""

    paths: tuple[str, ...]
    """In the order of folders, then of names; no file twice."""
    folder: NDArray[np.int32]
    """(n,) which of the folders asked for each is from."""
    rejected: tuple[tuple[str, str], ...]
    """(path, reason) of folders and links that could not be followed."""
    others: int
    """Files with other names: not read."""


def list_images(folders: Sequence[str]) -> Listing:
    """List the images below folders; links are followed, each real folder once.

    Args:
        folders: to look in, the most important first: a file below two of them belongs to the first.

    Raises:
        InputError: one of them does not exist or is no folder.
    """
    walk = _Walk()
    for number, folder in enumerate(folders):
        if not os.path.isdir(folder):
            raise InputError(
                folder, "expected a folder, came " + ("a file." if os.path.exists(folder) else "nothing.")
            )
        walk.enter(folder, number)
    return Listing(
        paths=tuple(walk.paths),
        folder=np.array(walk.folder, dtype=np.int32),
        rejected=tuple(walk.rejected),
        others=walk.others,
    )


class _Walk:
    """A walk that can't go round in circles."""

    def __init__(self) -> None:
        self.paths: list[str] = []
        self.folder: list[int] = []
        self.rejected: list[tuple[str, str]] = []
        self.others = 0
        self._entered: set[tuple[int, int]] = set()
        self._listed: set[str] = set()

    def enter(self, top: str, number: int) -> None:
        """List a folder and those below it, names in order."""
        waiting = [top]
        while waiting:
            folder = waiting.pop()
            try:
                status = os.stat(folder)
                if (status.st_dev, status.st_ino) in self._entered:
                    if os.path.islink(folder):
                        self.rejected.append((folder, "link to a folder that is already listed"))
                    continue
                self._entered.add((status.st_dev, status.st_ino))
                with os.scandir(folder) as entries:
                    inside = sorted(entries, key=lambda entry: entry.name)
            except OSError as error:
                self.rejected.append((folder, (error.strerror or "can't be listed").lower()))
                continue
            below = [entry.path for entry in inside if self._take(entry, number)]
            waiting += reversed(below)

    def _take(self, entry: os.DirEntry[str], number: int) -> bool:
        """Keep a file; say whether it is a folder to enter."""
        try:
            if entry.is_dir():
                return True
        except OSError as error:  # a link that leads to itself
            self.rejected.append((entry.path, (error.strerror or "can't be read").lower()))
            return False
        if os.path.splitext(entry.name)[1].lstrip(".").lower() not in EXTENSIONS:
            self.others += 1
            return False
        real = os.path.realpath(entry.path)
        if real not in self._listed:
            self._listed.add(real)
            self.paths.append(entry.path)
            self.folder.append(number)
        return False


def readable(path: str) -> str:
    """A path as text that every file format takes: bytes that are no UTF-8 become escapes."""
    return path.encode("utf-8", "backslashreplace").decode()
