"""`plumbline train`: train one of the three models; each has its script in `training/`."""

from __future__ import annotations

import argparse
import importlib
from collections.abc import Callable
from functools import partial
from typing import TYPE_CHECKING, Any

from audit.errors import MissingExtraError
from dashboard.cli.arguments import Parser

if TYPE_CHECKING:
    from dashboard.cli.arguments import Subparsers

KINDS = {
    "faces": "age and gender of a portrait, in one pass",
    "comments": "six labels of a comment, in one pass",
    "mushrooms": "the genus on a picture",
}


class LateParser(Parser):
    """Learns its flags when it is used: the help of one model must not import the others."""

    def __init__(
        self, *, fill: Callable[[argparse.ArgumentParser], None] | None = None, **options: Any
    ) -> None:
        """As `Parser`; `fill` adds the flags."""
        super().__init__(**options)
        self._fill = fill

    def parse_known_args(self, args: Any = None, namespace: Any = None) -> Any:
        """Add the flags, then parse."""
        if self._fill is not None:
            fill, self._fill = self._fill, None
            fill(self)
        return super().parse_known_args(args, namespace)


def add(subparsers: Subparsers) -> None:
    """Add the command."""
    parser = subparsers.add_parser(
        "train",
        help="train one of the three models",
        description="Train a model. Its weights are written as safetensors, with a card (JSON) beside them.",
    )
    models = parser.add_subparsers(
        dest="kind", metavar="MODEL", title="models", required=True, parser_class=LateParser
    )
    for kind, words in KINDS.items():
        models.add_parser(
            kind, help=words, description=f"Train the model of {words}.", fill=partial(_flags, kind)
        )
    parser.set_defaults(run=run)


def run(arguments: argparse.Namespace) -> int:
    """Train."""
    try:
        import lightning  # noqa: F401
        import torch  # noqa: F401
    except ImportError as error:
        raise MissingExtraError("plumbline train", "models") from error
    code: int = importlib.import_module(f"training.{arguments.kind}").run(arguments)
    return code


def _flags(kind: str, parser: argparse.ArgumentParser) -> None:
    importlib.import_module(f"training.{kind}").add_arguments(parser)
