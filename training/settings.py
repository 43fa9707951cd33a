"""Settings of a training as TOML: what `plumbline tune` writes, `plumbline train --settings` reads."""

from __future__ import annotations

import argparse
import json
import tomllib
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

from audit.errors import InputError


class Settings(argparse.Action):
    """``--settings FILE``: sets flags from a TOML file; flags given on the command line win."""

    def __call__(
        self,
        parser: argparse.ArgumentParser,
        namespace: argparse.Namespace,
        values: Any,
        option: str | None = None,
    ) -> None:
        """Apply the file to what was parsed so far; later flags overwrite it, as later flags do."""
        path = Path(values)
        for name, value in read(path, parser).items():
            if getattr(namespace, name, None) == parser.get_default(name):
                setattr(namespace, name, value)
        setattr(namespace, self.dest, path)


def read(path: Path, parser: argparse.ArgumentParser) -> dict[str, Any]:
    """Read settings and check them against the flags of a command.

    Args:
        path: TOML file of ``flag_name = value``, in the root or in a table ``[train]``.
        parser: whose flags are allowed.

    Returns:
        Destination of each flag -> value of the flag's own type.

    Raises:
        InputError: no such file, no TOML, an unknown name, or a value that the flag refuses.
    """
    try:
        content = tomllib.loads(path.read_text("utf-8"))
    except FileNotFoundError as error:
        raise InputError(str(path), "there is no such settings file.") from error
    except (tomllib.TOMLDecodeError, UnicodeDecodeError) as error:
        raise InputError(str(path), f"is not TOML ({error}).") from error
    given = content.get("train", content)
    actions = {a.dest: a for a in parser._actions if a.option_strings and a.dest not in ("help", "settings")}
    unknown = sorted(set(given) - set(actions))
    if unknown:
        allowed = ", ".join(sorted(actions))
        raise InputError(str(path), f"no setting is called {', '.join(unknown)}.", f"Allowed: {allowed}.")
    return {name: _checked(path, actions[name], value) for name, value in given.items()}


def write(path: Path, settings: Mapping[str, Any], remarks: Sequence[str] = ()) -> None:
    """Write settings that `read` takes, with comment lines on top."""
    lines = [f"# {remark}" for remark in remarks] + ["[train]"]
    lines += [f"{name} = {json.dumps(value)}" for name, value in settings.items()]
    path.parent.mkdir(parents=True, exist_ok=True)
    beside = path.with_name(path.name + ".part")
    beside.write_text("\n".join(lines) + "\n", "utf-8")
    beside.replace(path)


def _checked(path: Path, action: argparse.Action, value: Any) -> Any:
    """A value as the flag would have it."""
    place = f"{path}, {action.dest}"
    if action.nargs == 0:  # a switch
        if not isinstance(value, bool):
            raise InputError(place, f"true or false was expected; got {value!r}.")
        return value
    if isinstance(value, (list, dict, bool)):
        raise InputError(place, f"one value was expected; got {value!r}.")
    try:
        converted = action.type(str(value)) if callable(action.type) else str(value)
    except (ValueError, argparse.ArgumentTypeError) as error:
        raise InputError(place, f"{value!r} is not what --{action.dest.replace('_', '-')} takes.") from error
    if action.choices is not None and converted not in action.choices:
        raise InputError(place, f"one of {', '.join(map(str, action.choices))} was expected; got {value!r}.")
    return converted
