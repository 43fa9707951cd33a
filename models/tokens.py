"""Texts to token numbers and back to characters, by one JSON that travels with the weights.

The tokenizer of a pretrained encoder and the small one that the baseline learns from its training texts
are the same kind of thing here: a `tokenizers.Tokenizer`, as text, inside the card. Nothing else is
needed to read it again.
"""

from __future__ import annotations

import json
from collections.abc import Iterable, Sequence
from typing import Any

import numpy as np
import torch
from numpy.typing import NDArray
from tokenizers import Tokenizer, models, normalizers, pre_tokenizers, processors, trainers
from torch import Tensor

from audit.errors import InputError

PAD, UNKNOWN, START, END = "[PAD]", "[UNK]", "[CLS]", "[SEP]"
CHARACTERS = (
    20  # a text is cut at this many characters a token before it is tokenised: no token of value is longer
)


class Tokens:
    """Turns texts into padded batches."""

    def __init__(self, tokenizer: Tokenizer, length: int, pad: int = 0) -> None:
        """Take a tokenizer over; its own padding and truncation are switched off.

        Args:
            tokenizer: adds its start and end tokens by itself.
            length: tokens kept of a text, start and end included.
            pad: number of the padding token.
        """
        self.tokenizer, self.length, self.pad = tokenizer, length, pad
        tokenizer.no_padding()
        tokenizer.enable_truncation(length)

    @classmethod
    def from_card(cls, card: dict[str, Any], place: str) -> Tokens:
        """Rebuild from `card()`.

        Raises:
            InputError: the card's tokenizer can't be read.
        """
        try:
            tokenizer = Tokenizer.from_str(json.dumps(card["json"]))
            return cls(tokenizer, int(card["length"]), int(card["pad"]))
        except Exception as error:  # the Rust side raises bare Exceptions
            raise InputError(place, f"the tokenizer in the card can't be read ({error}).") from error

    def card(self) -> dict[str, Any]:
        """What `from_card` reads: JSON values."""
        return {"json": json.loads(self.tokenizer.to_str()), "length": self.length, "pad": self.pad}

    @property
    def size(self) -> int:
        """Number of tokens known."""
        return int(self.tokenizer.get_vocab_size())

    def encode(self, texts: Sequence[str]) -> list[list[int]]:
        """Token numbers of each text, at most `length`, at least one."""
        cut = [self._cut(text) for text in texts]
        return [e.ids or [self.pad] for e in self.tokenizer.encode_batch_fast(cut)]

    def spans(self, texts: Sequence[str]) -> list[list[tuple[int, int]]]:
        """(start, end) characters of each token of each text; start and end tokens have (0, 0)."""
        cut = [self._cut(text) for text in texts]
        found = [e.offsets or [(0, 0)] for e in self.tokenizer.encode_batch(cut)]
        return [[_trimmed(text, *span) for span in spans] for text, spans in zip(cut, found, strict=True)]

    def batch(self, rows: Sequence[Sequence[int]]) -> tuple[Tensor, Tensor]:
        """Pad to the longest row.

        Returns:
            (n, T) int64 token numbers and (n, T) int64 mask, 1 for a token, 0 for padding.
        """
        lengths = np.fromiter(map(len, rows), np.int64, len(rows))
        width = int(lengths.max(initial=1))
        mask = np.arange(width) < lengths[:, None]  # (n, T)
        ids = np.full((len(rows), width), self.pad, np.int64)
        ids[mask] = np.fromiter((token for row in rows for token in row), np.int64, int(lengths.sum()))
        return torch.from_numpy(ids), torch.from_numpy(mask.astype(np.int64))

    def _cut(self, text: str) -> str:
        """The part that can matter; half a surrogate pair, which is no character, becomes a question mark."""
        text = text[: self.length * CHARACTERS]
        return text if text.isascii() else text.encode("utf-8", "replace").decode()


def learn(texts: Iterable[str], size: int = 8000) -> Tokenizer:
    """Learn sub-words from texts: lower case, accents kept apart from letters, punctuation by itself.

    Args:
        texts: training texts, and only those.
        size: tokens at most.
    """
    # byte-pair encoding without a prefix: WordPiece's trainer numbers its "##" pieces by chance of the hash
    tokenizer = Tokenizer(models.BPE(unk_token=UNKNOWN))
    tokenizer.normalizer = normalizers.BertNormalizer(lowercase=True, strip_accents=True)
    words = pre_tokenizers.Metaspace(prepend_scheme="always")
    tokenizer.pre_tokenizer = pre_tokenizers.Sequence([words, pre_tokenizers.Punctuation()])
    special = [PAD, UNKNOWN, START, END]
    trainer = trainers.BpeTrainer(
        vocab_size=size, min_frequency=2, limit_alphabet=500, special_tokens=special, show_progress=False
    )
    tokenizer.train_from_iterator(texts, trainer)
    tokenizer.post_processor = processors.TemplateProcessing(
        single=f"{START} $A {END}", special_tokens=[(START, special.index(START)), (END, special.index(END))]
    )
    return tokenizer


def lengths(rows: Sequence[Sequence[int]]) -> NDArray[np.int64]:
    """(n,) tokens in each row."""
    return np.fromiter(map(len, rows), np.int64, len(rows))


def _trimmed(text: str, start: int, end: int) -> tuple[int, int]:
    """A span without the spaces that it begins with."""
    while start < end and text[start].isspace():
        start += 1
    return start, end
