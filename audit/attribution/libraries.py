"""The `lime` and `shap` libraries behind the same call: they define what is right, and stay selectable."""

from __future__ import annotations

import threading
import warnings
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from typing import Any

import numpy as np
from numpy.typing import NDArray

from audit.attribution.explanation import Explanation
from audit.attribution.local_linear import LimeSettings
from audit.attribution.owen import OwenSettings
from audit.attribution.sampling import Masks
from audit.attribution.scoring import PictureScorer, TextScorer
from audit.attribution.words import TOKEN, Words
from audit.errors import InputError

Array = NDArray[np.float64]
_ONE_AT_A_TIME = threading.Lock()  # both libraries keep state in their modules


def lime_picture(scorer: PictureScorer, settings: LimeSettings) -> Explanation:
    """Explain with `lime.lime_image`: the same superpixels, colours and seed."""
    from lime.lime_image import LimeImageExplainer

    class SameColours(LimeImageExplainer):  # type: ignore[misc]
        def data_labels(self, image: Any, fudged_image: Any, *rest: Any, **named: Any) -> Any:
            return super().data_labels(image, scorer.fill, *rest, **named)

    classify = _classifier(scorer)
    with _quiet():
        found = SameColours(random_state=settings.seed).explain_instance(
            scorer.picture,
            classify,
            labels=range(scorer.columns.k),
            top_labels=None,
            num_features=settings.features or 100_000,
            num_samples=settings.samples,
            batch_size=64,
            segmentation_fn=lambda _: scorer.labels,
            random_seed=settings.seed,
        )
    return _lime(found, scorer, int(scorer.labels.max()) + 1, settings.samples)


def lime_text(scorer: TextScorer, settings: LimeSettings) -> Explanation:
    """Explain with `lime.lime_text`.

    Raises:
        InputError: a way of hiding that the library lacks.
    """
    from lime.lime_text import LimeTextExplainer

    words = scorer.words
    positions = len(words.spans) == words.n
    if words.hide == "ellipsis" or (words.hide == "mask" and not positions):
        raise InputError("hiding words", f"the lime library can't do {words.hide!r} here.")
    token = "" if words.hide == "remove" else words.token or TOKEN
    explainer = LimeTextExplainer(
        bow=not positions, mask_string=token if positions else None, random_state=settings.seed
    )
    found = explainer.explain_instance(
        words.text,
        _classifier(scorer),
        labels=range(scorer.columns.k),
        num_features=settings.features or words.n,
        num_samples=settings.samples,
    )
    return _lime(found, scorer, words.n, settings.samples)


def shap_picture(scorer: PictureScorer, settings: OwenSettings) -> Explanation:
    """Explain with `shap.explainers.Partition` and `shap.maskers.Image`; channels of a pixel are added."""
    shap = shap_library()

    masker = shap.maskers.Image(scorer.fill, scorer.picture.shape)
    explainer = shap.explainers.Partition(_classifier(scorer), masker)
    with _same_ties():
        found = explainer(
            scorer.picture[None], max_evals=settings.evaluations, batch_size=settings.batch, silent=True
        )
    height, width = scorer.picture.shape[:2]
    values = np.asarray(found.values[0]).reshape(height * width, 3, scorer.columns.k).sum(axis=1)
    return _shap(values, found, scorer, settings)


def shap_text(scorer: TextScorer, settings: OwenSettings) -> Explanation:
    """Explain with `shap.explainers.Partition`: words hidden as here, merged as `shap.maskers.Text` does."""
    shap = shap_library()

    explainer = shap.explainers.Partition(_classifier(scorer), _masker(scorer.words))
    with _same_ties():
        found = explainer(
            [scorer.words.text], max_evals=settings.evaluations, batch_size=settings.batch, silent=True
        )
    return _shap(np.asarray(found.values[0]), found, scorer, settings)


def shap_library() -> Any:
    """The `shap` package, imported without the warnings of its plots."""
    with warnings.catch_warnings():
        warnings.simplefilter("ignore", PendingDeprecationWarning)
        import shap
    return shap


def _masker(words: Words) -> Any:
    """A masker that hides words in our way, with shap's own tree of words."""
    partition_tree = shap_library().maskers._text.partition_tree
    edges = [start for start, _ in words.spans] + [words.spans[-1][1]]
    parts = [words.text[a:b].strip() for a, b in zip(edges, edges[1:], strict=False)]

    class Hidden:
        immutable_outputs = True

        def __call__(self, mask: Masks, text: str) -> tuple[NDArray[Any]]:
            return (np.array(words.texts(mask[None])),)

        def shape(self, text: str) -> tuple[int, int]:
            return 1, words.n

        def mask_shapes(self, text: str) -> list[tuple[int]]:
            return [(words.n,)]

        def feature_names(self, text: str) -> list[list[str]]:
            return [list(words.names)]

        def clustering(self, text: str) -> Array:
            tree: Array = partition_tree(parts, [])
            tree[:, 2] = tree[:, 3] / max(tree[:, 3].max(initial=1.0), 1.0)
            return tree

    return Hidden()


def _classifier(scorer: PictureScorer | TextScorer) -> Callable[[Sequence[Any]], Array]:
    def classify(batch: Sequence[Any]) -> Array:
        scorer.passes += len(batch)
        texts = isinstance(scorer, TextScorer)
        return scorer.columns.of(
            scorer.model.predict([str(text) for text in batch] if texts else list(batch))
        )

    return classify


def _lime(found: Any, scorer: PictureScorer | TextScorer, features: int, samples: int) -> Explanation:
    weights = np.zeros((features, scorer.columns.k))
    for column in range(scorer.columns.k):
        for feature, weight in found.local_exp[column]:
            weights[feature, column] = weight
    fit = np.full(scorer.columns.k, np.nan)
    fit[-1] = found.score  # the library keeps the last label's alone
    payload = scorer.picture if isinstance(scorer, PictureScorer) else scorer.words.text
    return Explanation(
        method="lime",
        engine="lime",
        columns=scorer.columns.names,
        weights=weights,
        base=np.array([found.intercept[column] for column in range(scorer.columns.k)]),
        score=scorer.columns.of(scorer.model.predict([payload]))[0],
        samples=samples,
        passes=samples,
        fit=fit,
    )


def _shap(
    values: Array, found: Any, scorer: PictureScorer | TextScorer, settings: OwenSettings
) -> Explanation:
    base = np.asarray(found.base_values[0], dtype=np.float64)
    return Explanation(
        method="shap",
        engine="shap",
        columns=scorer.columns.names,
        weights=values,
        base=base,
        score=base + values.sum(axis=0),
        samples=settings.evaluations,
        passes=settings.evaluations,
    )


@contextmanager
def _quiet() -> Iterator[None]:
    """The lime library draws a progress bar that it has no setting for."""
    import lime.lime_image as module

    with _ONE_AT_A_TIME:
        bar = module.tqdm
        module.tqdm = lambda rows: rows
        try:
            yield
        finally:
            module.tqdm = bar


@contextmanager
def _same_ties() -> Iterator[None]:
    """The shap library breaks ties by numpy's global generator."""
    with _ONE_AT_A_TIME:
        before = np.random.get_state()
        np.random.seed(0)
        try:
            yield
        finally:
            np.random.set_state(before)
