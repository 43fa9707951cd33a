"""What the comments network minimises: BCE or focal loss over known labels, and how fast its parts learn."""

from __future__ import annotations

from collections.abc import Callable
from typing import TYPE_CHECKING, Any

import numpy as np
from numpy.typing import NDArray

if TYPE_CHECKING:
    from torch import Tensor, nn

    from training.fit import FitConfig

GAMMA = 2.0  # focal loss, as in its paper
WEIGHT_CAP = 20.0  # of a positive: beyond it a label with 30 positives is learned by heart


def make_loss(kind: str, weights: NDArray[np.float64] | None, gamma: float = GAMMA) -> Callable[..., Tensor]:
    """The mean loss over the labels that are known.

    Args:
        kind: bce, or focal: Lin, Goyal, Girshick, He & Dollár (2017), bce · (1 - p of the truth)^gamma.
        weights: (L,) weight of a positive; None: 1.
        gamma: of focal.
    """
    import torch
    from torch.nn import functional

    weight = None if weights is None else torch.from_numpy(weights).float()

    def loss(network: nn.Module, batch: tuple[Tensor, Tensor, Tensor]) -> Tensor:
        ids, mask, truth = batch
        logits = network(ids, mask).float()  # (n, L)
        known, target = truth >= 0, truth.clamp(min=0)
        each = functional.binary_cross_entropy_with_logits(logits, target, reduction="none")
        if kind == "focal":
            each = each * (1 - torch.exp(-each)) ** gamma
        if weight is not None:
            each = each * torch.where(target == 1, weight.to(each.device), 1.0)
        return (each * known).sum() / known.sum().clamp(min=1)

    return loss


def positive_weights(truth: NDArray[np.int8], how: str) -> NDArray[np.float64] | None:
    """(L,) weight of a positive of each label, at most `WEIGHT_CAP`; None for "none"."""
    if how == "none":
        return None
    ratio = (truth == 0).sum(0) / np.maximum((truth == 1).sum(0), 1)
    return np.clip(np.sqrt(ratio) if how == "sqrt" else ratio, 1.0, WEIGHT_CAP)


def faster_head(times: float) -> Callable[[nn.Module, FitConfig], list[dict[str, Any]]]:
    """Parameter groups in which the last layer learns so many times faster; decay on matrices only."""

    def groups(network: nn.Module, config: FitConfig) -> list[dict[str, Any]]:
        out = []
        for head in (False, True):
            rate = config.learning_rate * (times if head else 1.0)
            named = [(n, p) for n, p in network.named_parameters() if n.startswith("head.") == head]
            for matrix in (True, False):
                chosen = [p for _, p in named if p.requires_grad and (p.ndim >= 2) == matrix]
                decay = config.weight_decay if matrix else 0.0
                out.append({"params": chosen, "lr": rate, "weight_decay": decay})
        return [group for group in out if group["params"]]

    return groups
