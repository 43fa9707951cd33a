"""Entry point of `plumbline`: parses words, imports the command asked for, turns errors into exit codes."""

from __future__ import annotations

import importlib
import os
import sys
from collections.abc import Sequence
from importlib.machinery import PathFinder
from pathlib import Path
from typing import Any

from audit.errors import PlumblineError
from dashboard.cli.arguments import Parser

COMMANDS = (
    ("demo", "synthesise data with planted faults, audit two versions, say how to browse"),
    ("audit", "audit predictions, or a model on its data, into a run"),
    ("runs", "list the runs"),
    ("report", "write a run as PDF"),
    ("card", "write a model card"),
    ("dashboard", "browse the runs in a web browser on this machine"),
    ("compare", "compare runs of two or more versions"),
    ("verify", "recompute a run's hashes: what is altered, missing or extra"),
    ("spec", "print a commented spec, or check one"),
    ("policy", "print a commented policy"),
    ("data", "read a data folder and report what is wrong with it"),
    ("duplicates", "find near duplicates across folders"),
    ("train", "train one of the three models"),
    ("predict", "let a model predict"),
    ("backbones", "train and compare several backbones"),
    ("tune", "search hyper-parameters"),
    ("inspect", "say what a model file could do when it is loaded"),
)
"""(name, help). A command whose module does not exist is not listed."""
OK, ERROR, INTERRUPTED = 0, 1, 130


def available() -> list[tuple[str, str]]:
    """Commands whose module exists; none is imported."""
    folder = [str(Path(__file__).parent)]
    return [(name, words) for name, words in COMMANDS if PathFinder.find_spec(name, folder) is not None]


def build(asked: str) -> Parser:
    """The parser, with the options of one command.

    Args:
        asked: the command to import; the others are known by name and help only.
    """
    parser = Parser(
        prog="plumbline",
        description="Audit image and text models: who a model fails, why, and how easily it breaks.",
        epilog="`plumbline COMMAND --help` says what it takes. "
        "Exit codes: 0 done, 1 error, 130 interrupted; compare: 2, 3.",
    )
    parser.add_argument(
        "--version", action="store_true", dest="show_version", help="print Plumbline's version"
    )
    subparsers: Any = parser.add_subparsers(dest="command", metavar="COMMAND", title="commands")
    for name, words in available():
        if name == asked:
            importlib.import_module(f"dashboard.cli.{name}").add(subparsers)
        else:
            subparsers.add_parser(name, help=words)
    return parser


def main(words: Sequence[str]) -> int:
    """Run one command.

    Args:
        words: the command line without the program's name.

    Returns:
        The exit code.
    """
    asked = next((word for word in words if not word.startswith("-")), "")
    try:
        code = _obey(list(words), asked)
        sys.stdout.flush()
    except SystemExit as leaving:
        return leaving.code if isinstance(leaving.code, int) else ERROR
    except PlumblineError as error:
        print(f"plumbline {asked}: {error}", file=sys.stderr)
        return ERROR
    except KeyboardInterrupt:
        print(f"plumbline {asked}: interrupted.{_way_on(asked)}", file=sys.stderr)
        return INTERRUPTED
    except BrokenPipeError:
        # Whoever read our output has gone; nothing more can be said, and flushing at exit must not complain.
        os.dup2(os.open(os.devnull, os.O_WRONLY), sys.stdout.fileno())
        return ERROR
    except OSError as error:
        place = f"{error.filename}: " if error.filename else ""
        print(f"plumbline {asked}: {place}{error.strerror or error}", file=sys.stderr)
        return ERROR
    except Exception as error:
        print(_fault(asked, error), file=sys.stderr)
        return ERROR
    return code


def run() -> int:
    """Console script: run the command line of this process."""
    return main(sys.argv[1:])


def _obey(words: list[str], asked: str) -> int:
    """Parse, import the command and run it."""
    parser = build(asked)
    arguments = parser.parse_args(words)
    if arguments.show_version:
        from importlib.metadata import version

        print(f"plumbline {version('plumbline')}")
        return OK
    if arguments.command is None:
        parser.print_help()
        return ERROR
    code: int = arguments.run(arguments)
    return code


def _way_on(command: str) -> str:
    return " The same command goes on where it stopped." if command in ("audit", "demo") else ""


def _fault(command: str, error: Exception) -> str:
    """Keep the traceback in a file, and say where."""
    import tempfile
    import traceback

    with tempfile.NamedTemporaryFile(
        "w", prefix="plumbline-", suffix=".txt", delete=False, encoding="utf-8"
    ) as file:
        file.write("".join(traceback.format_exception(error)))
    return (
        f"plumbline {command}: this is a fault in Plumbline ({type(error).__name__}: {error}). "
        f"Please report it with {file.name}."
    )


if __name__ == "__main__":
    sys.exit(run())
