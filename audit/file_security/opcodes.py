"""What one pickle imports and calls, from its opcodes: walked by `pickletools.genops`, never executed.

The stack is followed with strings, imported names and marks alone; every other value is opaque. That is
enough to name what STACK_GLOBAL imports and REDUCE calls, also where strings go through the memo.
"""

from __future__ import annotations

import pickletools
import struct
from collections import Counter
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from audit.file_security.streams import Bounded

MOST_OPCODES = 2_000_000
"""Opcodes read of one file; a state dict of a thousand tensors has some ten thousand."""
LISTED: tuple[str, ...] = (
    "GLOBAL",
    "STACK_GLOBAL",
    "INST",
    "OBJ",
    "REDUCE",
    "NEWOBJ",
    "NEWOBJ_EX",
    "BUILD",
    "EXT1",
    "EXT2",
)
LISTED += ("EXT4", "PERSID", "BINPERSID")
"""Opcodes that import, call, or hand something to the loader; the others only make plain values."""
UNREADABLE = "?"
_OPAQUE, _MARK = object(), object()
_FAULTS = (ValueError, EOFError, OverflowError, IndexError, KeyError, struct.error, UnicodeError)


@dataclass(eq=False, kw_only=True)
class Import:
    """One name that the pickle imports."""

    module: str
    name: str
    """Both `?` where they are put together while loading."""
    opcode: str
    offset: int
    """Byte in the stream."""
    called: bool = False


@dataclass(kw_only=True)
class Walk:
    """What one pickle does when it is loaded."""

    imports: list[Import] = field(default_factory=list)
    opcodes: Counter[str] = field(default_factory=Counter)
    """Of `LISTED`, with how often."""
    read: int = 0
    """Opcodes of every kind."""
    protocol: int | None = None
    computed_calls: int = 0
    """Calls of something that is not an imported name, and states given to an imported name."""
    fault: str = ""
    """Why it could not be read to its end; what comes before it would still be executed."""
    truncated: bool = False
    """More opcodes than are read here."""


def walk(stream: Bounded, most: int = MOST_OPCODES) -> Walk:
    """Read one pickle up to STOP.

    Args:
        stream: at its first byte.
        most: opcodes to read at most.
    """
    found = Walk()
    machine = _Machine(found)
    try:
        for opcode, argument, position in pickletools.genops(stream):  # type: ignore[arg-type]
            found.read += 1
            if found.read > most:
                found.truncated = True
                found.fault = f"it has more than {most:,} opcodes and was not read to its end"
                break
            machine.step(opcode, argument, position or 0)
    except _FAULTS as fault:
        found.fault = f"it can't be read on: {str(fault) or type(fault).__name__}"[:200]
    return found


class _Machine:
    """The stack and the memo, with what matters of them."""

    def __init__(self, found: Walk) -> None:
        self.found = found
        self.stack: list[Any] = []
        self.memo: dict[int, Any] = {}
        self.special: dict[str, Callable[[Any, int], None]] = {
            "PROTO": self._proto,
            "POP": self._drop,
            "DUP": lambda argument, at: self.stack.append(self.stack[-1]),
            "MEMOIZE": lambda argument, at: self._remember(len(self.memo)),
            "STACK_GLOBAL": self._stack_global,
            "INST": self._inst,
            "GLOBAL": lambda argument, at: self._import(argument, "GLOBAL", at),
            "OBJ": self._obj,
            "BUILD": self._build,
            "PERSID": lambda argument, at: self.stack.append(_OPAQUE),
        }
        for name in ("PUT", "BINPUT", "LONG_BINPUT"):
            self.special[name] = lambda argument, at: self._remember(argument)
        for name in ("GET", "BINGET", "LONG_BINGET"):
            self.special[name] = lambda argument, at: self.stack.append(self.memo[argument])
        for name in ("EXT1", "EXT2", "EXT4"):
            self.special[name] = lambda argument, at: self._import(f"{UNREADABLE} {UNREADABLE}", "EXT", at)
        self.special |= {"REDUCE": self._call(2), "NEWOBJ": self._call(2), "NEWOBJ_EX": self._call(3)}

    def step(self, opcode: pickletools.OpcodeInfo, argument: Any, at: int) -> None:
        """Do what an opcode does to the stack."""
        if opcode.name in LISTED:
            self.found.opcodes[opcode.name] += 1
        act = self.special.get(opcode.name)
        if act is not None:
            act(argument, at)
            return
        before = opcode.stack_before
        if pickletools.markobject in before:
            self._to_mark()
            self._pop(before.index(pickletools.markobject))
        else:
            self._pop(len(before))
        for made in opcode.stack_after:
            if made is pickletools.markobject:
                self.stack.append(_MARK)
            else:
                self.stack.append(argument if isinstance(argument, str) else _OPAQUE)

    def _pop(self, count: int) -> list[Any]:
        if count > len(self.stack):
            raise IndexError("an opcode takes more from the stack than is on it")
        taken = self.stack[len(self.stack) - count :]
        del self.stack[len(self.stack) - count :]
        return taken

    def _drop(self, argument: Any, at: int) -> None:
        self._pop(1)

    def _to_mark(self) -> list[Any]:
        above: list[Any] = []
        while True:
            (top,) = self._pop(1)
            if top is _MARK:
                return above[::-1]
            above.append(top)

    def _remember(self, place: int) -> None:
        self.memo[place] = self.stack[-1]

    def _proto(self, argument: int, at: int) -> None:
        self.found.protocol = argument

    def _import(self, path: str, opcode: str, at: int) -> None:
        """Push what "module name" stands for."""
        module, _, name = path.partition(" ")
        made = Import(module=module, name=name, opcode=opcode, offset=at)
        self.found.imports.append(made)
        self.stack.append(made)

    def _stack_global(self, argument: Any, at: int) -> None:
        module, name = self._pop(2)
        if not (isinstance(module, str) and isinstance(name, str)):
            module = name = UNREADABLE
        self._import(f"{module} {name}", "STACK_GLOBAL", at)

    def _inst(self, argument: str, at: int) -> None:
        self._to_mark()
        self._import(argument, "INST", at)
        self._called(self._pop(1)[0])

    def _obj(self, argument: Any, at: int) -> None:
        above = self._to_mark()
        self._called(above[0])

    def _call(self, depth: int) -> Callable[[Any, int], None]:
        """An opcode that calls what lies `depth` below the top."""
        return lambda argument, at: self._called(self._pop(depth)[0])

    def _build(self, argument: Any, at: int) -> None:
        """A state is given to an object; given to an imported name, it changes the installed package."""
        if isinstance(self._pop(2)[0], Import):
            self.found.computed_calls += 1
        self.stack.append(_OPAQUE)

    def _called(self, what: Any) -> None:
        """Mark a name as called, and leave the result."""
        if isinstance(what, Import):
            what.called = True
        else:
            self.found.computed_calls += 1
        self.stack.append(_OPAQUE)
