"""The mushrooms network.

Any torchvision backbone with one head over classes (a genus, or edible and poisonous).
"""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import asdict, dataclass
from pathlib import Path
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn import functional

from audit.core import Task, TaskKind
from audit.errors import InputError
from models import weights as stored
from models.backbones import RANDOM, build
from models.image_adapter import Conditions, ImageModel

KIND = "mushrooms"
"""What the card of the weights says under "model"."""


@dataclass(frozen=True, kw_only=True)
class MushroomsConfig:
    """Everything that the shape of the network depends on."""

    classes: tuple[str, ...]
    """Name of each code."""
    output: str = "genus"
    """Name of the output in predictions: `true.genus`, `score.genus.CLASS`."""
    backbone: str = "squeezenet1_1"
    size: int = 160
    """Side in pixels of the square that is read."""
    dropout: float = 0.2

    def __post_init__(self) -> None:
        """Accept lists, as JSON gives them."""
        object.__setattr__(self, "classes", tuple(self.classes))
        if len(self.classes) < 2:
            raise InputError("classes", f"at least two are needed to tell apart; these are {self.classes}.")


class MushroomsNetwork(nn.Module):
    """A backbone with one head."""

    def __init__(self, config: MushroomsConfig, weights: str = RANDOM) -> None:
        """Build the network.

        Args:
            config: its shape.
            weights: of the backbone, see `models.backbones.build`.
        """
        super().__init__()
        self.config, self.size = config, config.size
        self.backbone = build(config.backbone, weights, config.size)
        self.norm = nn.LayerNorm(self.backbone.width)  # backbones differ in scale by a factor of 100
        self.dropout = nn.Dropout(config.dropout)
        self.head = nn.Linear(self.backbone.width, len(config.classes))
        self.tasks: Mapping[str, Task] = {
            config.output: Task(kind=TaskKind.MULTICLASS, classes=config.classes)
        }

    def features(self, images: Tensor) -> Tensor:
        """(n, 3, size, size), normalised -> (n, width)."""
        return self.backbone(images)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(n, 3, size, size), normalised -> {output: (n, C) logits}."""
        return {self.config.output: self.head(self.dropout(self.norm(self.features(images))))}

    def scores(self, raw: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Logits -> (n, C) probabilities."""
        return {self.config.output: torch.softmax(raw[self.config.output], 1)}

    def row_loss(self, raw: Mapping[str, Tensor], output: str, target: Tensor) -> Tensor:
        """(n,) cross-entropy; target: (n,) class codes."""
        return functional.cross_entropy(raw[output], target.long(), reduction="none")

    def randomised(self, seed: int) -> MushroomsNetwork:
        """The same architecture with weights drawn anew; torch's own generator is left as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return MushroomsNetwork(self.config)


def save(path: Path | str, network: MushroomsNetwork, card: Mapping[str, Any]) -> Path:
    """Write weights with a card that `load` understands; returns the safetensors file."""
    return stored.save(path, network.state_dict(), {**card, "model": KIND, "config": asdict(network.config)})


def load(weights: Path | str, conditions: Conditions | None = None, device: str = "cpu") -> ImageModel:
    """Open trained weights as an auditable model.

    Args:
        weights: folder or file as written by `save`.
        conditions: threads, precision, batch size.
        device: torch's name of one.

    Raises:
        InputError: the files are missing, altered or of another model.
    """
    state, card = stored.load(weights)
    if card.get("model") != KIND:
        raise InputError(
            str(weights), f'the card says "model": {card.get("model")!r}; {KIND!r} was expected.'
        )
    network = MushroomsNetwork(MushroomsConfig(**card["config"]))
    stored.load_into(network, state, str(weights))
    return ImageModel(network, conditions, device)
