"""A model's own attributions, brought to the features that LIME and SHAP weigh."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Protocol, runtime_checkable

import numpy as np
from numpy.typing import NDArray

from audit.attribution.columns import Columns
from audit.attribution.segments import Labels, by_segment
from audit.attribution.words import Words
from audit.errors import InputError
from audit.protocols import Explains, Spans

Array = NDArray[np.float64]
PICTURE_METHODS = ("grad_cam", "integrated_gradients")
TEXT_METHODS = ("integrated_gradients", "gradient_x_input")


@runtime_checkable
class _ExplainsTexts(Explains, Spans, Protocol):
    """Attributions of tokens whose places in the text are known."""


def explains(model: Any, kind: str) -> bool:
    """Whether a model has attributions that can be brought to superpixels or words."""
    return isinstance(model, Explains if kind == "image" else _ExplainsTexts)


def picture_gradients(
    model: Any, columns: Columns, pictures: Sequence[NDArray[np.uint8]], labels: Sequence[Labels], method: str
) -> list[Array]:
    """Attributions of pictures, summed over superpixels.

    Args:
        model: offers `Explains`.
        columns: whose scores are explained.
        pictures: n of them.
        labels: superpixels of each.
        method: one that the model knows.

    Returns:
        n arrays (S, K).
    """
    every = []
    for name in columns.names:
        maps = model.explain(pictures, name, method)
        every.append([_flat(values, cut) for values, cut in zip(maps, labels, strict=True)])
    return [
        by_segment(np.stack([column[i] for column in every], axis=1), labels[i]) for i in range(len(pictures))
    ]


def text_gradients(model: Any, columns: Columns, words: Sequence[Words], method: str) -> list[Array]:
    """Attributions of texts, summed over the tokens that a word covers.

    Args:
        model: offers `Explains` and `Spans`.
        columns: whose scores are explained.
        words: n texts cut into words.
        method: one that the model knows.

    Returns:
        n arrays (F, K); words that the model cuts off have 0.
    """
    texts = [cut.text for cut in words]
    spans = model.spans(texts)
    found = [np.zeros((cut.n, columns.k)) for cut in words]
    for column, name in enumerate(columns.names):
        for i, values in enumerate(model.explain(texts, name, method)):
            found[i][:, column] = words[i].by_feature(over_words(values, spans[i], words[i].spans))
    return found


def over_words(values: Array, tokens: Sequence[tuple[int, int]], words: Sequence[tuple[int, int]]) -> Array:
    """Sums of token values over words.

    Args:
        values: (T,) of the tokens.
        tokens: (T,) first character and one past the last of each; empty ones stand for no text.
        words: (P,) likewise, in the order of the text.

    Returns:
        (P,) a token counts for the word in which it begins; for none, where it begins between words.
    """
    if len(values) != len(tokens):
        raise InputError("attributions", f"{len(values)} values for {len(tokens)} tokens.")
    sums = np.zeros(len(words))
    if not words or not len(values):
        return sums
    starts = np.array([start for start, _ in words])
    ends = np.array([end for _, end in words])
    first, last = np.array(tokens, dtype=np.int64).reshape(-1, 2).T
    word = np.searchsorted(starts, first, side="right") - 1
    inside = (last > first) & (word >= 0) & (first < ends[np.maximum(word, 0)])
    np.add.at(sums, word[inside], np.asarray(values, dtype=np.float64)[inside])
    return sums


def _flat(values: Array, labels: Labels) -> Array:
    """(H, W) or (H, W, C) -> (H * W,)."""
    values = np.asarray(values, dtype=np.float64)
    if values.shape[:2] != labels.shape:
        raise InputError("attributions", f"shape {values.shape} for a picture of {labels.shape}.")
    return (values if values.ndim == 2 else values.sum(axis=2)).ravel()
