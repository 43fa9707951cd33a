"""Models, data sets and probes by name: built-in ones are registered by entry point, as a stranger's are."""

from __future__ import annotations

import importlib
from importlib.metadata import EntryPoint, entry_points
from typing import Any

from audit.errors import PlumblineError

GROUPS = {"model": "plumbline.models", "data": "plumbline.data", "probe": "plumbline.probes"}


def names(kind: str) -> list[str]:
    """Registered names of a kind ("model", "data", "probe"), in order of name; nothing is imported."""
    return sorted({e.name for e in entry_points(group=GROUPS[kind])})


def load(kind: str, name: str) -> Any:
    """Import what a name stands for.

    Args:
        kind: "model", "data" or "probe".
        name: a registered name, or ``package.module:attribute``.

    Raises:
        PlumblineError: no such name, or its import fails; the message says which distribution it is from.
    """
    if ":" in name:
        return import_path(name)
    found: list[EntryPoint] = [e for e in entry_points(group=GROUPS[kind]) if e.name == name]
    if not found:
        known = ", ".join(names(kind)) or "none"
        raise PlumblineError(f"no {kind} is called {name!r}. Known: {known}; package.module:name works too.")
    try:
        return found[0].load()
    except (ImportError, AttributeError) as error:
        origin = found[0].dist.name if found[0].dist else "an unknown distribution"
        raise PlumblineError(f"the {kind} {name!r} from {origin} can't be imported: {error}") from error


def import_path(path: str) -> Any:
    """Import ``package.module:attribute``.

    Raises:
        PlumblineError: the path is malformed, or module or attribute do not exist.
    """
    module, _, attribute = path.partition(":")
    if not module or not attribute:
        raise PlumblineError(f"{path!r} is not of the form package.module:name")
    try:
        return getattr(importlib.import_module(module), attribute)
    except (ImportError, AttributeError) as error:
        raise PlumblineError(f"{path!r} can't be imported: {error}") from error
