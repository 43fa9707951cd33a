"""Flags of `plumbline train` behind a `--`, for commands that train many times."""

from __future__ import annotations

import argparse
from collections.abc import Sequence
from typing import Any


def take_train_flags(parser: argparse.ArgumentParser) -> None:
    """Let a command take everything after ``--`` as ``flags``, wherever its own arguments stand.

    A positional argument of any length would be filled, and closed, by the first positional that comes.

    Args:
        parser: of the command.
    """
    own = parser.parse_known_args

    def split(args: Any = None, namespace: Any = None) -> Any:
        words: Sequence[str] = list(args or ())
        at = words.index("--") if "--" in words else len(words)
        found, unknown = own(words[:at], namespace)
        found.flags = list(words[at + 1 :])
        return found, unknown

    parser.parse_known_args = split  # type: ignore[method-assign]
