"""The vocabulary to JSON values and back. Floats that JSON has no word for travel as text: "nan", "inf"."""

from __future__ import annotations

import dataclasses
import math
import types
from collections.abc import Mapping, Sequence
from enum import Enum
from functools import cache
from typing import Any, TypeVar, Union, get_args, get_origin, get_type_hints

import numpy as np

T = TypeVar("T")


def to_plain(value: Any) -> Any:
    """Turn dataclasses, mappings, sequences, enums and NumPy values into JSON values.

    Args:
        value: anything made of them.

    Raises:
        TypeError: something else is inside; the message names its type.
    """
    if dataclasses.is_dataclass(value) and not isinstance(value, type):
        return {f.name: to_plain(getattr(value, f.name)) for f in dataclasses.fields(value)}
    if isinstance(value, Mapping):
        return {_key(key): to_plain(item) for key, item in value.items()}
    if isinstance(value, np.ndarray):
        return to_plain(value.tolist())
    if isinstance(value, Sequence) and not isinstance(value, str | bytes):
        return [to_plain(item) for item in value]
    return _scalar(value)


def from_plain(kind: type[T], data: Any) -> T:
    """Rebuild a value of a declared type from JSON values.

    Args:
        kind: a dataclass of `audit.core`, or any type that its fields use.
        data: what `to_plain` gave, after JSON.

    Raises:
        TypeError: a field is missing or unknown.
    """
    rebuilt: T = _rebuild(kind, data)
    return rebuilt


def _scalar(value: Any) -> Any:
    if isinstance(value, Enum):
        return value.value
    if isinstance(value, np.generic):
        value = value.item()
    if isinstance(value, float) and not math.isfinite(value):
        return str(value)
    if value is None or isinstance(value, str | bool | int | float):
        return value
    raise TypeError(f"a {type(value).__name__} can't be stored as JSON: {value!r:.80}")


def _key(key: Any) -> str:
    plain = _scalar(key)
    return plain if isinstance(plain, str) else str(plain)


@cache
def _hints(kind: Any) -> dict[str, Any]:
    return get_type_hints(kind)


def _rebuild(kind: Any, data: Any) -> Any:
    origin = get_origin(kind)
    if origin in (Union, types.UnionType):
        inner = [part for part in get_args(kind) if part is not type(None)]
        return None if data is None else _rebuild(inner[0], data)
    if origin is tuple:
        return _tuple(get_args(kind), data)
    if origin is not None and isinstance(origin, type) and issubclass(origin, Mapping):
        item = get_args(kind)[1]
        return {key: _rebuild(item, value) for key, value in data.items()}
    if dataclasses.is_dataclass(kind) and isinstance(kind, type):
        hints = _hints(kind)
        return kind(**{name: _rebuild(hints.get(name, Any), value) for name, value in data.items()})
    if isinstance(kind, type) and issubclass(kind, Enum):
        return kind(data)
    return float(data) if kind is float else data


def _tuple(parts: tuple[Any, ...], data: Any) -> tuple[Any, ...]:
    if len(parts) == 2 and parts[1] is ...:
        return tuple(_rebuild(parts[0], item) for item in data)
    return tuple(_rebuild(part, item) for part, item in zip(parts, data, strict=True))
