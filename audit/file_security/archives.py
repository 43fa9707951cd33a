"""Zip archives: PyTorch's form since 1.6, NumPy's npz, and archives inside archives."""

from __future__ import annotations

import io
import re
import zipfile
from typing import IO

from audit.file_security.pickles import read_pickles, starts_pickle
from audit.file_security.streams import BROKEN, Bounded, CutShortError, TooMuchError, expanded
from audit.file_security.tensors import NPY, read_npy, summary
from audit.file_security.verdicts import Contents

ZIP = b"PK\x03\x04"
MOST_MEMBERS = 100_000
MOST_BYTES = 1 << 30
"""Expanded bytes of all members that are read, together."""
NESTED_BYTES = 1 << 28
"""Of one archive inside an archive: it is read in memory."""
DEEPEST = 3
BOMB_RATIO, BOMB_BYTES = 200, 1 << 26
PICKLE_ENDINGS = (".pkl", ".pickle", ".bin", ".pt", ".pth", ".joblib", ".ckpt", ".dill")
_STORAGE = re.compile(r"(?P<root>.*/)?data/\d+\Z")


class Archive:
    """Reads an archive and those inside it, within one allowance of bytes."""

    def __init__(self, into: Contents) -> None:
        self.into = into
        self.left = MOST_BYTES
        self.arrays: list[tuple[str, str, tuple[int, ...]]] = []
        self.known = 0
        """Members that belong to models."""

    def read(self, source: IO[bytes], prefix: str = "", depth: int = 1) -> None:
        """Add what an archive holds.

        Args:
            source: a seekable stream.
            prefix: name of this archive inside another, or empty.
            depth: of the nesting.
        """
        try:
            with zipfile.ZipFile(source) as archive:
                self._members(archive, prefix, depth)
        except (*BROKEN, ValueError) as fault:
            self._doubt(prefix, f"the archive can't be read: {fault}")
        if depth == 1 and self.arrays:
            self.into.tensors = summary(self.arrays)

    def _members(self, archive: zipfile.ZipFile, prefix: str, depth: int) -> None:
        members = archive.infolist()
        if len(members) > MOST_MEMBERS:
            self._doubt(prefix, f"it holds {len(members):,} files; the first {MOST_MEMBERS:,} were read")
        names = {member.filename for member in members}
        self._say_format(names, depth)
        for member in members[:MOST_MEMBERS]:
            storage = _STORAGE.match(member.filename)
            if member.is_dir() or (storage and f"{storage['root'] or ''}data.pkl" in names):
                continue
            place = prefix + member.filename
            try:
                self._member(archive, member, place, depth)
            except (*BROKEN, CutShortError, TooMuchError, ValueError) as fault:
                self._doubt(place, str(fault))

    def _say_format(self, names: set[str], depth: int) -> None:
        ends = {name.rpartition("/")[2] for name in names}
        script = "constants.pkl" in ends and any("code/" in name for name in names)
        if script:
            self.into.doubts.append("TorchScript: code in its own language runs when the model is called")
        if depth > 1:
            return
        if script:
            self.into.format = "TorchScript (zip)"
        elif "data.pkl" in ends:
            self.into.format = "PyTorch (zip)"
        elif names and all(name.endswith(".npy") for name in names):
            self.into.format = "NumPy archive (npz)"
        else:
            self.into.format = "zip archive"

    def _member(self, archive: zipfile.ZipFile, member: zipfile.ZipInfo, place: str, depth: int) -> None:
        if member.flag_bits & 1:
            raise ValueError("it is encrypted and can't be read")
        with archive.open(member) as opened:
            head = opened.read(16)
        nested, array = head.startswith(ZIP), head.startswith(NPY)
        named = place.lower().endswith(PICKLE_ENDINGS)
        if not (nested or array or named or starts_pickle(head)):
            if place.lower().endswith(".safetensors"):
                self.known += 1
                self.into.notes.append(
                    f"{place}: safetensors inside an archive; unpack it to list its tensors"
                )
            return
        self.known += 1
        if member.file_size > BOMB_BYTES and member.file_size > BOMB_RATIO * max(member.compress_size, 1):
            ratio = member.file_size // max(member.compress_size, 1)
            raise TooMuchError(
                f"it expands {ratio:,} times, to {member.file_size:,} bytes: a compression bomb"
            )
        with archive.open(member) as opened:
            if nested:
                self._nested(opened, place, depth)
            elif array:
                self._array(opened, member, place)
            else:
                self._spend(member.file_size)
                read_pickles(Bounded(opened, member.file_size), place, self.into)

    def _nested(self, opened: IO[bytes], place: str, depth: int) -> None:
        if depth == DEEPEST:
            raise TooMuchError(f"an archive inside {DEEPEST} archives is not read")
        held: io.BytesIO = expanded(opened, min(NESTED_BYTES, self.left))
        self._spend(held.getbuffer().nbytes)
        self.read(held, f"{place}!", depth + 1)

    def _array(self, opened: IO[bytes], member: zipfile.ZipInfo, place: str) -> None:
        dtype, shape, pickled = read_npy(opened)
        self.arrays.append((place.removesuffix(".npy"), dtype, shape))
        if pickled:
            self._spend(member.file_size)
            read_pickles(Bounded(opened, member.file_size), place, self.into)

    def _spend(self, size: int) -> None:
        if size > self.left:
            raise TooMuchError(
                f"with it more than {MOST_BYTES >> 20} MiB of the archive would be read; it was not read"
            )
        self.left -= size

    def _doubt(self, place: str, why: str) -> None:
        self.into.doubts.append(f"{place}: {why}" if place else why)
