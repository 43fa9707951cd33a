"""A predictions file on disk: found, its kind known, its bytes read once for hash, encoding and quotes."""

from __future__ import annotations

import codecs
import difflib
import gzip
import hashlib
import io
import zlib
from collections.abc import Iterator
from dataclasses import dataclass
from enum import StrEnum
from pathlib import Path
from typing import Any, BinaryIO

from audit.errors import InputError

BLOCK = 1 << 23
UTF16 = (codecs.BOM_UTF16_LE, codecs.BOM_UTF16_BE)
SAVE_AS = "Save it as CSV, Parquet or JSON Lines."


class Kind(StrEnum):
    """Format of a predictions file."""

    CSV = "CSV"
    PARQUET = "Parquet"
    JSONL = "JSON Lines"


SUFFIXES = {
    ".csv": Kind.CSV,
    ".tsv": Kind.CSV,
    ".parquet": Kind.PARQUET,
    ".pq": Kind.PARQUET,
    ".jsonl": Kind.JSONL,
    ".ndjson": Kind.JSONL,
}


@dataclass(frozen=True, kw_only=True)
class PredictionsFile:
    """A file that exists, is not empty and whose name says what it is."""

    path: Path
    kind: Kind
    compressed: bool
    """gzip, as its name says."""

    @property
    def name(self) -> str:
        """What messages call it."""
        return self.path.name

    def open(self) -> BinaryIO:
        """Open for reading, decompressed."""
        return gzip.open(self.path, "rb") if self.compressed else self.path.open("rb")  # type: ignore[return-value]


@dataclass(frozen=True, kw_only=True)
class Survey:
    """What one pass over the bytes told."""

    sha256: str
    """Of the file as it lies on disk."""
    quotes: int = 0
    """Double quotes in the (decompressed) file."""
    line_ends: int = 0
    """Line feeds in the (decompressed) file, one added where the last line has none."""


def find(path: Path) -> PredictionsFile:
    """Check that a path is a predictions file.

    Raises:
        InputError: it is missing, a folder, empty or of another kind.
    """
    if path.is_dir():
        inside = [child.name for child in sorted(path.iterdir()) if _kind(child) is not None]
        raise InputError(
            str(path), "expected a file, came a folder.", f"Name one of its files: {_listed(inside)}."
        )
    if not path.exists():
        raise InputError(str(path), "there is no such file.", _neighbours(path))
    kind = _kind(path)
    if kind is None:
        raise InputError(
            path.name,
            "expected a name that ends in .csv, .csv.gz, .parquet, .jsonl or .jsonl.gz, "
            f"came {''.join(path.suffixes) or 'no ending'}.",
            SAVE_AS,
        )
    if path.stat().st_size == 0:
        raise InputError(path.name, "the file is empty (0 bytes).")
    found = PredictionsFile(path=path, kind=kind, compressed=path.suffix.lower() == ".gz")
    _check_magic(found)
    return found


def hash_file(path: Path) -> str:
    """SHA-256 of a file, read in blocks."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


def survey(file: PredictionsFile) -> Survey:
    """Read every byte once: hash it and, in text formats, check that it is UTF-8.

    Raises:
        InputError: text that is not UTF-8 (the byte and line are named), or a damaged gzip stream.
    """
    if file.kind is Kind.PARQUET:
        return Survey(sha256=hash_file(file.path))
    digest = hashlib.sha256()
    text = _Utf8(file.name)
    with file.path.open("rb") as raw:
        source: Any = _Hashing(raw, digest)
        if file.compressed:
            source = gzip.GzipFile(fileobj=source, mode="rb")
        try:
            while block := source.read(BLOCK):
                text.take(block)
        except (EOFError, zlib.error, gzip.BadGzipFile) as error:
            raise InputError(
                file.name,
                f"the gzip stream is damaged or cut off ({error}).",
                "Copy or export the file again.",
            ) from error
    text.finish()
    return Survey(sha256=digest.hexdigest(), quotes=text.quotes, line_ends=text.lines + text.open_line)


class _Hashing:
    """A reader that hashes what passes through it."""

    def __init__(self, raw: BinaryIO, digest: Any) -> None:
        self.raw, self.digest = raw, digest

    def read(self, size: int = -1) -> bytes:
        data = self.raw.read(size)
        self.digest.update(data)
        return data


class _Utf8:
    """Checks a stream of blocks for UTF-8 and counts quotes and lines on the way."""

    def __init__(self, name: str) -> None:
        self.name, self.offset, self.lines, self.quotes, self.open_line = name, 0, 0, 0, 0
        self.decoder = codecs.getincrementaldecoder("utf-8")()

    def take(self, block: bytes) -> None:
        if self.offset == 0 and block.startswith(UTF16):
            raise InputError(
                self.name, "expected UTF-8, came UTF-16 (its byte-order mark is at byte 0).", RECODE
            )
        pending = self.decoder.getstate()[0]
        if pending or not block.isascii():
            self._decode(block, pending, final=False)
        self.quotes += block.count(b'"')
        self.lines += block.count(b"\n")
        self.open_line = 0 if block.endswith(b"\n") else 1
        self.offset += len(block)

    def finish(self) -> None:
        pending = self.decoder.getstate()[0]
        if pending:
            self._decode(b"", pending, final=True)

    def _decode(self, block: bytes, pending: bytes, *, final: bool) -> None:
        try:
            self.decoder.decode(block, final)
        except UnicodeDecodeError as error:
            at = self.offset - len(pending) + error.start
            whole = pending + block
            line = self.lines + whole[: error.start].count(b"\n") + 1
            raise InputError(
                self.name,
                f"expected UTF-8, came byte 0x{whole[error.start]:02x} at byte {at:,} (line {line:,}).",
                RECODE,
            ) from error


RECODE = "Save it as UTF-8, e.g. iconv -f latin1 -t utf-8 OLD > NEW (with the encoding that it has)."


def _kind(path: Path) -> Kind | None:
    suffixes = [suffix.lower() for suffix in path.suffixes]
    if not suffixes:
        return None
    if suffixes[-1] == ".gz":
        inner = SUFFIXES.get(suffixes[-2]) if len(suffixes) > 1 else None
        return None if inner is Kind.PARQUET else inner
    return SUFFIXES.get(suffixes[-1])


def _check_magic(file: PredictionsFile) -> None:
    with file.path.open("rb") as raw:
        start = raw.read(4)
    if file.kind is Kind.PARQUET:
        if start != b"PAR1":
            raise InputError(
                file.name, "its name says Parquet and its first bytes do not.", "Rename or export it again."
            )
    elif start == b"PAR1":
        raise InputError(
            file.name, f"its name says {file.kind} and it is a Parquet file.", "Rename it to .parquet."
        )
    elif start[:2] == b"\x1f\x8b" and not file.compressed:
        raise InputError(file.name, f"its name says {file.kind} and it is gzipped.", "Add .gz to its name.")
    elif start[:2] != b"\x1f\x8b" and file.compressed:
        raise InputError(
            file.name, "its name says gzip and its first bytes do not.", "Take .gz off its name."
        )
    elif start == b"PK\x03\x04":
        raise InputError(
            file.name, f"its name says {file.kind} and it is a spreadsheet or zip file.", SAVE_AS
        )


def _neighbours(path: Path) -> str:
    folder = path.parent
    if not folder.is_dir():
        return f"Nor is there a folder {folder}."
    names = [child.name for child in sorted(folder.iterdir()) if _kind(child) is not None]
    close = difflib.get_close_matches(path.name, names, n=3, cutoff=0.5)
    if close:
        return f"Did you mean {' or '.join(close)}?"
    return f"Predictions files in that folder: {_listed(names)}."


def _listed(names: list[str], most: int = 10) -> str:
    if not names:
        return "none"
    more = f" and {len(names) - most} more" if len(names) > most else ""
    return ", ".join(names[:most]) + more


def lines_of_text(file: PredictionsFile) -> Iterator[str]:
    """The lines of a text file that is known to be UTF-8, without its byte-order mark, line ends kept."""
    with file.open() as raw, io.TextIOWrapper(raw, encoding="utf-8-sig", newline="") as text:
        yield from text
