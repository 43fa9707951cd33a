"""Six labels in one pass: an encoder, two ways of pooling its tokens, one linear layer.

The mean says what a comment is about, the maximum says that somewhere in it there is one bad word; a rare
label such as a threat needs the second. Both look at real tokens only.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import torch
from torch import Tensor, nn

from audit.errors import InputError
from models.text_backbone import Transformer, from_config
from models.text_bilstm import BiLSTM, BiLSTMConfig

DROPOUT = 0.1


class TextNetwork(nn.Module):
    """(n, T) token numbers and mask -> (n, L) logits."""

    def __init__(self, encoder: Transformer | BiLSTM, labels: Sequence[str]) -> None:
        super().__init__()
        self.encoder, self.labels = encoder, tuple(labels)
        self.width = 2 * encoder.width
        self.dropout = nn.Dropout(DROPOUT)
        self.head = nn.Linear(self.width, len(labels))
        nn.init.normal_(self.head.weight, std=0.02)

    def forward(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(n, T) and (n, T) -> (n, L)."""
        return self.from_embeddings(self.encoder.embeddings(ids), mask)

    def from_embeddings(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """(n, T, D) token embeddings and (n, T) mask -> (n, L): where gradients are taken."""
        return self.head(self.dropout(self.pool(self.encoder.encode(embedded, mask), mask)))

    def features(self, ids: Tensor, mask: Tensor) -> Tensor:
        """(n, T) and (n, T) -> (n, width): what the last layer reads."""
        return self.pool(self.encoder.encode(self.encoder.embeddings(ids), mask), mask)

    def pool(self, tokens: Tensor, mask: Tensor) -> Tensor:
        """(n, T, W) and (n, T) -> (n, 2 W): mean and maximum over the tokens of each text."""
        real = mask.unsqueeze(-1).bool()  # (n, T, 1)
        mean = tokens.masked_fill(~real, 0).sum(1) / real.sum(1).clamp(min=1)
        most = tokens.masked_fill(~real, -math.inf).amax(1)
        return torch.cat([mean, most], 1)

    def start_at(self, rates: Sequence[float]) -> None:
        """Let an untrained head answer with each label's rate.

        Without it the first steps only teach that most comments are fine, and a rare label drowns in that.
        """
        with torch.no_grad():
            clipped = [min(max(rate, 1e-4), 1 - 1e-4) for rate in rates]
            self.head.bias.copy_(torch.tensor([math.log(rate / (1 - rate)) for rate in clipped]))

    def card(self) -> dict[str, Any]:
        """JSON values that rebuild it, without its weights."""
        return {"encoder": self.encoder.card(), "labels": list(self.labels)}


def from_card(card: dict[str, Any]) -> TextNetwork:
    """An untrained network from `TextNetwork.card`.

    Raises:
        InputError: the card names no encoder that is known here.
    """
    encoder = card["encoder"]
    if encoder["type"] == "bilstm":
        return TextNetwork(BiLSTM(BiLSTMConfig(**encoder["config"])), card["labels"])
    if encoder["type"] == "transformer":
        return TextNetwork(from_config(encoder["config"]), card["labels"])
    raise InputError("encoder", f"is bilstm or transformer; the card says {encoder['type']!r}.")
