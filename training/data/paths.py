"""Finding things in a data folder: CSV files, columns by their synonyms, splits in paths."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from pathlib import Path, PurePosixPath

from audit.errors import InputError
from training.data.image_files import walk
from training.data.records import SPLIT_WORDS, UNSPLIT, split_code


def require_folder(root: Path, what: str) -> None:
    """Refuse what is no folder, or an empty one.

    Raises:
        InputError: says what was expected.
    """
    if not root.exists():
        raise InputError(str(root), f"there is no such folder; a folder of {what} was expected.")
    if not root.is_dir():
        raise InputError(str(root), f"is a file; a folder of {what} was expected.")
    if next(root.iterdir(), None) is None:
        raise InputError(str(root), f"the folder is empty; {what} were expected in it.")


def csv_files(root: Path, start: str = "") -> list[Path]:
    """CSV files below a folder, plain or gzipped, whose names start so; files of Plumbline's own left out."""
    own = ("rejected.csv", "planted.csv")
    return [
        path
        for path, why in walk(root)
        if not why
        and path.name.lower().endswith((".csv", ".csv.gz"))
        and path.name.startswith(start)
        and path.name not in own
    ]


def column_for(
    key: str, header: Sequence[str], synonyms: Mapping[str, Sequence[str]], columns: Mapping[str, str]
) -> str | None:
    """Column that plays a role: the one named by the person, else the first synonym present, case ignored."""
    if key in columns:
        return columns[key] if columns[key] in header else None
    lower = {name.lower(): name for name in reversed(header)}
    return next((lower[s] for s in synonyms[key] if s in lower), None)


def image_problem(cell: str, root: Path) -> str:
    """Why a path in a table can't be followed; empty where it can."""
    if not cell:
        return "no file is named"
    path = PurePosixPath(cell.replace("\\", "/"))
    if path.is_absolute() or ".." in path.parts or "\0" in cell:
        return "the path leaves the data folder"
    try:
        return "" if (root / path).is_file() else "no such file"
    except OSError as error:
        return f"can't be opened: {error.strerror}"


def split_in_path(name: str) -> int:
    """Split named by one of the folders above a file, or -1."""
    for part in PurePosixPath(name).parts[:-1]:
        if part.lower() in SPLIT_WORDS:
            return split_code(part) or 0
    return UNSPLIT


def same_case(what: str, cells: Sequence[str]) -> tuple[list[str], list[str]]:
    """Join values that differ by case or outer space only into the spelling that is most frequent.

    Returns:
        The values, and a remark where two spellings were joined.
    """
    counts: dict[str, int] = {}
    for cell in cells:
        counts[cell] = counts.get(cell, 0) + 1
    best: dict[str, str] = {}
    for cell in sorted(counts, key=lambda c: (-counts[c], c)):
        best.setdefault(cell.strip().lower(), cell.strip())
    joined = sorted(c for c in counts if best[c.strip().lower()] != c)
    note = [f"{what}: spellings joined: {', '.join(map(repr, joined))[:200]}"] if joined else []
    return [best[c.strip().lower()] for c in cells], note
