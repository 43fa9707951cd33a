"""Pictures for training.

Decoded once where they fit in memory, else by workers; augmented; hashed for the card.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable, Iterable, Mapping, Sequence
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import numpy as np
import torch
from torch import Tensor, nn
from torch.utils.data import Dataset

from audit.errors import InputError
from models.image_preprocessing import decode, normalise, resize, single
from training.fit import FitConfig, to_device

AUGMENTATIONS = ("none", "light", "strong")
CACHE_BYTES = 1 << 30
"""Decoded pictures are kept in memory up to this size; beyond it, workers decode in every epoch."""

Item = dict[str, Tensor]


class Pictures(Dataset[Item]):
    """Pictures with targets: item i is {"image": (3, size, size) in 0..255, target name: tensor ...}."""

    def __init__(
        self,
        paths: Sequence[Path],
        size: int,
        targets: Mapping[str, Tensor],
        augment: Callable[[Tensor], Tensor] | None = None,
        decoded: Tensor | None = None,
    ) -> None:
        """Describe the pictures.

        Args:
            paths: n files.
            size: side of the square in pixels.
            targets: name -> (n, ...) tensor.
            augment: (3, size, size) uint8 -> the same; None: as it is.
            decoded: (n, 3, size, size) uint8, see `decode_all`; None: decode when asked.
        """
        self.paths, self.size, self.targets = list(paths), size, dict(targets)
        self.augment, self.decoded = augment, decoded

    def __len__(self) -> int:
        return len(self.paths)

    def __getitem__(self, index: int) -> Item:
        if self.decoded is not None:
            image = self.decoded[index]
        else:
            image = whole(resize(single(decode(self.paths[index])), self.size)[0])
        if self.augment is not None:
            image = self.augment(image)
        return {"image": image, **{name: values[index] for name, values in self.targets.items()}}


def whole(pixels: Tensor) -> Tensor:
    """Round to uint8: at most half a grey level away from what the audit's adapter computes."""
    return pixels.round().clamp(0, 255).to(torch.uint8)


def decode_all(paths: Sequence[Path], size: int, limit: int = CACHE_BYTES, threads: int = 2) -> Tensor | None:
    """Decode and resize every picture once.

    Args:
        paths: n files.
        size: side of the square in pixels.
        limit: bytes that the result may take.
        threads: that decode at the same time.

    Returns:
        (n, 3, size, size) uint8, or None where that is more than `limit`.

    Raises:
        InputError: a file can't be read as a picture.
    """
    if len(paths) * 3 * size * size > limit:
        return None
    found = torch.empty(len(paths), 3, size, size, dtype=torch.uint8)

    def one(row: int) -> None:
        found[row] = whole(resize(single(decode(paths[row])), size)[0])

    with ThreadPoolExecutor(threads) as pool:
        for _ in pool.map(one, range(len(paths))):
            pass
    return found


def augmentation(strength: str, size: int) -> Callable[[Tensor], Tensor] | None:
    """Random changes that leave the label true.

    Args:
        strength: "none"; "light" (mirror, a crop of at least 80 %, a little light and colour); "strong" (a
            crop of at least 50 %, rotation, more colour, a patch erased).
        size: side of the square in pixels.

    Raises:
        InputError: another word.
    """
    if strength not in AUGMENTATIONS:
        raise InputError("--augment", f"one of {', '.join(AUGMENTATIONS)} was expected; got {strength!r}.")
    if strength == "none":
        return None
    from torchvision.transforms import v2

    if strength == "light":
        steps = [
            v2.RandomResizedCrop(size, scale=(0.8, 1.0), ratio=(0.9, 1.1), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(brightness=0.2, contrast=0.2, saturation=0.2),
        ]
    else:
        steps = [
            v2.RandomRotation(20),
            v2.RandomResizedCrop(size, scale=(0.5, 1.0), antialias=True),
            v2.RandomHorizontalFlip(),
            v2.ColorJitter(brightness=0.3, contrast=0.3, saturation=0.3, hue=0.03),
            v2.RandomErasing(p=0.25, scale=(0.02, 0.15)),
        ]
    return v2.Compose(steps)


def raw_outputs(network: nn.Module, batch: Item) -> dict[str, Tensor]:
    """One forward pass over a batch of `Pictures`, in full precision from there on."""
    return {name: value.float() for name, value in network(normalise(batch["image"].float())).items()}


def collect(network: nn.Module, loader: Iterable[Item]) -> tuple[dict[str, Tensor], dict[str, Tensor]]:
    """Raw outputs and targets of every row of a loader, on the CPU.

    Returns:
        name -> (n, ...) raw outputs, and name -> (n, ...) targets.
    """
    outputs: dict[str, list[Tensor]] = {}
    targets: dict[str, list[Tensor]] = {}
    for batch in loader:
        for name, value in raw_outputs(network, to_device(batch, network)).items():
            outputs.setdefault(name, []).append(value.cpu())
        for name, value in batch.items():
            if name != "image":
                targets.setdefault(name, []).append(value)
    return {k: torch.cat(v) for k, v in outputs.items()}, {k: torch.cat(v) for k, v in targets.items()}


def slower_backbone(share: float) -> Callable[[nn.Module, FitConfig], list[dict[str, Any]]]:
    """Parameter groups.

    The backbone learns at a share of the heads' rate, so that little data do not undo it.
    """

    def groups(network: nn.Module, config: FitConfig) -> list[dict[str, Any]]:
        found: dict[tuple[bool, bool], list[nn.Parameter]] = {}
        for name, parameter in network.named_parameters():
            if parameter.requires_grad:
                found.setdefault((name.startswith("backbone."), parameter.ndim >= 2), []).append(parameter)
        return [
            {
                "params": parameters,
                "lr": config.learning_rate * (share if backbone else 1.0),
                "weight_decay": config.weight_decay if matrix else 0.0,
            }
            for (backbone, matrix), parameters in sorted(found.items(), key=lambda item: item[0])
        ]

    return groups


def data_sha256(paths: Sequence[str], contents: Sequence[str], labels: Mapping[str, Sequence[Any]]) -> str:
    """Hash of a data set: every file's path, content and labels, whatever their order.

    Args:
        paths: n paths relative to the data folder.
        contents: n SHA-256 digests.
        labels: name -> n values.
    """
    rows = sorted(
        "\t".join([paths[i], contents[i], *(f"{name}={labels[name][i]}" for name in sorted(labels))])
        for i in range(len(paths))
    )
    return hashlib.sha256("\n".join(rows).encode()).hexdigest()


def class_weights(codes: np.ndarray, classes: int) -> Tensor:
    """Weight of each class in the loss.

    Inverse to its frequency, mean 1 over the rows; absent classes get 0.
    """
    counts = np.bincount(codes, minlength=classes).astype(float)
    weights = np.divide(1.0, counts, out=np.zeros(classes), where=counts > 0)
    return torch.tensor(weights * len(codes) / max((counts > 0).sum(), 1), dtype=torch.float32)
