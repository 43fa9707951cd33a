"""The vocabulary of a read data set: columns as arrays, one entry a row; no file access here."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field, replace
from pathlib import Path
from typing import Literal

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import SPLITS, UNKNOWN, Attribute

Kind = Literal["faces", "comments", "mushrooms"]
KINDS: tuple[Kind, ...] = ("faces", "comments", "mushrooms")
LABELS = ("toxic", "severe_toxic", "obscene", "threat", "insult", "identity_hate")
UNSPLIT = -1
"""Split code of a row whose source declares no split."""
SPLIT_WORDS: Mapping[str, str] = {
    "train": "train",
    "training": "train",
    "validation": "validation",
    "valid": "validation",
    "val": "validation",
    "dev": "validation",
    "test": "test",
    "testing": "test",
}
"""Words for a split, in lower case -> name in `audit.core.SPLITS`."""


@dataclass(frozen=True, kw_only=True)
class Rejected:
    """A row or file that was refused, or kept with a remark."""

    file: str
    """Relative to the data folder."""
    reason: str
    record: int | None = None
    """From 1, header not counted; None for a file that is no table."""
    line: int | None = None
    """Line in the file on which the record starts, from 1."""
    id: str = ""
    column: str = ""
    action: Literal["refused", "kept"] = "refused"


@dataclass(frozen=True, kw_only=True)
class Faces:
    """Pictures of faces with what was declared about them."""

    root: Path
    ids: pa.StringArray
    """(n,) unique."""
    paths: pa.StringArray
    """(n,) relative to `root`, with forward slashes."""
    age: NDArray[np.float64]
    """(n,) years; the midpoint where only a band is known; NaN where not declared."""
    age_band: Attribute
    """Bands youngest first; a number falls into the FairFace band that holds it."""
    banded: NDArray[np.bool_]
    """(n,) true where the source gave a band and `age` is its midpoint."""
    gender: Attribute
    ethnicity: Attribute
    split: NDArray[np.int8]
    """(n,) codes into `audit.core.SPLITS`; -1: not declared."""
    cluster: NDArray[np.int32] | None = None
    """(n,) rows that belong together (one person, copies); None: not declared."""
    attributes: Mapping[str, Attribute] = field(default_factory=dict)
    """Further declared groups."""

    @property
    def n(self) -> int:
        """Number of pictures."""
        return len(self.ids)

    @property
    def groups(self) -> dict[str, Attribute]:
        """Every declared attribute by name, those with one value left out."""
        every = {"gender": self.gender, "ethnicity": self.ethnicity, "age_band": self.age_band}
        return {k: a for k, a in {**every, **self.attributes}.items() if len(a.values) > 1}

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Faces:
        """Select rows by positions or by a mask."""
        at = positions(rows)
        return replace(
            self,
            ids=self.ids.take(pa.array(at)),
            paths=self.paths.take(pa.array(at)),
            age=self.age[at],
            age_band=_take(self.age_band, at),
            banded=self.banded[at],
            gender=_take(self.gender, at),
            ethnicity=_take(self.ethnicity, at),
            split=self.split[at],
            cluster=None if self.cluster is None else self.cluster[at],
            attributes={k: _take(a, at) for k, a in self.attributes.items()},
        )


@dataclass(frozen=True, kw_only=True)
class Comments:
    """Texts with the six labels and the identities that they mention."""

    root: Path
    ids: pa.StringArray
    """(n,) unique."""
    text: pa.StringArray
    labels: NDArray[np.int8]
    """(n, 6) 0 or 1 in the order of `LABELS`; -1: not labelled."""
    identities: Mapping[str, NDArray[np.float32]]
    """name -> (n,) membership in [0, 1]; NaN: not annotated."""
    split: NDArray[np.int8]
    """(n,) codes into `audit.core.SPLITS`; -1: not declared."""
    cluster: NDArray[np.int32] | None = None

    @property
    def n(self) -> int:
        """Number of comments."""
        return len(self.ids)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Comments:
        """Select rows by positions or by a mask."""
        at = positions(rows)
        return replace(
            self,
            ids=self.ids.take(pa.array(at)),
            text=self.text.take(pa.array(at)),
            labels=self.labels[at],
            identities={k: v[at] for k, v in self.identities.items()},
            split=self.split[at],
            cluster=None if self.cluster is None else self.cluster[at],
        )


@dataclass(frozen=True, kw_only=True)
class Mushrooms:
    """Pictures with one class each."""

    root: Path
    ids: pa.StringArray
    """(n,) unique."""
    paths: pa.StringArray
    """(n,) relative to `root`, with forward slashes."""
    label: Attribute
    split: NDArray[np.int8]
    """(n,) codes into `audit.core.SPLITS`; -1: not declared."""
    cluster: NDArray[np.int32] | None = None
    attributes: Mapping[str, Attribute] = field(default_factory=dict)

    @property
    def n(self) -> int:
        """Number of pictures."""
        return len(self.ids)

    def take(self, rows: NDArray[np.int64] | NDArray[np.bool_]) -> Mushrooms:
        """Select rows by positions or by a mask."""
        at = positions(rows)
        return replace(
            self,
            ids=self.ids.take(pa.array(at)),
            paths=self.paths.take(pa.array(at)),
            label=_take(self.label, at),
            split=self.split[at],
            cluster=None if self.cluster is None else self.cluster[at],
            attributes={k: _take(a, at) for k, a in self.attributes.items()},
        )


DataSet = Faces | Comments | Mushrooms


@dataclass(frozen=True, kw_only=True)
class Read:
    """What a reader returns: the rows it could use, those it refused, and what the person should know."""

    data: DataSet
    layout: str
    rejected: tuple[Rejected, ...] = ()
    messages: tuple[str, ...] = ()


def attribute(name: str, cells: Sequence[str], order: Sequence[str] = ()) -> Attribute:
    """Code a column of words.

    Args:
        name: of the attribute.
        cells: (n,) values; empty becomes `unknown`, which comes last.
        order: values to list first, in this order, where they occur; the others follow sorted.
    """
    words = np.asarray([c or UNKNOWN for c in cells], dtype=object)
    present = set(words.tolist())
    first = [v for v in order if v in present and v != UNKNOWN]
    rest = sorted(present - set(first) - {UNKNOWN})
    values = (*first, *rest, *([UNKNOWN] if UNKNOWN in present else []))
    code = {v: i for i, v in enumerate(values)}
    return Attribute(name=name, values=values, codes=np.array([code[w] for w in words], dtype=np.int32))


def positions(rows: NDArray[np.int64] | NDArray[np.bool_]) -> NDArray[np.int64]:
    """Positions of a mask, or the positions given."""
    return np.flatnonzero(rows) if rows.dtype == bool else rows.astype(np.int64)


def split_code(word: str) -> int | None:
    """Code of a word for a split, -1 for the empty word, None for a word that names no split."""
    if not word:
        return UNSPLIT
    name = SPLIT_WORDS.get(word.strip().lower())
    return None if name is None else SPLITS.index(name)


def _take(values: Attribute, at: NDArray[np.int64]) -> Attribute:
    return replace(values, codes=values.codes[at])
