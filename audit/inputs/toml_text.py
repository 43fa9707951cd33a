"""The text of a settings file, or an error that says what was wrong with the file."""

from __future__ import annotations

from pathlib import Path

from audit.errors import SpecError


def toml_text(path: Path, printed_by: str) -> str:
    """Read a file as UTF-8.

    Args:
        path: the file.
        printed_by: the command that prints one to start from.

    Raises:
        SpecError: there is no such file, it is a folder, or it is not UTF-8.
    """
    try:
        return path.read_text(encoding="utf-8-sig")
    except FileNotFoundError as error:
        raise SpecError(
            str(path), "there is no such file.", f"`{printed_by}` prints one to start from."
        ) from error
    except IsADirectoryError as error:
        raise SpecError(str(path), "expected a file, came a folder.") from error
    except UnicodeDecodeError as error:
        raise SpecError(
            path.name, f"expected UTF-8, came byte 0x{error.object[error.start]:02x} at byte {error.start:,}."
        ) from error
