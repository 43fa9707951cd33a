"""`plumbline policy`: a commented example, or a check of a policy file."""

from __future__ import annotations

import argparse
from pathlib import Path
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from dashboard.cli.arguments import Subparsers


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "policy",
        help="print a commented policy, or check one",
        description="A policy (policy.toml) says by what metrics, margins and slices versions are judged.",
    )
    which = parser.add_mutually_exclusive_group(required=True)
    which.add_argument("--example", action="store_true", help="print a commented policy.toml")
    which.add_argument(
        "file", nargs="?", type=Path, metavar="FILE", help="check this policy and print what it resolves to"
    )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Print one or the other."""
    from audit.inputs.policy_file import example, read_policy

    if arguments.example:
        print(example(), end="")
        return 0
    import json

    print(json.dumps(read_policy(arguments.file).as_json(), indent=1, ensure_ascii=False))
    return 0
