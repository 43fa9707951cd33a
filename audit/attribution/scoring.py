"""Scores of one example with parts hidden: equal versions are scored once, all outputs in the same pass."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.attribution.columns import Columns
from audit.attribution.hiding import Boxes, boxed, masked
from audit.attribution.sampling import Masks
from audit.attribution.segments import Labels, Picture
from audit.attribution.words import Words
from audit.protocols import Model, Perturbable

Array = NDArray[np.float64]
BATCH = 64  # pictures that are composed at once for a model that can't compose them itself
TEXTS = 64  # texts that are handed over at once, of like length: what they are padded to stays short
FEWEST = 8


class PictureScorer:
    """A model's scores of one picture of which parts are hidden."""

    def __init__(
        self, model: Model, columns: Columns, picture: Picture, fill: Picture, labels: Labels
    ) -> None:
        """Prepare one picture.

        Args:
            model: of images.
            columns: what of its outputs is wanted.
            picture: (H, W, 3) uint8.
            fill: (H, W, 3) uint8, what is seen where it is hidden.
            labels: (H, W) superpixels.
        """
        self.model, self.columns = model, columns
        self.picture, self.fill, self.labels = picture, fill, labels
        self.passes = 0
        """Pictures that the model has scored."""
        self._known: dict[bytes, Array] = {}

    def masked(self, masks: Masks) -> Array:
        """(n, K) scores with the superpixels hidden that (n, S) masks do not show."""
        names = [row.tobytes() for row in np.packbits(masks, axis=1)]
        new = _first_places(names, self._known)
        if new:
            for i, row in zip(new, self._masked(masks[new]), strict=True):
                self._known[names[i]] = row
        return np.stack([self._known[name] for name in names])

    def _masked(self, masks: Masks) -> Array:
        self.passes += len(masks)
        if isinstance(self.model, Perturbable):
            return self.columns.of(self.model.predict_masked(self.picture, self.fill, self.labels, masks))
        parts = [
            self._predict(masked(self.picture, self.fill, self.labels, masks[at : at + BATCH]))
            for at in range(0, len(masks), BATCH)
        ]
        return np.concatenate(parts)

    def boxed(self, boxes: Boxes, masks: Masks) -> Array:
        """(n, K) scores with all hidden but the boxes that (n, B) masks show."""
        self.passes += len(masks)
        if isinstance(self.model, Perturbable):
            return self.columns.of(self.model.predict_boxed(self.picture, self.fill, boxes, masks))
        parts = [
            self._predict(boxed(self.picture, self.fill, boxes, masks[at : at + BATCH]))
            for at in range(0, len(masks), BATCH)
        ]
        return np.concatenate(parts)

    def _predict(self, pictures: Sequence[Any] | NDArray[np.uint8]) -> Array:
        return self.columns.of(self.model.predict(list(pictures)))


class TextScorer:
    """A model's scores of one text of which words are hidden."""

    def __init__(self, model: Model, columns: Columns, words: Words) -> None:
        """Prepare one text.

        Args:
            model: of texts.
            columns: what of its outputs is wanted.
            words: the text, cut into words.
        """
        self.model, self.columns, self.words = model, columns, words
        self.passes = 0
        """Texts that the model has scored."""
        self._known: dict[str, Array] = {}

    def masked(self, masks: Masks) -> Array:
        """(n, K) scores with the words hidden that (n, F) masks do not show.

        Different masks can leave equal texts. Texts of like length go together, the longest first.
        """
        texts = self.words.texts(masks)
        new = sorted(_first_places(texts, self._known), key=lambda i: -len(texts[i]))
        self.passes += len(new)
        size = min(TEXTS, max(FEWEST, len(new) // 8))
        for at in range(0, len(new), size):
            chosen = [texts[i] for i in new[at : at + size]]
            for text, row in zip(chosen, self.columns.of(self.model.predict(chosen)), strict=True):
                self._known[text] = row
        return np.stack([self._known[text] for text in texts])


def _first_places(names: Sequence[Any], known: Mapping[Any, Any]) -> list[int]:
    """Places where a name stands for the first time, of those that are not known yet."""
    first: dict[Any, int] = {}
    for i, name in enumerate(names):
        if name not in known:
            first.setdefault(name, i)
    return list(first.values())
