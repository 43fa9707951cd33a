"""The baseline that needs no pretrained weights: sub-word embeddings and a bidirectional LSTM.

Hochreiter & Schmidhuber (1997), Graves & Schmidhuber (2005). Padding is packed away, so that the backward
direction begins at a text's last token and not at its padding: a text has the same features alone and in
a batch.
"""

from __future__ import annotations

from dataclasses import asdict, dataclass
from typing import Any

import torch
from torch import Tensor, nn
from torch.nn.utils.rnn import pack_padded_sequence, pad_packed_sequence


@dataclass(frozen=True, kw_only=True)
class BiLSTMConfig:
    """Sizes of the encoder."""

    vocabulary: int
    embedding: int = 128
    hidden: int = 128
    """Of each direction."""
    layers: int = 1
    dropout: float = 0.3
    """Of embeddings: with few rows the words themselves are what is learned by heart."""


class BiLSTM(nn.Module):
    """Token embeddings -> features of each token; the same two methods as a transformer in `TextNetwork`."""

    def __init__(self, config: BiLSTMConfig) -> None:
        super().__init__()
        self.config = config
        self.width = 2 * config.hidden
        self.embedding = nn.Embedding(config.vocabulary, config.embedding, padding_idx=0)
        nn.init.normal_(self.embedding.weight, std=0.1)
        with torch.no_grad():
            self.embedding.weight[0].zero_()
        self.dropout = nn.Dropout(config.dropout)
        between = config.dropout if config.layers > 1 else 0.0
        self.lstm = nn.LSTM(
            config.embedding,
            config.hidden,
            config.layers,
            batch_first=True,
            bidirectional=True,
            dropout=between,
        )

    def embeddings(self, ids: Tensor) -> Tensor:
        """(n, T) token numbers -> (n, T, embedding)."""
        return self.embedding(ids)

    def encode(self, embedded: Tensor, mask: Tensor) -> Tensor:
        """(n, T, embedding) and (n, T) mask -> (n, T, 2 · hidden); zero at padding."""
        lengths = mask.sum(1).cpu()  # (n,)
        packed = pack_padded_sequence(self.dropout(embedded), lengths, batch_first=True, enforce_sorted=False)
        out, _ = pad_packed_sequence(self.lstm(packed)[0], batch_first=True, total_length=mask.shape[1])
        return out

    def card(self) -> dict[str, Any]:
        """JSON values that rebuild it."""
        return {"type": "bilstm", "config": asdict(self.config)}
