"""Loaders whose order depends on seed and epoch alone, so that a resumed run sees what it would have seen.

Under several processes every rank draws the same order and takes its share of the batches. With `lengths`,
batches hold rows of similar length: a batch is padded to its longest row, and padding costs like text.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from torch.utils.data import DataLoader, Dataset, Sampler

POOL = 50  # batches sorted by length together: wide enough to save padding, narrow enough to keep chance


class EpochBatches(Sampler[list[int]]):
    """Batches of row numbers, drawn anew each epoch."""

    def __init__(
        self,
        rows: int,
        size: int,
        *,
        seed: int = 0,
        shuffle: bool = True,
        lengths: Sequence[int] | NDArray[Any] | None = None,
        weights: NDArray[np.float64] | None = None,
        drop_last: bool = False,
    ) -> None:
        """Describe the batches.

        Args:
            rows: number of rows of the data set.
            size: rows in a batch.
            seed: of the order.
            shuffle: False: the rows as they come (or by length), every rank all of them.
            lengths: (rows,) length of each row; None: order by chance alone.
            weights: (rows,) draw rows with replacement in proportion; None: every row once an epoch.
            drop_last: leave out a last batch that is not full.
        """
        self.rows, self.size, self.seed, self.shuffle, self.drop_last = rows, size, seed, shuffle, drop_last
        self.lengths = None if lengths is None else np.asarray(lengths)
        self.weights = None if weights is None else np.asarray(weights, float) / np.sum(weights)
        self.epoch = 0

    def set_epoch(self, epoch: int) -> None:
        """Choose the order of one epoch."""
        self.epoch = epoch

    def __len__(self) -> int:
        """Batches of one rank: every rank has the same number, or they would wait for each other for ever."""
        whole = self.rows // self.size if self.drop_last else -(-self.rows // self.size)
        return -(-whole // self._share()[1])

    def __iter__(self) -> Iterator[list[int]]:
        rank, ranks = self._share()
        batches = self._batches()
        missing = len(self) * ranks - len(batches)
        batches += batches[:missing]  # the last round is filled from the start
        yield from batches[rank::ranks]

    def _batches(self) -> list[list[int]]:
        chance = np.random.default_rng((self.seed, self.epoch))
        order = np.arange(self.rows)
        if self.shuffle:
            order = chance.permutation(self.rows)
            if self.weights is not None:
                order = chance.choice(self.rows, self.rows, p=self.weights)
        if self.lengths is not None:
            pool = self.size * POOL if self.shuffle else self.rows
            parts = [order[at : at + pool] for at in range(0, self.rows, max(pool, 1))]
            order = np.concatenate([p[np.argsort(self.lengths[p], kind="stable")] for p in parts] or [order])
        batches = [order[at : at + self.size].tolist() for at in range(0, self.rows, self.size)]
        if self.drop_last and batches and len(batches[-1]) < self.size:
            batches.pop()
        if self.shuffle:
            chance.shuffle(batches)
        return batches

    def _share(self) -> tuple[int, int]:
        distributed = torch.distributed
        if self.shuffle and distributed.is_available() and distributed.is_initialized():
            return distributed.get_rank(), distributed.get_world_size()
        return 0, 1


def loader(
    data: Dataset[Any],
    size: int,
    *,
    train: bool,
    seed: int = 0,
    workers: int = 0,
    collate: Callable[[list[Any]], Any] | None = None,
    lengths: Sequence[int] | NDArray[Any] | None = None,
    weights: NDArray[np.float64] | None = None,
    drop_last: bool = False,
) -> DataLoader[Any]:
    """The loader that `training.fit.fit` wants: ordered by seed and epoch, shared between ranks.

    Args:
        data: has `__len__` and `__getitem__`.
        size: rows in a batch.
        train: shuffled, and shared between ranks; else in order of the rows (by length with `lengths`).
        seed: of order and workers.
        workers: processes that load ahead; 0 loads in this one.
        collate: list of items -> batch; None: torch's own.
        lengths: see `EpochBatches`.
        weights: see `EpochBatches`.
        drop_last: see `EpochBatches`.
    """
    batches = EpochBatches(
        len(data),  # type: ignore[arg-type]
        size,
        seed=seed,
        shuffle=train,
        lengths=lengths,
        weights=weights,
        drop_last=drop_last,
    )
    return DataLoader(
        data,
        batch_sampler=batches,
        num_workers=workers,
        collate_fn=collate,
        pin_memory=torch.cuda.is_available(),
        persistent_workers=workers > 0,
        generator=torch.Generator().manual_seed(seed),
    )
