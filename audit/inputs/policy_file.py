"""policy.toml into a `Policy`: unknown keys, wrong types and wrong values are named with their line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError

from audit.errors import SpecError
from audit.inputs.toml_text import toml_text
from audit.metrics import IDENTITY_METRICS, METRICS, metric
from audit.spec import MARGINS
from audit.versions.policy import SAME_AS, Gate, Policy, measured

Share = Annotated[float, Field(ge=0, le=1)]
Inside = Annotated[float, Field(gt=0, lt=1)]
Count = Annotated[int, Field(ge=1)]
Margin = Annotated[float, Field(gt=0, allow_inf_nan=False)]
TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
}
"""Pydantic's types of fault in the words of TOML."""
NOT_PAIRED = ("base_rate", "calibration_error_l1", "positive_aeg", "negative_aeg")
"""Metrics of an audit that no comparison has, or shows without judging them."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Gate(_Table):
    metric: str
    outputs: list[str] = []
    margin: Margin | None = None
    demand: list[str] | None = None
    watch: list[str] | None = None

    def plain(self) -> Gate:
        return Gate(
            metric=measured(self.metric),
            outputs=tuple(self.outputs),
            margin=self.margin,
            demand=None if self.demand is None else tuple(self.demand),
            watch=None if self.watch is None else tuple(self.watch),
        )


class _Policy(_Table):
    level: Inside = 0.95
    alpha: Inside = 0.05
    family: Literal["all", "output", "metric"] = "all"
    minimum_n: Count = 30
    depth: Count = 2
    cannot_tell: Literal["fail", "pass"] = "fail"
    settle: Inside = 0.9
    most_unmatched: Share = 0.05
    most_changed: Share = 0.01
    replicates: Count = 2000
    seed: Annotated[int, Field(ge=0)] = 0
    demand: list[str] = ["all", "single"]
    watch: list[str] = []
    margins: dict[str, Margin] = {}
    references: dict[str, str] = {}
    gate: list[_Gate] = []


def read_policy(path: Path | None) -> Policy:
    """Read a policy.toml.

    Args:
        path: the file; None: the default policy.

    Raises:
        SpecError: it is missing, no TOML, or a key or value is not one of ours. Every mistake is named.
    """
    if path is None:
        return Policy()
    text = toml_text(path, "plumbline policy --example")
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(path.name, f"it is not valid TOML: {error}.") from error
    try:
        read = _Policy.model_validate(given)
    except ValidationError as error:
        raise _refused(path, text, [_fault(fault) for fault in error.errors(include_url=False)]) from error
    wrong = [*_wrong_names(read), *_twice(read)]
    if wrong:
        raise _refused(path, text, wrong)
    plain = {name: getattr(read, name) for name in type(read).model_fields if name != "gate"}
    return Policy(
        **{
            **plain,
            "demand": tuple(read.demand),
            "watch": tuple(read.watch),
            "margins": {**MARGINS, **{measured(k): v for k, v in read.margins.items()}},
            "gates": tuple(gate.plain() for gate in read.gate),
            "places": _places(path, text, read),
        }
    )


def example() -> str:
    """A commented policy.toml that names every setting."""
    return files("audit.inputs").joinpath("policy.toml").read_text(encoding="utf-8")


_Fault = tuple[tuple[str | int, ...], str]


def _refused(path: Path, text: str, faults: Sequence[_Fault]) -> SpecError:
    lines = [(f"{path.name}, line {_line(text, keys)}", problem) for keys, problem in faults]
    rest = "".join(f"\n{place}: {problem}" for place, problem in lines[1:])
    return SpecError(lines[0][0], lines[0][1] + rest)


def _fault(fault: Mapping[str, Any] | Any) -> _Fault:
    keys = tuple(fault["loc"])
    if fault["type"] == "extra_forbidden":
        allowed = list((_Gate if keys[0] == "gate" and len(keys) > 1 else _Policy).model_fields)
        return keys, _unknown(str(keys[-1]), allowed)
    if fault["type"] == "missing":
        return keys, f"expected a key {keys[-1]} in [[gate]], came none."
    if keys == ("gate",):
        return keys, "expected tables headed [[gate]], in two brackets, came something else."
    words = TYPES.get(fault["type"]) or fault["msg"].removeprefix("Input should be ")
    name = next(part for part in reversed(keys) if isinstance(part, str))
    return keys, f"expected {words} for {name}, came {fault['input']!r}."


def _unknown(came: str, allowed: Sequence[str]) -> str:
    near = difflib.get_close_matches(came, allowed, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"expected one of {', '.join(allowed)}, came {came}.{hint}"


def _wrong_names(read: _Policy) -> list[_Fault]:
    """Metrics and margins that no comparison has."""
    names = [name for name in (*METRICS, *IDENTITY_METRICS) if name not in NOT_PAIRED]
    names = [*dict.fromkeys(names), "recall/CLASS", "precision/CLASS"]
    found: list[_Fault] = []
    for i, gate in enumerate(read.gate):
        one = metric(measured(gate.metric))
        known = one.name in names or one.name.startswith(("recall/", "precision/"))
        if not known:
            found.append((("gate", i, "metric"), _unknown(gate.metric, names)))
        elif one.better == "neither":
            problem = f"{gate.metric} has no harmful direction: it is shown, and can't decide."
            found.append((("gate", i, "metric"), problem))
    kinds = [*MARGINS, *names, *SAME_AS]
    for name in read.margins:
        if name not in kinds and not name.startswith(("recall/", "precision/")):
            found.append((("margins", name), _unknown(name, kinds)))
    return found


def _twice(read: _Policy) -> list[_Fault]:
    """Gates that claim one metric of one output twice."""
    found: list[_Fault] = []
    seen: dict[str, list[set[str]]] = {}
    for i, gate in enumerate(read.gate):
        mine = set(gate.outputs)
        earlier = seen.setdefault(measured(gate.metric), [])
        if any(not mine or not other or mine & other for other in earlier):
            problem = f"{gate.metric} is gated twice for one output: the two gates would contradict."
            found.append((("gate", i, "metric"), problem))
        earlier.append(mine)
    return found


def _places(path: Path, text: str, read: _Policy) -> dict[str, str]:
    """Slice patterns, outputs and references that only the runs can check -> where the file has them."""
    found: dict[str, str] = {}
    for keys, names in (
        *(((key,), getattr(read, key)) for key in ("demand", "watch")),
        *((("references", name), [name]) for name in read.references),
        *(
            (("gate", i, key), getattr(gate, key) or [])
            for i, gate in enumerate(read.gate)
            for key in ("outputs", "demand", "watch")
        ),
    ):
        for name in names:
            found.setdefault(name, f"{path.name}, line {_line(text, keys)}")
    return found


def _line(text: str, keys: Sequence[str | int]) -> int:
    """Line of a key; of its table where the key is missing; 1 where neither is found."""
    names = [str(part) for part in keys if isinstance(part, str)]
    turn = next((part for part in keys if isinstance(part, int)), 0) if keys[0] == "gate" else 0
    table, gate, best = "", -1, 1
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[{1,2}\s*([A-Za-z_]+)\s*\]{1,2}", line)
        if header:
            table = header[1]
            gate += table == "gate"
        here = (not table and len(names) == 1) or (table == names[0] and (table != "gate" or gate == turn))
        if not here:
            continue
        best = number if header else best
        key = re.match(r"""\s*["']?([^=#\["']+?)["']?\s*=""", line)
        if key and key[1] == (names[1] if table else names[0]) if len(names) > 1 or not table else False:
            return number
    return best
