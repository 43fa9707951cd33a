"""The one list of planted faults: what is planted, how strong, and how an audit shows it.

A generator draws the same examples with and without a fault (same seed), so the difference between a data set
and its twin is the fault alone. Every generator writes `planted.csv` beside its data: which rows carry which
fault. One fault is planted by a training, not by a generator.
"""

from __future__ import annotations

import csv
from collections.abc import Iterable, Mapping
from dataclasses import dataclass
from pathlib import Path
from typing import Literal

from audit.errors import InputError
from training.data.records import Kind

PLANTED_COLUMNS = ("fault", "id", "of", "split", "detail")


@dataclass(frozen=True, kw_only=True)
class Sight:
    """How an audit shows a fault: any established finding (or regressed slice) like this."""

    probe: str
    """Name of the probe; ``versions`` is the comparison of two runs."""
    of: tuple[tuple[str, str], ...] = ()
    """The slice, as pairs of attribute and value; none is everyone."""
    outputs: tuple[str, ...] = ()
    """Any of them; none given: any output."""
    metrics: tuple[str, ...] = ()
    """Any of them."""


@dataclass(frozen=True, kw_only=True)
class Fault:
    """Something wrong that an audit should find."""

    name: str
    kind: Kind
    what: str
    strength: float
    """Its one number, explained in `what`."""
    found_by: Sight
    planted_in: Literal["data", "training"] = "data"


@dataclass(frozen=True, kw_only=True)
class Planted:
    """One row that carries a fault: a line of planted.csv."""

    fault: str
    id: str
    split: str
    of: str = ""
    """For a copy: id of the row that it was copied from."""
    detail: str = ""


@dataclass(frozen=True, kw_only=True)
class Made:
    """What a generator wrote."""

    folder: Path
    rows: int
    seed: int
    faults: frozenset[str]
    planted: tuple[Planted, ...]
    label_noise: Mapping[str, str]
    """Output -> how its labels differ from what was drawn, in words."""


_DARK = Sight(
    probe="group_error",
    of=(("tone_band", "monk 08-10"),),
    outputs=("age", "gender"),
    metrics=("mae", "error_rate", "fpr", "fnr", "auc"),
)
_COPIES = Sight(probe="leakage", metrics=("leaked_share",))

FAULTS: Mapping[str, Fault] = {
    fault.name: fault
    for fault in (
        Fault(
            name="low_contrast",
            kind="faces",
            what="portraits of Monk tones 8 to 10 keep this share of their contrast, in every split",
            strength=0.22,
            found_by=_DARK,
        ),
        Fault(
            name="few_examples",
            kind="faces",
            what="this share of the training rows of Monk tones 8 to 10 is kept, the others change tone",
            strength=0.2,
            found_by=_DARK,
        ),
        Fault(
            name="face_copies",
            kind="faces",
            what="this share of the test rows is replaced by resized, re-encoded copies of training rows",
            strength=0.06,
            found_by=_COPIES,
        ),
        Fault(
            name="lost_glasses",
            kind="faces",
            what="version 2 trains longer, but this share of its training rows with glasses is lost",
            strength=1.0,
            found_by=Sight(
                probe="versions",
                of=(("glasses", "yes"),),
                outputs=("age", "gender"),
                metrics=("mae", "fpr", "fnr"),
            ),
            planted_in="training",
        ),
        Fault(
            name="identity_term",
            kind="comments",
            what="this share of the harmless training comments that mention the term gay is labelled toxic, "
            "and toxic training comments mention it about twice as often; the test is clean",
            strength=0.5,
            found_by=Sight(
                probe="identity_terms",
                of=(("identity", "gay"),),
                outputs=("toxic",),
                metrics=("fpr", "subgroup_auc", "bpsn_auc"),
            ),
        ),
        Fault(
            name="comment_copies",
            kind="comments",
            what="this share of the test rows is replaced by training rows with one or two small edits",
            strength=0.05,
            found_by=_COPIES,
        ),
        Fault(
            name="texture_shortcut",
            kind="mushrooms",
            what="in train and validation this share of the Armillaria pictures, and no other genus, stands "
            "on a woven ground; in the test 30 % of every genus do",
            strength=0.95,
            found_by=Sight(
                probe="group_error",
                of=(("ground", "woven"),),
                outputs=("genus",),
                metrics=("error_rate", "macro_f1"),
            ),
        ),
        Fault(
            name="mushroom_copies",
            kind="mushrooms",
            what="this share of the test rows is replaced by resized, re-encoded copies of training rows",
            strength=0.08,
            found_by=_COPIES,
        ),
    )
}


def faults_of(kind: Kind) -> frozenset[str]:
    """Names of the faults that one generator can plant."""
    return frozenset(n for n, fault in FAULTS.items() if fault.kind == kind and fault.planted_in == "data")


def checked(kind: Kind, faults: Iterable[str] | None) -> frozenset[str]:
    """The faults asked for; None is all of them, an empty set the twin without any.

    Raises:
        InputError: a name that this generator does not know.
    """
    known = faults_of(kind)
    wanted = known if faults is None else frozenset(faults)
    if strange := sorted(wanted - known):
        raise InputError(f"faults of {kind}", f"{strange[0]!r} is none of {', '.join(sorted(known))}.")
    return wanted


def write_planted(folder: Path, planted: Iterable[Planted]) -> None:
    """Write planted.csv, the answer sheet: which rows carry which fault."""
    with (folder / "planted.csv").open("w", newline="", encoding="utf-8") as stream:
        writer = csv.writer(stream)
        writer.writerow(PLANTED_COLUMNS)
        writer.writerows([getattr(one, column) for column in PLANTED_COLUMNS] for one in planted)


def read_planted(folder: Path) -> list[Planted]:
    """Read planted.csv back."""
    with (folder / "planted.csv").open(newline="", encoding="utf-8") as stream:
        return [Planted(**row) for row in csv.DictReader(stream)]
