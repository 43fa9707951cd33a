"""Which columns make which output, and of what kind, before any value is read."""

from __future__ import annotations

from collections.abc import Sequence
from dataclasses import dataclass

from audit.core import TaskKind
from audit.errors import InputError, SpecError
from audit.inputs.columns import Column, Layout, Role, close
from audit.spec import OutputSpec, Spec


@dataclass(frozen=True, kw_only=True)
class Part:
    """Columns of a whole output, or of one of its classes or labels."""

    name: str
    truth: Column | None
    score: Column | None
    pred: Column | None
    spec: OutputSpec = OutputSpec()
    """multilabel: the label's own settings, where yes/no outputs were joined."""


@dataclass(frozen=True, kw_only=True)
class Plan:
    """One output to be."""

    output: str
    kind: TaskKind | None
    """None: told by the values of `pred.OUT`."""
    whole: Part
    parts: tuple[Part, ...]
    """multiclass: columns of each class; multilabel: of each label."""
    spec: OutputSpec
    messages: tuple[str, ...] = ()


def plans(found: Layout, spec: Spec) -> list[Plan]:
    """Outputs of a file, in the order of their columns.

    Raises:
        InputError: columns that contradict each other.
        SpecError: the spec names an output or label that the file lacks, or a type that its columns can't be.
    """
    joined = _joined(found, spec)
    order = dict.fromkeys(joined.get(output, output) for output in found.outputs)
    unknown = [output for output in spec.outputs if output not in order and output not in joined]
    if unknown:
        raise SpecError(
            f"spec, [outputs.{unknown[0]}]",
            f"{found.file} has no output {unknown[0]}.",
            close(unknown[0], list(dict.fromkeys([*order, *found.outputs]))),
        )
    made = []
    for output in order:
        settings = spec.outputs.get(output, OutputSpec())
        made.append(
            _join(found, output, settings, spec) if settings.labels else _own(found, output, settings)
        )
    return made


def truth_only_message(found: Layout) -> str:
    """What to tell the auditor about truth that no model said anything of; empty where there is none."""
    known = {(c.owner, c.part) for c in found.columns if c.role in (Role.SCORE, Role.PRED)}
    known |= {(owner, "") for owner, _ in known}
    names = [c.name for c in found.all(Role.TRUE) if (c.owner, c.part) not in known]
    return f"Truth without a score or prediction, not audited: {', '.join(names)}." if names else ""


def _joined(found: Layout, spec: Spec) -> dict[str, str]:
    """Map a label to the multilabel output that the spec joins it into."""
    joined: dict[str, str] = {}
    for output, settings in spec.outputs.items():
        place = f"spec, [outputs.{output}] labels"
        if settings.labels and settings.type not in (None, TaskKind.MULTILABEL):
            raise SpecError(place, f"labels make a multilabel output, and its type is {settings.type}.")
        if settings.labels and output in found.outputs and output not in settings.labels:
            raise SpecError(
                place, f"{found.file} has columns of its own for {output}.", "Choose another name."
            )
        for label in settings.labels:
            if label not in found.outputs:
                raise SpecError(place, f"{found.file} has no output {label}.", close(label, found.outputs))
            if label in joined:
                raise SpecError(place, f"{label} is already a label of {joined[label]}.")
            joined[label] = output
    return joined


def _join(found: Layout, output: str, settings: OutputSpec, spec: Spec) -> Plan:
    parts = []
    for label in settings.labels:
        own = OutputSpec() if label == output else spec.outputs.get(label, OutputSpec())
        part = _part(found, label, label, "", own)
        if part.score is None and part.pred is None:
            raise SpecError(
                f"spec, [outputs.{output}] labels",
                f"expected yes/no outputs (score.{label} or pred.{label}), and {label} has a column a class.",
            )
        parts.append(part)
    empty = Part(name=output, truth=None, score=None, pred=None)
    return Plan(output=output, kind=TaskKind.MULTILABEL, whole=empty, parts=tuple(parts), spec=settings)


def _own(found: Layout, output: str, settings: OutputSpec) -> Plan:
    whole = _part(found, output, output, "")
    scored = [c.part for c in found.all(Role.SCORE) if c.owner == output and c.part]
    decided = [c.part for c in found.all(Role.PRED) if c.owner == output and c.part]
    names = list(dict.fromkeys(scored or decided))
    parts = tuple(_part(found, name, output, name) for name in names)
    if names and whole.score is not None:
        raise InputError(
            found.file,
            f"expected score.{output} (yes/no) or score.{output}.CLASS, came both.",
            "Rename one, so that they are two outputs.",
        )
    kind = _kind(found, output, settings, whole, parts)
    messages: tuple[str, ...] = ()
    if kind is TaskKind.MULTICLASS and scored and whole.truth is None and settings.type is None:
        messages = (
            f"{output} has no truth: its score columns are read as classes that exclude each other; "
            f'[outputs.{output}] type = "multilabel" reads them as labels.',
        )
    return Plan(output=output, kind=kind, whole=whole, parts=parts, spec=settings, messages=messages)


def _part(found: Layout, name: str, owner: str, part: str, spec: OutputSpec | None = None) -> Part:
    return Part(
        name=name,
        truth=found.one(Role.TRUE, owner, part),
        score=found.one(Role.SCORE, owner, part),
        pred=found.one(Role.PRED, owner, part),
        spec=spec or OutputSpec(),
    )


def _kind(
    found: Layout, output: str, settings: OutputSpec, whole: Part, parts: Sequence[Part]
) -> TaskKind | None:
    by_label = any(part.truth is not None for part in parts) or any(part.pred is not None for part in parts)
    if by_label and whole.truth is not None:
        raise InputError(
            found.file,
            f"expected true.{output} (one class a record) or true.{output}.LABEL (labels), came both.",
            "Drop or rename one.",
        )
    allowed: tuple[TaskKind, ...]
    if by_label:
        allowed = (TaskKind.MULTILABEL,)
    elif parts and whole.truth is not None:
        allowed = (TaskKind.MULTICLASS,)
    elif parts:
        allowed = (TaskKind.MULTICLASS, TaskKind.MULTILABEL)
    elif whole.score is not None:
        allowed = (TaskKind.BINARY,)
    else:
        allowed = (TaskKind.BINARY, TaskKind.MULTICLASS, TaskKind.REGRESSION)
    if settings.type is not None and settings.type not in allowed:
        columns = [
            c.source
            for c in found.columns
            if c.owner == output and c.role in (Role.TRUE, Role.SCORE, Role.PRED)
        ]
        raise SpecError(
            f"spec, [outputs.{output}] type",
            f"its columns {', '.join(columns)} make it {' or '.join(allowed)}, came {settings.type}.",
        )
    if settings.type is None and not parts and whole.score is None:
        return None
    return settings.type or allowed[0]
