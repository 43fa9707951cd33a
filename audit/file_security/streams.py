"""Reading hostile bytes: a stream gives no more than the file holds and says where it is cut short."""

from __future__ import annotations

import io
import lzma
import zipfile
import zlib
from typing import IO

LINE_LIMIT = 1 << 16
"""Longest line of a protocol 0 pickle, in bytes; a name or a number is far shorter."""


class CutShortError(ValueError):
    """A length that points past the end of the file, or a line that does not end."""


class TooMuchError(ValueError):
    """More bytes, files or opcodes than are read here: a bomb, or a file too large to be told."""


BROKEN = (
    zipfile.BadZipFile,
    zlib.error,
    lzma.LZMAError,
    OSError,
    EOFError,
    NotImplementedError,
    RuntimeError,
)
"""What decompressors raise for damaged, encrypted or unknown data."""


class Bounded:
    """A binary stream for `pickletools`: asking for more than is there raises instead of allocating."""

    def __init__(self, source: IO[bytes], size: int) -> None:
        """Take a stream at its present place.

        Args:
            source: read forward only, so that a member of a zip archive will do.
            size: bytes that may be read from here on.
        """
        self._source, self._left, self._at = source, size, 0
        self._pushed = b""

    @property
    def left(self) -> int:
        """Bytes not read yet."""
        return self._left

    def tell(self) -> int:
        """Bytes read so far."""
        return self._at

    def peek(self, n: int) -> bytes:
        """The next n bytes, or what is left, without reading them."""
        if len(self._pushed) < n:
            wanted = min(n, self._left) - len(self._pushed)
            self._pushed += self._take(wanted) if wanted > 0 else b""
        return self._pushed[:n]

    def read(self, n: int = -1) -> bytes:
        """Exactly n bytes.

        Raises:
            CutShortError: fewer are left. At the end one byte more is b"", as `pickletools` expects.
        """
        if n < 0 or (n > self._left and n != 1):
            raise CutShortError(f"byte {self._at} announces {n} bytes, but {self._left} are left")
        data = self._pushed[:n]
        self._pushed = self._pushed[n:]
        if len(data) < n and self._left > len(data):
            data += self._take(n - len(data))
        self._count(data)
        return data

    def readline(self) -> bytes:
        """A line with its end.

        Raises:
            CutShortError: it has no end within the limit.
        """
        room = min(LINE_LIMIT, self._left)
        end = self._pushed.find(b"\n")
        if end >= 0:
            data, self._pushed = self._pushed[: end + 1], self._pushed[end + 1 :]
        else:
            try:
                data = self._pushed + self._source.readline(room - len(self._pushed))
            except BROKEN as fault:
                raise CutShortError(f"the data are damaged at byte {self._at}: {fault}") from fault
            self._pushed = b""
        self._count(data)
        if not data.endswith(b"\n"):
            raise CutShortError(f"the line at byte {self._at - len(data)} has no end")
        return data

    def _take(self, n: int) -> bytes:
        try:
            return self._source.read(n)
        except BROKEN as fault:
            raise CutShortError(f"the data are damaged at byte {self._at}: {fault}") from fault

    def _count(self, data: bytes) -> None:
        self._left -= len(data)
        self._at += len(data)


def expanded(source: IO[bytes], limit: int) -> io.BytesIO:
    """All of a compressed stream, in memory.

    Args:
        source: a decompressing file object.
        limit: most bytes taken.

    Raises:
        TooMuchError: it expands to more.
        CutShortError: its data are damaged.
    """
    try:
        data = source.read(limit + 1)
    except BROKEN as fault:
        raise CutShortError(f"the compressed data are damaged: {fault}") from fault
    if len(data) > limit:
        raise TooMuchError(
            f"it expands to more than {limit >> 20} MiB: a compression bomb, or too large to be told"
        )
    return io.BytesIO(data)
