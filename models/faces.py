"""The faces network: one forward pass gives an age with its spread, and a gender.

Age is a distribution over bins of completed years; the prediction is its expected value, its standard
deviation says how sure the network is (Rothe et al., "Deep expectation of real and apparent age", IJCV
2018). Truth is an interval of years: an exact age is an interval of one year, a band ("30-39") trains
through the bins that it covers, no midpoint is invented. The two losses are weighed by learned noise
(Kendall, Gal & Cipolla, "Multi-task learning using uncertainty", CVPR 2018) or by fixed weights. "Gender"
is the data set's annotation of how a person looks, in two values; nothing else.
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
from models import weights as stored
from models.backbones import RANDOM, build
from models.image_adapter import Conditions, ImageModel

KIND = "faces"
"""What the card of the weights says under "model"."""


@dataclass(frozen=True, kw_only=True)
class FacesConfig:
    """Everything that the shape of the network depends on."""

    backbone: str = "squeezenet1_1"
    size: int = 112
    """Side in pixels of the square that is read."""
    edges: tuple[int, ...] = tuple(range(0, 101, 5))
    """First completed year of each bin, and one past the last: 20 bins of five years by default."""
    genders: tuple[str, str] = ("Female", "Male")
    """Names of the codes 0 and 1."""
    dropout: float = 0.2
    loss_weights: tuple[float, float] | None = None
    """Of age and gender; None: learned."""

    def __post_init__(self) -> None:
        """Accept lists, as JSON and TOML give them; refuse edges that do not increase."""
        object.__setattr__(self, "edges", tuple(self.edges))
        object.__setattr__(self, "genders", tuple(self.genders))
        if self.loss_weights is not None:
            object.__setattr__(self, "loss_weights", tuple(self.loss_weights))
        if len(self.edges) < 3 or any(b <= a for a, b in zip(self.edges, self.edges[1:], strict=False)):
            raise ValueError(f"edges of age bins increase and make at least two bins; these are {self.edges}")


class FacesNetwork(nn.Module):
    """A backbone with two heads."""

    def __init__(self, config: FacesConfig, weights: str = RANDOM) -> None:
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
        self.age = nn.Linear(self.backbone.width, len(config.edges) - 1)
        self.gender = nn.Linear(self.backbone.width, 1)
        self.log_variance = nn.Parameter(torch.zeros(2), requires_grad=config.loss_weights is None)
        self.tasks: Mapping[str, Task] = {
            "age": Task(kind=TaskKind.REGRESSION, unit="years"),
            "gender": Task(kind=TaskKind.BINARY, classes=config.genders),
        }
        edges = torch.tensor(config.edges, dtype=torch.float32)
        self.register_buffer("first", edges[:-1], persistent=False)  # (B,) first completed year of each bin
        self.register_buffer("years", edges[1:] - edges[:-1], persistent=False)  # (B,) number of years in it
        self.register_buffer(
            "centre", (edges[:-1] + edges[1:] - 1) / 2, persistent=False
        )  # (B,) mean of them

    def features(self, images: Tensor) -> Tensor:
        """(n, 3, size, size), normalised -> (n, width)."""
        return self.backbone(images)

    def forward(self, images: Tensor) -> dict[str, Tensor]:
        """(n, 3, size, size), normalised -> "age".

        (n, B) logits; "gender": (n,) logit of the second gender.
        """
        features = self.dropout(self.norm(self.features(images)))
        return {"age": self.age(features), "gender": self.gender(features)[:, 0]}

    def scores(self, raw: Mapping[str, Tensor]) -> dict[str, Tensor]:
        """Logits -> (n,) "age" in years, (n,) "age_spread" in years, (n,) "gender" probability."""
        age, spread = self.expected(raw["age"])
        return {"age": age, "age_spread": spread, "gender": torch.sigmoid(raw["gender"])}

    def expected(self, logits: Tensor) -> tuple[Tensor, Tensor]:
        """Mean and standard deviation of the bins' centres under the predicted distribution.

        Args:
            logits: (n, B).

        Returns:
            (n,) years and (n,) years.
        """
        p = torch.softmax(logits, 1)  # (n, B)
        centre = self.centre.to(p.dtype)
        mean = p @ centre
        variance = (p * (centre[None] - mean[:, None]) ** 2).sum(1)
        return mean, variance.sqrt()

    def row_loss(self, raw: Mapping[str, Tensor], output: str, target: Tensor) -> Tensor:
        """(n,) half squared error in years² for age (target.

        Years); cross-entropy for gender (target: 0/1).
        """
        if output == "age":
            return (self.expected(raw["age"])[0] - target.float()) ** 2 / 2
        return functional.binary_cross_entropy_with_logits(raw["gender"], target.float(), reduction="none")

    def losses(self, raw: Mapping[str, Tensor], age: Tensor, gender: Tensor) -> tuple[Tensor, Tensor]:
        """Mean negative log-likelihoods of what is known.

        Args:
            raw: logits.
            age: (n, 2) first and last completed year of the truth; NaN where unknown.
            gender: (n,) 0/1; NaN where unknown.

        Returns:
            Scalars for age and gender; 0 where no row is known.
        """
        known = ~age.isnan().any(1)
        age_loss = _mean(-self.log_likelihood(raw["age"][known], age[known]))
        known = ~gender.isnan()
        gender_loss = functional.binary_cross_entropy_with_logits(
            raw["gender"][known], gender[known], reduction="none"
        )
        return age_loss, _mean(gender_loss)

    def log_likelihood(self, logits: Tensor, age: Tensor) -> Tensor:
        """Log-probability that the age lies in an interval, the years inside a bin being equally likely.

        Args:
            logits: (n, B).
            age: (n, 2) first and last completed year; ages past the last bin count as its last year.

        Returns:
            (n,).
        """
        oldest = self.first[-1] + self.years[-1] - 1
        low, high = age[:, :1].clamp(self.first[0], oldest), age[:, 1:].clamp(self.first[0], oldest)  # (n, 1)
        last = self.first + self.years - 1
        shared = (torch.minimum(high, last) - torch.maximum(low, self.first) + 1).clamp(min=0)  # (n, B) years
        return torch.logsumexp(torch.log_softmax(logits, 1) + torch.log(shared / self.years), 1)

    def combined(self, age_loss: Tensor, gender_loss: Tensor) -> Tensor:
        """The weighted sum.

        Set weights, or exp(-s) L + s / 2 a loss with learned s (log of the noise's variance).
        """
        if self.config.loss_weights is not None:
            return self.config.loss_weights[0] * age_loss + self.config.loss_weights[1] * gender_loss
        both = torch.stack([age_loss, gender_loss])
        return (torch.exp(-self.log_variance) * both + self.log_variance / 2).sum()

    def randomised(self, seed: int) -> FacesNetwork:
        """The same architecture with weights drawn anew; torch's own generator is left as it was."""
        with torch.random.fork_rng(devices=[]):
            torch.manual_seed(seed)
            return FacesNetwork(self.config)


def save(path: Path | str, network: FacesNetwork, card: Mapping[str, Any]) -> Path:
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
    network = stored_network(card, str(weights))
    stored.load_into(network, state, str(weights))
    return ImageModel(network, conditions, device)


def stored_network(card: Mapping[str, Any], place: str) -> FacesNetwork:
    """An empty network of the shape that a card describes."""
    from audit.errors import InputError

    if card.get("model") != KIND:
        raise InputError(place, f'the card says "model": {card.get("model")!r}; {KIND!r} was expected.')
    return FacesNetwork(FacesConfig(**card["config"]))


def _mean(losses: Tensor) -> Tensor:
    """Mean, and a zero that can be differentiated for no rows."""
    return losses.mean() if len(losses) else losses.sum()
