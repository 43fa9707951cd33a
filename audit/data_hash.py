"""One hash for a folder of data: of the names and the bytes of its files, whatever their order on disk."""

from __future__ import annotations

import hashlib
from collections.abc import Iterable, Iterator
from pathlib import Path

from audit.errors import InputError
from audit.protocols import NoProgress, Progress
from audit.store.hashes import hash_file


def hash_data(root: Path, files: Iterable[Path], progress: Progress | None = None) -> str:
    """Hash files by relative name and content.

    Args:
        root: what names are relative to.
        files: regular files below it, in any order.
        progress: told how many are read.

    Returns:
        SHA-256 of the lines ``SHA-256 of the content, two spaces, relative name`` in order of name: what
        ``sha256sum`` prints of them, sorted by name and hashed again.

    Raises:
        InputError: a file can't be read, or there is none.
    """
    progress = progress or NoProgress()
    named = sorted({file.relative_to(root).as_posix(): file for file in files}.items())
    if not named:
        raise InputError(str(root), "holds no file to read.")
    digest = hashlib.sha256()
    for done, (name, file) in enumerate(named, start=1):
        try:
            line = f"{hash_file(file)}  {name}\n"
        except OSError as error:
            raise InputError(str(file), f"can't be read: {error.strerror}.") from error
        digest.update(line.encode("utf-8", "surrogateescape"))
        progress.step("hash the data", done, len(named))
    return digest.hexdigest()


def visible_files(root: Path) -> Iterator[Path]:
    """Regular files below a folder, those whose name or folder starts with a dot left out.

    Args:
        root: a folder; a file stands for itself.
    """
    if root.is_file():
        yield root
        return
    for path in root.rglob("*"):
        if path.is_file() and not any(part.startswith(".") for part in path.relative_to(root).parts):
            yield path
