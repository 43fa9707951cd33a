"""The licence that stands beside a model file: in the front matter of its card, or a LICENSE file."""

from __future__ import annotations

import re
from pathlib import Path

CARDS = ("README.md", "MODEL_CARD.md", "model_card.md", "card.md")
FILES = ("LICENSE", "LICENSE.txt", "LICENSE.md", "LICENCE", "COPYING")
READ = 1 << 16
_FRONT = re.compile(r"\A---\s*\n(.*?)\n---", re.DOTALL)
_LINE = re.compile(r"^licen[sc]e(?:_name)?:\s*[\"']?([^\"'\n]+)", re.MULTILINE)


def licence_beside(path: Path) -> str:
    """Licence and the file it was read from, or empty.

    Args:
        path: the model file.
    """
    for name in CARDS:
        front = _FRONT.match(_text(path.parent / name))
        line = _LINE.search(front[1]) if front else None
        if line:
            return f"{line[1].strip()} ({name})"
    for name in FILES:
        lines = [line.strip() for line in _text(path.parent / name).splitlines() if line.strip()]
        if lines:
            return f"{lines[0][:80]} ({name})"
    return ""


def _text(path: Path) -> str:
    """The start of a file; empty where there is none that can be read."""
    try:
        if not path.is_file():
            return ""
        with path.open("rb") as file:
            return file.read(READ).decode("utf-8", "replace")
    except OSError:
        return ""
