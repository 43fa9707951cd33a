"""Every table of a data set by name, for the command line; the counting itself is `audit.profile`."""

from __future__ import annotations

from itertools import combinations

import numpy as np
import pyarrow as pa
from numpy.typing import NDArray

from audit.core import SPLITS, Attribute
from audit.profile.counts import coded, crossing, distribution
from audit.profile.labels import co_occurrence, identity_counts, label_counts
from audit.profile.numbers import by_group, histogram
from audit.profile.texts import text_lengths
from training.data.image_files import ImageFacts
from training.data.records import LABELS, Comments, Faces, Mushrooms, attribute

AGE_EDGES = tuple(range(0, 101, 5))
LENGTH_EDGES = (0, 25, 50, 100, 200, 400, 800, 1600, 3200, 6400, 1_000_000)
PAIRS = ["label", "other", "both", "share_of_label"]
"""Columns of the labels' co-occurrence that a terminal shows as a matrix."""
SPLIT_NAMES = ("not declared", *SPLITS)


def split_counts(split: NDArray[np.int8]) -> pa.Table:
    """Columns split, n; "not declared" only where it occurs."""
    n = np.bincount(split.astype(np.int64) + 1, minlength=len(SPLIT_NAMES))
    keep = [i for i in range(len(SPLIT_NAMES)) if i or n[0]]
    return pa.table({"split": [SPLIT_NAMES[i] for i in keep], "n": n[keep]})


def profile_comments(comments: Comments) -> dict[str, pa.Table]:
    """Every table of a set of comments by name."""
    lengths = text_lengths(comments.text)
    toxic = attribute("toxic", [("0", "1", "")[code] for code in comments.labels[:, 0]])
    return {
        "splits": split_counts(comments.split),
        "labels": label_counts(comments.labels, LABELS),
        "identities": identity_counts(comments.labels, LABELS, comments.identities),
        "co_occurrence": co_occurrence(comments.labels, LABELS).select(PAIRS),
        "lengths": histogram(lengths, LENGTH_EDGES),
        "lengths by toxic": by_group(lengths, toxic),
    }


def profile_pictures(data: Faces | Mushrooms, facts: ImageFacts | None) -> dict[str, pa.Table]:
    """Every table of a set of pictures by name; those on sizes and light need `facts`."""
    tables = {"splits": split_counts(data.split)}
    if isinstance(data, Faces):
        groups = data.groups
        tables["ages"] = histogram(data.age, AGE_EDGES)
        for name, group in groups.items():
            if name not in ("age_band",):
                tables[f"age by {name}"] = by_group(data.age, group)
    else:
        groups = {"label": data.label, **data.attributes}
    for name, group in groups.items():
        tables[name] = distribution(group)
    for first, second in combinations(groups, 2):
        tables[f"{first} by {second}"] = crossing(groups[first], groups[second])
    split = _split_attribute(data.split)
    for name, group in groups.items():
        tables[f"{name} by split"] = crossing(group, split)
    if facts is not None:
        side = np.sqrt(facts.width.astype(np.float64) * facts.height)
        tables["sizes"] = _sizes(facts)
        for name, group in groups.items():
            tables[f"brightness by {name}"] = by_group(facts.brightness, group)
            tables[f"contrast by {name}"] = by_group(facts.contrast, group)
            tables[f"size by {name}"] = by_group(side, group)
    return tables


def _sizes(facts: ImageFacts) -> pa.Table:
    """Columns width, height, n: the twenty most frequent sizes."""
    pairs, n = np.unique(np.stack([facts.width, facts.height], axis=1), axis=0, return_counts=True)
    order = np.argsort(-n, kind="stable")[:20]
    return pa.table({"width": pairs[order, 0], "height": pairs[order, 1], "n": n[order]})


def _split_attribute(split: NDArray[np.int8]) -> Attribute:
    return coded("split", SPLIT_NAMES, split + 1)
