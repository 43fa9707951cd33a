"""A run as a tagged PDF (PDF/UA-1, PDF/A-3a), made by Typst from JSON: the same run gives the same bytes."""

from __future__ import annotations

import json
import os
import re
import unicodedata
from collections.abc import Callable, Mapping
from datetime import datetime
from pathlib import Path
from typing import Any

import typst

from audit.errors import RunError
from audit.store.comparison import comparison_between
from audit.store.read import open_run, read_manifest, read_times
from reports.attachments import Attachment, attachments
from reports.content import content

TEMPLATE = Path(__file__).parent / "template"
"""report.typ is the frame; it imports the others, one a part of the report."""
STANDARDS = ["ua-1", "a-3a"]
BIDI = frozenset("\u202a\u202b\u202c\u202d\u202e\u2066\u2067\u2068\u2069")
"""Signs that reorder what follows: shown as their code, so that a name can't dress up as another."""
ATTEMPTS = 40
_MISSING = re.compile(r'the text `"(.+?)"` could not be displayed', re.DOTALL)


def write(run: Path, out: Path, compare: Path | None = None, runs_dir: Path | None = None) -> Path:
    """Write a finished run as PDF.

    Args:
        run: the run's folder.
        out: the file to write; an older one is replaced.
        compare: a second run; then a comparison of the two must have been made, whichever is the older.
        runs_dir: folder that holds runs and comparisons; None: the one that holds the run.

    Returns:
        `out`.

    Raises:
        RunError: the run can't be read, or there is no comparison.
    """
    comparison = None if compare is None else _comparison(run, compare, runs_dir or run.resolve().parents[2])
    rendered = render(run, comparison)
    out.parent.mkdir(parents=True, exist_ok=True)
    beside = out.with_name(f"{out.name}.part")
    beside.write_bytes(rendered)
    beside.replace(out)
    return out


def _comparison(run: Path, other: Path, runs_dir: Path) -> Path:
    found = comparison_between(runs_dir, run, other)
    if found is None:
        pair = sorted((run, other), key=lambda folder: read_times(folder).get("started", ""))
        names = [read_manifest(folder)["run_id"] for folder in pair]
        raise RunError(
            f"there is no comparison of {names[0]} and {names[1]} in {runs_dir} yet. "
            f"Make it first, the older version first: plumbline compare {names[0]} {names[1]}"
        )
    return found


def render(folder: Path, comparison: Path | None = None) -> bytes:
    """The PDF of a run as bytes.

    Args:
        folder: the run.
        comparison: folder of a comparison that the run is part of; it becomes a section.

    Raises:
        RunError: one of them can't be read, or the run is a comparison itself.
    """
    run = open_run(folder)
    if "audited" not in run.data:
        raise RunError(
            f"{folder}: this is a comparison. A report is about a run and takes a comparison in: "
            "plumbline report NEW OLD -o report.pdf"
        )
    attached, left = attachments(folder, run, comparison)
    shown = content(folder, run, attached, left, comparison)
    return _compiled(_legible(shown), attached, _moment(folder))


def _moment(folder: Path) -> int:
    """The end of the audit in seconds since 1970: the only time in the PDF, so that it does not change."""
    try:
        return int(datetime.fromisoformat(read_times(folder)["finished"]).timestamp())
    except (KeyError, ValueError):
        return 0


def _compiled(shown: Any, attached: list[Attachment], moment: int) -> bytes:
    """Compile; signs that no bundled font has are replaced by their code points, block by block."""
    fonts = os.environ.get("PLUMBLINE_FONTS", "")
    compiler: Any = typst.compile  # its stub does not know that the input may be files by name
    files = {a.name: a.content for a in attached}
    parts = {path.name: path.read_bytes() for path in TEMPLATE.glob("*.typ")}
    for _ in range(ATTEMPTS):
        try:
            made: bytes = compiler(
                {
                    "main.typ": parts["report.typ"],
                    **parts,
                    "data.json": json.dumps(shown, ensure_ascii=False).encode(),
                    **files,
                },
                format="pdf",
                pdf_standards=STANDARDS,
                ignore_system_fonts=True,
                font_paths=[fonts] if fonts else [],
                timestamp=moment,
            )
            return made
        except typst.TypstError as error:
            missing = _MISSING.search(str(error))
            if missing is None:
                raise
            shown = {**_mapped(shown, _like(missing[1])), "coded": True}
    raise RunError("the report can't be set: too many signs that no font has.")


def _legible(value: Any) -> Any:
    """Control signs, signs for private use and signs that reorder text as their code points."""
    return _mapped(
        value, lambda c: c in BIDI or (c != "\n" and unicodedata.category(c) in ("Cc", "Cs", "Co", "Cn"))
    )


def _like(text: str) -> Callable[[str], bool]:
    """Which signs go with one that has no glyph: those around it, so that few attempts are needed."""
    if text.startswith("\\u{"):
        text = chr(int(text[3:].split("}")[0], 16))
    near = {_block(c) for c in text if not c.isascii()} or {_block(c) for c in text}
    return lambda c: _block(c) in near and (not c.isascii() or c in text)


def _block(sign: str) -> int:
    """256 code points below U+2000, 4096 above: about a script, and never all that a font lacks at once."""
    return ord(sign) >> 8 if ord(sign) < 0x2000 else 0x100 + (ord(sign) >> 12)


def _mapped(value: Any, absent: Callable[[str], bool]) -> Any:
    if isinstance(value, str):
        if value.isascii() and value.isprintable():
            return value
        return "".join(f"⟨U+{ord(c):04X}⟩" if absent(c) else c for c in value)
    if isinstance(value, Mapping):
        return {key: _mapped(item, absent) for key, item in value.items()}
    if isinstance(value, list):
        return [_mapped(item, absent) for item in value]
    return value
