"""Headers of safetensors and NumPy files, read without their data."""

from __future__ import annotations

import json
import math
import struct
import warnings
from typing import IO, Any

import numpy as np

from audit.file_security.streams import Bounded, CutShortError
from audit.file_security.verdicts import Contents, Tensors

HEADER_LIMIT = 100_000_000
"""Bytes; the limit of the safetensors library."""
LARGEST = 5
BYTES = {"F64": 8, "F32": 4, "F16": 2, "BF16": 2, "I64": 8, "I32": 4, "I16": 2, "I8": 1, "U8": 1, "BOOL": 1}
BYTES |= {"U64": 8, "U32": 4, "U16": 2, "F8_E4M3": 1, "F8_E5M2": 1, "C64": 8}
NPY = b"\x93NUMPY"


def looks_like_safetensors(head: bytes, size: int) -> bool:
    """Whether a file opens with the length of a JSON header that fits into it.

    Args:
        head: the first nine bytes or more.
        size: of the file.
    """
    if len(head) < 9 or head[8:9] != b"{":
        return False
    (length,) = struct.unpack("<Q", head[:8])
    return 2 <= int(length) <= HEADER_LIMIT


def read_safetensors(stream: Bounded, into: Contents) -> None:
    """Names, types and shapes; every tensor's bytes must lie in the file, and the file end with the last.

    Source:
        The format's description in the safetensors library, version 0.4 and later.
    """
    (length,) = struct.unpack("<Q", stream.read(8))
    into.format = "safetensors"
    try:
        header = json.loads(stream.read(length))
        metadata = header.pop("__metadata__", None) or {}
        held = [(str(name), *_entry(one)) for name, one in header.items()]
    except CutShortError as fault:
        into.doubts.append(f"the file is cut short: {fault}")
        return
    except (ValueError, TypeError, KeyError, AttributeError, RecursionError) as fault:
        into.doubts.append(
            f"the header is not that of a safetensors file: {type(fault).__name__}: {fault}"[:200]
        )
        return
    into.doubts += _misfits(held, stream.left)
    if isinstance(metadata, dict):
        into.licence = str(metadata.get("license", metadata.get("licence", "")))
    into.tensors = summary([(name, dtype, shape) for name, dtype, shape, _, _ in held])


def _entry(one: Any) -> tuple[str, tuple[int, ...], int, int]:
    first, last = (int(place) for place in one["data_offsets"])
    return str(one["dtype"]), tuple(int(side) for side in one["shape"]), first, last


def _misfits(held: list[tuple[str, str, tuple[int, ...], int, int]], left: int) -> list[str]:
    """What is wrong with the places of the tensors."""
    wrong = []
    at = 0
    for name, dtype, shape, first, last in sorted(held, key=lambda one: one[3:]):
        bytes_of = BYTES.get(dtype)
        if bytes_of is not None and last - first != math.prod(shape) * bytes_of:
            wrong.append(f"tensor {name!r}: {last - first} bytes for {dtype} {list(shape)}")
        elif first != at or min(shape, default=0) < 0:
            wrong.append(f"tensor {name!r} does not begin where the one before it ends")
        at = last
        if len(wrong) == LARGEST:
            break
    if not wrong and at != left:
        wrong.append(
            f"the file is cut short: its tensors take {at} bytes, and {left} are there"
            if at > left
            else f"{left - at} bytes follow the last tensor"
        )
    return wrong


def summary(held: list[tuple[str, str, tuple[int, ...]]]) -> Tensors:
    """Counts over (name, type, shape)."""
    dtypes: dict[str, int] = {}
    for _, dtype, shape in held:
        dtypes[dtype] = dtypes.get(dtype, 0) + math.prod(shape)
    largest = sorted(held, key=lambda one: (-math.prod(one[2]), one[0]))[:LARGEST]
    return Tensors(
        count=len(held),
        parameters=sum(dtypes.values()),
        dtypes=dict(sorted(dtypes.items())),
        largest=tuple(largest),
    )


def read_npy(source: IO[bytes]) -> tuple[str, tuple[int, ...], bool]:
    """Type and shape of a NumPy array's file, and whether a pickle of objects follows its header.

    Args:
        source: at the file's first byte; is left behind the header.

    Raises:
        ValueError: the header is malformed.
    """
    version = np.lib.format.read_magic(source)
    read = np.lib.format.read_array_header_1_0 if version == (1, 0) else np.lib.format.read_array_header_2_0
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")
        shape, _, dtype = read(source)
    return str(dtype), tuple(int(side) for side in shape), bool(dtype.hasobject)
