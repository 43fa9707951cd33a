"""What an inspection says of a file: plain data, no words for people beyond the notes."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from enum import StrEnum
from typing import Any

from audit.file_security.names import Kind


class Verdict(StrEnum):
    """Whether loading the file would run code, worst first."""

    CODE = "code"
    UNKNOWN = "unknown"
    TENSORS = "tensors"
    """A pickle that imports the classes of tensors, arrays and plain containers alone."""
    NO_CODE = "no_code"
    """A format that can't hold code."""


@dataclass(frozen=True, kw_only=True)
class Named:
    """A name that a pickle inside the file imports."""

    module: str
    name: str
    kind: Kind
    opcodes: tuple[str, ...]
    """Of the imports: GLOBAL, STACK_GLOBAL, INST or EXT."""
    called: bool
    times: int
    member: str
    """File inside the archive, or empty."""
    offset: int
    """Of the first import, in bytes of the (expanded) member."""


@dataclass(frozen=True, kw_only=True)
class Tensors:
    """What a safetensors or NumPy file holds."""

    count: int
    parameters: int
    """Sum over tensors of the product of the shape."""
    dtypes: Mapping[str, int]
    """Type -> parameters of it."""
    largest: tuple[tuple[str, str, tuple[int, ...]], ...]
    """(name, type, shape) of those with the most parameters."""


@dataclass(kw_only=True)
class Contents:
    """What was found while a file is read; parts of an archive add to the same one."""

    format: str = ""
    names: list[Named] = field(default_factory=list)
    opcodes: dict[str, int] = field(default_factory=dict)
    pickles: int = 0
    tensors: Tensors | None = None
    doubts: list[str] = field(default_factory=list)
    """Why the verdict can't be better than unknown."""
    notes: list[str] = field(default_factory=list)
    """What is worth knowing and changes nothing."""
    licence: str = ""
    """From the file's own metadata."""

    def verdict(self) -> Verdict:
        """The worst of what was found."""
        kinds = {name.kind for name in self.names}
        if Kind.CODE in kinds:
            return Verdict.CODE
        if self.doubts or Kind.UNKNOWN in kinds:
            return Verdict.UNKNOWN
        return Verdict.TENSORS if self.pickles else Verdict.NO_CODE


@dataclass(frozen=True, kw_only=True)
class Inspection:
    """A file, inspected."""

    path: str
    size: int
    """Bytes."""
    sha256: str
    licence: str
    """With the file it was read from; empty where none was found."""
    verdict: Verdict
    contents: Contents

    def as_json(self) -> dict[str, Any]:
        """Plain JSON values."""
        held = self.contents
        tensors = held.tensors
        return {
            "path": self.path,
            "format": held.format,
            "size": self.size,
            "sha256": self.sha256,
            "licence": self.licence,
            "verdict": self.verdict.value,
            "names": [
                {
                    "name": f"{one.module}.{one.name}",
                    "kind": one.kind.value,
                    "opcodes": list(one.opcodes),
                    "called": one.called,
                    "times": one.times,
                    "member": one.member,
                    "offset": one.offset,
                }
                for one in held.names
            ],
            "pickles": held.pickles,
            "opcodes": dict(sorted(held.opcodes.items())),
            "tensors": None
            if tensors is None
            else {
                "count": tensors.count,
                "parameters": tensors.parameters,
                "dtypes": dict(tensors.dtypes),
                "largest": [
                    {"name": name, "dtype": dtype, "shape": list(shape)}
                    for name, dtype, shape in tensors.largest
                ],
            },
            "doubts": list(held.doubts),
            "notes": list(held.notes),
        }
