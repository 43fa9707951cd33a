"""Comments on their way into a network: read, split, counted, tokenised once, padded by batch."""

from __future__ import annotations

import hashlib
from collections.abc import Mapping, Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch import Tensor
from torch.utils.data import Dataset

from audit.core import SPLITS
from audit.errors import InputError
from models.tokens import Tokens
from training.data.loading import load
from training.data.records import LABELS, Comments
from training.data.splits import TEST, TRAIN, VALIDATION, plan_splits


@dataclass(frozen=True, kw_only=True)
class Prepared:
    """Comments with the split that training uses."""

    data: Comments
    split: NDArray[np.int8]
    """(n,) codes into `audit.core.SPLITS`; -1: left out."""
    clusters: NDArray[np.int32]
    """(n,) near copies."""
    sha256: str
    """Of ids, texts, labels and declared splits."""
    facts: Mapping[str, Any]
    """Small numbers for the card."""

    def rows(self, split: int) -> NDArray[np.int64]:
        """Positions of one split."""
        return np.flatnonzero(self.split == split)


def prepare(path: Path, seed: int) -> Prepared:
    """Read, check and split comments.

    Args:
        path: folder or CSV file, see `training.data.comments`.
        seed: of the split, where the data declare none.

    Raises:
        InputError: it is no data set of comments, or train or validation would be empty.
    """
    loaded = load("comments", path)
    data = loaded.data
    assert isinstance(data, Comments)  # noqa: S101 - narrows the type
    plan = plan_splits(data, loaded.clusters, seed)
    for code in (TRAIN, VALIDATION):
        if not (plan.split == code).any():
            raise InputError(str(path), f"no row is left for {SPLITS[code]} ({plan.how}).")
    counts = {SPLITS[code]: int((plan.split == code).sum()) for code in (TRAIN, VALIDATION, TEST)}
    train = data.labels[plan.split == TRAIN]
    facts = {
        "layout": loaded.layout,
        "rows": counts,
        "refused": loaded.refused,
        "near_copies_left_out": plan.left_out,
        "split": plan.how,
        "split_seed": seed,
        "train_positives": {name: int((train[:, i] == 1).sum()) for i, name in enumerate(LABELS)},
    }
    return Prepared(data=data, split=plan.split, clusters=loaded.clusters, sha256=_digest(data), facts=facts)


def known_labels(prepared: Prepared) -> tuple[str, ...]:
    """The labels of which the training rows hold yes and no.

    Raises:
        InputError: there is none.
    """
    train = prepared.data.labels[prepared.rows(TRAIN)]
    found = tuple(n for i, n in enumerate(LABELS) if {0, 1} <= set(np.unique(train[:, i]).tolist()))
    if not found:
        raise InputError("labels", "no label has both yes and no among the training rows.")
    return found


def truth_of(data: Comments, labels: Sequence[str]) -> NDArray[np.int8]:
    """(n, L) 0, 1 or -1 of the chosen labels."""
    return data.labels[:, [LABELS.index(label) for label in labels]]


class Encoded(Dataset[tuple[list[int], NDArray[np.int8]]]):
    """Tokenised comments with their labels."""

    def __init__(self, tokens: Tokens, texts: Sequence[str], truth: NDArray[np.int8]) -> None:
        self.tokens, self.truth = tokens, truth
        self.rows = tokens.encode(texts)

    def __len__(self) -> int:
        """Number of comments."""
        return len(self.rows)

    def __getitem__(self, index: int) -> tuple[list[int], NDArray[np.int8]]:
        """Token numbers and (L,) labels of one comment."""
        return self.rows[index], self.truth[index]

    def collate(self, items: list[tuple[list[int], NDArray[np.int8]]]) -> tuple[Tensor, Tensor, Tensor]:
        """(n, T) token numbers, (n, T) mask, (n, L) float labels with -1 for unknown."""
        ids, mask = self.tokens.batch([row for row, _ in items])
        return ids, mask, torch.from_numpy(np.stack([truth for _, truth in items]).astype(np.float32))


def rarity_weights(truth: NDArray[np.int8], power: float) -> NDArray[np.float64] | None:
    """How often each row is to be drawn, so that rows of rare labels come more often.

    Args:
        truth: (n, L) of the training rows.
        power: 0: every row once an epoch (None is returned); 1: a row of the rarest label as often as all the
            rows of the commonest together allow; 0.5 is between.
    """
    if power == 0:
        return None
    counts = np.maximum((truth == 1).sum(0), 1)
    factor = (counts.max() / counts) ** power  # (L,) 1 for the commonest label
    return np.where(truth == 1, factor, 1.0).max(1)


def _digest(data: Comments) -> str:
    digest = hashlib.sha256()
    for ident, text in zip(data.ids.to_pylist(), data.text.to_pylist(), strict=True):
        for part in (ident, text):
            raw = part.encode("utf-8", "surrogatepass")
            digest.update(len(raw).to_bytes(8, "little") + raw)
    digest.update(data.labels.tobytes() + data.split.tobytes())
    return digest.hexdigest()
