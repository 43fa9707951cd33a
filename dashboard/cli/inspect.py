"""`plumbline inspect`: what a model file would execute when it is loaded, without loading it."""

from __future__ import annotations

import argparse
import json
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from audit.file_security.verdicts import Inspection, Named

NAMES_SHOWN = 40
"""Imported names that are printed; the rest is counted, and all are in the JSON."""


def add(subparsers: argparse._SubParsersAction[argparse.ArgumentParser]) -> None:
    """Add the command.

    Args:
        subparsers: of the main parser.
    """
    parser = subparsers.add_parser(
        "inspect",
        help="say what a model file could do when it is loaded",
        description="Say what a model file is, what it holds, and which code it would run when it is loaded. "
        "Nothing is loaded. Exit code 0 where loading runs no code but that of tensors; 1 where it would run "
        "code, or where that can't be told.",
    )
    parser.add_argument("file", metavar="FILE", type=Path, help="a checkpoint or another model file")
    parser.add_argument("--json", action="store_true", help="as JSON, for other programs")
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print what was found.

    Returns:
        0 where the file can be loaded without running foreign code, else 1.
    """
    from audit.file_security.inspect_file import inspect_file
    from audit.file_security.verdicts import Verdict

    found = inspect_file(arguments.file)
    if arguments.json:
        print(json.dumps(found.as_json(), indent=2))
    else:
        print("\n".join(_lines(found)))
    return 0 if found.verdict in (Verdict.NO_CODE, Verdict.TENSORS) else 1


def _lines(found: Inspection) -> list[str]:
    held = found.contents
    lines = [
        _safe(found.path),
        f"  format    {held.format}",
        f"  size      {found.size:,} bytes",
        f"  SHA-256   {found.sha256}",
        f"  licence   {_safe(found.licence) or 'none found in the file or beside it'}",
    ]
    if held.tensors is not None:
        of = ", ".join(f"{dtype} {count:,}" for dtype, count in held.tensors.dtypes.items())
        lines.append(
            f"  tensors   {held.tensors.count:,} with {held.tensors.parameters:,} numbers ({_safe(of)})"
        )
        lines += [
            f"            {_safe(name)} {_safe(dtype)} {list(shape)}"
            for name, dtype, shape in held.tensors.largest
        ]
    if held.pickles:
        opcodes = ", ".join(f"{name} {times:,}" for name, times in sorted(held.opcodes.items()))
        lines.append(
            f"  pickles   {held.pickles:,}; opcodes that import, call or set state: {opcodes or 'none'}"
        )
    lines += [f"  import    {_named(one)}" for one in _worst_first(held.names)[:NAMES_SHOWN]]
    if len(held.names) > NAMES_SHOWN:
        lines.append(f"            and {len(held.names) - NAMES_SHOWN:,} more; --json lists all")
    lines += [f"  note      {_safe(note)}" for note in held.notes]
    lines += [f"  doubt     {_safe(doubt)}" for doubt in held.doubts]
    return [*lines, f"verdict: {_verdict(found)}"]


def _worst_first(names: list[Named]) -> list[Named]:
    order = ("code", "unknown", "tensor")
    return sorted(names, key=lambda one: order.index(one.kind.value))


def _named(one: Named) -> str:
    words = {"code": "RUNS CODE", "unknown": "not known", "tensor": "tensors"}[one.kind.value]
    where = f"{one.member}, byte {one.offset}" if one.member else f"byte {one.offset}"
    called = "called" if one.called else "not called"
    times = f", {one.times:,} times" if one.times > 1 else ""
    return _safe(f"{one.module}.{one.name} [{words}] {'/'.join(one.opcodes)}, {called}{times} ({where})")


def _verdict(found: Inspection) -> str:
    from audit.file_security.names import Kind
    from audit.file_security.verdicts import Verdict

    held = found.contents
    if found.verdict is Verdict.CODE:
        names = dict.fromkeys(f"{one.module}.{one.name}" for one in held.names if one.kind is Kind.CODE)
        return _safe(f"it holds code that would run when loaded: {', '.join(names)}. Do not load it.")
    if found.verdict is Verdict.UNKNOWN:
        names = dict.fromkeys(f"{one.module}.{one.name}" for one in held.names if one.kind is Kind.UNKNOWN)
        why = f" It imports {', '.join(list(names)[:5])}, whose code would run." if names else ""
        return _safe(
            f"unknown: it can't be told what loading it would run.{why} Load it only if you trust its origin."
        )
    if found.verdict is Verdict.TENSORS:
        return "a pickle that names only tensors' own classes. Safetensors can't hold code at all."
    return "a form that can't hold code."


def _safe(words: str) -> str:
    """Text of a hostile file for a terminal: control characters are shown, not obeyed."""
    return "".join(c if c.isprintable() else repr(c)[1:-1] for c in words)
