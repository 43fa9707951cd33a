"""One audited row ready to be explained: a picture with its superpixels or a text with its words."""

from __future__ import annotations

from dataclasses import dataclass, replace
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.attribution.columns import Columns
from audit.attribution.columns import columns as columns_of
from audit.attribution.hiding import hidden
from audit.attribution.maps import pixel_map
from audit.attribution.methods import MethodSettings
from audit.attribution.scoring import PictureScorer, TextScorer
from audit.attribution.segments import Labels, Picture, by_segment, segments
from audit.attribution.words import Words, cut
from audit.core import TaskKind
from audit.protocols import Model
from audit.spec import AttributionSpec

Array = NDArray[np.float64]
LONGEST = 448
"""Pixels of the longer side above which a picture is reduced before it is explained."""


@dataclass(frozen=True, kw_only=True)
class Subject:
    """What is explained, and by which columns."""

    columns: Columns
    """One a yes/no output, number or label; of a many-class output the predicted class."""
    scorer: PictureScorer | TextScorer
    reduced: bool = False

    @property
    def features(self) -> int:
        """Superpixels or words."""
        if isinstance(self.scorer, PictureScorer):
            return int(self.scorer.labels.max()) + 1
        return self.scorer.words.n

    def masked(self, masks: NDArray[np.bool_]) -> Array:
        """(n, K) scores with features hidden."""
        return self.scorer.masked(masks)

    def by_feature(self, weights: Array) -> Array:
        """Weights of pixels -> of superpixels; others as they are."""
        if isinstance(self.scorer, PictureScorer) and len(weights) != self.features:
            return by_segment(weights, self.scorer.labels)
        return weights

    def density(self, weights: Array) -> Array:
        """(H, W) map of one column of a picture; (F,) or (H * W,) weights."""
        assert isinstance(self.scorer, PictureScorer)
        labels = self.scorer.labels if len(weights) == self.features else None
        return pixel_map(weights, labels, self.scorer.labels.shape)

    @property
    def labels(self) -> Labels:
        """Superpixels of a picture."""
        assert isinstance(self.scorer, PictureScorer)
        return self.scorer.labels

    @property
    def words(self) -> Words:
        """Words of a text."""
        assert isinstance(self.scorer, TextScorer)
        return self.scorer.words


def subject(model: Model, payload: Any, spec: AttributionSpec) -> Subject:
    """Prepare one row.

    Args:
        model: the audited model.
        payload: (H, W, 3) uint8 or a string.
        spec: superpixels, colour and way of hiding.
    """
    reduced = False
    if model.payload == "image":
        payload, reduced = _reduced(payload)
    every = columns_of(model.tasks)
    chosen = every.only(_wanted(model, every, payload))
    if model.payload == "text":
        return Subject(columns=chosen, scorer=TextScorer(model, chosen, cut(payload, hide=spec.hide)))  # type: ignore[arg-type]
    labels = segments(payload, spec.superpixels)  # type: ignore[arg-type]
    fill = hidden(payload, spec.colour, labels)  # type: ignore[arg-type]
    return Subject(
        columns=chosen, scorer=PictureScorer(model, chosen, payload, fill, labels), reduced=reduced
    )


def again(given: Subject, model: Model) -> Subject:
    """The same row and columns with another model."""
    scorer = given.scorer
    if isinstance(scorer, TextScorer):
        return Subject(columns=given.columns, scorer=TextScorer(model, given.columns, scorer.words))
    other = PictureScorer(model, given.columns, scorer.picture, scorer.fill, scorer.labels)
    return Subject(columns=given.columns, scorer=other, reduced=given.reduced)


def engine_settings(settings: MethodSettings, method: str, engine: str) -> MethodSettings:
    """The settings with the library of the method's name, where libraries were asked for."""
    return replace(settings, engine=method) if engine == "library" else settings  # type: ignore[arg-type]


def _wanted(model: Model, every: Columns, payload: Any) -> list[str]:
    scores = every.of(model.predict([payload]))[0]
    wanted: list[str] = []
    for output, task in model.tasks.items():
        mine = [i for i, name in enumerate(every.outputs) if name == output]
        if task.kind is TaskKind.MULTICLASS:
            mine = [mine[int(np.argmax(scores[mine]))]]
        wanted += [every.names[i] for i in mine]
    return wanted


def _reduced(picture: Picture) -> tuple[Picture, bool]:
    longer = max(picture.shape[:2])
    if longer <= LONGEST:
        return picture, False
    from PIL import Image

    height, width = (max(1, round(side * LONGEST / longer)) for side in picture.shape[:2])
    return np.array(Image.fromarray(picture).resize((width, height), Image.Resampling.BOX)), True
