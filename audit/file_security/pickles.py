"""The pickles of one stream: a single one, several in a row, or a PyTorch file of the old form."""

from __future__ import annotations

import re
from dataclasses import replace

from audit.file_security.names import Kind, kind_of
from audit.file_security.opcodes import MOST_OPCODES, UNREADABLE, Walk, walk
from audit.file_security.streams import Bounded
from audit.file_security.verdicts import Contents, Named

LEGACY = b"\x8a\nl\xfc\x9cF\xf9 j\xa8P\x19."
"""The number at the start of a PyTorch file before 1.6; four more pickles follow, then the tensors' bytes."""
LEGACY_PICKLES = 5
MOST_PICKLES = 10_000
_NAME = re.compile(r"[A-Za-z_][\w.]*\Z")


def starts_pickle(head: bytes) -> bool:
    """Whether bytes open with the PROTO opcode of protocols 2 to 5."""
    return len(head) >= 2 and head[0] == 0x80 and 2 <= head[1] <= 5


def read_pickles(stream: Bounded, member: str, into: Contents) -> bool:
    """Add what the stream's pickles import.

    Args:
        stream: at the first pickle.
        member: name inside the archive, or empty.
        into: gets names, opcodes and doubts.

    Returns:
        Whether there was a pickle: a first one that has a PROTO opcode, ends with STOP, or imports by name.
    """
    head = stream.peek(2 + len(LEGACY))
    legacy = LEGACY in head
    left = MOST_OPCODES
    number = 0
    while stream.left and (not legacy or number < LEGACY_PICKLES):
        declared = starts_pickle(stream.peek(2))
        found = walk(stream, left)
        left -= found.read
        if not declared and not _is_one(found, first=number == 0):
            return _leave(number, stream, into)
        number += 1
        _add(found, member, into)
        if found.fault or number == MOST_PICKLES:
            break
    if legacy:
        into.notes.append(f"PyTorch's form before 1.6: {number} pickles, then the tensors' bytes")
        if number < LEGACY_PICKLES:
            into.doubts.append(f"{number} of the {LEGACY_PICKLES} pickles of PyTorch's old form can be read")
    elif number == MOST_PICKLES:
        into.doubts.append(f"it holds {MOST_PICKLES:,} pickles or more; the rest was not read")
    return number > 0


def _leave(number: int, stream: Bounded, into: Contents) -> bool:
    """What follows the last pickle is none."""
    if number:
        into.notes.append(
            f"{'1 pickle is' if number == 1 else f'{number} pickles are'} followed by other bytes"
        )
    return number > 0


def _is_one(found: Walk, first: bool) -> bool:
    """Whether bytes without PROTO are a pickle of protocol 0 or 1, and no text or tensor."""
    named = any(_NAME.match(one.module) and _NAME.match(one.name) for one in found.imports)
    if not found.fault:
        return named or (first and found.read > 1)
    return named


def _add(found: Walk, member: str, into: Contents) -> None:
    into.pickles += 1
    for opcode, times in found.opcodes.items():
        into.opcodes[opcode] = into.opcodes.get(opcode, 0) + times
    place = f"{member}: " if member else ""
    if found.fault:
        into.doubts.append(f"{place}{found.fault}; what comes before would be executed all the same")
    if found.computed_calls:
        into.doubts.append(
            f"{place}{found.computed_calls} calls of an object that has no name in the file, "
            "or states given to an imported name"
        )
    if any(one.module == UNREADABLE for one in found.imports):
        into.doubts.append(f"{place}a name is put together while loading and can't be told")
    known = {(one.module, one.name, one.member): place for place, one in enumerate(into.names)}
    for one in found.imports:
        key = (one.module, one.name, member)
        if key in known:
            old = into.names[known[key]]
            opcodes = tuple(dict.fromkeys((*old.opcodes, one.opcode)))
            into.names[known[key]] = replace(
                old, times=old.times + 1, called=old.called or one.called, opcodes=opcodes
            )
            continue
        known[key] = len(into.names)
        into.names.append(
            Named(
                module=one.module,
                name=one.name,
                kind=Kind.UNKNOWN if one.module == UNREADABLE else kind_of(one.module, one.name),
                opcodes=(one.opcode,),
                called=one.called,
                times=1,
                member=member,
                offset=one.offset,
            )
        )
