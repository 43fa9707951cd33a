"""What each column is for: roles from names, names mapped by the spec, and words for near misses."""

from __future__ import annotations

import difflib
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from enum import StrEnum

from audit.errors import InputError, SpecError


class Role(StrEnum):
    """What a column holds; the value is the first part of its name."""

    ID = "id"
    SPLIT = "split"
    TRUE = "true"
    SCORE = "score"
    PRED = "pred"
    GROUP = "group"
    IDENTITY = "identity"
    TEXT = "text"
    IMAGE = "image"
    CLUSTER = "cluster"
    WEIGHT = "weight"


WHOLE = {Role.ID, Role.SPLIT, Role.TEXT, Role.IMAGE, Role.CLUSTER, Role.WEIGHT}
"""Roles whose name has no dot."""
CONTRACT = (
    "id, split, true.OUT, true.OUT.LABEL, score.OUT, score.OUT.CLASS, pred.OUT, group.ATTR, identity.NAME, "
    "text, image, cluster"
)
OTHER_WORDS: Mapping[str, str] = {
    **dict.fromkeys(
        ("label", "labels", "target", "targets", "truth", "y", "y_true", "ground_truth"), "true.OUT"
    ),
    **dict.fromkeys(("score", "scores", "prob", "probability", "proba", "y_score"), "score.OUT"),
    **dict.fromkeys(("prediction", "predictions", "predicted", "pred", "y_pred"), "pred.OUT"),
    **dict.fromkeys(("key", "uid", "row_id", "example_id", "index"), "id"),
}
PREFIXES = {
    "true": "true", "truth": "true", "label": "true", "y_true": "true",
    "score": "score", "scores": "score", "prob": "score", "proba": "score",
    "pred": "pred", "predicted": "pred", "prediction": "pred", "y_pred": "pred",
    "group": "group", "attr": "group", "attribute": "group", "identity": "identity",
}  # fmt: skip


@dataclass(frozen=True, kw_only=True)
class Column:
    """A column of the file and what it is for."""

    source: str
    """Its name in the file."""
    role: Role
    owner: str = ""
    """OUT, ATTR or NAME."""
    part: str = ""
    """CLASS or LABEL."""

    @property
    def name(self) -> str:
        """Its name in the contract."""
        return ".".join(part for part in (self.role, self.owner, self.part) if part)


@dataclass(frozen=True, kw_only=True)
class Layout:
    """The columns of a file by role."""

    file: str
    columns: tuple[Column, ...]
    ignored: tuple[str, ...]
    """Names without a role."""

    def one(self, role: Role, owner: str = "", part: str = "") -> Column | None:
        """The column with this role, or None."""
        return next((c for c in self.columns if (c.role, c.owner, c.part) == (role, owner, part)), None)

    def all(self, role: Role) -> list[Column]:
        """Every column with this role, in the file's order."""
        return [column for column in self.columns if column.role is role]

    def place(self, column: Column) -> str:
        """File and column, for a message."""
        return f"{self.file}, column {column.source}"

    @property
    def outputs(self) -> list[str]:
        """Outputs with a score or a prediction, in the file's order."""
        return list(dict.fromkeys(c.owner for c in self.columns if c.role in (Role.SCORE, Role.PRED)))


def layout(file: str, header: Sequence[str], mapping: Mapping[str, str]) -> Layout:
    """Give every column its role.

    Args:
        file: what messages call the file.
        header: names as they stand in the file.
        mapping: [columns] of the spec: name in the file -> name of the contract.

    Raises:
        InputError: a name occurs twice, has a dot too many, or id, outputs or support for a role is missing.
        SpecError: the mapping names a column that the file lacks, or a name that the contract lacks.
    """
    _check_unique(file, header)
    _check_mapping(file, header, mapping)
    columns: list[Column] = []
    ignored: list[str] = []
    for source in header:
        column = _column(file, source, mapping.get(source, source.strip()))
        if column is None:
            ignored.append(source)
        else:
            columns.append(column)
    found = Layout(file=file, columns=tuple(columns), ignored=tuple(ignored))
    _check_roles(found)
    return found


def ignored_message(found: Layout) -> str:
    """What to tell the auditor about columns without a role; empty where there are none."""
    named = [name for name in found.ignored if name]
    if not named:
        return ""
    hints = _hints(named, exact=True)
    return f"Columns without a role, not read: {', '.join(named)}." + (f" {hints}" if hints else "")


def close(name: str, known: Sequence[str]) -> str:
    """A sentence with the known names that are like a wrong one, or all of them where they are few."""
    near = difflib.get_close_matches(name, known, n=3, cutoff=0.6)
    if near:
        return f"Did you mean {' or '.join(near)}?"
    return f"There are: {', '.join(known)}." if known else "There are none."


def _column(file: str, source: str, name: str) -> Column | None:
    head, _, rest = name.partition(".")
    try:
        role = Role(head)
    except ValueError:
        return None
    if role in WHOLE:
        return Column(source=source, role=role) if not rest and name == head else None
    if role is Role.IDENTITY:
        return Column(source=source, role=role, owner=rest) if rest else None
    owner, dot, part = rest.partition(".")
    if not owner or (dot and not part):
        return None
    if role is Role.GROUP and dot:
        raise InputError(
            f"{file}, column {source}",
            f"expected group.ATTR with no dot in ATTR, came {name}.",
            "Rename it, or map it in the spec: "
            f'[columns] {toml_key(source)} = "group.{rest.replace(".", "_")}"',
        )
    return Column(source=source, role=role, owner=owner, part=part)


def toml_key(name: str) -> str:
    """A name as it is written left of = in TOML."""
    return (
        name
        if re.fullmatch(r"[A-Za-z0-9_-]+", name)
        else '"' + name.replace("\\", "\\\\").replace('"', '\\"') + '"'
    )


def _check_unique(file: str, header: Sequence[str]) -> None:
    twice = [name for name, count in Counter(name.strip() for name in header).items() if count > 1 and name]
    if twice:
        raise InputError(
            file, f"expected every column name once, came twice: {', '.join(twice)}.", "Rename or drop one."
        )


def _check_mapping(file: str, header: Sequence[str], mapping: Mapping[str, str]) -> None:
    for source, name in mapping.items():
        if source not in header:
            raise SpecError(
                f"spec, [columns] {toml_key(source)}", f"{file} has no such column.", close(source, header)
            )
        if _column(file, source, name) is None:
            raise SpecError(
                f"spec, [columns] {toml_key(source)}", f"expected one of {CONTRACT}, came {name!r}."
            )
    names = Counter(mapping.get(source, source.strip()) for source in header)
    for source, name in mapping.items():
        if names[name] > 1:
            raise SpecError(f"spec, [columns] {toml_key(source)}", f"two columns of {file} would be {name}.")


def _check_roles(found: Layout) -> None:
    names = f"The columns are {', '.join([c.source for c in found.columns] + list(found.ignored))}."
    if found.one(Role.ID) is None:
        raise InputError(
            found.file, f"there is no id column. {names}", _hints(found.ignored, only="id") or RENAME
        )
    if found.one(Role.WEIGHT) is not None:
        raise InputError(
            f"{found.file}, column weight",
            "weights are not supported yet, and figures that ignore them would mislead.",
            "Drop or rename the column to audit every row with the same weight.",
        )
    if not found.outputs:
        raise InputError(
            found.file,
            f"there is no output: expected a column score.OUT, score.OUT.CLASS or pred.OUT. {names}",
            _hints(found.ignored) or RENAME,
        )


RENAME = "Rename a column, or map it under [columns] in the spec."


def _hints(names: Sequence[str], *, only: str = "", exact: bool = False) -> str:
    """A question that names the contract's name for each near miss; "" where there is none.

    Args:
        names: names without a role.
        only: ask for this contract name alone.
        exact: leave out guesses that name no output (`labels` -> true.OUT).
    """
    pairs = [(name, _guess(name)) for name in names]
    wanted = [
        f"{guess} for {name}"
        for name, guess in pairs
        if guess and (not only or guess == only) and not (exact and "OUT" in guess)
    ]
    if not wanted:
        return ""
    return f"Did you mean {', '.join(wanted)}?" + ("" if exact else f" {RENAME}")


def _guess(name: str) -> str:
    plain = re.sub(r"[\s\-:/]+", "_", name.strip().lower())
    if plain in {role.value for role in WHOLE}:
        return plain
    if plain in OTHER_WORDS:
        return OTHER_WORDS[plain]
    for prefix in sorted(PREFIXES, key=len, reverse=True):
        if re.match(rf"{prefix}[._]+\w", plain):
            rest = re.sub(r"^[._\s\-:/]+", "", name.strip()[len(prefix) :])
            return f"{PREFIXES[prefix]}.{rest}"
    near = difflib.get_close_matches(plain, [role.value for role in WHOLE], n=1, cutoff=0.8)
    return near[0] if near else ""
