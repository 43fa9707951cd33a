"""Small tables that describe a data set: pure functions of arrays, for the command line and the app."""

from __future__ import annotations

from collections.abc import Mapping
from itertools import combinations

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
from numpy.typing import NDArray

from audit.core import SPLITS, Attribute
from training.data.image_files import ImageFacts
from training.data.records import LABELS, Comments, Faces, Mushrooms, attribute

QUANTILES = (0.05, 0.25, 0.5, 0.75, 0.95)
AGE_EDGES = tuple(range(0, 101, 5))
LENGTH_EDGES = (0, 25, 50, 100, 200, 400, 800, 1600, 3200, 6400, 1_000_000)
SPLIT_NAMES = ("not declared", *SPLITS)


def distribution(group: Attribute) -> pa.Table:
    """Columns value, n, share: how often each value occurs, in the group's order."""
    n = np.bincount(group.codes, minlength=len(group.values))
    return pa.table({"value": list(group.values), "n": n, "share": _shares(n, n.sum())})


def crossing(first: Attribute, second: Attribute) -> pa.Table:
    """Columns of both names, n, share_of_first: every pair of values, those that never occur included."""
    wide = len(second.values)
    n = np.bincount(first.codes.astype(np.int64) * wide + second.codes, minlength=len(first.values) * wide)
    whole = np.repeat(n.reshape(-1, wide).sum(axis=1), wide)
    return pa.table(
        {
            first.name: np.repeat(np.array(first.values, dtype=object), wide),
            second.name: np.tile(np.array(second.values, dtype=object), len(first.values)),
            "n": n,
            "share_of_first": _shares(n, whole),
        }
    )


def split_counts(split: NDArray[np.int8]) -> pa.Table:
    """Columns split, n; "not declared" only where it occurs."""
    n = np.bincount(split.astype(np.int64) + 1, minlength=len(SPLIT_NAMES))
    keep = [i for i in range(len(SPLIT_NAMES)) if i or n[0]]
    return pa.table({"split": [SPLIT_NAMES[i] for i in keep], "n": n[keep]})


def histogram(values: NDArray[np.floating], edges: tuple[float, ...]) -> pa.Table:
    """Columns low, high, n: values in [low, high), last bin closed; NaN left out, outliers in the ends."""
    finite = np.clip(values[np.isfinite(values)], edges[0], edges[-1])
    n, _ = np.histogram(finite, bins=np.asarray(edges, dtype=np.float64))
    return pa.table({"low": list(map(float, edges[:-1])), "high": list(map(float, edges[1:])), "n": n})


def by_group(values: NDArray[np.floating], group: Attribute) -> pa.Table:
    """Columns value, n, mean, sd and quantiles of a number in each value of a group; NaN is left out."""
    rows = []
    for code, name in enumerate(group.values):
        inside = values[group.codes == code]
        inside = inside[np.isfinite(inside)].astype(np.float64)
        some = len(inside) > 0
        spread = float(inside.std(ddof=1)) if len(inside) > 1 else None
        quantiles = np.quantile(inside, QUANTILES).tolist() if some else [None] * len(QUANTILES)
        rows.append([name, len(inside), float(inside.mean()) if some else None, spread, *quantiles])
    names = ["value", "n", "mean", "sd", *(f"p{round(q * 100):02d}" for q in QUANTILES)]
    return pa.table({name: [row[i] for row in rows] for i, name in enumerate(names)})


def label_counts(labels: NDArray[np.int8]) -> pa.Table:
    """Columns label, known, positives, rate for the six labels of comments."""
    known, positives = (labels >= 0).sum(axis=0), (labels == 1).sum(axis=0)
    return pa.table(
        {"label": list(LABELS), "known": known, "positives": positives, "rate": _shares(positives, known)}
    )


def co_occurrence(labels: NDArray[np.int8]) -> pa.Table:
    """Columns label, other, both, share_of_label: of comments with one label, how many have the other too."""
    ones = (labels == 1).astype(np.int64)
    both = ones.T @ ones
    size = len(LABELS)
    return pa.table(
        {
            "label": np.repeat(np.array(LABELS, dtype=object), size),
            "other": np.tile(np.array(LABELS, dtype=object), size),
            "both": both.ravel(),
            "share_of_label": _shares(both.ravel(), np.repeat(np.diag(both), size)),
        }
    )


def identity_counts(
    labels: NDArray[np.int8], identities: Mapping[str, NDArray[np.float32]], threshold: float = 0.5
) -> pa.Table:
    """Columns identity, annotated, members, and of each label the positives and the rate among members."""
    columns: dict[str, list[float | int | str | None]] = {"identity": [], "annotated": [], "members": []}
    for label in LABELS:
        columns[label], columns[f"{label}_rate"] = [], []
    for name, membership in identities.items():
        inside = labels[membership >= threshold]
        columns["identity"].append(name)
        columns["annotated"].append(int(np.isfinite(membership).sum()))
        columns["members"].append(len(inside))
        for position, label in enumerate(LABELS):
            known, positives = int((inside[:, position] >= 0).sum()), int((inside[:, position] == 1).sum())
            columns[label].append(positives)
            columns[f"{label}_rate"].append(positives / known if known else None)
    return pa.table(columns)


def text_lengths(text: pa.StringArray) -> NDArray[np.float64]:
    """(n,) characters of each text."""
    lengths: NDArray[np.float64] = pc.utf8_length(text).to_numpy(zero_copy_only=False).astype(np.float64)
    return lengths


def profile_comments(comments: Comments) -> dict[str, pa.Table]:
    """Every table of a set of comments by name."""
    lengths = text_lengths(comments.text)
    toxic = attribute("toxic", [("0", "1", "")[code] for code in comments.labels[:, 0]])
    return {
        "splits": split_counts(comments.split),
        "labels": label_counts(comments.labels),
        "identities": identity_counts(comments.labels, comments.identities),
        "co_occurrence": co_occurrence(comments.labels),
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
    return Attribute(name="split", values=SPLIT_NAMES, codes=split.astype(np.int32) + 1)


def _shares(part: NDArray[np.int64], whole: NDArray[np.int64] | np.integer | int) -> NDArray[np.float64]:
    """Shares; 0 of 0 is 0."""
    return part / np.maximum(whole, 1)
