"""The list of hashes that closes a run, and its check: what is altered, missing or extra."""

from __future__ import annotations

import hashlib
import json
import re
from dataclasses import dataclass
from pathlib import Path, PurePosixPath

from audit.errors import RunError
from audit.store.atomic import write_text
from audit.store.layout import HASHES, RUN, TIMES, id_of, is_finished, is_run

_LINE = re.compile(r"([0-9a-f]{64})  (.+)")


@dataclass(frozen=True, kw_only=True)
class Verdict:
    """What a recomputation of every hash found; paths are relative to the run's folder."""

    finished: bool
    altered: tuple[str, ...] = ()
    missing: tuple[str, ...] = ()
    extra: tuple[str, ...] = ()

    @property
    def intact(self) -> bool:
        """Finished, and every file is as it was written."""
        return self.finished and not (self.altered or self.missing or self.extra)


def hash_file(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def write_hashes(folder: Path) -> None:
    """Close a run: hash every file in it. A run without this list is unfinished."""
    lines = [f"{hash_file(folder / name)}  {name}\n" for name in _files(folder)]
    write_text(folder / HASHES, "".join(lines))


def content_hash(folder: Path) -> str:
    """One hash for all that a run found: equal for equal audits, since times and host are left out.

    Raises:
        RunError: the run is unfinished.
    """
    if not is_finished(folder):
        raise RunError(f"{folder}: the run is unfinished; run the same audit again and it goes on.")
    lines, _ = _listed(folder)
    kept = "".join(f"{digest}  {name}\n" for name, digest in sorted(lines.items()) if name != TIMES)
    return hashlib.sha256(kept.encode()).hexdigest()


def verify(folder: Path) -> Verdict:
    """Recompute every hash of a run.

    Args:
        folder: the run's folder.

    Raises:
        RunError: the folder holds no run.
    """
    if not is_run(folder):
        raise RunError(f"{folder}: there is no run in this folder.")
    if not is_finished(folder):
        return Verdict(finished=False)
    listed, sound = _listed(folder)
    present = set(_files(folder))
    altered = [name for name in listed if name in present and hash_file(folder / name) != listed[name]]
    if not sound:
        altered.append(HASHES)
    if RUN in present and RUN not in altered and not _id_fits(folder / RUN):
        altered.append(RUN)
    return Verdict(
        finished=True,
        altered=tuple(sorted(altered)),
        missing=tuple(sorted(set(listed) - present)),
        extra=tuple(sorted(present - set(listed))),
    )


def _files(folder: Path) -> list[str]:
    """Every file of a run but the list itself, in the order of sha256sum's users: by name."""
    found = (path.relative_to(folder).as_posix() for path in folder.rglob("*") if path.is_file())
    return sorted(name for name in found if name != HASHES)


def _listed(folder: Path) -> tuple[dict[str, str], bool]:
    """Name -> hash as the list has it, and whether the list is as Plumbline writes one."""
    text = (folder / HASHES).read_bytes().decode("utf-8", errors="replace")
    lines: dict[str, str] = {}
    sound = text.endswith("\n")
    for line in text.split("\n")[:-1]:
        match = _LINE.fullmatch(line)
        if match is None or not _is_inside(match[2]):
            sound = False
        else:
            lines[match[2]] = match[1]
    return lines, sound and list(lines) == sorted(lines) and RUN in lines


def _is_inside(name: str) -> bool:
    path = PurePosixPath(name)
    return not path.is_absolute() and ".." not in path.parts


def _id_fits(path: Path) -> bool:
    """Whether a run.json carries the id that its own hashes give."""
    try:
        manifest = json.loads(path.read_text(encoding="utf-8"))
        return bool(manifest["run_id"] == id_of(manifest))
    except (ValueError, KeyError, TypeError):
        return False
