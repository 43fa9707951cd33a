"""Pictures made ready for training.

Read, copies found, split, copies left out of training; and their columns.
"""

from __future__ import annotations

import argparse
import os
import sys
from collections.abc import Callable, Mapping
from dataclasses import dataclass, replace
from itertools import islice
from pathlib import Path
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.core import SPLITS
from audit.errors import InputError
from training.data.image_files import walk
from training.data.loading import Loaded, joined_clusters, load
from training.data.records import Faces, Kind, Mushrooms
from training.data.splits import TRAIN, plan_splits
from training.image_copies import FoundCopies, find_copies, first_of_each

FEW = 512
"""Files below which starting worker processes takes longer than looking at the files."""


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """A data set that is split and rid of copies."""

    data: Faces | Mushrooms
    """Rows that are used, their splits decided."""
    clusters: NDArray[np.int32]
    sha256: str
    """Of the files and labels in use."""
    facts: Mapping[str, Any]
    """For the card: rows by split, how it was split, the distance, what was left out."""

    def rows(self, split: int) -> NDArray[np.int64]:
        """Positions of one split's rows."""
        return np.flatnonzero(self.data.split == split)

    def files(self, rows: NDArray[np.int64]) -> list[Path]:
        """Files of some rows."""
        names = self.data.paths.to_pylist()
        return [Path(self.data.root, names[row]) for row in rows]


def prepare(kind: Kind, args: argparse.Namespace, say: Callable[[str], None] | None = None) -> Prepared:
    """Read, find copies, split, and leave copies out.

    Args:
        kind: "faces" or "mushrooms".
        args: flags of `add_image_arguments`.
        say: takes lines for a person; None: to standard error.
    """
    tell = say or _to_stderr
    few = sum(1 for _ in islice(walk(args.data), FEW)) < FEW if args.data.is_dir() else True
    loaded = load(kind, args.data, workers=0 if few else min(2, os.cpu_count() or 1))
    for message in loaded.messages:
        tell(message)
    if loaded.refused:
        tell(f"{loaded.refused} rows or files can't be used; `plumbline data {kind} {args.data}` lists them")
    copied = _copies(loaded, args, tell)
    clusters = joined_clusters(copied.clusters, loaded.data.cluster)
    plan = plan_splits(loaded.data, clusters, args.seed)
    ids = np.asarray(loaded.data.ids.to_pylist(), dtype=object)
    keep = plan.split >= 0
    copies = 0
    if not args.keep_copies:
        training = plan.split == TRAIN
        first = np.zeros(len(keep), bool)
        first[training] = first_of_each(clusters[training], list(ids[training]))
        copies = int((training & ~first).sum())
        keep &= first | ~training
    data = replace(loaded.data, split=plan.split)
    thinned = _thin(data, keep, args)
    keep &= ~thinned
    kept = data.take(keep)
    tell(f"{int(keep.sum())} of {len(keep)} rows in use: {_counts(kept.split)}; split: {plan.how}")
    tell(
        f"left out of training: {copies} copies, {plan.left_out} copies of held-back pictures, "
        f"{int(thinned.sum())} thinned"
    )
    facts = {
        "rows": {name: int((kept.split == code).sum()) for code, name in enumerate(SPLITS)},
        "split": plan.how,
        "copies": copied.how,
        "copies_distance": copied.distance,
        "copies_left_out": copies,
        "copies_of_held_back": plan.left_out,
        "thinned": list(args.thin),
    }
    return Prepared(
        data=kept, clusters=clusters[keep], sha256=_sha256(kept, loaded.facts.sha256[keep]), facts=facts
    )


def _copies(loaded: Loaded, args: argparse.Namespace, tell: Callable[[str], None]) -> FoundCopies:
    paths = [Path(loaded.data.root, name) for name in loaded.data.paths.to_pylist()]
    found = find_copies(paths, loaded.facts.phash, args.copies_distance, args.seed)
    for line in found.lines:
        tell(line)
    return found


def _thin(data: Faces | Mushrooms, usable: NDArray[np.bool_], args: argparse.Namespace) -> NDArray[np.bool_]:
    """(n,) training rows to leave out by --thin."""
    out = np.zeros(data.n, bool)
    every = data.groups if isinstance(data, Faces) else {"label": data.label, **data.attributes}
    for wish in args.thin:
        name, _, rest = wish.partition("=")
        value, _, share = rest.rpartition(":")
        if name not in every or value not in every[name].values:
            allowed = "; ".join(f"{k}: {', '.join(a.values)}" for k, a in every.items())
            raise InputError(
                f"--thin {wish}",
                "GROUP=VALUE:SHARE with a group of the data was expected.",
                f"They are {allowed}.",
            )
        if not 0 <= _number(share) <= 1:
            raise InputError(f"--thin {wish}", f"a share from 0 to 1 was expected; got {share!r}.")
        rows = np.flatnonzero(
            (data.split == TRAIN) & usable & (every[name].codes == every[name].values.index(value))
        )
        chosen = np.random.default_rng((args.seed, len(rows))).permutation(rows)[
            : round(len(rows) * float(share))
        ]
        out[chosen] = True
    return out


def _number(text: str) -> float:
    try:
        return float(text)
    except ValueError:
        return float("nan")


def _sha256(data: Faces | Mushrooms, digests: NDArray[np.object_]) -> str:
    from training.images import data_sha256

    if isinstance(data, Faces):
        labels = {"age": data.age, "gender": [data.gender.values[c] for c in data.gender.codes]}
    else:
        labels = {"label": [data.label.values[c] for c in data.label.codes]}
    return data_sha256(data.paths.to_pylist(), list(digests), {**labels, "split": data.split})


def _counts(split: NDArray[np.int8]) -> str:
    return ", ".join(f"{int((split == code).sum())} {name}" for code, name in enumerate(SPLITS))


def _to_stderr(line: str) -> None:
    print(line, file=sys.stderr, flush=True)
