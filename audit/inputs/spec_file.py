"""audit.toml into a `Spec`: unknown keys, wrong types and wrong values are named with their line."""

from __future__ import annotations

import difflib
import re
import tomllib
from collections.abc import Mapping, Sequence
from dataclasses import replace
from hashlib import sha256
from importlib.resources import files
from pathlib import Path
from typing import Annotated, Any, Literal

from pydantic import BaseModel, ConfigDict, Field, ValidationError, field_validator

from audit.core import TaskKind
from audit.errors import SpecError
from audit.inputs.toml_text import toml_text
from audit.spec import MARGINS, AttributeSpec, AttributionSpec, IdentitySpec, OutputSpec, Primary, Spec

Share = Annotated[float, Field(ge=0, le=1)]
Count = Annotated[int, Field(ge=1)]
SHOULD = "Input should be "
TYPES = {
    "int_type": "a whole number",
    "int_from_float": "a whole number",
    "float_type": "a number",
    "string_type": "text",
    "list_type": "a list",
    "dict_type": "a table",
    "model_type": "a table",
    "model_attributes_type": "a table",
}
"""Pydantic's types of fault in the words of TOML."""


class _Table(BaseModel):
    model_config = ConfigDict(extra="forbid", strict=True)


class _Output(_Table):
    type: Literal["binary", "multiclass", "multilabel", "regression"] | None = None
    positive: str | int | bool = ""
    threshold: Share | dict[str, Share] = 0.5
    labels: list[str] = []
    unit: str = ""
    harmful: Literal["fpr", "fnr", "both"] = "both"

    def plain(self) -> OutputSpec:
        positive = self.positive
        return OutputSpec(
            type=None if self.type is None else TaskKind(self.type),
            positive=str(positive).lower() if isinstance(positive, bool) else str(positive),
            threshold=self.threshold,
            labels=tuple(self.labels),
            unit=self.unit,
            harmful=self.harmful,
        )


class _Attribute(_Table):
    reference: str = ""
    bins: list[Annotated[float, Field(allow_inf_nan=False)]] = []

    @field_validator("bins")
    @classmethod
    def _increasing(cls, edges: list[float]) -> list[float]:
        if any(low >= high for low, high in zip(edges[:-1], edges[1:], strict=True)):
            raise ValueError("edges that increase")
        return edges


class _Identity(_Table):
    lexicon: str = ""
    lexicon_replaces: bool = False
    suites: list[str] = []
    shipped_suite: bool = True
    suite_label: str = "toxic"
    swap_texts: Annotated[int, Field(ge=0)] = 100

    def plain(self) -> IdentitySpec:
        return IdentitySpec(**{**self.model_dump(), "suites": tuple(self.suites)})


class _Attribution(_Table):
    examples: Annotated[int, Field(ge=0)] = 8
    survey: Annotated[int, Field(ge=0)] = 40
    fast: Annotated[int, Field(ge=0)] = 200
    terms: Annotated[int, Field(ge=0)] = 40
    samples: Annotated[int, Field(ge=2)] = 1000
    evaluations: Annotated[int, Field(ge=2)] = 300
    superpixels: Literal["slic", "quickshift", "grid"] = "slic"
    colour: Literal["mean", "blur", "grey"] = "mean"
    hide: Literal["remove", "mask", "ellipsis"] = "remove"
    engine: Literal["plumbline", "library"] = "plumbline"

    def plain(self) -> AttributionSpec:
        return AttributionSpec(**self.model_dump())


class _Primary(_Table):
    output: str
    attribute: str
    metric: str


class _Spec(_Table):
    name: str = ""
    version: str = ""
    seed: Annotated[int, Field(ge=0)] = 0
    probes: list[str] = []
    split: Literal["train", "validation", "test"] = "test"
    level: Annotated[float, Field(gt=0, lt=1)] = 0.95
    minimum_n: Count = 30
    depth: Count = 2
    replicates: Count = 2000
    draws: Count = 9999
    columns: dict[str, str] = {}
    outputs: dict[str, _Output] = {}
    attributes: dict[str, _Attribute] = {}
    identity_threshold: Share = 0.5
    identity: _Identity = _Identity()
    attribution: _Attribution = _Attribution()
    primary: list[_Primary] = []
    margins: dict[str, Annotated[float, Field(gt=0, allow_inf_nan=False)]] = {}
    impact_minimum_share: Share = 0.02
    compose_by: str = ""
    metrics: list[str] = []
    search_depth: Count = 3
    max_values: Count = 100

    @field_validator("metrics")
    @classmethod
    def _paths(cls, metrics: list[str]) -> list[str]:
        for metric in metrics:
            if not re.fullmatch(r"[\w.]+:\w+", metric):
                raise ValueError("package.module:function")
        return metrics

    def plain(self) -> Spec:
        given = {name: getattr(self, name) for name in type(self).model_fields}
        return Spec(
            **{
                **given,
                "probes": tuple(self.probes),
                "metrics": tuple(self.metrics),
                "outputs": {name: output.plain() for name, output in self.outputs.items()},
                "attributes": {
                    name: AttributeSpec(reference=attribute.reference, bins=tuple(attribute.bins))
                    for name, attribute in self.attributes.items()
                },
                "identity": self.identity.plain(),
                "attribution": self.attribution.plain(),
                "primary": tuple(
                    Primary(output=one.output, attribute=one.attribute, metric=one.metric)
                    for one in self.primary
                ),
                "margins": {**MARGINS, **self.margins},
            }
        )


def read_spec(path: Path | None) -> Spec:
    """Read an audit.toml.

    Args:
        path: the file; None: all defaults.

    Raises:
        SpecError: it is missing, no TOML, a key or value is not one of ours, or a file that it names can't be
            read. Every mistake is named.
    """
    if path is None:
        return Spec()
    text = toml_text(path, "plumbline spec --example")
    try:
        given = tomllib.loads(text)
    except tomllib.TOMLDecodeError as error:
        raise SpecError(path.name, f"it is not valid TOML: {error}.") from error
    try:
        spec = _Spec.model_validate(given).plain()
    except ValidationError as error:
        faults = _distinct(error)
        rest = "".join(f"\n{_place(path, text, at)}: {problem}" for at, problem in faults[1:])
        raise SpecError(_place(path, text, faults[0][0]), faults[0][1] + rest) from error
    spec = replace(spec, identity=_with_hashes(path, text, spec.identity))
    unknown = [name for name in spec.margins if name not in {**MARGINS, **dict.fromkeys(spec.metrics)}]
    if unknown:
        where = ("margins", unknown[0])
        raise SpecError(_place(path, text, where), _unknown(where, [*MARGINS, *spec.metrics]))
    return spec


def example() -> str:
    """A commented audit.toml that names every setting."""
    return files("audit.inputs").joinpath("example.toml").read_text(encoding="utf-8")


def _with_hashes(path: Path, text: str, identity: IdentitySpec) -> IdentitySpec:
    """Take down what the named files hold, so that a changed lexicon is another audit."""
    hashes = {}
    for key, names in {"lexicon": [identity.lexicon], "suites": identity.suites}.items():
        for name in filter(None, names):
            try:
                hashes[name] = sha256((path.parent / name).read_bytes()).hexdigest()
            except OSError as error:
                problem = f"{name} can't be read: {error.strerror or error}."
                raise SpecError(_place(path, text, ("identity", key)), problem) from error
    return replace(identity, files=hashes, root=str(path.parent) if hashes else "")


def _distinct(error: ValidationError) -> list[tuple[tuple[str | int, ...], str]]:
    """(key, problem) of each mistake; several tries at one value count once."""
    found: dict[tuple[str | int, ...], str] = {}
    for fault in error.errors(include_url=False):
        if fault["type"] == "float_type" and isinstance(fault["input"], dict):
            continue  # a threshold a label: what is wrong inside the table is told by itself
        keys = tuple(part for part in fault["loc"] if not _is_type_name(part))
        found.setdefault(keys, _problem(keys, fault))
    return list(found.items())


def _is_type_name(part: str | int) -> bool:
    """Pydantic puts the branch of a union into the place, e.g. "constrained-float" or "dict[str,float]"."""
    return isinstance(part, str) and bool(re.match(r"(constrained-|dict\[|float$|str$|int$|bool$)", part))


def _problem(keys: Sequence[str | int], fault: Mapping[str, Any]) -> str:
    if fault["type"] == "extra_forbidden":
        return _unknown(keys, _allowed(keys[:-1]))
    if fault["type"] == "missing":
        return f"expected a key {keys[-1]} in {_header(keys[:-1])}, came none."
    words = TYPES.get(fault["type"]) or fault["msg"].removeprefix("Value error, ").removeprefix(SHOULD)
    name = next(part for part in reversed(keys) if isinstance(part, str))
    return f"expected {words} for {name}, came {fault['input']!r}."


def _unknown(keys: Sequence[str | int], allowed: Sequence[str]) -> str:
    near = difflib.get_close_matches(str(keys[-1]), allowed, n=1, cutoff=0.6)
    hint = f" Did you mean {near[0]}?" if near else ""
    return f"expected one of {', '.join(allowed)} in {_header(keys[:-1])}, came {keys[-1]}.{hint}"


def _allowed(table: Sequence[str | int]) -> list[str]:
    models: dict[str, type[BaseModel]] = {
        "outputs": _Output,
        "attributes": _Attribute,
        "identity": _Identity,
        "attribution": _Attribution,
        "primary": _Primary,
    }
    return list((models[str(table[0])] if table else _Spec).model_fields)


def _header(table: Sequence[str | int]) -> str:
    names = [str(part) for part in table if isinstance(part, str)]
    return f"[{'.'.join(names)}]" if names else "the top of the file"


def _place(path: Path, text: str, keys: Sequence[str | int]) -> str:
    line = _line(text, keys)
    return f"{path.name}, line {line}" if line else f"{path.name}, {'.'.join(map(str, keys))}"


def _line(text: str, keys: Sequence[str | int]) -> int:
    """Line of a key, 0 where it can't be told; the line of its table where the key itself is missing."""
    names = [str(part) for part in keys if isinstance(part, str)]
    turn = next((part for part in keys if isinstance(part, int)), 0) if keys and keys[0] == "primary" else 0
    table: list[str] = []
    seen = -1
    best = 0
    for number, line in enumerate(text.splitlines(), start=1):
        header = re.match(r"\s*\[{1,2}(.+?)\]{1,2}\s*(#.*)?$", line)
        if header:
            table = _parts(header[1])
            seen += table == names[: len(table)] == ["primary"]
            if table == names[: len(table)] and (table != ["primary"] or seen == turn):
                best = number
            continue
        key = re.match(r"\s*([^=#\[]+?)\s*=", line)
        if key and (table != ["primary"] or seen == turn):
            path = table + _parts(key[1])
            if path == names[: len(path)]:
                return number
    return best


def _parts(dotted: str) -> list[str]:
    return [bare or quoted for bare, quoted in re.findall(r"""([A-Za-z0-9_-]+)|["']([^"']*)["']""", dotted)]
