"""One model file: what it is, what it holds, and what loading it would execute."""

from __future__ import annotations

import bz2
import gzip
import lzma
import os
import stat
import zipfile
import zlib
from collections.abc import Callable, Mapping
from pathlib import Path
from typing import IO

from audit.errors import InputError
from audit.file_security.archives import ZIP, Archive
from audit.file_security.card import licence_beside
from audit.file_security.pickles import read_pickles, starts_pickle
from audit.file_security.streams import Bounded, CutShortError, TooMuchError, expanded
from audit.file_security.tensors import NPY, looks_like_safetensors, read_npy, read_safetensors, summary
from audit.file_security.verdicts import Contents, Inspection
from audit.store.hashes import hash_file

EXPANDED_BYTES = 1 << 29
"""Of a compressed pickle: it is read in memory."""
UNREAD: Mapping[bytes, str] = {
    b"\x89HDF\r\n\x1a\n": "HDF5 (Keras may keep Python bytecode of Lambda layers in it)",
    b"GGUF": "GGUF",
    b"\x04\x22\x4d\x18": "LZ4, as joblib writes it",
    b"7z\xbc\xaf\x27\x1c": "7z archive",
}
"""First bytes of forms that are known and not read."""
UNREAD_ENDINGS: Mapping[str, str] = {".onnx": "ONNX", ".pb": "TensorFlow graph", ".tflite": "TensorFlow Lite"}
OTHER: Mapping[bytes, str] = {
    b"\xff\xd8\xff": "a JPEG picture",
    b"\x89PNG": "a PNG picture",
    b"GIF8": "a GIF picture",
    b"%PDF": "a PDF",
    b"PAR1": "a Parquet table",
    b"\x7fELF": "a program",
    b"MZ": "a program",
    b"#!": "a script",
}
KNOWN = (
    "safetensors, PyTorch (zip and old form), pickle, joblib, NumPy npy and npz, and zip archives of these"
)


def inspect_file(path: Path) -> Inspection:
    """Inspect a file; nothing in it is loaded or executed.

    Args:
        path: a model file.

    Raises:
        InputError: no such file, a folder, a device, an empty file, or a file of another kind.
    """
    size = _size(path)
    with path.open("rb") as file:
        head = file.read(512)
        held = Contents()
        _read(file, head, size, path, held)
    beside = licence_beside(path)
    licence = f"{held.licence} (in the file)" if held.licence else beside
    return Inspection(
        path=str(path),
        size=size,
        sha256=hash_file(path),
        licence=licence,
        verdict=held.verdict(),
        contents=held,
    )


def _size(path: Path) -> int:
    """Size of a regular file that is not empty."""
    try:
        facts = path.stat()
    except FileNotFoundError:
        raise InputError(str(path), "there is no such file.") from None
    except OSError as fault:
        raise InputError(str(path), f"can't be read: {fault.strerror}.") from None
    if stat.S_ISDIR(facts.st_mode):
        files = sorted(
            one.name for one in path.iterdir() if one.suffix in (".safetensors", ".pt", ".pth", ".bin")
        )
        remedy = f"Name one file in it, such as {files[0]}." if files else "Name a file."
        raise InputError(str(path), "is a folder.", remedy)
    if not stat.S_ISREG(facts.st_mode):
        raise InputError(str(path), "is a device, a pipe or a socket, no file.")
    if not facts.st_size:
        raise InputError(str(path), "is empty.")
    if not os.access(path, os.R_OK):
        raise InputError(str(path), "can't be read: permission denied.")
    return facts.st_size


def _read(file: IO[bytes], head: bytes, size: int, path: Path, held: Contents) -> None:
    """Choose by the first bytes, as loaders do; the ending decides only where those leave it open."""
    file.seek(0)
    if head.startswith(ZIP):
        archive = Archive(held)
        archive.read(file)
        if not archive.known and not held.doubts:
            raise InputError(str(path), "is a zip archive without a model's files.", f"Known: {KNOWN}.")
        return
    if starts_pickle(head):
        held.format = "pickle"
        _pickle(file, size, held)
        return
    if looks_like_safetensors(head, size):
        read_safetensors(Bounded(file, size), held)
        return
    if head.startswith(NPY):
        _array(file, size, held)
        return
    opener = _compression(head)
    if opener is not None:
        _compressed(opener(file), head, held)
        return
    _other(file, head, size, path, held)


def _pickle(file: IO[bytes], size: int, held: Contents) -> bool:
    """A pickle, and an archive behind it: a loader may take either."""
    found = read_pickles(Bounded(file, size), "", held)
    if any("before 1.6" in note for note in held.notes):
        held.format = "PyTorch (old form)"
    elif any(one.module.startswith("joblib.") for one in held.names):
        held.format = "joblib"
        held.doubts.append(
            "joblib: the arrays' bytes stand between the opcodes; what follows the first is not read"
        )
    if found and zipfile.is_zipfile(file):
        held.notes.append("a zip archive stands behind the pickle; both were read")
        Archive(held).read(file)
        held.format = "pickle, then a zip archive"
    return found


def _array(file: IO[bytes], size: int, held: Contents) -> None:
    held.format = "NumPy array (npy)"
    try:
        dtype, shape, pickled = read_npy(file)
    except (ValueError, EOFError) as fault:
        held.doubts.append(f"the header is malformed: {fault}"[:200])
        return
    held.tensors = summary([("array", dtype, shape)])
    if pickled:
        read_pickles(Bounded(file, size - file.tell()), "", held)


def _compression(head: bytes) -> Callable[[IO[bytes]], IO[bytes]] | None:
    """What opens a compressed stream; None for other bytes."""
    if head.startswith(b"\x1f\x8b"):
        return lambda file: gzip.GzipFile(fileobj=file)  # type: ignore[return-value]
    if head.startswith(b"BZh"):
        return lambda file: bz2.BZ2File(file)
    if head.startswith((b"\xfd7zXZ\x00", b"\x5d\x00\x00")):
        return lambda file: lzma.LZMAFile(file)
    if head[:1] == b"\x78" and len(head) > 1 and (head[0] * 256 + head[1]) % 31 == 0:
        return _Zlib  # type: ignore[return-value]
    return None


class _Zlib:
    """A zlib stream as a file, as joblib writes it."""

    def __init__(self, file: IO[bytes]) -> None:
        self._file = file

    def read(self, n: int) -> bytes:
        """At most n bytes of the expanded stream, from its start."""
        return zlib.decompressobj().decompress(self._file.read(n), n)


def _compressed(source: IO[bytes], head: bytes, held: Contents) -> None:
    held.format = "compressed pickle (joblib)"
    try:
        inside = expanded(source, EXPANDED_BYTES)
    except (CutShortError, TooMuchError) as fault:
        held.doubts.append(str(fault))
        return
    size = inside.getbuffer().nbytes
    if not _pickle(inside, size, held):
        held.doubts.append("compressed data that are no pickle; unpack the file and inspect what is in it")
    held.format = f"compressed {held.format}"


def _other(file: IO[bytes], head: bytes, size: int, path: Path, held: Contents) -> None:
    """Forms that are known and not read, pickles of protocols 0 and 1, and files that are no models."""
    known = [name for magic, name in UNREAD.items() if head.startswith(magic)]
    known += ["tar archive"] if head[257:262] == b"ustar" else []
    for magic, name in OTHER.items():
        if head.startswith(magic):
            raise InputError(str(path), f"is {name}, no model file.", f"Known: {KNOWN}.")
    if not known:
        file.seek(0)
        held.format = "pickle (protocol 0 or 1)"
        if _pickle(file, size, held):
            return
        ending = path.suffix.lower()
        if ending not in UNREAD_ENDINGS:
            raise InputError(str(path), "is no model file of a known form.", f"Known: {KNOWN}.")
        known = [UNREAD_ENDINGS[ending]]
    held.format = known[0]
    held.doubts.append(f"{known[0]}: this form is recognised and not read")
